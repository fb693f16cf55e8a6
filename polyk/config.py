"""Settings of the process under Keras's names: default dtypes, epsilon, the layout of images."""

from __future__ import annotations

from polyk import __version__
from polyk.dtype_policies import dtype_policy, set_dtype_policy
from polyk.dtypes import floatx, set_floatx
from polyk.select import chosen_name as backend
from polyk.select import set_backend

__all__ = [
    "backend",
    "dtype_policy",
    "epsilon",
    "floatx",
    "image_data_format",
    "set_backend",
    "set_dtype_policy",
    "set_epsilon",
    "set_floatx",
    "set_image_data_format",
    "version",
]

_LAYOUTS = ("channels_last", "channels_first")
_epsilon = 1e-7
_image_data_format = "channels_last"


def version() -> str:
    """The version of polyk."""
    return __version__


def epsilon() -> float:
    """The small number that keeps losses and metrics away from log 0 and division by 0."""
    return _epsilon


def set_epsilon(value: float) -> None:
    """Make `value` the `epsilon`."""
    global _epsilon
    _epsilon = float(value)


def image_data_format() -> str:
    """The layout of images for layers that are given no `data_format`: "channels_last" at first."""
    return _image_data_format


def set_image_data_format(data_format: str) -> None:
    """Make "channels_last" or "channels_first" the layout of images."""
    global _image_data_format
    if data_format not in _LAYOUTS:
        raise ValueError(f"data_format must be one of {', '.join(_LAYOUTS)}; got {data_format!r}.")
    _image_data_format = data_format
