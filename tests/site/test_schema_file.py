"""docs/site.schema.json is what `wallcloud schema` prints."""

import json
from pathlib import Path

from wallcloud.site.schema import schema

FILE = Path(__file__).parents[2] / "docs/site.schema.json"


def test_published_schema_is_current() -> None:
    assert json.loads(FILE.read_text()) == schema(), "run: ./wallcloud schema > docs/site.schema.json"
