"""`python -m wallcloud` is the command."""

import gc

# Before anything is loaded: looking for cycles among what loading makes is a tenth of the start.
gc.set_threshold(50_000)

from wallcloud.cli.main import main  # noqa: E402

main()
