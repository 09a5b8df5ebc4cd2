"""Sites of any number of nodes."""

from __future__ import annotations

from wallcloud.site.template import text

SMALLEST = 5
"""Nodes of the article's site."""


def big(nodes: int) -> str:
    """The article's site with as many compute nodes as make `nodes` (at least SMALLEST) in all, on wide networks."""
    content = text("article").replace("198.18.10.0/24", "10.64.0.0/16").replace("198.18.10.1", "10.64.0.1")
    content = content.replace("198.18.20.0/24", "10.65.0.0/16")
    lines = content.splitlines()
    start = next(index for index, line in enumerate(lines) if line.strip().startswith("compute2:"))
    end = next((i for i in range(start + 1, len(lines)) if lines[i] and not lines[i].startswith("    ")), len(lines))
    body = lines[start:end]
    extra = [line.replace("compute2", f"compute{number}") for number in range(3, nodes - 2) for line in body]
    return "\n".join([*lines[:end], *extra, *lines[end:], ""])
