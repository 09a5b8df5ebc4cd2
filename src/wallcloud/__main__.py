"""`python -m wallcloud` is the command."""

from wallcloud.cli.main import main

main()
