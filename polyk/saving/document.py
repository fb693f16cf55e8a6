"""What a file says beside its tensors: one JSON document, with a checksum of everything."""

from __future__ import annotations

import warnings
import zlib
from collections.abc import Mapping
from typing import Any

from polyk import __version__, random
from polyk.errors import LoadError, SaveError
from polyk.registry import registered_name
from polyk.saving import strict_json
from polyk.saving.configs import describe, specs_as_data
from polyk.saving.paths import optimizer_paths, weight_paths
from polyk.saving.safetensors import Reader, checksum, encode, numpy_dtype
from polyk.weights import Weight

VERSION = 1
# What a document of this version has, and of which type each part is.
PARTS: dict[str, Any] = {
    "version": int,  # of this format
    "written_by": dict,  # the versions of polyk, the backend and its framework
    "model": (dict, type(None)),  # class_name and config
    "inputs": (list, type(None)),  # shapes and dtypes that a model without Input was built with
    "compile": (dict, type(None)),  # the arguments of compile
    "slots": list,  # for each optimizer, the paths of the weights it has slots for
    "random": dict,  # keys and counters
    "fit": (dict, type(None)),  # epoch, batch, callbacks
    "checksums": dict,  # tensor -> CRC-32
}


def snapshot(
    model: Any, architecture: bool = True, training: bool = True
) -> tuple[dict[str, Any], dict[str, Any]]:
    """The document and the arrays that hold a model now.

    A model whose training cannot be told as data (a lambda for a loss) is saved without it, and a
    warning says so.
    """
    with model._scope():
        weights = built_weights(model)
        settings = compile_settings(model) if training and model.optimizer is not None else None
        if settings is not None:
            weights = weights | optimizer_paths(model)
        document = describe_state(model)
        document["model"] = describe(model) if architecture else None
        document["compile"] = settings
        document["slots"] = [slots(model, model.optimizer)] if settings is not None else []
        return document, {path: on_host(w) for path, w in weights.items()}


def built_weights(model: Any) -> dict[str, Weight]:
    """The weights by path; an error if the model has none yet."""
    weights = weight_paths(model)
    if not model._claimed or any(w.backend is None for w in weights.values()):
        raise SaveError(f"{model.where()} has no weights yet: call it, fit it, or build(shape).")
    return weights


def describe_state(model: Any) -> dict[str, Any]:
    """A document of a model's random state, the other parts empty."""
    return {
        "version": VERSION,
        "written_by": {"polyk": __version__, "backend": model.backend.name},
        "model": None,
        "inputs": specs_as_data(model._input_specs),
        "compile": None,
        "slots": [],
        "random": _random(model),
        "fit": None,
    }


def slots(model: Any, optimizer: Any) -> list[str]:
    """The paths of the weights for which an optimizer has slots, in its order."""
    names = {w: path for path, w in weight_paths(model).items()}
    return [names[w] for w in optimizer.slots if w in names]


def _random(model: Any) -> dict[str, Any]:
    streams = [
        [*g.key, int(g.counter.numpy()) & 0xFFFFFFFF] if g.key else None
        for g in model.seed_generators
    ]
    return {"model": list(model.key), "epochs": model._epochs, "streams": streams}


def on_host(weight: Weight) -> Any:
    """A weight's value as a NumPy array of the weight's own dtype."""
    array = weight.numpy()
    if array.dtype.name == weight.dtype:
        return array
    return array.astype(numpy_dtype(weight.dtype, weight.path))


def compile_settings(model: Any) -> dict[str, Any] | None:
    """The arguments of `compile` as data; None, and a warning, if they cannot be told."""
    objective = model.objective
    given = {
        "optimizer": model.optimizer, "loss": objective.given_loss,
        "loss_weights": objective.loss_weights, "metrics": objective.given_metrics,
        "weighted_metrics": objective.given_weighted,
        "jit_compile": model.jit_compile, "run_eagerly": model.run_eagerly,
        "steps_per_execution": model.steps_per_execution,
    }  # fmt: skip
    try:
        return {key: strict_json.plain(_told(value), key) for key, value in given.items()}
    except ValueError as e:
        warnings.warn(
            f"how {model.name!r} was compiled is not saved: {e}. Compile it when loaded.",
            UserWarning,
            stacklevel=4,
        )
        return None


def _told(value: Any) -> Any:
    if isinstance(value, (list, tuple)):
        return [_told(item) for item in value]
    if isinstance(value, dict):
        return {key: _told(item) for key, item in value.items()}
    if hasattr(value, "get_config") and not isinstance(value, type):
        return {"class_name": registered_name(type(value)), "config": value.get_config()}
    if not callable(value):
        return value
    if value.__name__ == "<lambda>":
        raise ValueError("it holds a lambda")
    return {"class_name": registered_name(value)}


def pieces(document: Mapping[str, Any], arrays: Mapping[str, Any]) -> Any:
    """The content of a file with this document and these arrays."""
    checksums = {name: checksum(array) for name, array in arrays.items()}
    text = strict_json.dumps({**document, "checksums": checksums})
    return encode(arrays, {"format": "polyk", "polyk": text, "crc32": crc(text)})


def crc(text: str) -> str:
    """CRC-32 of a text in eight hex digits."""
    return f"{zlib.crc32(text.encode()):08x}"


def read(file: Reader) -> dict[str, Any] | None:
    """The document of an open file, checked; None for safetensors that polyk did not write."""
    if file.metadata.get("format") != "polyk" and not {"polyk", "crc32"} & set(file.metadata):
        return None
    text = file.metadata.get("polyk", "")
    if file.metadata != {"format": "polyk", "polyk": text, "crc32": crc(text)}:
        raise file.fail("damaged: the checksum of its description is not as written")
    try:
        document = strict_json.loads(text.encode())
    except ValueError as e:
        raise file.fail(f"bad description: {e}") from None
    if not isinstance(document, dict) or type(document.get("version")) is not int:
        raise file.fail("bad description: it has no version")
    if document["version"] != VERSION:
        raise file.fail(
            f"of format {document['version']}; this polyk reads {VERSION}. Install a newer polyk."
        )
    _check_parts(document, file)
    return document


def _check_parts(document: dict[str, Any], file: Reader) -> None:
    if set(document) != set(PARTS):
        raise file.fail(f"bad description: its parts are {sorted(document)}")
    for part, kind in PARTS.items():
        if not isinstance(document[part], kind):
            raise file.fail(f"bad description: {part!r} is {type(document[part]).__name__}")
    if set(document["checksums"]) != set(file.entries):
        raise file.fail("damaged: the tensors are not those whose checksums it holds")


def restore_random(told: dict[str, Any], model: Any, path: object) -> list[Any]:
    """Check `told` against the model; returns what sets it, to be called when all is checked."""
    streams, generators = told.get("streams"), model.seed_generators
    if set(told) != {"model", "epochs", "streams"} or not words(told["model"], 2):
        raise LoadError(path, "bad description: 'random' is not as polyk writes it")
    if not isinstance(streams, list) or len(streams) != len(generators):
        raise LoadError(path, f"the model has {len(generators)} random streams, the file others")
    if not all(s is None or words(s, 3) for s in streams) or not words([told["epochs"]], 1):
        raise LoadError(path, "bad description: 'random' is not as polyk writes it")

    def restore() -> None:
        import numpy as np

        model.key, model._epochs = random.Key(*told["model"]), told["epochs"]
        for generator, stream in zip(generators, streams, strict=True):
            if stream is not None:
                generator.key = random.Key(*stream[:2])
            count = 0 if stream is None else stream[2]
            generator.counter.restore(np.array(count, "uint32").view("int32"), model.backend)

    return [restore]


def words(x: Any, n: int) -> bool:
    """Whether `x` is a list of `n` 32-bit numbers."""
    return isinstance(x, list) and len(x) == n and all(type(i) is int and 0 <= i < 2**32 for i in x)
