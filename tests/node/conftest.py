"""The helpers of this room's tests are `tests.node.…`, for pytest as for mypy."""

import sys
from pathlib import Path

ROOT = str(Path(__file__).resolve().parents[2])
if ROOT not in sys.path:
    sys.path.insert(0, ROOT)
