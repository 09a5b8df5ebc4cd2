"""Secrets are typed holes in a spec, filled at the last moment from the values that came with the session."""

from collections.abc import Callable
from typing import TypeAlias

from wallcloud.frozen import frozen


@frozen
class Secret:
    """A hole named `name`; its value never stands in a spec, plan, event, log or argument list."""

    name: str

    def __str__(self) -> str:
        return f"«secret {self.name}»"


Text: TypeAlias = str | tuple[str | Secret, ...]


def fill(text: Text, value: Callable[[str], str]) -> str:
    """`text` with each hole replaced by `value(name)`."""
    if isinstance(text, str):
        return text
    return "".join(value(part.name) if isinstance(part, Secret) else part for part in text)


def masked(text: Text) -> str:
    """`text` with each hole shown as «secret NAME»."""
    return text if isinstance(text, str) else "".join(str(part) for part in text)


def holes(text: Text) -> tuple[str, ...]:
    """Names of the secrets that `text` needs."""
    return () if isinstance(text, str) else tuple(part.name for part in text if isinstance(part, Secret))
