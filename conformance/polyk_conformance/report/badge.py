"""A small picture that says what passed; only a full run may have one."""

from html import escape
from typing import Any

WIDTH = 6.6  # of a letter of Verdana 11, near enough
CLAIMS = ("full", "deep")


def badge(document: dict[str, Any]) -> str | None:
    """SVG, or None: fewer checks than a full run makes are not a claim."""
    if document["profile"] not in CLAIMS or document["selected"]:
        return None
    failed = sum(row["failed"] for row in document["levels"])
    reached = [r["level"] for r in document["levels"] if r["level"] != "Kit" and not r["failed"]]
    words = f"{failed} failed" if failed else " ".join(dict.fromkeys(reached))
    return draw(f"polyk {document['kit']}", words, "#b3261e" if failed else "#1a7f37")


def draw(left: str, right: str, color: str) -> str:
    a, b = (round(len(text) * WIDTH + 12) for text in (left, right))
    title = escape(f"{left}: {right}")
    return f'''<svg xmlns="http://www.w3.org/2000/svg" width="{a + b}" height="20" role="img">
<title>{title}</title>
<rect width="{a + b}" height="20" rx="3" fill="{color}"/>
<path d="M0 3a3 3 0 0 1 3-3h{a - 3}v20H3a3 3 0 0 1-3-3z" fill="#444"/>
<g fill="#fff" font-family="Verdana,DejaVu Sans,sans-serif" font-size="11" text-anchor="middle">
<text x="{a / 2}" y="14">{escape(left)}</text>
<text x="{a + b / 2}" y="14">{escape(right)}</text>
</g></svg>
'''
