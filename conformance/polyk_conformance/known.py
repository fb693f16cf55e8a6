"""Known failures of a backend: declared with a reason, replayed strictly, and dated.

A TOML file beside the backend's module (``known_failures.toml``) or given by ``--known``:

    [[known]]
    match = "test_values.py::*-conv-empty*"    # a pattern for the names of checks
    reason = "oneDNN returns an array of the input's shape"
    versions = { tensorflow = "2.21" }         # optional: only where these are installed
    expires = 2027-03-01                       # optional: an error from then on

A check that is named here and passes is an error, and so is an entry that names none.
"""

import datetime
import fnmatch
import sys
import tomllib
from importlib import metadata
from pathlib import Path
from typing import Any, NamedTuple

FILE = "known_failures.toml"


class Known(NamedTuple):
    """One entry of the file."""

    match: str
    reason: str
    versions: dict[str, str]
    expires: datetime.date | None

    def names(self, test: str) -> bool:
        plain = test.replace("[", "-").rstrip("]")
        return fnmatch.fnmatchcase(plain, f"*{self.match.replace('[', '-').rstrip(']')}")

    @property
    def applies(self) -> bool:
        """Whether the versions that it speaks of are the installed ones."""
        return all(
            (installed(name) + ".").startswith(wanted.rstrip(".") + ".")
            for name, wanted in self.versions.items()
        )

    @property
    def expired(self) -> bool:
        return self.expires is not None and datetime.date.today() >= self.expires


def installed(name: str) -> str:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return ""


def read(path: Path) -> list[Known]:
    """The entries that apply here."""
    data = tomllib.loads(path.read_text())
    found = []
    for row in data.get("known", []):
        unknown = set(row) - {*Known._fields}
        if unknown or not row.get("match") or not row.get("reason"):
            raise ValueError(f"{path}: an entry needs match and reason, and may have versions and "
                             f"expires; got {row}.")  # fmt: skip
        versions, expires = row.get("versions", {}), row.get("expires")
        found.append(Known(row["match"], row["reason"], versions, expires))
    return [known for known in found if known.applies]


def beside(cls: type) -> Path | None:
    """The file that lies with the module of a backend's class."""
    file = getattr(sys.modules[cls.__module__], "__file__", None)
    path = Path(file).with_name(FILE) if file else None
    return path if path and path.exists() else None


def mark(items: list[Any], entries: list[Known], strict: bool, xfail: Any) -> list[str]:
    """Expect the failures; return what is wrong with the file."""
    wrong = []
    for known in entries:
        hit = [item for item in items if known.names(item.nodeid)]
        if known.expired:
            wrong.append(f"known failure {known.match!r} expired on {known.expires}")
        elif not hit and strict:
            wrong.append(f"known failure {known.match!r} names no check")
        for item in hit:
            item.add_marker(xfail(reason=f"known: {known.reason}", strict=True))
    return wrong
