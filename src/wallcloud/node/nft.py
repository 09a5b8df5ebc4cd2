"""nftables through nft(8): listing, the normal form of a wanted text, replacement in one transaction."""

import shutil

from wallcloud.node.run import run


def present() -> bool:
    """Whether nft(8) is installed."""
    return shutil.which("nft", path="/usr/sbin:/sbin:/usr/bin") is not None


def listing(table: str) -> str | None:
    """The live table without counters and handles; None = no such table."""
    done = run(("nft", "--stateless", "list", "table", "inet", table), check=False)
    return done.stdout if done.ok else None


def normal(table: str, text: str) -> str:
    """How nft would list `text`: loaded in a network namespace of its own, which leaves with the process.

    Raises ResourceFailed with nft's words where the text is not accepted.
    """
    script = 'nft -f - && exec nft --stateless list table inet "$0"'
    return run(("unshare", "--net", "sh", "-c", script, table), text, hint="the rules are not accepted by nft").stdout


def replace(table: str, text: str) -> None:
    """Loads `text` in place of the whole table; a refused text changes nothing."""
    run(("nft", "-f", "-"), replacement(table, text))


def replacement(table: str, text: str | None) -> str:
    """The transaction that puts `text` (None = nothing) in the table's place, whether it exists or not."""
    return f"add table inet {table}\ndelete table inet {table}\n{text or ''}\n"
