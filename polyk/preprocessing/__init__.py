"""The functions that Keras 2 keeps under ``keras.preprocessing``."""

from polyk.preprocessing import image as image
from polyk.preprocessing import sequence as sequence
from polyk.utils.directories import image_dataset_from_directory as image_dataset_from_directory
from polyk.utils.directories import text_dataset_from_directory as text_dataset_from_directory
from polyk.utils.directories import timeseries_dataset_from_array as timeseries_dataset_from_array
