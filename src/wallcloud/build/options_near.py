"""Did you mean …?"""

import difflib
from collections.abc import Iterable


def near(word: str, known: Iterable[str]) -> str:
    """The one of `known` that is most like `word`, or nothing."""
    names = {each.lower(): each for each in known}
    found = difflib.get_close_matches(word.lower(), names, n=1, cutoff=0.6)
    return names[found[0]] if found else ""
