"""Images loaded, saved, and changed at random while batches are drawn, as in Keras 2."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from polyk import config, ops
from polyk.select import to_numpy, use
from polyk.utils.directories import SampleDataset
from polyk.utils.images import array_to_img as array_to_img
from polyk.utils.images import img_to_array as img_to_array
from polyk.utils.images import load_img as load_img
from polyk.utils.images import save_img as save_img

__all__ = ["ImageDataGenerator", "array_to_img", "img_to_array", "load_img", "save_img"]


class ImageDataGenerator:
    """Batches of images, each changed at random: turned by up to `rotation_range` degrees, shifted
    by parts of its width and height (or by pixels, from 1 up), skewed by `shear_range` degrees,
    zoomed within ``1 - z`` to ``1 + z`` (or within two bounds), channels shifted, brightened by a
    factor within `brightness_range`, mirrored; then mapped by `preprocessing_function` and
    multiplied by `rescale`.

    `fit(x)` learns what the ``featurewise`` options need. For new code there are
    `polyk.layers.RandomFlip` and its kin, which run inside the model.

    >>> flow = ImageDataGenerator(rotation_range=20, horizontal_flip=True).flow(x, y, batch_size=32)
    >>> model.fit(flow, epochs=3)
    """

    def __init__(
        self,
        featurewise_center: bool = False,
        samplewise_center: bool = False,
        featurewise_std_normalization: bool = False,
        samplewise_std_normalization: bool = False,
        rotation_range: float = 0,
        width_shift_range: float = 0.0,
        height_shift_range: float = 0.0,
        brightness_range: tuple[float, float] | None = None,
        shear_range: float = 0.0,
        zoom_range: Any = 0.0,
        channel_shift_range: float = 0.0,
        fill_mode: str = "nearest",
        cval: float = 0.0,
        horizontal_flip: bool = False,
        vertical_flip: bool = False,
        rescale: float | None = None,
        preprocessing_function: Callable[[Any], Any] | None = None,
        data_format: str | None = None,
        validation_split: float = 0.0,
        dtype: str | None = None,
    ) -> None:
        self.featurewise = featurewise_center, featurewise_std_normalization
        self.samplewise = samplewise_center, samplewise_std_normalization
        self.rotation_range, self.shear_range = rotation_range, shear_range
        self.shifts = height_shift_range, width_shift_range
        z = zoom_range
        self.zoom_range = tuple(z) if isinstance(z, (list, tuple)) else (1 - z, 1 + z)
        self.brightness_range, self.channel_shift_range = brightness_range, channel_shift_range
        self.fill_mode, self.cval = fill_mode, cval
        self.flips = vertical_flip, horizontal_flip
        self.rescale, self.preprocessing_function = rescale, preprocessing_function
        self.first = (data_format or config.image_data_format()) == "channels_first"
        self.validation_split, self.dtype = validation_split, dtype or config.floatx()
        self.mean: Any = None
        self.std: Any = None

    def fit(self, x: Any) -> None:
        """Learn the mean and the deviation of each channel of images `x`."""
        import numpy as np

        x = np.asarray(x, self.dtype)
        axes = (0, 2, 3) if self.first else (0, 1, 2)
        self.mean, self.std = x.mean(axes, keepdims=True)[0], x.std(axes, keepdims=True)[0]

    def standardize(self, x: Any) -> Any:
        """One image mapped, rescaled and brought to mean 0 and variance 1, as far as asked for."""
        x = x if self.preprocessing_function is None else self.preprocessing_function(x)
        x = x if self.rescale is None else x * self.rescale
        if self.samplewise[0]:
            x = x - x.mean()
        if self.samplewise[1]:
            x = x / (x.std() + 1e-6)
        if any(self.featurewise) and self.mean is None:
            raise ValueError("ImageDataGenerator: the featurewise options need fit(x) first.")
        x = x - self.mean if self.featurewise[0] else x
        return x / (self.std + 1e-6) if self.featurewise[1] else x

    def random_transform(self, x: Any, seed: Any = None) -> Any:
        """One image changed at random. `seed` is an int or a NumPy generator."""
        import numpy as np

        rng = np.random.default_rng(seed)
        x = np.moveaxis(x, 0, -1) if self.first else x
        x = self._moved(np.asarray(x, self.dtype), rng)
        for axis, flip in enumerate(self.flips):
            x = np.flip(x, axis) if flip and rng.random() < 0.5 else x
        if self.channel_shift_range:
            size = self.channel_shift_range
            low, high = x.min(), x.max()
            x = np.clip(x + rng.uniform(-size, size, x.shape[-1]), low, high)
        if self.brightness_range is not None:
            x = np.clip(x * rng.uniform(*self.brightness_range), 0, 255)
        return (np.moveaxis(x, -1, 0) if self.first else x).astype(self.dtype)

    def _moved(self, x: Any, rng: Any) -> Any:
        """The image seen through one affine map about its middle."""
        import numpy as np

        turn = math.radians(rng.uniform(-self.rotation_range, self.rotation_range))
        skew = math.radians(rng.uniform(-self.shear_range, self.shear_range))
        rows, columns = rng.uniform(*self.zoom_range, 2)
        down, right = (
            rng.uniform(-s, s) * (n if abs(s) < 1 else 1)
            for s, n in zip(self.shifts, x.shape[:2], strict=True)
        )
        cos, sin = math.cos(turn), math.sin(turn)
        linear = np.array([[cos, -sin], [sin, cos]])
        linear = linear @ [[1, -math.sin(skew)], [0, math.cos(skew)]] @ np.diag([columns, rows])
        if not (down or right) and np.array_equal(linear, np.eye(2)):
            return x
        middle = (np.array(x.shape[1::-1]) - 1) / 2
        end = middle - linear @ middle - [right, down]
        (a0, a1), (b0, b1) = linear
        with use("numpy"):
            matrix = np.array([a0, a1, end[0], b0, b1, end[1], 0, 0])
            return to_numpy(
                ops.image.affine_transform(
                    x, matrix, "bilinear", self.fill_mode, self.cval, "channels_last"
                )
            )

    def flow(
        self,
        x: Any,
        y: Any = None,
        batch_size: int = 32,
        shuffle: bool = True,
        seed: int | None = None,
        subset: str | None = None,
    ) -> SampleDataset:
        """Batches for `fit`: images changed anew each time, with their labels if given.

        With `validation_split` the `subset` "validation" is the first part, "training" the rest.
        """
        import numpy as np

        images = np.asarray(x)
        labels = None if y is None else np.asarray(y)
        cut = int(len(images) * self.validation_split)
        parts = {None: slice(None), "validation": slice(cut), "training": slice(cut, None)}
        if subset not in parts:
            raise ValueError(f"subset must be 'training' or 'validation'; got {subset!r}.")
        rng = np.random.default_rng(seed)

        def load(i: int) -> Any:
            image = images[i].astype(self.dtype)
            return self.standardize(self.random_transform(image, rng)).astype(self.dtype)

        places = np.arange(len(images))[parts[subset]]
        chosen = None if labels is None else labels[places]
        return SampleDataset(load, places, chosen, batch_size, shuffle, seed)
