"""Every public name of Keras: there, there with a difference, or not there and why.

``python tests/keras_names.py > docs/keras-names.md`` writes the table from what is installed.
"""

import importlib
import os
import sys
from itertools import groupby

PARTS = """
keras activations backend callbacks config constraints datasets distillation distribution
dtype_policies export initializers layers losses metrics mixed_precision models ops optimizers
optimizers.schedules preprocessing quantizers random regularizers saving tree utils visualization
wrappers applications
""".split()  # noqa: SIM905

QUANTIZED = "the contract has no quantized arithmetic"
SPMD = "a model lives on one device; the frameworks' own distribution works on exported functions"
COMPLEX = "there is no complex dtype; Fourier transforms take pairs (real, imaginary)"
UNSAFE = "nothing in a file is ever executed, so there is no switch for it"
PRETRAINED = "a pretrained model is a file: `polyk.load_model` opens Keras's"
DOWNLOADS = "nothing is downloaded unasked: `polyk.data` has digits, and MNIST from its files"
GRAPHICS = "the arrays are NumPy's: draw them with matplotlib"
BOXES = "images only: bounding boxes and segmentation masks are not handled"
POLICY = "a policy of several augmentations: compose the random layers"
TRACEBACKS = "errors are not filtered: the note on them says in which layer they arose"
GRAPHS = "internal to Keras: polyk's functions run on values, shapes and graphs alike"
TREES = "JAX and TensorFlow have tree functions; polyk takes nested containers everywhere"
REMAT = "recomputation is an option of the engines' own compilers"
FILES = "`load_model` and `load_weights` validate and report; there is no editor"
EXAMPLE = "a short script does it; see examples/distillation.py"

# part -> names -> why they are not there; * stands for all that are missing.
ABSENT = {
    "keras": {
        "applications": PRETRAINED,
        "datasets": DOWNLOADS,
        "distillation": EXAMPLE,
        "distribution": SPMD,
        "quantizers Quantizer": QUANTIZED,
        "visualization": GRAPHICS,
        "Function Operation StatelessScope SymbolicScope name_scope": GRAPHS,
        "RematScope remat": REMAT,
        "tree": TREES,
        "FloatDTypePolicy": "`DTypePolicy`",
        "wrappers": "scikit-learn's interface is not covered",
    },
    "applications": {"*": PRETRAINED},
    "callbacks": {
        "OrbaxCheckpoint": "`ModelCheckpoint` and `BackupAndRestore` write polyk's format"
    },
    "config": {
        "enable_unsafe_deserialization": UNSAFE,
        "disable_traceback_filtering enable_traceback_filtering is_traceback_filtering_enabled": (
            TRACEBACKS
        ),
        "disable_flash_attention enable_flash_attention is_flash_attention_enabled": (
            "the engine's attention kernel is used where it is right"
        ),
        "disable_interactive_logging enable_interactive_logging is_interactive_logging_enabled": (
            "the progress bar looks at the terminal; `verbose` says otherwise"
        ),
        "is_nnx_enabled": "models are not Flax modules",
        "max_epochs max_steps_per_epoch set_max_epochs set_max_steps_per_epoch": (
            "say it to `fit`: `epochs`, `steps_per_epoch`"
        ),
    },
    "datasets": {"*": DOWNLOADS},
    "distillation": {"*": EXAMPLE},
    "distribution": {"*": SPMD},
    "dtype_policies": {
        "DTypePolicyMap": "give layers their policies when they are made",
        "serialize deserialize": "`get_config` and `from_config`; `dtype_policies.get`",
        "*": QUANTIZED,
    },
    "export": {"ExportArchive": "`model.export`"},
    "layers": {
        "AugMix RandAugment": POLICY,
        "MaxNumBoundingBoxes": BOXES,
        "ContrastLimitedAdaptiveHistogramEqualization": POLICY,
        "MelSpectrogram STFTSpectrogram": "`ops.stft` in a layer of your own",
        "FlaxLayer JaxLayer TorchModuleWrapper": (
            "not there yet; the other way works: docs/inside-frameworks.md"
        ),
        "TFSMLayer": UNSAFE,
        "serialize deserialize": "`get_config` and `from_config`; `layers.get`",
    },
    "ops": {"*": COMPLEX},
    "quantizers": {"*": QUANTIZED},
    "random": {"*": "not there yet"},
    "saving": {
        "KerasFileEditor": FILES,
        "*": "`get_config` and `from_config`; `model.to_json`",
    },
    "preprocessing": {"*": "not there yet"},
    "tree": {"*": TREES},
    "utils": {
        "Config": "a dict",
        "FeatureSpace": "compose the preprocessing layers",
        "Progbar": "rich.progress",
        "bounding_boxes": BOXES,
        "audio_dataset_from_directory": "there is no audio decoder among the dependencies",
        "get_file": DOWNLOADS,
        "get_source_inputs": GRAPHS,
        "enable_interactive_logging disable_interactive_logging is_interactive_logging_enabled": (
            "the progress bar looks at the terminal; `verbose` says otherwise"
        ),
        "serialize_keras_object deserialize_keras_object": (
            "`get_config` and `from_config`; `model.to_json`"
        ),
    },
    "visualization": {"*": GRAPHICS},
    "wrappers": {"*": "scikit-learn's interface is not covered"},
}
# (part, name) -> what is different.
DIFFERENT = {
    ("keras", "device"): "names are those of `polyk.get_backend().devices()`",
    ("config", "set_backend"): "takes effect at once, in all threads",
    ("layers", "BatchNormalization"): "`synchronized` and `renorm` are refused",
    ("layers", "Hashing"): "another hash, so other buckets than Keras's",
    ("layers", "Lambda"): "cannot be loaded from a file",
    ("layers", "Dropout"): "a rate of 1 is refused",
    ("ops", "ctc_decode"): "greedy only",
    ("ops", "vectorize"): "without `signature`",
    ("ops", "segment_sum"): "and its kin: the number of segments must be known",
    ("callbacks", "TensorBoard"): "scalars and histograms; no graph, images or profile",
    ("utils", "clear_session"): "only names begin again: nothing else is global",
}


INTERNAL = ("src", "legacy")  # no part of the public interface


def public(module):
    return sorted(n for n in dir(module) if not n.startswith("_") and n not in INTERNAL)


def module(root, part):
    try:
        return importlib.import_module(root if part == "keras" else f"{root}.{part}")
    except ImportError:
        return None


def reason(part, name):
    """Why a name is not there; None where nobody has said so."""
    for names, why in ABSENT.get(part, {}).items():
        if names == "*" or name in names.split():
            return why
    return None


def rows():
    """(part, name, "present" | "differs" | "absent", remark) for every public name of Keras."""
    for part in PARTS:
        theirs, ours = module("keras", part), module("polyk", part)
        for name in public(theirs) if theirs else ():
            if hasattr(ours, name):
                remark = DIFFERENT.get((part, name))
                yield part, name, "differs" if remark else "present", remark
            else:
                yield part, name, "absent", reason(part, name)


def table():
    """The rows as a page of Markdown."""
    import keras

    lines = [
        f"# The names of Keras {keras.__version__} in polyk",
        "",
        "Written by `python tests/keras_names.py > docs/keras-names.md`.",
    ]
    for part, found in groupby(rows(), key=lambda row: row[0]):
        found = list(found)
        here = [row for row in found if row[2] != "absent"]
        title = "keras" if part == "keras" else f"keras.{part}"
        lines += ["", f"## {title}: {len(here)} of {len(found)}", ""]
        if here:
            lines.append("Present: " + ", ".join(f"`{row[1]}`" for row in here) + ".")
        remarks = [(row[3], row[1], row[2]) for row in found if row[3]]
        if remarks:
            lines += ["", "| name | | |", "|---|---|---|"]
        for (why, kind), group in groupby(sorted(remarks, key=lambda r: (r[2], r[0], r[1])),
                                          key=lambda r: (r[0], r[2])):  # fmt: skip
            lines.append(f"| {', '.join(f'`{g[1]}`' for g in group)} | {kind} | {why} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    os.environ.setdefault("KERAS_BACKEND", "numpy")
    sys.stdout.write(table())
