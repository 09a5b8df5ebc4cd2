"""The fifty mistakes that an operator really makes, and more: what `wallcloud check` says of each.

`fifty/SUBJECT.yaml` lists them: `mistake` is what somebody did, `write` what then stands in the site with every key,
by what stood there. `fifty/SUBJECT.txt` is what the operator reads. WALLCLOUD_GOLDEN=update writes it anew: read
the difference before you keep it.
"""

import os
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML
from tests.site.checking import FILE, check

FOLDER = Path(__file__).parent / "fifty"
SUBJECTS = sorted(FOLDER.glob("*.yaml"))
BASE = (Path(__file__).parent / "cases/good-with-every-key.yaml").read_text()


def mistakes(subject: Path) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = YAML(typ="safe", pure=True).load(subject.read_text())
    return found


def mistaken(changes: dict[str, str]) -> bytes:
    text = BASE
    for before, after in changes.items():
        assert text.count(before) == 1, f"{before!r} stands {text.count(before)} times"
        text = text.replace(before, after)
    return text.encode()


@pytest.mark.parametrize("subject", SUBJECTS, ids=lambda path: path.stem)
def test_what_is_said_of_them(subject: Path) -> None:
    said = ""
    for each in mistakes(subject):
        found = check(mistaken(each["write"]))
        assert found, each["mistake"]
        assert all(finding.mend for finding in found), each["mistake"]
        said += f"# {each['mistake']}\n" + "".join(f"{finding.render()}\n" for finding in found)
    golden = subject.with_suffix(".txt")
    if os.environ.get("WALLCLOUD_GOLDEN") == "update":
        golden.write_text(said)
    assert said == golden.read_text()


def test_they_are_more_than_fifty_and_none_is_told_twice() -> None:
    every = [each["mistake"] for subject in SUBJECTS for each in mistakes(subject)]
    assert len(every) == len(set(every)) >= 50
    sites = [mistaken(each["write"]) for subject in SUBJECTS for each in mistakes(subject)]
    assert len(set(sites)) == len(sites)


def test_the_site_without_a_mistake() -> None:
    assert check(BASE.encode()) == ()
    assert FILE.name == "site.yaml"
