"""Files that are not what polyk writes: raw ones, and good ones changed and signed anew."""

import json
import struct
import zlib

import polyk
from polyk import layers


def raw(header, data=b""):
    """A safetensors file of any header, sound or not."""
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + data


def entry(shape, start, stop, dtype="F32"):
    return {"dtype": dtype, "shape": shape, "data_offsets": [start, stop]}


def split(content):
    """Header and data of a file."""
    (length,) = struct.unpack("<Q", content[:8])
    return json.loads(content[8 : 8 + length]), content[8 + length :]


def forge(content, edit):
    """`content` after ``edit(document)``, its checksum made right: a liar who knows the format."""
    header, data = split(content)
    document = json.loads(header["__metadata__"]["polyk"])
    edit(document)
    text = json.dumps(document)
    header["__metadata__"] |= {"polyk": text, "crc32": f"{zlib.crc32(text.encode()):08x}"}
    return raw(header, data)


def model(**kwargs):
    """Two layers of different and of equal shapes, compiled."""
    made = polyk.Sequential(
        [layers.Input((4,)), layers.Dense(3, name="enc"), layers.Dense(3, name="dec")], **kwargs
    )
    made.compile("adam", "mse")
    return made
