"""What operators really write, and what `check` says of it: `cases/NAME.yaml` and the golden `cases/NAME.txt`.

WALLCLOUD_GOLDEN=update writes the .txt files anew: read the difference before you keep it.
"""

import os
from pathlib import Path

import pytest
from tests.site.checking import check

CASES = Path(__file__).parent / "cases"


def spoken(path: Path) -> str:
    return "".join(f"{finding.render()}\n" for finding in check(path.read_bytes())) or "fine\n"


@pytest.mark.parametrize("path", sorted(CASES.glob("*.yaml")), ids=lambda path: path.stem)
def test_check_says(path: Path) -> None:
    golden = path.with_suffix(".txt")
    said = spoken(path)
    if os.environ.get("WALLCLOUD_GOLDEN") == "update":
        golden.write_text(said)
    assert said == golden.read_text()


def test_ten_bad_sites_and_two_good() -> None:
    said = {path.stem: path.read_text() for path in CASES.glob("*.txt")}
    assert said.pop("good") == said.pop("good-with-every-key") == "fine\n"
    assert len(said) >= 10
    for name, text in said.items():
        assert ": error: " in text, name
