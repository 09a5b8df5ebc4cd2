"""No secret leaves: whatever form a program gave it, known or by its looks."""

import base64
import io
import json
import re
from urllib.parse import quote

import pytest
from cryptography.fernet import Fernet
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from wallcloud.node.bundle import last_lines
from wallcloud.node.redact import Redactor, forms

HEX = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
ODD = 'pä"ss/wo+rd?&\\ %'
KEY = ec.generate_private_key(ec.SECP256R1())
PEM = KEY.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
TRADITIONAL = KEY.private_bytes(
    serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
)
PUBLIC = KEY.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
SCALAR = KEY.private_numbers().private_value.to_bytes(32, "big")
FERNET = Fernet.generate_key()
REDACTOR = Redactor({"hex": HEX.encode(), "odd": ODD.encode(), "key": PEM, "fernet": FERNET + b"\n"})


def basic(password: str, user: str) -> str:
    return base64.b64encode(f"{user}:{password}@".encode()).decode()


SHOWN = [
    *(word for secret in (HEX, ODD) for word in (secret, quote(secret), quote(secret, safe=""), json.dumps(secret))),
    *(basic(secret, "a" * size) for secret in (HEX, ODD) for size in range(3)),
    base64.urlsafe_b64encode(b"x" + ODD.encode()).decode(),
    ODD.encode().hex(),
    ODD.encode().hex().upper(),
    HEX.encode().hex(),
    re.sub("%..", lambda found: found[0].lower(), quote(ODD, safe="")),
    PEM.decode(),
    TRADITIONAL.decode(),
    PEM.decode().replace("\n", "\\n"),
    SCALAR.hex(),
    base64.b64encode(b"12" + SCALAR).decode(),
    FERNET.decode(),
    base64.urlsafe_b64decode(FERNET).hex(),
]


@pytest.mark.parametrize("shown", SHOWN, ids=range(len(SHOWN)))
def test_known_ones_are_replaced(shown: str) -> None:
    text = f"before {shown} after".encode()
    assert REDACTOR.holds(text), "or the other half of this says nothing"
    cleaned = REDACTOR.clean(text)
    assert not REDACTOR.holds(cleaned.data) and cleaned.marks >= 1
    assert "«secret ".encode() in cleaned.data and cleaned.data.startswith(b"before ")


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("mysql+pymysql://nova:Tr0ub4dor@db/nova", "mysql+pymysql://nova:«secret password in a URL»@db/nova"),
        ("token gAAAAA" + "Bm-_" * 30 + "== came", "token «secret token» came"),
        ("[keystone]\nadmin_password = xyzzy\n", "[keystone]\nadmin_password = «secret setting»\n"),
        (PEM.decode().strip(), "«secret private key»"),
        ("-----BEGIN RSA PRIVATE KEY-----\nMIIcut", "«secret private key»"),
        ("https://cloud.example:5000/v3?a=b@c", None),
        ("certificate = /etc/wallcloud/tls/ca.pem", None),
        (PUBLIC.decode(), None),
    ],
)
def test_unknown_ones_are_known_by_their_looks(text: str, left: str | None) -> None:
    assert Redactor({}).clean(text.encode()).data.decode() == (text if left is None else left)


def test_a_mark_says_which_it_was() -> None:
    cleaned = Redactor({"identity-service-nova": HEX.encode()}).clean(f"password = {HEX}\n".encode())
    assert cleaned.data.decode() == "password = «secret identity-service-nova»\n" and cleaned.marks == 1


@pytest.mark.parametrize(
    "hidden",
    [
        HEX.upper(),
        "\n".join(HEX[at : at + 16] for at in range(0, 64, 16)),
        base64.encodebytes(f"so many words that it is split between two lines {ODD} and more".encode()).decode(),
        " ".join(HEX.encode().hex()),
    ],
)
def test_the_scan_finds_what_the_marks_missed(hidden: str) -> None:
    """It looks in another way, or it would be as blind."""
    text = f"x {hidden} y".encode()
    assert REDACTOR.holds(REDACTOR.clean(text).data)


def test_what_is_no_secret_stays() -> None:
    text = PUBLIC + "a page of wörds, req-5b7c1b1e-0b2f-4c53-9f44-0c6f3a1c2d11".encode()
    assert REDACTOR.clean(text).data == text and not REDACTOR.holds(text)
    assert list(forms(b"short")) == []


def test_of_a_long_journal_the_last_entries_are_kept() -> None:
    entries = [b"2026-11-24T10:00:0%d node unit: line\n                 more\n" % number for number in range(5)]
    newest_first = b"".join(reversed(entries))
    assert last_lines(io.BytesIO(newest_first), 10_000) == (entries, True)
    assert last_lines(io.BytesIO(newest_first), len(entries[0]) * 3 + 5) == (entries[2:], False)
    assert last_lines(io.BytesIO(newest_first), len(entries[0]) * 3 - 5) == (entries[3:], False)
    assert last_lines(io.BytesIO(b""), 5) == ([], True)
