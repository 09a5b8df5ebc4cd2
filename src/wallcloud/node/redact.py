"""Keeping secrets out of what is shown to others: replaced by marks, then looked for again in another way.

What is known is found in every form that programs give it; what is not is known by its shape (a private key's frame, a
password in a URL, a token). Used on nodes, for secrets that never leave them, and by the deployer, for its own.
"""

import base64
import binascii
import json
import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from urllib.parse import quote_from_bytes

from wallcloud.frozen import frozen

LEAST = 8
"""Shorter values are no secrets, and would be found everywhere."""
_EC_SCALAR = re.compile(rb"\x02\x01\x01\x04\x20(.{32})", re.DOTALL)
"""Where an EC private key has its number (RFC 5915); all else of its file is in the certificate, too."""
_FRAME = re.compile(rb"-----BEGIN [A-Z0-9 ]*PRIVATE KEY-----(.*?)-----END [A-Z0-9 ]*PRIVATE KEY-----", re.DOTALL)
_FERNET = re.compile(rb"[A-Za-z0-9_-]{43}=")
_SHAPES = (
    (
        re.compile(rb"(?P<kept>)-----BEGIN [A-Z0-9 ]*PRIVATE KEY-----.*?(?:PRIVATE KEY-----|\Z)", re.DOTALL),
        "private key",
    ),
    # scheme://user:password@host
    (re.compile(rb"(?P<kept>\b[a-z][a-z0-9+.-]{1,30}://[^\s:/@]{1,64}:)[^\s/@]{1,200}(?=@)"), "password in a URL"),
    # Keystone's tokens (Fernet, version 128): who holds one is its user until it ends.
    (re.compile(rb"(?P<kept>)gAAAA[A-Za-z0-9_-]{60,}={0,2}"), "token"),
    # A setting that has no mark yet.
    (
        re.compile(rb"(?im)^(?P<kept>[ \t]*[\w.-]*(?:password|passwd|secret|cookie)[ \t]*=[ \t]*)(?!\xc2\xab)\S.*$"),
        "setting",
    ),
)
"""What a secret looks like that nobody has told of; what comes before it is kept."""
_SPACE = re.compile(rb"[\s\\\"']+")


@frozen
class Cleaned:
    """What is left of some bytes, and how many marks stand in it."""

    data: bytes
    marks: int


class Redactor:
    """Knows some secrets, by name, and the shapes of all."""

    def __init__(self, secrets: Mapping[str, bytes]) -> None:
        self._forms = {
            name: sorted({form for each in _parts(value) for form in forms(each)}, key=len, reverse=True)
            for name, value in secrets.items()
        }
        # As they are found where all white space is gone and the case of hex digits does not count.
        self._bare = {name: {_bare(form) for form in its} for name, its in self._forms.items()}

    def clean(self, data: bytes) -> Cleaned:
        """`data` with a mark in place of each secret."""
        marks = 0
        for name, its in self._forms.items():
            for form in its:
                if count := data.count(form):
                    data, marks = data.replace(form, _mark(name)), marks + count
        for shape, what in _SHAPES:
            data, count = shape.subn(rb"\g<kept>" + _mark(what), data)
            marks += count
        return Cleaned(data, marks)

    def holds(self, data: bytes) -> bool:
        """Whether a known secret is in there in any form, folded or spread over lines, or a private key's frame."""
        bare = _bare(data)
        folded = bare.lower()
        return _FRAME.search(data) is not None or any(
            form in bare or form.lower() in folded for its in self._bare.values() for form in its
        )


def forms(secret: bytes) -> Iterator[bytes]:
    """How programs write it: as it is, escaped for JSON and URLs, in base64 wherever it begins, in hex."""
    if len(secret) < LEAST:
        return
    yield secret
    for safe in ("", "/"):
        quoted = quote_from_bytes(secret, safe)
        yield quoted.encode()
        yield re.sub("%..", lambda found: found[0].lower(), quoted).encode()
    with suppress(UnicodeDecodeError):  # no text, so never in JSON
        yield json.dumps(secret.decode())[1:-1].encode()
    yield from (secret.hex().encode(), secret.hex().upper().encode())
    for before in range(3):
        core = _core(secret, before)
        yield core
        yield core.translate(bytes.maketrans(b"+/", b"-_"))


def _core(secret: bytes, before: int) -> bytes:
    """Those characters of base64 that are the secret's alone, with `before` bytes in front of it (modulo three)."""
    text = base64.b64encode(bytes(before) + secret).rstrip(b"=")
    begin = (before * 8 + 5) // 6
    return text[begin:] if (before + len(secret)) % 3 == 0 else text[begin:-1]


def _parts(value: bytes) -> Iterator[bytes]:
    """The value itself, and what it is made of: a key's own number, what a Fernet key encodes."""
    framed = _FRAME.search(value)
    if framed is None:
        yield value.strip()
        if _FERNET.fullmatch(value.strip()):
            yield base64.urlsafe_b64decode(value.strip())
        return
    try:
        der = base64.b64decode(framed[1])
    except (binascii.Error, ValueError):
        yield value.strip()
        return
    scalar = _EC_SCALAR.search(der)
    yield scalar[1] if scalar else der


def _mark(what: str) -> bytes:
    return f"«secret {what}»".encode()


def _bare(data: bytes) -> bytes:
    return _SPACE.sub(b"", data)
