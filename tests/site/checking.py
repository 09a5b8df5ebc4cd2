"""The way of `wallcloud check`, and on through compile: what every finding must be, and what is never raised."""

import json
import re
from collections import Counter
from pathlib import Path

from tests.design.world import RELEASE
from tests.site.trees import word

from wallcloud.design.compile import Design, compile_site, findings
from wallcloud.node.resources import File
from wallcloud.node.spec import to_json
from wallcloud.site.finding import Finding, SiteError
from wallcloud.site.load import load_text

FILE = Path("site.yaml")
OURS_ALONE = re.compile(r"<class |object at 0x|Traceback|NoneType|ValidationError|IPv[46](Address|Network|Interface)\(")
"""Words of Python that no operator should meet."""


def check(data: bytes) -> tuple[Finding, ...]:
    """What `wallcloud check` finds; a site without errors compiles. Whatever else is raised, is a fault of ours."""
    try:
        loaded = load_text(data, FILE)
        found = findings(loaded)
        if not errors(found):
            sound(compile_site(loaded, {}, RELEASE))
    except SiteError as error:
        found = error.findings
        assert errors(found)
    for finding in found:
        judge(finding, data)
    return found


def errors(found: tuple[Finding, ...]) -> list[Finding]:
    """Those that keep a site from being deployed."""
    return [finding for finding in found if finding.severity == "error"]


def judge(finding: Finding, data: bytes) -> None:
    """A finding as a user needs it: where, what, what mends it, in words that stand on one line each."""
    place = finding.location
    assert place is not None and place.file == str(FILE), finding
    text = data.decode("utf-8", "replace")
    breaks = len(re.findall("\r\n|[\n\r\x85\u2028\u2029]", text))
    assert 1 <= place.line <= breaks + 1, finding
    assert 1 <= place.column <= len(text) + 1, finding
    assert finding.id and finding.text.strip() and finding.mend.strip(), finding
    said, *why, hint = finding.render().split("\n")
    assert why == ([f"    why: {finding.why}"] if finding.why else [])
    assert said.startswith(f"{place}: {finding.severity}: ")
    for line in (said, *why, hint):
        assert line.isprintable(), finding
        assert not OURS_ALONE.search(line), line


def pointed(finding: Finding, data: bytes) -> None:
    """Its line is one where a key of its path is written; for sites whose values stand in the lines of their keys."""
    place, keys = finding.location, [part for part in finding.path if isinstance(part, str)]
    assert place is not None
    if not keys or (finding.id == "missing-key" and len(keys) == 1):
        return  # the whole file
    line = data.decode("utf-8", "surrogatepass").split("\n")[place.line - 1]
    assert any(word(key) in line for key in keys), (finding, line)


def sound(design: Design) -> None:
    """What a node gets is text that can be sent, and says each thing once."""
    for spec in design.specs.values():
        names = Counter((resource.kind, resource.name) for resource in spec.resources)
        assert max(names.values()) == 1, names.most_common(1)
        json.dumps(to_json(spec), ensure_ascii=False).encode()
        assert all(resource.path.isprintable() for resource in spec.resources if isinstance(resource, File))
