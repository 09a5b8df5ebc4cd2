"""Ansible and pyinfra on the simulated nodes: the same files, by each tool's own idiom, tuned as its manual says.

Both live in an environment of their own, `.venv-others`, made from `others.txt` (by `make lock` from `others.in`).

- Ansible: 121 plain `copy` tasks. Pipelining, as many forks as targets, a connection kept (ControlPersist), no facts
  gathered, no interpreter looked for.
- pyinfra: 121 `files.put` operations. It connects to all targets at once by itself.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import uv

from bench import fleet, measured
from bench.fleet import Fleet
from bench.page import ROOT
from wallcloud.build.run import clean_environment

VENV = ROOT / ".venv-others"
LOCK = ROOT / "bench/others.txt"
_RECAP = re.compile(r"^(\S+) +: ok=(\d+) +changed=(\d+) +unreachable=(\d+) +failed=(\d+) ", re.MULTILINE)
_TOTAL = re.compile(r"^ +Grand total +(\d+) +(\d+|-) +(\d+|-) +(\d+|-) *$", re.MULTILINE)


def install() -> None:
    """Makes the environment where it is not the lock's. Raises SystemExit."""
    stamp = VENV / ".from"
    if stamp.is_file() and stamp.read_bytes() == LOCK.read_bytes():
        return
    binary = uv.find_uv_bin()
    environment = clean_environment(UV_NO_PROGRESS="1")
    for argv in (
        (binary, "venv", "--quiet", "--clear", "--no-project", "--python", sys.executable, str(VENV)),
        (binary, "pip", "sync", "--quiet", "--python", str(VENV / "bin/python"), "--require-hashes", str(LOCK)),
    ):
        measured.run(argv, env=environment)
    stamp.write_bytes(LOCK.read_bytes())


def versions() -> dict[str, str]:
    """The locked version of each tool."""
    text = (ROOT / "bench/others.in").read_text(encoding="utf-8")
    return dict(re.findall(r"^([a-z-]+)==(\S+)$", text, re.MULTILINE))


class Ansible:
    """A play of one task for each file."""

    def __init__(self, folder: Path, fleet_: Fleet) -> None:
        self._fleet = fleet_
        self._folder = folder
        self._sockets = folder / "sockets"
        self._sockets.mkdir(parents=True)
        files = _files(folder)
        tasks = "".join(
            f"""\
    - name: {path.name}
      ansible.builtin.copy:
        src: {path}
        dest: {fleet.THERE}/{{{{ inventory_hostname }}}}/{path.name}
        owner: root
        group: root
        mode: "0644"
"""
            for path in files
        )
        (folder / "play.yml").write_text(f"- hosts: all\n  gather_facts: false\n  tasks:\n{tasks}")

    def run(self, count: int) -> tuple[measured.Usage, int]:
        """Applies the play to the first `count` nodes; what that took, and how many tasks changed something."""
        nodes = self._fleet.nodes[:count]
        (self._folder / "inventory.ini").write_text("".join(f"{node}\n" for node in nodes))
        (self._folder / "ansible.cfg").write_text(f"""\
[defaults]
inventory = {self._folder}/inventory.ini
forks = {count}
home = {self._folder}/home
interpreter_python = /usr/bin/python3

[connection]
pipelining = True

[ssh_connection]
control_path_dir = {self._sockets}
ssh_args = -F {self._fleet.ssh_config} -o ControlMaster=auto -o ControlPersist=60s
""")
        env = clean_environment(ANSIBLE_CONFIG=str(self._folder / "ansible.cfg"), PATH=_path())
        try:
            used = measured.run((str(VENV / "bin/ansible-playbook"), str(self._folder / "play.yml")), env=env)
        finally:
            self._disconnect()
        return used, ansible_changed(used.output, nodes)

    def _disconnect(self) -> None:
        """Ends the connections that are kept, so that every run makes its own."""
        for each in self._sockets.iterdir():
            argv = ("ssh", "-F", str(self._fleet.ssh_config), "-o", f"ControlPath={each}", "-O", "exit", "any")
            subprocess.run(argv, capture_output=True, check=False)


class Pyinfra:
    """A deploy of one operation for each file."""

    def __init__(self, folder: Path, fleet_: Fleet) -> None:
        self._fleet = fleet_
        self._folder = folder
        folder.mkdir(parents=True)
        calls = "".join(
            f'files.put(name="{path.name}", src="{path}", dest=f"{fleet.THERE}/{{host.name}}/{path.name}",'
            ' user="root", group="root", mode="644")\n'
            for path in _files(folder)
        )
        imports = "from pyinfra import host\nfrom pyinfra.operations import files\n\n"
        (folder / "deploy.py").write_text(f"{imports}{calls}")

    def run(self, count: int) -> tuple[measured.Usage, int]:
        """Runs the deploy on the first `count` nodes; what that took, and how many operations changed something."""
        nodes = self._fleet.nodes[:count]
        told = {
            "ssh_hostname": "127.0.0.1",
            "ssh_port": self._fleet.port,
            "ssh_user": "root",
            "ssh_key": str(self._fleet.key),
            "ssh_known_hosts_file": str(self._fleet.known_hosts),
            "ssh_strict_host_key_checking": "yes",
        }
        (self._folder / "inventory.py").write_text(f"nodes = [(name, {told!r}) for name in {nodes!r}]\n")
        argv = (str(VENV / "bin/pyinfra"), "-y", "inventory.py", "deploy.py")
        used = measured.run(argv, env=clean_environment(PATH=_path()), cwd=self._folder)
        return used, pyinfra_changed(used.output, nodes)


def _path() -> str:
    return os.pathsep.join((str(VENV / "bin"), os.environ["PATH"]))


def _files(folder: Path) -> tuple[Path, ...]:
    """The files as a tool has them on this side."""
    (folder / "files").mkdir()
    paths = tuple(folder / "files" / name for name in fleet.names())
    for path in paths:
        path.write_text(fleet.content(path.name))
    return paths


def ansible_changed(output: str, nodes: tuple[str, ...]) -> int:
    """How many tasks changed something, by the recap. Raises SystemExit where one of `nodes` did not do them all."""
    told = {match[1]: tuple(map(int, match.groups()[1:])) for match in _RECAP.finditer(output)}
    if told.keys() != set(nodes) or any((ok, *bad) != (fleet.FILES, 0, 0) for ok, _, *bad in told.values()):
        sys.exit(f"bench: Ansible did not do every task everywhere\n{output[-3000:]}")
    return sum(changed for _, changed, *_ in told.values())


def pyinfra_changed(output: str, nodes: tuple[str, ...]) -> int:
    """How many operations changed something, by the grand total. Raises SystemExit where not all were done."""
    found = _TOTAL.search(output)
    total, changed, failed, same = (int(each.replace("-", "0")) for each in found.groups()) if found else (0, 0, 0, 0)
    if (total, failed, changed + same) != (fleet.FILES * len(nodes), 0, total):
        sys.exit(f"bench: pyinfra did not do every operation everywhere\n{output[-3000:]}")
    return changed
