"""Helpers around data: how batches are packed, and data sets made of batches."""

from polyk.utils.packing import pack_x_y_sample_weight as pack_x_y_sample_weight
from polyk.utils.packing import unpack_x_y_sample_weight as unpack_x_y_sample_weight
from polyk.utils.pydataset import PyDataset as PyDataset
from polyk.utils.pydataset import Sequence as Sequence

__all__ = ["PyDataset", "Sequence", "pack_x_y_sample_weight", "unpack_x_y_sample_weight"]
