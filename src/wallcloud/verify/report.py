"""The report: totals and failures as text, JSON and JUnit."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Sequence
from typing import Any

from wallcloud.verify.expectation import Part


def as_json(parts: Sequence[Part]) -> dict[str, Any]:
    """`{parts: {…: {expectations, negative, met, failed, seconds}}, …totals}`."""
    each = {part.name: part.to_json() for part in parts}
    return {
        "parts": each,
        "expectations": sum(part["expectations"] for part in each.values()),
        "negative": sum(part["negative"] for part in each.values()),
        "met": sum(part["met"] for part in each.values()),
        "failed": sum(len(part["failed"]) for part in each.values()),
        "seconds": round(sum(part.seconds for part in parts), 2),
    }


def as_junit(parts: Sequence[Part]) -> str:
    """JUnit's XML: a suite per part, a case per expectation."""
    suites = ET.Element("testsuites")
    for part in parts:
        suite = ET.SubElement(
            suites,
            "testsuite",
            name=part.name,
            tests=str(len(part.seen)),
            failures=str(len(part.failed)),
            time=f"{part.seconds:.2f}",
        )
        for seen in part.seen:
            case = ET.SubElement(suite, "testcase", classname=f"{part.name}.{seen.probe.place}", name=seen.probe.id)
            if not seen.holds:
                failure = ET.SubElement(case, "failure", message=f"expected {seen.probe.expected}, saw {seen.outcome}")
                failure.text = f"{seen.probe.why}\n{seen.detail}\nrepeat: {seen.probe.repeat}"
    ET.indent(suites)
    return ET.tostring(suites, encoding="unicode", xml_declaration=True)


def as_text(parts: Sequence[Part]) -> str:
    """What a terminal shows: each failure with what it means, then the sums."""
    lines: list[str] = []
    for part in parts:
        for seen in part.failed:
            detail = f" ({seen.detail})" if seen.detail else ""
            lines.append(f"FAILED {seen.probe.id}: expected {seen.probe.expected}, saw {seen.outcome}{detail}")
            lines.append(f"    from {seen.probe.place}: {seen.probe.why}")
            if seen.probe.repeat:
                lines.append(f"    by hand: {seen.probe.repeat}")
    for part in parts:
        negative = sum(seen.probe.negative for seen in part.seen)
        met = len(part.seen) - len(part.failed)
        lines.append(
            f"{part.name}: {met} of {len(part.seen)} expectations hold, {negative} say what must not pass, "
            f"{part.seconds:.1f} s"
        )
    failed = sum(len(part.failed) for part in parts)
    if failed:
        lines.append(f"{failed} failed: the cloud is not as the site says. Next: wallcloud plan")
    else:
        lines.append("the cloud does what the site says, and nothing else of what was tried")
    return "\n".join(lines)
