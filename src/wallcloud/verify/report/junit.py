"""JUnit's XML: a suite per part, a case per expectation."""

from __future__ import annotations

import io
import re
from collections.abc import Sequence
from typing import TextIO
from xml.sax.saxutils import escape, quoteattr

from wallcloud.verify.expectation import Part, Seen

_NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What XML 1.0 (section 2.2) cannot hold, even escaped; a probed peer may well send it."""


def write_junit(parts: Sequence[Part], out: TextIO) -> None:
    """Writes case by case: no tree of 50,000 elements stands in memory."""
    out.write('<?xml version="1.0" encoding="utf-8"?>\n<testsuites>\n')
    for part in parts:
        counts = f'tests="{len(part.seen)}" failures="{len(part.failed)}" time="{part.seconds:.2f}"'
        out.write(f"  <testsuite name={quoteattr(_text(part.name))} {counts}>\n")
        for seen in part.seen:
            out.write(_case(part.name, seen))
        out.write("  </testsuite>\n")
    out.write("</testsuites>\n")


def as_junit(parts: Sequence[Part]) -> str:
    """The same as a text, without the newline at the end."""
    out = io.StringIO()
    write_junit(parts, out)
    return out.getvalue().rstrip()


def _case(part: str, seen: Seen) -> str:
    probe = seen.probe
    case = f"testcase classname={quoteattr(_text(f'{part}.{probe.place}'))} name={quoteattr(_text(probe.id))}"
    if seen.holds:
        return f"    <{case}/>\n"
    message = quoteattr(_text(f"expected {probe.expected}, saw {seen.outcome}"))
    text = escape(_text(f"{probe.why}\n{seen.detail}\nrepeat: {probe.repeat}"))
    return f"    <{case}><failure message={message}>{text}</failure></testcase>\n"


def _text(text: str) -> str:
    return _NOT_XML.sub("\ufffd", text)
