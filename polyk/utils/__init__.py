"""Helpers: arrays and images made ready, batches packed, data sets of batches, models drawn."""

from polyk.backend import clear_session, is_keras_tensor
from polyk.dtypes import standardize as standardize_dtype
from polyk.random import set_random_seed
from polyk.registry import (
    CustomObjectScope,
    custom_object_scope,
    get_custom_objects,
    get_registered_name,
    get_registered_object,
    register_keras_serializable,
)
from polyk.utils.arrays import normalize, pad_sequences, to_categorical
from polyk.utils.directories import image_dataset_from_directory as image_dataset_from_directory
from polyk.utils.directories import split_dataset as split_dataset
from polyk.utils.directories import text_dataset_from_directory as text_dataset_from_directory
from polyk.utils.directories import timeseries_dataset_from_array as timeseries_dataset_from_array
from polyk.utils.images import array_to_img, img_to_array, load_img, save_img
from polyk.utils.packing import pack_x_y_sample_weight, unpack_x_y_sample_weight
from polyk.utils.plotting import model_to_dot, plot_model
from polyk.utils.pydataset import PyDataset, Sequence

__all__ = [
    "CustomObjectScope",
    "PyDataset",
    "Sequence",
    "array_to_img",
    "clear_session",
    "custom_object_scope",
    "get_custom_objects",
    "get_registered_name",
    "get_registered_object",
    "img_to_array",
    "is_keras_tensor",
    "load_img",
    "model_to_dot",
    "normalize",
    "pack_x_y_sample_weight",
    "pad_sequences",
    "plot_model",
    "register_keras_serializable",
    "save_img",
    "set_random_seed",
    "standardize_dtype",
    "to_categorical",
    "unpack_x_y_sample_weight",
    "image_dataset_from_directory",
    "split_dataset",
    "text_dataset_from_directory",
    "timeseries_dataset_from_array",
]
