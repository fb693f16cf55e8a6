"""JSON as files hold it: written from plain data, read with limits.

Reading refuses duplicate keys, NaN and Infinity, numbers out of range, and text whose size, depth
or number of items is beyond what any model needs, before building anything from it.
"""

from __future__ import annotations

import json
import math
import re
from typing import Any

MAX_SIZE = 64 * 2**20
MAX_DEPTH = 100
MAX_ITEMS = 4 * 10**6
MAX_INT = 2**63

_SPECIAL = {"inf": math.inf, "-inf": -math.inf, "nan": math.nan}
_STRING_OR_BRACKET = re.compile(rb'"(?:[^"\\]|\\.)*+(?:"|\\?\Z)|[\[\]{}]', re.DOTALL)


def loads(text: bytes) -> Any:
    """The data in UTF-8 `text`; a ValueError says what is wrong with it."""
    if len(text) > MAX_SIZE:
        raise ValueError(f"JSON of {len(text):,} bytes; at most {MAX_SIZE:,} are read")
    _check_size(text)
    try:
        return json.loads(
            text.decode("utf-8"),
            object_pairs_hook=_object,
            parse_constant=_constant,
            parse_int=_int,
            parse_float=_float,
        )
    except (UnicodeDecodeError, json.JSONDecodeError) as e:
        raise ValueError(f"not valid JSON: {e}") from None


def _check_size(text: bytes) -> None:
    """Depth and number of items, without building any of it."""
    if text.count(b",") + text.count(b"[") + text.count(b"{") > MAX_ITEMS:
        raise ValueError(f"JSON of more than {MAX_ITEMS:,} items")
    if text.count(b"[") + text.count(b"{") <= MAX_DEPTH:
        return
    depth = 0
    for found in _STRING_OR_BRACKET.finditer(text):
        first = found[0]
        if first in b"[{":
            depth += 1
            if depth > MAX_DEPTH:
                raise ValueError(f"JSON nested deeper than {MAX_DEPTH}")
        elif first in b"]}":
            depth -= 1


def _object(pairs: list[tuple[str, Any]]) -> Any:
    found = dict(pairs)
    if len(found) != len(pairs):
        seen: set[str] = set()
        twice = next(key for key, _ in pairs if key in seen or seen.add(key))  # type: ignore[func-returns-value]
        raise ValueError(f"the key {twice!r} occurs twice")
    special = found.get("float") if len(found) == 1 else None
    return _SPECIAL[special] if isinstance(special, str) and special in _SPECIAL else found


def _constant(name: str) -> Any:
    raise ValueError(f"{name} is not a JSON number")


def _int(digits: str) -> int:
    if len(digits) > 20 or not -MAX_INT <= int(digits) < 2 * MAX_INT:
        raise ValueError(f"a number of {len(digits)} digits")
    return int(digits)


def _float(digits: str) -> float:
    number = float(digits)
    if not math.isfinite(number):
        raise ValueError(f"the number {digits[:20]} is out of range")
    return number


def dumps(data: Any, what: str = "data") -> str:
    """Plain `data` as JSON, on one line; a ValueError says what in it is not plain."""
    return json.dumps(plain(data, what), ensure_ascii=False, separators=(",", ":"))


def plain(data: Any, what: str = "data") -> Any:
    """`data` in what JSON has: tuples as lists, NumPy's scalars as Python's, infinities told."""
    if data is None or isinstance(data, (bool, str)):
        return data
    if isinstance(data, (list, tuple)):
        return [plain(item, f"{what}[{i}]") for i, item in enumerate(data)]
    if isinstance(data, dict):
        if not all(isinstance(key, str) for key in data):
            raise ValueError(f"{what} has keys that are not strings: {list(data)[:3]}")
        return {key: plain(item, f"{what}.{key}") for key, item in data.items()}
    if isinstance(data, int):
        return int(data)
    if isinstance(data, float):
        name = "nan" if math.isnan(data) else "inf" if data > 0 else "-inf"
        return float(data) if math.isfinite(data) else {"float": name}
    if hasattr(data, "tolist"):
        return plain(data.tolist(), what)
    raise ValueError(f"{what} is {data!r}, which cannot be told as data")
