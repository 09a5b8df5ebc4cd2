"""For all rooms: helpers of the tests are imported as `tests.ROOM.…`, for pytest as for mypy."""

import sys
from pathlib import Path

ROOT = str(Path(__file__).resolve().parents[1])
if ROOT not in sys.path:
    sys.path.insert(0, ROOT)
