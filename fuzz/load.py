"""Feed the loader anything: ``pip install atheris; python fuzz/load.py -max_total_time=600``.

A file is refused with a `LoadError` or read; everything else is a find. The first bytes choose
between the reader, JSON, and a description with right checksums in an otherwise good file.
"""

import contextlib
import sys
import tempfile
import zlib
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["polyk.saving", "polyk.registry"]):
    import polyk
    from polyk import layers
    from polyk.errors import LoadError
    from polyk.saving import strict_json
    from polyk.saving.safetensors import Reader, encode

FOLDER = Path(tempfile.mkdtemp())
PATH = FOLDER / "m.polyk"


def good():
    """The header's description and the tensors of a small model's file."""
    model = polyk.Sequential([layers.Input((3,)), layers.Dense(2), layers.Dropout(0.5)])
    model.compile("adam", "mse")
    model.save(PATH)
    with Reader(PATH) as file:
        return file.metadata["polyk"], {name: file.read(name) for name in file.entries}


TEXT, ARRAYS = good()


def described(text):
    """A file with the good tensors and any description, signed."""
    told = {"format": "polyk", "polyk": text, "crc32": f"{zlib.crc32(text.encode()):08x}"}
    return b"".join(map(bytes, encode(ARRAYS, told)))


def one(data):
    provider = atheris.FuzzedDataProvider(data)
    kind = provider.ConsumeIntInRange(0, 2)
    content = provider.ConsumeBytes(10_000)
    if kind == 0:
        with contextlib.suppress(ValueError):
            strict_json.loads(content)
        return
    if kind == 2:
        place = content[:2]
        i = int.from_bytes(place, "little") % len(TEXT)
        new = content[2:].decode("utf-8", "ignore")
        content = described(TEXT[:i] + new + TEXT[i + len(new) :])
    PATH.write_bytes(content)
    with contextlib.suppress(LoadError):
        polyk.load_model(PATH)


if __name__ == "__main__":
    atheris.Setup(sys.argv, one)
    atheris.Fuzz()
