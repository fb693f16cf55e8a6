"""The page that a person opens: one HTML file made of the document, with nothing to fetch."""

from html import escape
from importlib import resources
from string import Template
from typing import Any

from polyk_conformance.report.document import STATUSES, used
from polyk_conformance.report.matrix import columns, matrix

CLOSEST = 25


def page(document: dict[str, Any]) -> str:
    template = resources.files("polyk_conformance.report").joinpath("page.html").read_text()
    subject, failed = document["subject"], [r for r in document["results"] if r["failure"]]
    name = subject["backend"]
    return Template(template).substitute(
        title=escape(f"polyk conformance: {name}"), heading=escape(f"{name} on polyk"),
        about=escape(about(document)), figure=escape(figure(document)),
        verdict=verdict(failed), tone="bad" if failed else "good", banner=banner(document),
        levels="".join(map(level, document["levels"])), failures=failures(failed, name),
        columns=columns(document), matrix=matrix(document), worst=closest(document),
        semantics=semantics(document), facts="".join(map(fact, document["facts"])),
        factcount=len(document["facts"]), notrun="".join(map(omitted, document["notrun"])),
        gaps=gaps(document), machine=machine(document),
    )  # fmt: skip


def about(document: dict[str, Any]) -> str:
    s = document["subject"]
    return (
        f"{s['package']} · {s['target']} · profile {document['profile']} · "
        f"{document['started'][:16].replace('T', ' ')} · {document['seconds']:.0f} s"
    )


def verdict(failed: list[Any]) -> str:
    if not failed:
        return "Every check passed."
    return f"{len(failed)} {'check' if len(failed) == 1 else 'checks'} failed."


def figure(document: dict[str, Any]) -> str:
    """The run in one line: also the last line in the terminal."""
    rows = [r for r in document["levels"] if r["level"] != "Kit"]
    parts = [f"{r['level']} {r['passed']}/{r['passed'] + r['failed']}" for r in rows]
    worst = max(rows, key=lambda r: float(r["worst"]), default=None)
    device = next((r["device"] for r in rows if r["device"]), "no device")
    failed = sum(r["failed"] for r in document["levels"])
    share = f"{worst['worst']:.2f} ({worst['worst_check']})" if worst else "none"
    return f"{', '.join(parts)} on {device}; {failed} failed; worst budget {share}"


def banner(document: dict[str, Any]) -> str:
    if document["selected"]:
        words = f"Only the checks of {document['selected']} ran: not a conformance claim."
    elif document["profile"] in ("quick", "ci"):
        words = f"Profile {document['profile']}: not a conformance claim. A full run may print one."
    else:
        return ""
    return f'<p class="banner">{escape(words)}</p>'


def level(row: dict[str, Any]) -> str:
    counts = "".join(
        f'<td class="num {"bad" if s == "failed" and row[s] else ""}">{row[s] or "–"}</td>'
        for s in STATUSES
    )
    share = f"{row['worst']:.2f} <span class=soft>{escape(str(row['worst_check']))}</span>"
    mark = "✗" if row["failed"] else "✓"
    tone = "bad" if row["failed"] else "good"
    name = f'<b class="{tone}">{mark}</b> {escape(row["level"])}'
    device = escape(row["device"] or "–")
    share = share if row["worst"] else "exact"
    return f'<tr><td>{name}</td><td>{device}</td>{counts}<td class="num">{share}</td></tr>'


def failures(failed: list[dict[str, Any]], backend: str) -> str:
    if not failed:
        return ""
    body = "".join(failure(r, backend, n < 5) for n, r in enumerate(failed))
    return f'<h2 id="failures">Failures</h2>{body}'


def failure(result: dict[str, Any], backend: str, open_: bool) -> str:
    worst, f = result["worst"], result["failure"]
    lines = [f"<pre>{escape(f['message'][:800])}</pre>"]
    if worst and float(worst["used"]) > 1:
        names = ("place", "got", "want", "allowed", "ulps", "used")
        rows = "".join(f"<dt>{n}</dt><dd class=num>{escape(str(worst[n]))}</dd>" for n in names)
        lines.append(f"<dl>{rows}</dl>")
    if f["script"]:
        lines.append(f"<button data-copy>Copy</button><pre>{escape(f['script'])}</pre>")
    if f.get("file"):
        command = f"polyk conformance replay {f['file']}"
        lines.append(f"<p><code>{escape(command)}</code></p>")
    else:
        lines.append(f"<p><code>{escape(result['test'])}</code></p>")
    head = f"{result['id']} <span class=soft>{escape(result['check'])}</span>"
    return f"<details {'open' if open_ else ''}><summary>{head}</summary>{''.join(lines)}</details>"


def closest(document: dict[str, Any]) -> str:
    passed = [r for r in document["results"] if r["status"] == "passed" and used(r) > 0]
    rows = sorted(passed, key=used, reverse=True)[:CLOSEST]
    return "".join(map(call, rows))


def call(result: dict[str, Any]) -> str:
    w = result["worst"]
    numbers = [f"{used(result):.3f}", *(short(w[n]) for n in ("got", "want", "allowed", "ulps"))]
    cells = "".join(f'<td class="num">{escape(n)}</td>' for n in numbers)
    names = "".join(f"<td>{escape(str(result[k]))}</td>" for k in ("dtype", "mode"))
    return f"<tr><td>{escape(result['op'])} {escape(result['stratum'])}</td>{names}{cells}</tr>"


def short(x: float | str) -> str:
    return f"{float(x):.9g}"


def semantics(document: dict[str, Any]) -> str:
    wrong = {r["stratum"] for r in document["results"] if r["failure"]}
    differ = [f for f in document["facts"] if f["case"].removeprefix("derivative of ") in wrong]
    if not differ:
        return f"All {len(document['facts'])} edges and kinks are as agreed."
    words = "; ".join(f"{f['case']}: {f['got']}, agreed {f['want']}" for f in differ[:30])
    return f'<span class="bad">Not as agreed: {escape(words)}</span>'


def fact(row: dict[str, Any]) -> str:
    return "<tr>" + "".join(
        f"<td>{escape(row[k])}</td>" for k in ("case", "given", "want", "got")
    ) + "</tr>"  # fmt: skip


def omitted(row: dict[str, Any]) -> str:
    count = "–" if row["count"] is None else row["count"]
    return f'<tr><td>{escape(row["what"])}</td><td class="num">{count}</td></tr>'


def gaps(document: dict[str, Any]) -> str:
    rows = [(op, reason) for op, reason in document["subject"]["gaps"].items()]
    known = [(r["id"], r["reason"]) for r in document["results"] if r["status"] == "known"]
    parts = []
    for title, items in (("Unsupported, as declared", rows), ("Known failures", known)):
        if items:
            body = "".join(f"<dt>{escape(k)}</dt><dd>{escape(v)}</dd>" for k, v in items)
            parts.append(f"<h2>{title}</h2><dl>{body}</dl>")
    return "".join(parts)


def machine(document: dict[str, Any]) -> str:
    env, subject = document["env"], document["subject"]
    rows = {
        "processor": f"{env['machine']}, {env['processors']} cores", "system": env["os"],
        "Python": env["python"],
        "packages": ", ".join(f"{k} {v}" for k, v in env["packages"].items() if v),
        "devices": ", ".join(subject["devices"]), "dtypes": ", ".join(subject["dtypes"]),
        "gradients": subject["autodiff"],
        "compile": "traces" if subject["compiles"] else "runs as it is",
        **{k.replace("_", " "): str(v) for k, v in subject["probed"].items()}, **env["variables"],
    }  # fmt: skip
    return "".join(f"<dt>{escape(k)}</dt><dd>{escape(v)}</dd>" for k, v in rows.items())
