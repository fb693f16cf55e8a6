"""Data sets of samples that are loaded batch by batch: files in folders, windows of a series."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from polyk.utils.pydataset import PyDataset

__all__ = [
    "SampleDataset", "image_dataset_from_directory", "split_dataset",
    "text_dataset_from_directory", "timeseries_dataset_from_array",
]  # fmt: skip

_IMAGES = (".bmp", ".gif", ".jpeg", ".jpg", ".png")


class SampleDataset(PyDataset):
    """Batches of samples: `load(place)` gives one, for each of `places`; `labels` go with them.

    Batches are NumPy arrays, x or (x, y). With `shuffle` each epoch has another order.
    """

    def __init__(
        self,
        load: Callable[[Any], Any],
        places: Any,
        labels: Any = None,
        batch_size: int | None = 32,
        shuffle: bool = False,
        seed: int | None = None,
        **kwargs: Any,
    ) -> None:
        import numpy as np

        super().__init__(**kwargs)
        self.load, self.places, self.labels = load, places, labels
        self.batch_size, self.shuffle = batch_size, shuffle
        self.class_names: list[str] = []
        self.file_paths: list[str] = []
        self._random = np.random.default_rng(seed)
        self._order = np.arange(len(places))
        self.on_epoch_end()

    def __len__(self) -> int:
        return math.ceil(len(self.places) / (self.batch_size or 1))

    def __getitem__(self, index: int) -> Any:
        import numpy as np

        if not 0 <= index < len(self):
            raise IndexError(f"batch {index} of {len(self)}")
        size = self.batch_size or 1
        chosen = self._order[index * size : (index + 1) * size]
        x = np.stack([self.load(self.places[i]) for i in chosen])
        y = None if self.labels is None else self.labels[chosen]
        if self.batch_size is None:
            x, y = x[0], None if y is None else y[0]
        return x if y is None else (x, y)

    def on_epoch_end(self) -> None:
        if self.shuffle:
            self._random.shuffle(self._order)


def _files(directory: Any, kinds: Sequence[str], links: bool) -> list[str]:
    """The files below a folder, in order."""
    found = [
        os.path.join(root, name)
        for root, _, names in os.walk(directory, followlinks=links)
        for name in names
        if name.lower().endswith(tuple(kinds))
    ]
    return sorted(found)


def _classes(directory: Any, given: Sequence[str] | None) -> list[str]:
    found = sorted(p.name for p in Path(directory).iterdir() if p.is_dir())
    if given is not None and sorted(given) != found:
        raise ValueError(f"class_names must be the folders of {directory}: {found}; got {given}.")
    return list(given or found)


def _labelled(
    directory: Any, labels: Any, names: Sequence[str] | None, kinds: Sequence[str], links: bool
) -> tuple[list[str], Any, list[str]]:
    """The files, their class numbers (None: none) and the names of the classes."""
    import numpy as np

    if labels == "inferred":
        classes = _classes(directory, names)
        by_class = [_files(Path(directory) / name, kinds, links) for name in classes]
        numbers = [i for i, files in enumerate(by_class) for _ in files]
        paths = [p for files in by_class for p in files]
        found: Any = np.array(numbers, np.int32)
    else:
        paths, classes = _files(directory, kinds, links), []
        found = None if labels is None else np.asarray(labels, np.int32)
        if found is not None:
            classes = [str(c) for c in sorted(set(found.tolist()))]
    if not paths or (found is not None and len(found) != len(paths)):
        count = "" if found is None else f" and {len(found)} labels"
        raise ValueError(f"{directory}: {len(paths)} files ({', '.join(kinds)}){count}.")
    return paths, found, classes


def _encoded(numbers: Any, mode: str | None, classes: int) -> Any:
    """Class numbers in the form that `label_mode` asks for."""
    import numpy as np

    forms: dict[Any, Callable[[], Any]] = {
        None: lambda: None,
        "int": lambda: numbers,
        "categorical": lambda: np.eye(classes, dtype=np.float32)[numbers],
        "binary": lambda: numbers[:, None].astype(np.float32),
    }
    if mode not in forms or (mode == "binary" and classes != 2):
        raise ValueError(f"label_mode must be 'int', 'categorical', None, or for two classes "
                         f"'binary'; got {mode!r} for {classes} classes.")  # fmt: skip
    return None if numbers is None else forms[mode]()


def _part(count: int, validation_split: float | None, subset: str | None) -> Any:
    """Which samples belong to "training", "validation", or (a list) "both"."""
    if (validation_split is None) != (subset is None):
        raise ValueError("give both validation_split and subset, or neither.")
    cut = count - int((validation_split or 0.0) * count)
    parts = {None: slice(None), "training": slice(cut), "validation": slice(cut, None)}
    if subset != "both" and subset not in parts:
        raise ValueError(f"subset must be 'training', 'validation' or 'both'; got {subset!r}.")
    return [parts["training"], parts["validation"]] if subset == "both" else [parts[subset]]


def _from_directory(
    load: Callable[[str], Any], kinds: Sequence[str], directory: Any, labels: Any, label_mode: Any,
    class_names: Any, batch_size: Any, shuffle: bool, seed: Any, validation_split: Any,
    subset: Any, follow_links: bool,
) -> Any:  # fmt: skip
    import numpy as np

    if validation_split is not None and shuffle and seed is None:
        raise ValueError("validation_split needs a seed (or shuffle=False), so that the two "
                         "parts are of one order and share no file.")  # fmt: skip
    paths, numbers, classes = _labelled(directory, labels, class_names, kinds, follow_links)
    encoded = _encoded(numbers, label_mode, len(classes))
    order = np.arange(len(paths))
    if shuffle:
        np.random.default_rng(seed).shuffle(order)
    made = []
    for part in _part(len(paths), validation_split, subset):
        chosen = [paths[i] for i in order[part]]
        y = None if encoded is None else encoded[order[part]]
        data = SampleDataset(load, chosen, y, batch_size, shuffle, seed)
        data.class_names, data.file_paths = classes, chosen
        made.append(data)
    return made[0] if len(made) == 1 else made


def image_dataset_from_directory(
    directory: Any, labels: Any = "inferred", label_mode: str | None = "int",
    class_names: Sequence[str] | None = None, color_mode: str = "rgb",
    batch_size: int | None = 32, image_size: tuple[int, int] = (256, 256), shuffle: bool = True,
    seed: int | None = None, validation_split: float | None = None, subset: str | None = None,
    interpolation: str = "bilinear", follow_links: bool = False,
    crop_to_aspect_ratio: bool = False, data_format: str | None = None,
) -> Any:  # fmt: skip
    """A `SampleDataset` of the images below a folder, (N, height, width, channels) of floats.

    Each class has a folder of its own, unless `labels` are given (a list in the order of the sorted
    file names) or None. `label_mode` is "int", "categorical", "binary" or None; `subset` is
    "training", "validation" or "both" (a list of two). Needs Pillow.
    """
    from polyk.utils.images import img_to_array, load_img

    def load(path: str) -> Any:
        img = load_img(path, color_mode, image_size, interpolation, crop_to_aspect_ratio)
        return img_to_array(img, data_format)

    return _from_directory(load, _IMAGES, directory, labels, label_mode, class_names, batch_size,
                           shuffle, seed, validation_split, subset, follow_links)  # fmt: skip


def text_dataset_from_directory(
    directory: Any, labels: Any = "inferred", label_mode: str | None = "int",
    class_names: Sequence[str] | None = None, batch_size: int | None = 32,
    max_length: int | None = None, shuffle: bool = True, seed: int | None = None,
    validation_split: float | None = None, subset: str | None = None, follow_links: bool = False,
) -> Any:  # fmt: skip
    """A `SampleDataset` of the ``.txt`` files below a folder, as strings (N,) of at most
    `max_length` characters; the other arguments as in `image_dataset_from_directory`."""

    def load(path: str) -> str:
        return Path(path).read_text(encoding="utf-8")[:max_length]

    return _from_directory(load, (".txt",), directory, labels, label_mode, class_names, batch_size,
                           shuffle, seed, validation_split, subset, follow_links)  # fmt: skip


def timeseries_dataset_from_array(
    data: Any, targets: Any, sequence_length: int, sequence_stride: int = 1,
    sampling_rate: int = 1, batch_size: int | None = 128, shuffle: bool = False,
    seed: int | None = None, start_index: int | None = None, end_index: int | None = None,
) -> SampleDataset:  # fmt: skip
    """A `SampleDataset` of windows of a series: (T, ...) to (N, sequence_length, ...).

    Windows begin `sequence_stride` apart and take every `sampling_rate`-th step; ``targets[i]``,
    if there are targets, is that of the window that begins at step i.
    """
    import numpy as np

    if min(sequence_length, sequence_stride, sampling_rate) < 1:
        raise ValueError(f"sequence_length, sequence_stride and sampling_rate must be positive; "
                         f"got {sequence_length}, {sequence_stride} and "
                         f"{sampling_rate}.")  # fmt: skip
    series = np.asarray(data)[start_index:end_index]
    wanted = None if targets is None else np.asarray(targets)[start_index:end_index]
    starts = len(series) - (sequence_length - 1) * sampling_rate
    starts = starts if wanted is None else min(starts, len(wanted))
    places = np.arange(0, max(starts, 0), sequence_stride)

    def load(start: int) -> Any:
        return series[start : start + sequence_length * sampling_rate : sampling_rate]

    labels = None if wanted is None else wanted[places]
    return SampleDataset(load, places, labels, batch_size, shuffle, seed)


def split_dataset(
    dataset: Any, left_size: float | None = None, right_size: float | None = None,
    shuffle: bool = False, seed: int | None = None,
) -> tuple[SampleDataset, SampleDataset]:  # fmt: skip
    """Arrays, or a tuple or list of arrays of one length, as two data sets of single samples.

    Sizes are numbers of samples, or shares if they are floats.
    """
    import numpy as np

    tuples = isinstance(dataset, tuple)
    parts = [np.asarray(a) for a in dataset] if tuples else [np.asarray(dataset)]
    count = len(parts[0])
    left, right = (
        n if n is None or isinstance(n, int) else round(n * count) for n in (left_size, right_size)
    )
    if left is None and right is None:
        raise ValueError("split_dataset: give left_size or right_size.")
    left = count - (right or 0) if left is None else left
    right = count - left if right is None else right
    if min(left, right) < 0 or left + right > count:
        raise ValueError(f"split_dataset: parts of {left} and {right} samples do not fit into "
                         f"{count}.")  # fmt: skip
    order = np.arange(count)
    if shuffle:
        np.random.default_rng(seed).shuffle(order)
    y = parts[1] if len(parts) > 1 else None

    def part(chosen: Any) -> SampleDataset:
        labels = None if y is None else y[chosen]
        return SampleDataset(parts[0].__getitem__, chosen, labels, batch_size=None)

    return part(order[:left]), part(order[left : left + right])
