"""JUnit's XML: a suite per part, a case per expectation."""

from __future__ import annotations

import io
import re
from collections.abc import Sequence
from typing import TextIO
from xml.sax.saxutils import XMLGenerator

from wallcloud.verify.expectation import Part, Seen

_NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What XML 1.0 (section 2.2) cannot hold, even escaped; a probed peer may well send it."""


def write_junit(parts: Sequence[Part], out: TextIO) -> None:
    """Writes case by case: no tree of 50,000 elements stands in memory."""
    xml = XMLGenerator(out, encoding="utf-8", short_empty_elements=True)
    xml.startDocument()
    xml.startElement("testsuites", {})
    for part in parts:
        attributes = {
            "name": _text(part.name),
            "tests": str(len(part.seen)),
            "failures": str(len(part.failed)),
            "time": f"{part.seconds:.2f}",
        }
        xml.ignorableWhitespace("\n  ")
        xml.startElement("testsuite", attributes)
        for seen in part.seen:
            _case(xml, part.name, seen)
        xml.ignorableWhitespace("\n  ")
        xml.endElement("testsuite")
    xml.ignorableWhitespace("\n")
    xml.endElement("testsuites")
    xml.ignorableWhitespace("\n")
    xml.endDocument()


def as_junit(parts: Sequence[Part]) -> str:
    """The same as a text, without the newline at the end."""
    out = io.StringIO()
    write_junit(parts, out)
    return out.getvalue().rstrip()


def _case(xml: XMLGenerator, part: str, seen: Seen) -> None:
    probe = seen.probe
    xml.ignorableWhitespace("\n    ")
    xml.startElement("testcase", {"classname": _text(f"{part}.{probe.place}"), "name": _text(probe.id)})
    if not seen.holds:
        xml.startElement("failure", {"message": _text(f"expected {probe.expected}, saw {seen.outcome}")})
        xml.characters(_text(f"{probe.why}\n{seen.detail}\nrepeat: {probe.repeat}"))
        xml.endElement("failure")
    xml.endElement("testcase")


def _text(text: str) -> str:
    return _NOT_XML.sub("\ufffd", text)
