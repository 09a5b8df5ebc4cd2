"""The way in: an operator's key, the machines' host keys, and a configuration for `ssh -F`, as for real hosts."""

import os
import shlex
import shutil
import sys
from ipaddress import IPv4Address
from pathlib import Path

from wallcloud.frozen import frozen
from wallcloud.lab import connect, disk


@frozen
class Door:
    """What the deployer's side of SSH consists of, in `<state>/lab`."""

    folder: Path

    @property
    def key(self) -> Path:
        """The operator's private key."""
        return self.folder / "id_ed25519"

    @property
    def known_hosts(self) -> Path:
        """The machines' host keys."""
        return self.folder / "known_hosts"

    @property
    def config(self) -> Path:
        """For `ssh -F`."""
        return self.folder / "ssh_config"

    def public_key(self) -> str:
        """The operator's public key; the pair is made if there is none."""
        public = self.folder / "id_ed25519.pub"
        # The state folder may be made here: deploy keeps the site's CA and secrets in it.
        self.folder.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.folder.mkdir(mode=0o700, exist_ok=True)
        if not (self.key.is_file() and public.is_file()):
            self.key.unlink(missing_ok=True)
            public.unlink(missing_ok=True)
            disk.make_key(self.key, "wallcloud-lab")
        return public.read_text().strip()

    def write(
        self, hosts: dict[str, tuple[IPv4Address, str, str | None]], namespace: Path, user: str, port: int
    ) -> None:
        """Writes known_hosts and ssh_config. `hosts` is name: (address, public host key, another name if it has one).

        Connections leave from `namespace`, the admin workstation's.
        """
        names = {name: [name, str(address), *filter(None, (other,))] for name, (address, _, other) in hosts.items()}
        known = [f"{','.join(_known(each, port) for each in names[name])} {hosts[name][1]}" for name in hosts]
        _replace(self.known_hosts, "".join(f"{line}\n" for line in known))
        helper = self.folder / "connect.py"
        shutil.copyfile(connect.__file__, helper)
        proxy = shlex.join((sys.executable, "-I", "-S", str(helper), str(namespace)))
        text = ["# Made by `wallcloud lab up`: the lab's machines, reached from the admin workstation."]
        for name, (address, _, _) in hosts.items():
            text += [f"Host {' '.join(names[name])}", f"    HostName {address}"]
        text += [
            f"Host {' '.join(each for name in hosts for each in names[name])}",
            f"    User {user}",
            f"    Port {port}",
            f"    IdentityFile {_quoted(self.key)}",
            "    IdentitiesOnly yes",
            f"    UserKnownHostsFile {_quoted(self.known_hosts)}",
            "    GlobalKnownHostsFile /dev/null",
            "    StrictHostKeyChecking yes",
            "    HostKeyAlgorithms ssh-ed25519",
            # The default, hybrid with post-quantum, costs some 50 ms of CPU per session and guards nothing here.
            "    KexAlgorithms curve25519-sha256",
            "    PasswordAuthentication no",
            "    ConnectTimeout 20",
            "    ProxyUseFdpass yes",
            # In ssh_config(5) a percent sign that is meant as such is doubled.
            f"    ProxyCommand {proxy.replace('%', '%%')} %h %p",
        ]
        _replace(self.config, "".join(f"{line}\n" for line in text))


def _known(host: str, port: int) -> str:
    """A host as known_hosts has it: sshd(8)."""
    return host if port == 22 else f"[{host}]:{port}"


def _quoted(path: Path) -> str:
    return '"' + str(path).replace("%", "%%") + '"'


def _replace(path: Path, text: str) -> None:
    """Writes a file so that readers see the old or the new one, and leaves an equal one alone."""
    if path.is_file() and path.read_text() == text:
        return
    fresh = path.with_name(f".{path.name}.{os.getpid()}")
    fresh.write_text(text)
    fresh.chmod(0o600)
    fresh.replace(path)
