"""A failing case as JSON, to be run again anywhere, and as a few lines to paste."""

import math
from typing import Any

import numpy as np

import polyk
from polyk_conformance.bounded import Bounded
from polyk_conformance.cases.case import Case, arrays_of
from polyk_conformance.report.shrink import shrunk

SMALL = 64  # elements of an array that is still readable in a script


def number(x: float) -> float | str:
    """A float as JSON holds it."""
    return x if math.isfinite(x) else str(x)


def encode(value: Any) -> Any:
    """Arrays, slices and tuples as objects of one key; the rest as it is."""
    if isinstance(value, (np.ndarray, np.generic)):
        values = np.asarray(value)
        flat = [number(v) if isinstance(v, float) else v for v in values.ravel().tolist()]
        return {"array": flat, "dtype": values.dtype.name, "shape": list(values.shape)}
    if isinstance(value, slice):
        return {"slice": [value.start, value.stop, value.step]}
    if isinstance(value, tuple):
        return {"tuple": [encode(v) for v in value]}
    if isinstance(value, list):
        return [encode(v) for v in value]
    if isinstance(value, float):
        return {"float": number(value)}
    if value is Ellipsis:
        return {"ellipsis": True}
    if value is None or isinstance(value, (bool, int, str)):
        return value
    raise TypeError(f"{type(value).__name__} cannot be written down")


def decode(data: Any) -> Any:
    if isinstance(data, list):
        return [decode(v) for v in data]
    if not isinstance(data, dict):
        return data
    if "array" in data:
        flat = [float(v) if isinstance(v, str) else v for v in data["array"]]
        return np.array(flat, data["dtype"]).reshape(data["shape"])
    if "tuple" in data:
        return tuple(decode(v) for v in data["tuple"])
    return slice(*data["slice"]) if "slice" in data else ... if "ellipsis" in data else float(
        data["float"])  # fmt: skip


def written(case: Any, found: dict[str, Any], error: Any) -> dict[str, Any]:
    """The case, made small, as data and as a script; of what only a test can run, its name."""
    if type(case) is Case and found["mode"] in ("eager", "compiled"):
        try:
            case = shrunk(case, error)
            return {"case": as_data(case, found), "script": script(case, found["mode"])}
        except (TypeError, ValueError, AssertionError):
            pass
    return {"case": head(found), "script": None}


def head(found: dict[str, Any]) -> dict[str, Any]:
    return {"schema": "polyk-conformance-case/1", "test": found["test"], "mode": found["mode"],
            "backend": polyk.get_backend().name, "device": found["device"]}  # fmt: skip


def as_data(case: Case, found: dict[str, Any]) -> dict[str, Any]:
    wants = case.want()
    results = [
        {"value": encode(np.asarray(w.v if isinstance(w, Bounded) else w)),
         "error": encode(w.e) if isinstance(w, Bounded) else None, "dtype": d}
        for w, d in zip(wants, case.dtypes(len(wants)), strict=True)
    ]  # fmt: skip
    return {
        **head(found), "op": case.op, "args": encode(case.args),
        "kwargs": {k: encode(v) for k, v in case.kwargs.items()}, "want": results,
    }  # fmt: skip


def literal(value: Any) -> str:
    """Python source of an argument."""
    if isinstance(value, (np.ndarray, np.generic)):
        if np.size(value) > SMALL:
            low, high = (0, 1) if value.dtype.kind in "ub" else (-2, 2)
            return (f"np.random.default_rng(0).uniform({low}, {high}, {value.shape})"
                    f'.astype("{value.dtype.name}")')  # fmt: skip
        return f'np.array({listed(plain(value))}, "{value.dtype.name}")'
    if isinstance(value, (list, tuple)):
        inside = ", ".join(map(literal, value))
        ends = "[]" if isinstance(value, list) else "()"
        return ends[0] + inside + ("," if ends == "()" and len(value) == 1 else "") + ends[1]
    return listed(value)


def plain(values: Any) -> Any:
    """Nested lists of the shortest numbers that give the same values in their dtype."""
    values = np.asarray(values)
    if values.dtype.kind != "f":
        return values.tolist()
    return np.vectorize(lambda v: float(str(v)), otypes=[object])(values).tolist()


def listed(value: Any) -> str:
    return repr(value).replace("nan", "np.nan").replace("inf", "np.inf")


def script(case: Case, mode: str) -> str:
    """A few lines that show the failure."""
    arguments = [literal(a) for a in case.args]
    keywords = "".join(f", {k}={literal(v)}" for k, v in case.kwargs.items())
    names = [f"x{i}" for i in range(len(arguments))]
    lines = [f"{n} = {a}" for n, a in zip(names, arguments, strict=True)]
    call = f"ops.{case.op}({', '.join(names)}{keywords})"
    if mode == "compiled":
        call = f"polyk.compile(lambda {', '.join(names)}: {call})({', '.join(names)})"
    wants = [w.v if isinstance(w, Bounded) else w for w in case.want()]
    wanted = "; ".join(listed(np.asarray(w).tolist()) for w in wants)
    head = ["import numpy as np", "import polyk", "from polyk import ops", "",
            f'polyk.use("{polyk.get_backend().name}")']  # fmt: skip
    tail = [f"print({call})", f"# wanted: {wanted}"]
    if any(a.size > SMALL for a in arrays_of(case.args)):
        tail[1] = "# large arrays stand for the recorded ones: see the case's own file"
    return "\n".join([*head, *lines, *tail])
