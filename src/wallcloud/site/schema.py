"""The JSON Schema of a site file, for editors and other programs."""

from typing import Any

from wallcloud.site.model import Site


def schema() -> dict[str, Any]:
    """JSON Schema, draft 2020-12. It knows shapes only; `wallcloud check` knows the rules too."""
    document = Site.model_json_schema()
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Wallcloud site",
        **{key: value for key, value in document.items() if key != "title"},
    }
