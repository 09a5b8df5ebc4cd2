"""What other programs say and how they fail: run, dpkg, openssl, the stamp, the lock."""

import fcntl
import json
import multiprocessing
import os
import subprocess
import threading
import time
from pathlib import Path

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from wallcloud.node import dpkg, stamp, x509
from wallcloud.node.lock import Lock
from wallcloud.node.run import ResourceFailed, run, stream, tail, wait_for


def test_run_tells_the_programs_own_last_words() -> None:
    with pytest.raises(ResourceFailed) as failed:
        run(("sh", "-c", "seq 20; echo 'it broke' >&2; exit 3"), hint="mend it")
    assert failed.value.what == "sh ended with status 3"
    assert failed.value.output == (*(str(number) for number in range(7, 21)), "it broke")
    assert failed.value.tried == "sh -c 'seq 20; echo '\"'\"'it broke'\"'\"' >&2; exit 3'"
    assert failed.value.hint == "mend it"


def test_run_is_bounded_and_takes_the_children_along() -> None:
    begun = time.monotonic()
    with pytest.raises(ResourceFailed, match=r"sh did not end within 0\.2 s"):
        run(("sh", "-c", "echo begun; sleep 60 & sleep 60"), timeout=0.2)
    assert time.monotonic() - begun < 3


def test_run_feeds_stdin_and_fixes_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LC_ALL", "de_DE.UTF-8")
    assert run(("sh", "-c", "cat; echo $LC_ALL"), "in").stdout == "inC.UTF-8\n"


def test_run_without_the_program() -> None:
    assert run(("no-such-program-here",), check=False).status == 127
    with pytest.raises(ResourceFailed, match="no program no-such-program-here"):
        run(("no-such-program-here",))


def test_run_keeps_a_secret_output() -> None:
    with pytest.raises(ResourceFailed) as failed:
        run(("sh", "-c", "cat >&2; exit 1"), "SET PASSWORD 'hunter22'", secret=True)
    assert failed.value.output == ()


def test_stream(tmp_path: Path) -> None:
    lines: list[str] = []
    stream(tmp_path / "log", ("sh", "-c", "echo a; echo b >&2; printf c"), lines.append)
    assert lines == ["a", "b"]
    assert (tmp_path / "log").stat().st_mode & 0o777 == 0o600
    with pytest.raises(ResourceFailed) as failed:
        stream(tmp_path / "log", ("sh", "-c", "echo a; printf broke; exit 1"), lines.append)
    assert failed.value.output == ("a", "broke")
    with pytest.raises(ResourceFailed, match=r"sleep did not end within 0\.3 s"):
        stream(tmp_path / "log", ("sleep", "60"), lines.append, timeout=0.3)


def test_wait_for() -> None:
    answers = iter([False, False, True])
    assert wait_for(lambda: next(answers), 5)
    assert not wait_for(lambda: False, 0.1)


def test_tail() -> None:
    assert tail("a\n\n b \n", 1) == (" b",)


VERSIONS = st.text("0123456789abz.+~-:", min_size=1, max_size=8).map(lambda text: "0" + text.replace(":", ""))


@settings(max_examples=60, deadline=None)
@given(VERSIONS, VERSIONS)
def test_versions_compare_as_dpkg_compares_them(left: str, right: str) -> None:
    theirs = subprocess.run(["dpkg", "--compare-versions", left, "lt", right], check=False, capture_output=True)
    assume(theirs.returncode != 2)  # no version at all
    assert dpkg.older(left, right) == (theirs.returncode == 0 and left != right)


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ("1.0", "1.0-1"),
        ("1.0~rc1", "1.0"),
        ("9", "10"),
        ("1:1", "2:0"),
        ("1.2-1+deb12u2", "1.2-1+deb12u10"),
        ("5", "1:1"),
    ],
)
def test_versions(left: str, right: str) -> None:
    assert dpkg.older(left, right)
    assert not dpkg.older(right, left)
    assert not dpkg.older(left, left)


STATUS = """Package: a
Status: install ok installed
Version: 1
Depends: b (>= 1), c | d:any, mta
Pre-Depends: e

Package: b
Status: install ok installed
Version: 2
Depends: lost

Package: d
Status: install ok installed
Version: 1

Package: e
Status: install ok half-configured
Version: 1

Package: postfix
Status: install ok installed
Version: 1
Provides: mta (= 1), smtp
"""


def state() -> dpkg.Installed:
    packages = {each.name: each for each in dpkg.parse(STATUS)}
    return dpkg.Installed(packages, {"a": ("a",), "b": ("b",), "d": ("d",), "mta": ("postfix",)})


def test_packages_are_parsed() -> None:
    found = state().packages["a"]
    assert found.depends == (("e",), ("b",), ("c", "d"), ("mta",))
    assert found.installed
    assert state().packages["postfix"].provides == ("mta", "smtp")


def test_missing_dependencies_are_found_near_and_far() -> None:
    assert dpkg.missing(state(), ("a",)) == ("e", "lost")
    assert dpkg.missing(state(), ("d", "not-there")) == ()


def test_interrupted_packages_are_found() -> None:
    assert dpkg.interrupted(state())[:1] == ("e",)


def test_the_holder_of_a_lock_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dpkg, "ADMIN", tmp_path)
    assert dpkg.lock_holder() is None
    (tmp_path / "lock-frontend").touch()
    assert dpkg.lock_holder() is None
    ready, done = multiprocessing.Event(), multiprocessing.Event()

    def hold() -> None:
        with (tmp_path / "lock-frontend").open("w") as file:
            fcntl.lockf(file, fcntl.LOCK_EX)
            ready.set()
            done.wait(10)

    other = multiprocessing.get_context("fork").Process(target=hold)
    other.start()
    assert ready.wait(10)
    holder = dpkg.lock_holder()
    done.set()
    other.join()
    assert holder is not None
    assert holder[0] == other.pid


OPENSSL = """subject=CN=control.internal.cloud.example
notBefore=Nov 23 00:44:00 2025 GMT
notAfter=Nov  3 00:49:00 2026 GMT
X509v3 Extended Key Usage:
    TLS Web Server Authentication, TLS Web Client Authentication
X509v3 Subject Alternative Name:
    DNS:b.example, DNS:a.example, IP Address:198.18.10.11, IP Address:FD00:0:0:0:0:0:0:1
-----BEGIN PUBLIC KEY-----
MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE
-----END PUBLIC KEY-----
"""


def test_a_certificate_is_parsed() -> None:
    found = x509.parse(OPENSSL)
    assert found.subject == "control.internal.cloud.example"
    assert found.names == ("198.18.10.11", "a.example", "b.example", "fd00::1")
    assert found.use == ("client", "server")
    assert found.since == 1763858640
    assert found.until - found.since == 345 * 86400 + 300
    assert x509.is_p256(found.public)


def test_a_subject_of_more_than_a_name_is_another() -> None:
    assert x509.parse(OPENSSL.replace("subject=CN=", "subject=O=x,CN=")).subject.startswith("O=x,CN=")


def test_a_request_says_names_and_uses() -> None:
    text = x509.request("nova", ("a.example", "198.18.10.11", "fd00::1"), ("client",))
    assert "subjectAltName=DNS:a.example,IP:198.18.10.11,IP:fd00::1\n" in text
    assert "extendedKeyUsage=clientAuth\n" in text
    assert "[dn]\nCN=nova\n" in text


def test_stamp_lines() -> None:
    assert stamp.stamp_lines(("/a", "/b")) == "ExecStartPre=+/usr/lib/wallcloud/stamp start %n @DEFINITION@ /a /b\n"
    assert stamp.stamp_lines(("/a",), ("/r",), "/bin/kill -HUP $MAINPID") == (
        "ExecStartPre=+/usr/lib/wallcloud/stamp start %n @DEFINITION@ /a /r\n"
        "ExecReload=+/usr/lib/wallcloud/stamp reload %n /r\n"
        "ExecReload=/bin/kill -HUP $MAINPID\n"
        "ExecReload=+/usr/lib/wallcloud/stamp reloaded %n\n"
    )
    with pytest.raises(ValueError, match="need the daemon's own reload command"):
        stamp.stamp_lines((), ("/r",))
    with pytest.raises(ValueError, match="a character that systemd would read otherwise: /a b"):
        stamp.stamp_lines(("/a b",))


@pytest.fixture
def stamping(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The stamp's script on a folder of the test's own."""
    script = stamp.STAMP_SCRIPT.replace("/run/", f"{tmp_path}/run/").replace("/etc/", f"{tmp_path}/etc/")
    (tmp_path / "stamp").write_text(script)
    (tmp_path / "run").mkdir()
    units = tmp_path / "etc/systemd/system"
    (units / "x.service.d").mkdir(parents=True)
    (units / "x.service").write_text("unit")
    (units / "x.service.d" / "hand.conf").write_text("hand")
    monkeypatch.setattr(stamp, "STARTED", str(tmp_path / "run/wallcloud/started"))
    return tmp_path


def test_the_stamp_notes_what_was_there_at_the_start(stamping: Path) -> None:
    for name in ("a", "r"):
        (stamping / name).write_text(name)
    a, r, none = (str(stamping / name) for name in ("a", "r", "none"))
    run(("sh", str(stamping / "stamp"), "start", "x.service", "d" * 64, a, r, none))
    found = stamp.read("x.service")
    assert found is not None
    units = f"{stamping}/etc/systemd/system"
    assert set(found) == {"definition", f"{units}/x.service", f"{units}/x.service.d/hand.conf", a, r}
    assert found["definition"] == "d" * 64
    assert found[a] == stamp._digest(a)

    (stamping / "a").write_text("later")
    (stamping / "r").write_text("later")
    run(("sh", str(stamping / "stamp"), "reload", "x.service", r))
    assert stamp.read("x.service") == found, "a reload that fails must leave no trace"
    run(("sh", str(stamping / "stamp"), "reloaded", "x.service"))
    assert stamp.read("x.service") == {**found, r: stamp._digest(r)}
    assert sorted(each.name for each in (stamping / "run/wallcloud/started").iterdir()) == ["x.service"]
    assert (stamping / "run/wallcloud/started").stat().st_mode & 0o077 == 0


def test_no_stamp() -> None:
    assert stamp.read("never-started.service") is None


def test_the_definition_stands_in_the_unit() -> None:
    text, digest = stamp.with_definition("a @DEFINITION@ b")
    assert text == f"a {digest} b"


def test_the_lock_names_its_holder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("wallcloud.node.lock.GRACE_SECONDS", 0.1)
    first, second = Lock("ann@here", tmp_path / "lock"), Lock("bob@there", tmp_path / "lock")
    assert first.take() is None
    holder = second.take()
    assert holder is not None
    assert (holder["operator"], holder["pid"]) == ("ann@here", os.getpid())


def test_a_holder_that_ends_soon_is_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("wallcloud.node.lock.GRACE_SECONDS", 0.1)
    first, second = Lock("ann@here", tmp_path / "lock"), Lock("bob@there", tmp_path / "lock")
    assert first.take() is None
    first.stopping()
    threading.Timer(0.5, os.close, (first._descriptor,)).start()
    assert second.take() is None
    assert json.loads((tmp_path / "lock").read_text())["operator"] == "bob@there"
