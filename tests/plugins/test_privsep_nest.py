"""The nest of privileged helpers: whom it serves, what it refuses; and, as root, real helpers of Neutron's."""

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from tests import environment

from wallcloud.plugins import privsep, privsep_nest

CONTEXT = "neutron.privileged.link_cmd"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path.resolve()


def test_what_is_served(folder: Path) -> None:
    agent = privsep_nest.Agent("/etc/x.conf", str(folder))
    assert privsep_nest.refused([CONTEXT, f"{folder}/tmpabc/privsep.sock"], agent) == ""


@pytest.mark.parametrize(
    ("context", "path"),
    [
        ("os.system", "{}/a"),
        ("neutron.privileged.agent.linux", "{}/a"),
        ("neutron.privileged", "{}/a"),
        (CONTEXT, "/tmp/a"),
        (CONTEXT, "{}/../a"),
        (CONTEXT, "{}"),
        (CONTEXT, ""),
    ],
)
def test_what_is_refused(folder: Path, context: str, path: str) -> None:
    agent = privsep_nest.Agent("/etc/x.conf", str(folder))
    assert privsep_nest.refused([context, path.replace("{}", str(folder))], agent)


@pytest.mark.parametrize("request_", [None, "x", [], [CONTEXT], [CONTEXT, 7], [CONTEXT, "a", "b"], {}])
def test_what_is_no_request(folder: Path, request_: object) -> None:
    assert privsep_nest.refused(request_, privsep_nest.Agent("/x", str(folder))) == "no request"


def test_who_asks_is_known_by_the_kernel() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        assert privsep_nest.asking(theirs) == os.getuid()


PROGRAM = """
import sys
from oslo_config import cfg
from neutron import privileged
from neutron.privileged.agent.linux import ip_lib
cfg.CONF(["--config-file", sys.argv[1]], project="neutron")
print([dict(each["attrs"])["IFLA_IFNAME"] for each in ip_lib.get_link_devices(None)])
"""


def _nest(folder: Path, python: Path, uid: int) -> "tuple[subprocess.Popen[bytes], Path]":
    """As systemd starts it: the socket is file descriptor 3."""
    path = folder / "nest.sock"
    door = socket.socket(socket.AF_UNIX)
    door.bind(str(path))
    path.chmod(0o666)
    door.listen()
    config = folder / "agent.conf"
    ask = f"{sys.executable} -I {privsep.__file__} ask {path}"
    groups = ("privsep", "privsep_link", "privsep_namespace", "privsep_conntrack")
    config.write_text("".join(f"[{group}]\nhelper_command = {ask}\n" for group in groups))
    preload = "oslo_privsep.daemon,neutron.privileged.agent.linux.ip_lib"
    argv = [str(python), "-I", str(privsep_nest.__file__), preload, f"{uid}={config}={folder}"]
    number = door.fileno()
    process = subprocess.Popen(["bash", "-c", f'exec "$@" 3<&{number}', "nest", *argv], pass_fds=(number,))
    door.close()
    return process, path


@pytest.fixture(scope="module")
def python() -> Iterator[Path]:
    """The release's; `WALLCLOUD_ENVIRONMENT` may name an unpacked environment."""
    with environment.mounted() as folder:
        yield folder / "bin/python"


@pytest.fixture
def nest(folder: Path, python: Path) -> Iterator[Path]:
    process, path = _nest(folder, python, os.getuid())
    yield path
    process.kill()
    process.wait()


@pytest.mark.root
@pytest.mark.timeout(120)
def test_a_helper_of_neutrons_does_what_it_shall(nest: Path, folder: Path, python: Path) -> None:
    argv = [str(python), "-W", "ignore", "-c", PROGRAM, str(folder / "agent.conf")]
    done = subprocess.run(
        argv, env={**os.environ, "TMPDIR": str(folder)}, capture_output=True, text=True, check=False, timeout=100
    )
    assert done.returncode == 0, done.stderr
    assert "'lo'" in done.stdout


@pytest.mark.root
@pytest.mark.timeout(60)
def test_a_stranger_gets_nothing(folder: Path, python: Path) -> None:
    process, path = _nest(folder, python, 12345)
    try:
        with socket.socket(socket.AF_UNIX) as asking:
            asking.settimeout(40)
            asking.connect(str(path))
            asking.sendall(json.dumps([CONTEXT, f"{folder}/x"]).encode() + b"\n")
            with suppress(ConnectionResetError):
                assert asking.recv(100) == b""
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
        time.sleep(0.2)
        assert children.read_text() == ""
    finally:
        process.kill()
        process.wait()
