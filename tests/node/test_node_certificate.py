"""What a certificate is said to be follows from the bytes: known ones are not asked about again, changed ones are."""

import os
import time
from dataclasses import replace
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from tests.node.bare import Bare
from tests.node.world import Ca

from wallcloud.node import notes, x509
from wallcloud.node.resources import Certificate, KeyRotation, certificate

CA, OTHER = Ca(), Ca()


@pytest.fixture(autouse=True)
def asked(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[str]:
    """The certificates that openssl was asked about."""
    found: list[str] = []
    read = x509.read

    def counted(path: str) -> x509.Found | None:
        found.append(path)
        return read(path)

    monkeypatch.setattr(x509, "read", counted)
    monkeypatch.setattr(certificate, "NOTES", tmp_path / "run/certificates")
    return found


@pytest.fixture
def here(tmp_path: Path) -> Certificate:
    """A certificate that is as it must be, but for owners."""
    key = ec.generate_private_key(ec.SECP256R1())
    how = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    (tmp_path / "key").write_bytes(key.private_bytes(*how))
    (tmp_path / "cert").write_text(CA.sign(key.public_key(), "one", ("one.example",), ("server",)))
    (tmp_path / "ca").write_text(CA.pem)
    return Certificate(
        key_path=str(tmp_path / "key"),
        cert_path=str(tmp_path / "cert"),
        ca_path=str(tmp_path / "ca"),
        subject="one",
        names=("one.example",),
        use=("server",),
    )


def wrong(resource: Certificate, ctx: Bare) -> set[str]:
    return {each.property for each in resource.compare(ctx)} - {"key owner", "certificate owner", "CA owner"}


def test_it_is_asked_about_once(here: Certificate, asked: list[str]) -> None:
    assert [wrong(here, Bare()) for _ in range(3)] == [set()] * 3
    assert asked == [here.cert_path]
    assert certificate.NOTES.stat().st_mode & 0o777 == 0o600


def test_a_plan_notes_nothing(here: Certificate, asked: list[str]) -> None:
    assert [wrong(here, Bare(planning=True)) for _ in range(2)] == [set()] * 2
    assert len(asked) == 2 and not certificate.NOTES.exists()


def test_other_bytes_are_looked_at_anew(here: Certificate, tmp_path: Path) -> None:
    """Also after it was good once: each of the three files."""
    assert wrong(here, Bare()) == set()
    (tmp_path / "ca").write_text(OTHER.pem)
    assert wrong(here, Bare()) == {"issuer"}
    (tmp_path / "ca").write_text(CA.pem)
    kept = (tmp_path / "key").read_bytes()
    (tmp_path / "key").write_text("no key\n")
    assert wrong(here, Bare()) == {"key"}
    (tmp_path / "key").write_bytes(kept)
    (tmp_path / "cert").write_text(CA.sign(ec.generate_private_key(ec.SECP256R1()).public_key(), "two", (), ()))
    assert wrong(here, Bare()) == {"key", "subject", "names", "use"}


def test_its_life_goes_on(here: Certificate, monkeypatch: pytest.MonkeyPatch) -> None:
    """The dates are noted, and not what they were worth on that day."""
    assert wrong(here, Bare()) == set()
    monkeypatch.setattr(time, "time", lambda: 1e10)
    assert wrong(here, Bare()) == {"life"}


def test_the_oldest_facts_are_forgotten(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(notes, "_KEPT", 3)
    path = tmp_path / "notes"
    for number in range(5):
        notes.remember(path, notes.digest(b"%d" % number), f"says {number}")
    assert list(notes.known(path).values()) == ["says 2", "says 3", "says 4"]
    assert notes.digest(b"ab", b"c") != notes.digest(b"a", b"bc")


def test_no_room_for_a_fact_is_no_failure(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    notes.remember(tmp_path / "file/notes", "fact", "text")
    assert notes.known(tmp_path / "file/notes") == {}


@pytest.mark.parametrize(("part", "life"), [(0.66, "good"), (0.67, "two thirds past"), (1.01, "over")])
def test_two_thirds_of_its_life(here: Certificate, monkeypatch: pytest.MonkeyPatch, part: float, life: str) -> None:
    """What any apply renews: see the drift's tests for its doing."""
    found = x509.read(here.cert_path)
    assert found is not None
    now = found.since + part * (found.until - found.since)
    monkeypatch.setattr(time, "time", lambda: now)
    state = here.read(Bare())
    assert state is not None and state["life"] == life
    assert wrong(here, Bare()) == (set() if life == "good" else {"life"})


def test_made_before_a_rotation(here: Certificate) -> None:
    found = x509.read(here.cert_path)
    assert found is not None
    made = int(found.since) + certificate.BACKDATED
    assert wrong(replace(here, made_since=made), Bare()) == set()
    late = replace(here, made_since=made + 1)
    state = late.read(Bare())
    assert wrong(late, Bare()) == {"life"} and state and state["life"] == "begun before the rotation"


def test_keys_are_young_enough(tmp_path: Path) -> None:
    wanted = KeyRotation(keys="k", folder=str(tmp_path), since=1000, young=100, commands=(), account="root")
    assert wanted.read(Bare()) is None
    (tmp_path / "0").touch()
    for moment, rotated in ((899, False), (900, True), (2000, True)):
        os.utime(tmp_path / "0", (moment, moment))
        assert wanted.read(Bare()) == {"rotated": rotated}
