"""Golden files: what is expected stands beside the test as text.

WALLCLOUD_GOLDEN=update writes them anew: read the difference before you keep it.
"""

import os
from pathlib import Path


def golden(file: Path, text: str) -> None:
    """Compares `text` with the file's."""
    if os.environ.get("WALLCLOUD_GOLDEN") == "update":
        file.parent.mkdir(exist_ok=True)
        file.write_text(text, encoding="utf-8")
    assert file.is_file(), f"{file.name} is missing: WALLCLOUD_GOLDEN=update makes it"
    assert text == file.read_text(encoding="utf-8")
