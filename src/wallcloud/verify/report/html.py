"""One page for a reader: it needs nothing but itself, and nothing that a probe met can become markup in it.

Texts from outside are either escaped (the head) or inside compressed base64 (the expectations), which the page's
script only ever puts into text nodes. The Content-Security-Policy admits exactly this script and this style, by
hash (CSP level 3, section 2.3.1); the site's picture is an image, in which no script runs (SVG 2, section 2.2.3).
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
import zlib
from collections.abc import Mapping, Sequence
from html import escape
from importlib.resources import files
from string import Template
from typing import Any

from wallcloud.frozen import frozen
from wallcloud.verify.expectation import Part, Seen
from wallcloud.verify.report.json import as_json

_PROTOCOL = re.compile(r"/([a-z]+[0-9]?)(?:-[0-9]+)?$")
"""The last word of a probe's id, `…/tcp-3306` or `…/icmp`."""


@frozen
class About:
    """What the page says of the run itself. `when` is shown as it is."""

    site: str
    when: str
    not_run: tuple[str, ...] = ()
    """Parts that were left out."""


def as_html(parts: Sequence[Part], about: About, picture: str = "", mutations: Mapping[str, Any] | None = None) -> str:
    """The whole page; `picture` is an SVG document, "" where there is none; `mutations` as in `as_json`."""
    script, style = _file("page.js"), _file("page.css")
    whole = as_json(parts)
    return Template(_file("page.html")).substitute(
        script=script,
        script_hash=_hash(script),
        style=style,
        style_hash=_hash(style),
        site=escape(about.site),
        when=escape(about.when),
        verdict=_verdict(whole, about),
        state="bad" if whole["failed"] or not whole["expectations"] else "good",
        facts=_facts(parts, whole, mutations),
        not_run=_not_run(about),
        parts="".join(_row(name, part) for name, part in whole["parts"].items()),
        picture=_picture(picture),
        data=_packed(parts),
    )


def _verdict(whole: Mapping[str, Any], about: About) -> str:
    if not whole["expectations"]:
        return "Nothing was tried"
    if whole["failed"]:
        return f"The cloud does not hold: {whole['failed']:,} of {whole['expectations']:,} expectations failed"
    return "The cloud holds, as far as it was tried" if about.not_run else "The cloud holds"


def _facts(parts: Sequence[Part], whole: Mapping[str, Any], mutations: Mapping[str, Any] | None) -> str:
    walls = sum(seen.probe.negative for part in parts for seen in part.failed)
    facts = [
        ("expectations", f"{whole['expectations']:,}"),
        ("negative: must not pass", f"{whole['negative']:,}"),
        ("failed", f"{whole['failed']:,}"),
        ("of these negative", f"{walls:,}"),
        ("seconds", f"{whole['seconds']:,.1f}"),
    ]
    if mutations is not None:
        facts.append(("planted faults caught", f"{mutations['caught']} of {mutations['injected']}"))
        if missed := mutations.get("missed"):
            facts.append(("planted faults missed", ", ".join(missed)))
    return "".join(f"<div><dt>{escape(name)}</dt><dd>{escape(value)}</dd></div>" for name, value in facts)


def _not_run(about: About) -> str:
    if not about.not_run:
        return "Every part was run."
    return f"<strong>Not run:</strong> {escape(', '.join(about.not_run))}. Nothing is known of what they try."


def _row(name: str, part: Mapping[str, Any]) -> str:
    counts = (part["expectations"], part["negative"], len(part["failed"]))
    cells = "".join(f"<td>{count:,}</td>" for count in counts)
    state = ' class="bad"' if part["failed"] else ""
    return f'<tr{state}><th scope="row">{escape(name)}</th>{cells}<td>{part["seconds"]:,.1f}</td></tr>'


def _picture(svg: str) -> str:
    if not svg:
        return ""
    encoded = base64.b64encode(svg.encode()).decode("ascii")
    image = f'<img alt="The site: its nodes and networks" src="data:image/svg+xml;base64,{encoded}">'
    return f'<section aria-labelledby="site-h"><h2 id="site-h">The site</h2>{image}</section>'


def _packed(parts: Sequence[Part]) -> str:
    """`{texts: [str], columns: {name: [index into texts]}, negative: [0|1], failed: [0|1]}`, zlib, base64."""
    texts: dict[str, int] = {}
    seen = [(part.name, one) for part in parts for one in part.seen]

    def column(values: list[str]) -> list[int]:
        return [texts.setdefault(value, len(texts)) for value in values]

    columns = {
        "part": column([part for part, _ in seen]),
        "source": column([one.probe.source or one.probe.place for _, one in seen]),
        "target": column([one.probe.target for _, one in seen]),
        "protocol": column([_protocol(one) for _, one in seen]),
        "id": column([one.probe.id for _, one in seen]),
        "why": column([one.probe.why for _, one in seen]),
        "expected": column([one.probe.expected for _, one in seen]),
        "outcome": column([one.outcome for _, one in seen]),
        "detail": column([one.detail for _, one in seen]),
        "repeat": column([one.probe.repeat for _, one in seen]),
    }
    whole = {
        "texts": list(texts),
        "columns": columns,
        "negative": [int(one.probe.negative) for _, one in seen],
        "failed": [int(not one.holds) for _, one in seen],
    }
    return base64.b64encode(zlib.compress(json.dumps(whole, separators=(",", ":")).encode(), 9)).decode("ascii")


def _protocol(seen: Seen) -> str:
    found = _PROTOCOL.search(seen.probe.id) if seen.probe.target else None
    return found[1] if found else ""


def _hash(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode("ascii")


def _file(name: str) -> str:
    return files(__package__).joinpath(name).read_text(encoding="utf-8")
