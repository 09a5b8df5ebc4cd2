"""One session: the program arrives whole and answers; every way in which it does not is told in words that help."""

import asyncio
import io
import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest
from tests.deploy.far import HERE, Far
from tests.design.goldens import golden

from wallcloud.build.cache import Cache
from wallcloud.deploy import carrier
from wallcloud.deploy import session as module
from wallcloud.deploy.run import target
from wallcloud.deploy.session import Session, SessionLost, Target, reachable
from wallcloud.node.resources import Directory
from wallcloud.node.spec import Spec, to_json

FOLDER = Path(__file__).parent / "golden"


def talk(far: Far, *messages: dict[str, Any]) -> list[dict[str, Any]]:
    """Everything that a node says to these messages."""

    async def whole() -> list[dict[str, Any]]:
        async with asyncio.timeout(20):
            session = await Session.open(target(far.loaded, "api"))
            try:
                for message in messages:
                    session.send(message)
                return [event async for event in session.events()]
            finally:
                await session.close(0)

    return asyncio.run(whole())


# -- the real program, right here: facts and plans read only


def test_facts_and_a_plan_in_one_session(far: Far, tmp_path: Path) -> None:
    far.runs("api", HERE)
    spec = Spec("api", "2026.2", (Directory(path=str(tmp_path / "new"), component="test", reason="a test"),))
    facts, begin, started, done, finished = talk(
        far, {"op": "facts"}, {"op": "plan", "spec": to_json(spec), "secrets": {}}
    )
    assert facts["facts"]["python"].startswith("3.")
    assert (begin["count"], started["index"]) == (1, 0)
    assert (done["outcome"], done["resource"]["name"]) == ("planned", str(tmp_path / "new"))
    assert (finished["outcome"], finished["planned"]) == ("ok", 1)
    assert not (tmp_path / "new").exists()


def _loaded(head: bytes, app: bytes) -> "subprocess.CompletedProcess[bytes]":
    return subprocess.run(
        [sys.executable, "-I", "-c", carrier.LOADER], input=head + app, capture_output=True, check=False, timeout=20
    )


def test_what_does_not_arrive_whole_is_not_run() -> None:
    app = bytearray(carrier.zipapp())
    app[len(app) // 2] ^= 1
    done = _loaded(carrier.head(), bytes(app))
    assert (done.returncode, done.stdout, done.stderr) == (1, b"", b"wallcloud: the program did not arrive whole\n")
    done = _loaded(carrier.head(), carrier.zipapp()[:-1])
    assert done.stderr == b"wallcloud: the program did not arrive whole\n"


def test_it_does_run_otherwise_and_ends_with_its_input() -> None:
    done = _loaded(carrier.head(), carrier.zipapp())
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")


def test_the_program_is_the_same_byte_for_byte() -> None:
    sources = carrier._sources()
    assert carrier.pack(sources) == carrier.pack(sources) == carrier.zipapp()
    assert carrier.pack({**sources, "wallcloud/node/new.py": b""}) != carrier.zipapp()
    assert json.loads(carrier.head())["app"] == len(carrier.zipapp())


def test_it_holds_the_node_and_nothing_else() -> None:
    names = zipfile.ZipFile(io.BytesIO(carrier.zipapp())).namelist()
    assert len(names) == len(set(names))
    assert {"wallcloud/node/__main__.py", "wallcloud/node/__main__.pyc", "wallcloud/__init__.py"} <= set(names)
    beside = {f"wallcloud/{name}" for name in ("__init__.py", "__init__.pyc", "frozen.py", "frozen.pyc")}
    assert {name for name in names if not name.startswith("wallcloud/node/")} == beside


def test_a_damaged_copy_in_the_cache_is_made_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    carrier.zipapp.cache_clear()
    good = carrier.zipapp()
    (blob,) = (path for path in (Cache().path / "blobs").rglob("*") if path.is_file())
    blob.chmod(0o600)
    blob.write_bytes(b"damaged")
    carrier.zipapp.cache_clear()
    assert carrier.zipapp() == good
    monkeypatch.undo()
    carrier.zipapp.cache_clear()


# -- how a session fails


SAID = {
    "unreachable": "echo 'ssh: connect to host 198.18.10.12 port 22: Connection timed out' >&2; exit 255",
    "unknown-host": "echo 'Host key verification failed.' >&2; exit 255",
    "no-python": "echo 'sh: 1: exec: python3: not found' >&2; exit 127",
    "no-sudo": "echo 'sudo: a password is required' >&2; exit 1",
    "login-script": "echo 'Welcome to Debian! You have 3 new mails.'; cat >/dev/null",
    "json-but-no-event": "echo 5; cat >/dev/null",
    "json-without-event": "echo '{\"hello\": 1}'; cat >/dev/null",
    "early-end": "head -c 10 >/dev/null; echo 'Traceback (most recent call last):' >&2; echo 'MemoryError' >&2; exit 1",
    "killed": "kill -9 $$",
    "silent-end": "exit 0",
}


@pytest.mark.parametrize("case", SAID)
def test_what_a_user_is_told(far: Far, case: str) -> None:
    far.runs("api", SAID[case])
    with pytest.raises(SessionLost) as raised:
        talk(far, {"op": "facts"})
    lost = raised.value
    golden(FOLDER / f"session-{case}.txt", "\n".join([lost.where, lost.what, *lost.output, lost.hint, ""]))


def test_without_ssh(far: Far, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(SessionLost) as raised:
        talk(far, {"op": "facts"})
    assert raised.value.what == "the program ssh cannot be started here: No such file or directory"
    assert raised.value.hint == "apt-get install openssh-client"
    why = asyncio.run(reachable(target(far.loaded, "api")))
    assert why == "the program ssh cannot be started here: No such file or directory"


def test_an_event_may_be_very_long(far: Far) -> None:
    far.plays("api", "order()\nsay('begin', what='x' * 5_000_000)\nfinish()")
    said = talk(far, {"op": "facts"}, {"op": "plan"})
    assert len(said[1]["what"]) == 5_000_000


def test_but_not_endless(far: Far, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_LINE_LIMIT", 100_000)
    far.plays("api", "order()\nsay('begin', what='x' * 5_000_000)\nfinish()")
    with pytest.raises(SessionLost, match="the node said something that is no event") as raised:
        talk(far, {"op": "facts"}, {"op": "plan"})
    assert raised.value.output == ("a line longer than 100000 bytes",)


def test_only_the_last_lines_of_many_errors_are_kept(far: Far) -> None:
    far.runs("api", "head -c 700000 /dev/zero | tr '\\0' x >&2; seq 1 100000 >&2; exit 3")
    with pytest.raises(SessionLost, match=r"the session ended early \(status 3\)") as raised:
        talk(far, {"op": "facts"})
    assert raised.value.output == tuple(str(number) for number in range(99986, 100001))


def test_a_program_that_ssh_leaves_behind_holds_nothing_up(far: Far) -> None:
    """A ControlMaster in the background keeps stderr open."""
    far.runs("api", "sleep 5 </dev/null >/dev/null & exit 255")
    began = asyncio.new_event_loop().time()
    with pytest.raises(SessionLost, match="cannot be reached by SSH"):
        talk(far, {"op": "facts"})
    assert asyncio.new_event_loop().time() - began < 4


def test_a_node_that_hangs_is_left(far: Far) -> None:
    far.runs("api", "exec sleep 60")

    async def whole() -> None:
        session = await Session.open(target(far.loaded, "api"))
        async with asyncio.timeout(5):
            await session.close(0.2)

    asyncio.run(whole())


def test_cancel_goes_before_blobs_that_wait(far: Far) -> None:
    big, small = Cache().add_bytes(b"1" * 3_000_000), Cache().add_bytes(b"2")
    far.plays("api", "order()\nsay('begin', count=1)\ntime.sleep(0.3)\nwhile hear()['op'] != 'cancel': pass\nfinish()")

    async def whole() -> None:
        async with asyncio.timeout(20):
            session = await Session.open(target(far.loaded, "api"))
            session.send({"op": "facts"})
            session.send({"op": "apply"})
            async for event in session.events():
                if event["event"] == "begin":
                    session.send_blob(big, Cache().blob(big))
                    await asyncio.sleep(0.1)
                    session.send_blob(small, Cache().blob(small))
                    session.cancel()
            await session.close(0)

    asyncio.run(whole())
    assert [message["op"] for message in far.heard("api")] == ["facts", "apply", "blob", "cancel"]
    assert far.heard("api")[2]["digest"] == big


def test_messages_and_blobs_never_interleave(far: Far) -> None:
    digests = [Cache().add_bytes(str(number).encode() * 100_000) for number in range(5)]
    far.plays("api", "order()\nsay('begin', count=1)\nwhile hear()['op'] != 'confirm': pass\nfinish()")

    async def whole() -> None:
        async with asyncio.timeout(20):
            session = await Session.open(target(far.loaded, "api"))
            session.send({"op": "facts"})
            session.send({"op": "apply"})
            for digest in digests:
                session.send_blob(digest, Cache().blob(digest))
                session.send({"op": "milestone", "name": digest})
            session.send({"op": "confirm"})
            assert [event["event"] async for event in session.events()] == ["facts", "begin", "finished"]
            await session.close(0)

    asyncio.run(whole())
    heard = [(message["op"], message.get("digest") or message["name"]) for message in far.heard("api")[2:-1]]
    assert heard == [(op, digest) for digest in digests for op in ("blob", "milestone")]
    assert far.heard("api")[2]["content"] == "0" * 100_000


# -- the command line of ssh


def made(**changes: Any) -> Target:
    fields = {"node": "n", "host": "h", "user": "root", "port": 22, "config": None}
    return Target(**{**fields, **changes})


def test_ssh_asks_nothing_and_waits_for_no_dead_host() -> None:
    argv = made().argv("true")
    assert argv[0] == "ssh"
    for option in ("BatchMode=yes", "ConnectTimeout=10", "ServerAliveInterval=15", "ControlMaster=no"):
        assert argv[argv.index(option) - 1] == "-o"
    assert "ControlPath=none" not in argv
    assert argv[argv.index("--") :] == ["--", "h", "true"]


def test_the_users_own_configuration_is_used_unless_the_site_names_one() -> None:
    assert "-F" not in made().argv("true")
    argv = made(config=Path("/x y"), port=2222, user="op").argv("true", fresh=True)
    assert argv[argv.index("-F") + 1] == "/x y"
    assert (argv[argv.index("-p") + 1], argv[argv.index("-l") + 1]) == ("2222", "op")
    assert "ControlPath=none" in argv
    assert made(config=Path("/x y"), port=2222, user="op").by_hand() == "ssh -F '/x y' -p 2222 op@h true"
    assert made().by_hand() == "ssh root@h true"


def test_the_program_runs_as_root() -> None:
    assert made().python().startswith("exec python3 -I -c ")
    assert made(user="op").python().startswith("exec sudo -n -- python3 -I -c ")


def test_reachable(far: Far) -> None:
    far.plays("api", "", fresh="")
    assert asyncio.run(reachable(target(far.loaded, "api"))) is None
    far.plays("api", "", fresh="print('a\\nlast', file=sys.stderr); sys.exit(1)")
    assert asyncio.run(reachable(target(far.loaded, "api"))) == "last"
    far.plays("api", "", fresh="sys.exit(9)")
    assert asyncio.run(reachable(target(far.loaded, "api"))) == "ssh ended with status 9"


def test_the_operators_word_for_a_host_is_taken(far: Far) -> None:
    path = far.loaded.path
    path.write_text(path.read_text().replace("roles: [api]", "roles: [api]\n    ssh: door.example"))
    from wallcloud.site.load import load

    assert target(load(path), "api").host == "door.example"
    assert target(load(path), "control").host == "198.18.10.11"
    assert os.environ["PATH"]
