"""Helpers: arrays and images made ready, batches packed, data sets of batches, models drawn."""

from polyk.utils.arrays import normalize as normalize
from polyk.utils.arrays import pad_sequences as pad_sequences
from polyk.utils.arrays import to_categorical as to_categorical
from polyk.utils.images import array_to_img as array_to_img
from polyk.utils.images import img_to_array as img_to_array
from polyk.utils.images import load_img as load_img
from polyk.utils.images import save_img as save_img
from polyk.utils.packing import pack_x_y_sample_weight as pack_x_y_sample_weight
from polyk.utils.packing import unpack_x_y_sample_weight as unpack_x_y_sample_weight
from polyk.utils.plotting import model_to_dot as model_to_dot
from polyk.utils.plotting import plot_model as plot_model
from polyk.utils.pydataset import PyDataset as PyDataset
from polyk.utils.pydataset import Sequence as Sequence

__all__ = [
    "array_to_img",
    "img_to_array",
    "load_img",
    "model_to_dot",
    "normalize",
    "pad_sequences",
    "plot_model",
    "save_img",
    "to_categorical",
    "PyDataset",
    "Sequence",
    "pack_x_y_sample_weight",
    "unpack_x_y_sample_weight",
]
