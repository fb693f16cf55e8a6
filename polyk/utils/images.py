"""Image files to arrays (height, width, channels) and back; the files themselves need Pillow."""

from __future__ import annotations

from typing import Any

from polyk import config
from polyk.errors import MissingFramework, ShapeError

__all__ = ["array_to_img", "img_to_array", "load_img", "save_img"]

_MODES = {"grayscale": "L", "rgb": "RGB", "rgba": "RGBA"}


def _pillow() -> Any:
    try:
        from PIL import Image
    except ImportError as e:
        raise MissingFramework("image files need Pillow.\n  pip install pillow") from e
    return Image


def load_img(
    path: Any,
    color_mode: str = "rgb",
    target_size: tuple[int, int] | None = None,
    interpolation: str = "nearest",
    keep_aspect_ratio: bool = False,
) -> Any:
    """A Pillow image from a file, as "rgb", "rgba" or "grayscale", resized to (height, width).

    With `keep_aspect_ratio` the largest part of the middle that has the target's shape is taken.
    """
    image = _pillow()
    if color_mode not in _MODES:
        raise ValueError(f"color_mode must be one of {', '.join(_MODES)}; got {color_mode!r}.")
    with image.open(path) as opened:
        img = opened.convert(_MODES[color_mode])
    if target_size is None:
        return img
    height, width = target_size
    box = None
    if keep_aspect_ratio:
        w = min(img.width, img.height * width // height)
        h = min(img.height, img.width * height // width)
        left, top = (img.width - w) // 2, (img.height - h) // 2
        box = (left, top, left + w, top + h)
    return img.resize((width, height), image.Resampling[interpolation.upper()], box)


def img_to_array(img: Any, data_format: str | None = None, dtype: Any = None) -> Any:
    """A Pillow image as an array (height, width, channels) in floatx."""
    import numpy as np

    x = np.asarray(img, dtype or config.floatx())
    x = x[..., None] if x.ndim == 2 else x
    if x.ndim != 3:
        raise ShapeError(f"an image has two or three axes; got shape {x.shape}.")
    first = (data_format or config.image_data_format()) == "channels_first"
    return np.moveaxis(x, -1, 0) if first else x


def array_to_img(
    x: Any, data_format: str | None = None, scale: bool = True, dtype: Any = None
) -> Any:
    """An array (height, width, 1, 3 or 4) as a Pillow image; `scale` stretches it to 0..255."""
    import numpy as np

    x = np.asarray(x, dtype or config.floatx())
    if x.ndim != 3:
        raise ShapeError(f"an image has the axes (height, width, channels); got shape {x.shape}.")
    if (data_format or config.image_data_format()) == "channels_first":
        x = np.moveaxis(x, 0, -1)
    if scale:
        x = x - x.min()
        x = x * (255 / (x.max() or 1))
    if x.shape[-1] not in (1, 3, 4):
        raise ShapeError(f"an image has 1, 3 or 4 channels; got {x.shape[-1]}.")
    return _pillow().fromarray((x[..., 0] if x.shape[-1] == 1 else x).astype("uint8"))


def save_img(
    path: Any, x: Any, data_format: str | None = None, file_format: str | None = None,
    scale: bool = True, **kwargs: Any,
) -> None:  # fmt: skip
    """Write an array (height, width, channels) as an image file, of the kind of its name."""
    img = array_to_img(x, data_format, scale)
    if img.mode == "RGBA" and str(file_format or path).lower().endswith(("jpg", "jpeg")):
        img = img.convert("RGB")
    img.save(path, format=file_format, **kwargs)
