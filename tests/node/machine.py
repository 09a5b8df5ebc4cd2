"""A machine for tests: the base root under an overlay, booted by systemd-nspawn in a network namespace of its own."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from wallcloud.build import root
from wallcloud.build.cache import Cache
from wallcloud.deploy import carrier
from wallcloud.lab import kernel
from wallcloud.node.spec import Spec, to_json
from wallcloud.progress import Silent

Event = dict[str, Any]
Answer = Callable[[Event], "tuple[bytes, ...]"]


@dataclass
class Talk:
    """One session: its events and exit status."""

    events: list[Event]
    status: int
    errors: str

    @property
    def outcome(self) -> str:
        return str(next((event["outcome"] for event in self.events if event["event"] == "finished"), "none"))

    def of(self, kind: str) -> list[Event]:
        return [event for event in self.events if event["event"] == kind]

    def changed(self) -> dict[str, list[str]]:
        """{name of the resource: properties that differ}."""
        return {
            event["resource"]["name"]: [change["property"] for change in event["changes"]]
            for event in self.of("done")
            if event["changes"]
        }

    def failure(self) -> str:
        """For assertion messages: why it failed."""
        return "\n".join(json.dumps(event, ensure_ascii=False, indent=1) for event in self.of("failed")) + self.errors


@dataclass
class Machine:
    """A booted machine; `leader` is the pid of its init in the host's pid namespace."""

    folder: Path
    leader: int
    answers: dict[str, Answer] = field(default_factory=dict)

    def inside(self, *argv: str) -> list[str]:
        return ["nsenter", "-t", str(self.leader), "-a", "--", "env", "-i", f"PATH={os.environ['PATH']}", *argv]

    def run(self, script: str, *, check: bool = True) -> str:
        """Runs a shell script inside; returns what it printed."""
        done = subprocess.run(
            self.inside("sh", "-c", script), capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL
        )
        if check and done.returncode:
            raise AssertionError(f"{script}\n{done.stdout}{done.stderr}")
        return done.stdout.strip()

    def open(self, request: Mapping[str, Any]) -> "subprocess.Popen[bytes]":
        """Starts a session and sends its request."""
        process = subprocess.Popen(
            self.inside("python3", "-I", "-c", carrier.LOADER),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        assert process.stdin is not None
        process.stdin.write(carrier.head() + carrier.zipapp() + json.dumps(request).encode() + b"\n")
        process.stdin.flush()
        return process

    def talk(self, request: Mapping[str, Any]) -> Talk:
        """A whole session, answered as a deployer would."""
        process = self.open(request)
        assert process.stdin is not None and process.stdout is not None and process.stderr is not None
        if request["op"] == "facts":
            process.stdin.close()  # no plan follows in this session
        events = []
        for line in process.stdout:
            event = json.loads(line)
            events.append(event)
            answer = self.answers.get(event["event"])
            for message in answer(event) if answer is not None else ():
                process.stdin.write(message)
            if not process.stdin.closed:
                process.stdin.flush()
        errors = process.stderr.read().decode()
        process.stdin.close()
        return Talk(events, process.wait(), errors)

    def apply(self, spec: Spec, **secrets: str) -> Talk:
        return self.talk({"op": "apply", "spec": to_json(spec), "secrets": secrets, "operator": "test"})

    def plan(self, spec: Spec, **secrets: str) -> Talk:
        return self.talk({"op": "plan", "spec": to_json(spec), "secrets": secrets})

    def converged(self, spec: Spec, **secrets: str) -> Talk:
        """Applies, and insists that it went well and that a plan after it is empty."""
        talk = self.apply(spec, **secrets)
        assert talk.outcome == "ok", talk.failure()
        after = self.plan(spec, **secrets)
        assert after.outcome == "ok", after.failure()
        assert after.changed() == {}
        return talk


@contextmanager
def machine(name: str) -> Iterator[Machine]:
    """Boots one; everything of it is gone afterwards."""
    lower = root.build(Cache(), Silent())
    namespace = f"wc-test-{name}-{os.getpid()}"
    with ExitStack() as after:
        folder = Path(tempfile.mkdtemp(prefix=f"wc-test-{name}-", dir="/var/tmp"))
        after.callback(shutil.rmtree, folder, ignore_errors=True)
        tree = folder / "root"
        for part in ("upper", "work", "root"):
            (folder / part).mkdir(mode=0o755)
        kernel.make_loops()
        _do("ip", "netns", "add", namespace)
        after.callback(_do, "ip", "netns", "del", namespace)
        _do("ip", "-n", namespace, "link", "set", "lo", "up")
        layers = f"lowerdir={lower},upperdir={folder}/upper,workdir={folder}/work"
        _do("mount", "-t", "overlay", "overlay", "-o", layers, str(tree))
        after.callback(_do, "umount", "--lazy", str(tree))
        with (folder / "console").open("wb") as console:
            process = subprocess.Popen(
                [
                    *("nsenter", f"--net=/run/netns/{namespace}", "systemd-nspawn", "-q", "-D", str(tree)),
                    *("-M", namespace, "--boot", "--register=no", "--keep-unit", "--capability=all"),
                    *("--resolv-conf=off", "--console=read-only", "--bind=/dev/net/tun"),
                    *(f"--bind={device}" for device in (kernel.LOOP_CONTROL, *kernel.LOOPS)),
                ],
                env={**os.environ, "SYSTEMD_NSPAWN_API_VFS_WRITABLE": "yes"},
                stdin=subprocess.DEVNULL,
                stdout=console,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        after.callback(_power_off, process)
        made = Machine(folder, _leader(process))
        up = {"running", "degraded"}
        _wait(lambda: made.run("systemctl is-system-running", check=False) in up, process, folder)
        yield made


def _power_off(process: "subprocess.Popen[bytes]") -> None:
    process.terminate()
    try:
        process.wait(20)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _leader(process: "subprocess.Popen[bytes]") -> int:
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
    end = time.monotonic() + 20
    while time.monotonic() < end:
        for pid in children.read_text().split():
            if Path(f"/proc/{pid}/comm").read_text().strip() in {"systemd", "init"}:
                return int(pid)
        time.sleep(0.05)
    raise AssertionError("the machine has no init")


def _wait(ready: Callable[[], bool], process: "subprocess.Popen[bytes]", folder: Path) -> None:
    end = time.monotonic() + 60
    while not ready():
        if process.poll() is not None or time.monotonic() > end:
            raise AssertionError(
                f"the machine did not boot:\n{(folder / 'console').read_text(errors='replace')[-3000:]}"
            )
        time.sleep(0.1)


def _do(*argv: str) -> None:
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    if done.returncode:
        raise AssertionError(f"{' '.join(argv)}: {done.stderr}")


if __name__ == "__main__":  # a machine to look around in
    with machine("look") as here:
        print(here.leader, file=sys.stderr)
        subprocess.run(here.inside("bash"), check=False)
