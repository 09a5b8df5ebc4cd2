"""`python -m wallcloud` is the command."""

import atexit
import gc

# Before anything is loaded: looking for cycles among what loading makes is a tenth of the start.
gc.set_threshold(50_000)
# And at the end, where nobody needs the memory back, a tenth of a second more.
atexit.register(gc.freeze)

from wallcloud.cli.main import main  # noqa: E402

main()
