"""The forms that a secret takes on its way: as it is, base64 at each of three alignments, percent-encoded, hex."""

from __future__ import annotations

import base64
from urllib.parse import quote_from_bytes


def forms(secret: bytes) -> dict[str, tuple[bytes, ...]]:
    """The bytes to look for, by the form's name; what equals another form stands once."""
    every = "".join(f"%{byte:02x}" for byte in secret)
    quoted = quote_from_bytes(secret, safe="")
    found = {
        "raw": (secret,),
        "base64": tuple(part for at in range(3) for part in _base64(secret, at)),
        "url": (quoted.encode(), _small(quoted).encode(), every.encode(), _large(every).encode()),
        "hex": (secret.hex().encode(), secret.hex().upper().encode()),
        "utf-16": (secret.decode("latin-1").encode("utf-16-le"), secret.decode("latin-1").encode("utf-16-be")),
    }
    seen: set[bytes] = set()
    distinct: dict[str, tuple[bytes, ...]] = {}
    for name, parts in found.items():
        distinct[name] = tuple(part for part in dict.fromkeys(parts) if part not in seen)
        seen.update(parts)
    return {name: parts for name, parts in distinct.items() if parts}


def _base64(secret: bytes, before: int) -> tuple[bytes, bytes]:
    """What stays the same whatever stands around it, when `before` bytes (modulo 3) come first; both alphabets."""
    whole = base64.b64encode(b"\0" * before + secret)
    first = -(-before * 8 // 6)
    last = (before + len(secret)) * 8 // 6
    part = whole[first:last]
    return part, part.translate(bytes.maketrans(b"+/", b"-_"))


def _small(text: str) -> str:
    parts = text.split("%")
    return parts[0] + "".join(f"%{part[:2].lower()}{part[2:]}" for part in parts[1:])


def _large(text: str) -> str:
    parts = text.split("%")
    return parts[0] + "".join(f"%{part[:2].upper()}{part[2:]}" for part in parts[1:])


class Search:
    """Looks for every form of every canary in bytes."""

    def __init__(self, canaries: dict[str, str]) -> None:
        self._wanted = [
            (name, form, part)
            for name, text in canaries.items()
            for form, parts in forms(text.encode()).items()
            for part in parts
        ]
        self.longest = max((len(part) for _, _, part in self._wanted), default=1)

    def parts(self, canary: str) -> list[bytes]:
        """All that is looked for of one."""
        return [part for name, _, part in self._wanted if name == canary]

    def found(self, data: bytes | memoryview) -> set[tuple[str, str]]:
        """`(canary, form)` of all that is in it."""
        body = data if isinstance(data, bytes) else bytes(data)
        return {(name, form) for name, form, part in self._wanted if part in body}

    def missing(self, heard: list[bytes], canary: str) -> list[str]:
        """The forms, by name, of which some part is in none of these."""
        return sorted(
            {form for name, form, part in self._wanted if name == canary and not any(part in each for each in heard)}
        )
