"""After all that is done to the cloud: no secret and no private key is where it can be read. Each search first finds
what was planted for it."""

import json
import stat
from collections.abc import Iterator

import pytest
from tests.lab_cloud.cloud import NODES, Cloud
from tests.lab_cloud.harm import change
from tests.lab_cloud.listener import Listener

pytestmark = [pytest.mark.root, pytest.mark.lab]

MARKER = "planted-0c9d5be1f7"
KEYS = """find /etc /var/lib -type f '(' -name '*.key' -o -path '*-keys/*' -o -name '.erlang.cookie' ')' |
    while read -r file; do cat "$file"; echo; done"""
FOLDERS = ("/etc", "/run", "/var", "/usr/lib/wallcloud", "/tmp", "/opt/wallcloud/env/*/etc")
AS_NOBODY = f"setpriv --reuid=nobody --regid=nogroup --clear-groups grep -rsFl -f - {' '.join(FOLDERS)} || true"


@pytest.fixture(scope="module")
def listened(cloud: Cloud) -> set[bytes]:
    """The argument lists of one more apply, with work that needs secrets, and of ten short-lived programs."""
    cloud.on(
        "control", "systemctl stop wallcloud-keystone.socket wallcloud-keystone; rm -rf /var/lib/keystone/fernet-keys"
    )
    change(cloud, 7350)
    with Listener() as listener:
        for number in range(10):
            cloud.on("control", "sh -c 'sleep 0.02; :' \"$(cat)\"", input=f"{MARKER}-{number}-")
        cloud.apply("while argument lists are listened to")
    return listener.heard


@pytest.fixture(scope="module")
def secrets(cloud: Cloud, listened: set[bytes]) -> tuple[str, ...]:
    """Every secret's value, and of every private key a line that tells something of it."""
    assert listened
    values = list(json.loads((cloud.state / "secrets.json").read_text()).values())
    here = [cloud.state / "ca/key.pem", cloud.state / "lab/id_ed25519"]
    files = [*(path.read_text() for path in here), *(cloud.on(node, KEYS) for node in NODES)]
    lines = {line for text in files for line in _private_lines(text)}
    count = len(lines - set(values))  # a failing test shows numbers only
    assert count >= 25, "CA, operator, some twenty certificates, two token keys, two credential keys"
    return tuple({*values, *lines})


def _private_lines(text: str) -> Iterator[str]:
    """Of files one after another: a PKCS #8 key's first line (the later ones hold its public half, which certificates
    show), an OpenSSH key's fourth (the first ones hold the public half), and of others every long line."""
    inside: list[str] | None = None
    for line in text.splitlines():
        if line.startswith("-----BEGIN"):
            inside = []
        elif line.startswith("-----END"):
            assert inside is not None
            yield inside[3] if "OPENSSH" in line else inside[0]
            inside = None
        elif inside is not None:
            inside.append(line)
        elif len(line) >= 16:
            yield line


def _found(secrets: tuple[str, ...], text: str) -> list[str]:
    """The first letters of those that stand in `text`: a failing test shall not tell them either."""
    return [f"{secret[:6]}…" for secret in secrets if secret in text]


def test_no_argument_list_holds_a_secret(cloud: Cloud, listened: set[bytes], secrets: tuple[str, ...]) -> None:
    """Of the first apply, and of one more."""
    unheard = [number for number in range(10) if not any(f"{MARKER}-{number}-".encode() in each for each in listened)]
    assert not unheard, f"of ten programs of 20 ms each the listener missed {unheard}"
    for heard in (cloud.argument_lists, listened):
        assert any(b"mariadb" in words for words in heard)
        assert any(b"ssh\0" in words for words in heard)
        assert len(heard) > 100
        assert _found(secrets, b"\n".join(heard).decode(errors="replace")) == []


def test_no_output_of_the_deployer_holds_a_secret(designed: Cloud, secrets: tuple[str, ...]) -> None:
    for words in (("show", "files"), ("show", "flows"), ("plan", "--json"), ("verify", "--json", "--part", "doors")):
        designed.run(*words).expect(0)
    said = "\n".join(designed.said)
    assert '"event": "summary"' in said and len(said) > 10_000
    assert _found(secrets, said) == []
    assert "PRIVATE KEY-----" not in said


def test_no_journal_holds_a_secret(cloud: Cloud, secrets: tuple[str, ...]) -> None:
    for node in NODES:
        cloud.on(node, f"logger {MARKER}; journalctl --sync")
        journal = cloud.on(node, "exec journalctl --no-pager --all --output=verbose")
        assert MARKER in journal
        assert (node, _found(secrets, journal)) == (node, [])
        assert "PRIVATE KEY-----" not in journal


@pytest.fixture
def planted(cloud: Cloud) -> Iterator[str]:
    """A file on every node that anybody may read, with the marker in it."""
    path = "/var/tmp/planted"
    for node in NODES:
        cloud.on(node, f"echo {MARKER} >{path}; chmod 644 {path}")
    yield path
    for node in NODES:
        cloud.on(node, f"rm -f {path}")


def test_nobody_can_read_a_secret_on_a_node(cloud: Cloud, secrets: tuple[str, ...], planted: str) -> None:
    patterns = "".join(f"{secret}\n" for secret in (*secrets, MARKER))
    for node in NODES:
        assert cloud.on(node, AS_NOBODY, input=patterns).splitlines() == [planted], node


def test_only_the_operator_reads_the_state_folder(cloud: Cloud) -> None:
    kept = ("secrets.json", "ca/key.pem", "lab/id_ed25519")
    modes = {name: stat.S_IMODE((cloud.state / name).stat().st_mode) for name in ("", *kept)}
    assert modes == {"": 0o700, **dict.fromkeys(kept, 0o600)}
