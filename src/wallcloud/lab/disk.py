"""A machine's disk: an overlay over the base root, with what an installer would have put on a real host.

That is its name, its address, its SSH host key, its machine-id and the operator's key; nothing of Wallcloud's.
"""

import secrets
import shutil
import tempfile
from pathlib import Path

from wallcloud.errors import WallcloudError
from wallcloud.lab import kernel
from wallcloud.lab.keeper import Paths

HOST_KEY = "etc/ssh/ssh_host_ed25519_key"
AUTHORIZED = "root/.ssh/authorized_keys"
_UNITS, _UNIT, _BATCH = "etc/systemd/system", "lab-address.service", "etc/network/lab.batch"
# As Debian's networking.service: whatever wants to be there before the network (network-pre.target) comes first.
_ADDRESS = f"""\
[Unit]
Description=The address that SSH arrives on
DefaultDependencies=no
Wants=network.target
After=local-fs.target network-pre.target systemd-sysctl.service
Before=network.target shutdown.target
Conflicts=shutdown.target

[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/bin/ip -batch /{_BATCH}

[Install]
WantedBy=multi-user.target
"""


def make(paths: Paths, name: str, base: Path, port: int) -> None:
    """Makes a machine's folder with an empty disk over `base`, all or nothing; SSH listens on `port`."""
    if paths.folder.exists():
        if not Path(paths.base.read_text().strip()).is_dir():
            raise WallcloudError(
                f"the base root below the disk of {name} is gone from the cache",
                where=str(paths.folder),
                hint="wallcloud lab down, then lab up makes the machines anew",
            )
        return
    paths.folder.parent.mkdir(parents=True, exist_ok=True)
    # A name with a dot is no node's: a half made folder is never taken for a machine.
    scratch = Path(tempfile.mkdtemp(prefix=f".{name}.", dir=paths.folder.parent))
    scratch.chmod(0o755)
    fresh = Paths(scratch)
    for folder in (fresh.upper, fresh.work, fresh.root):
        folder.mkdir(mode=0o755)
    fresh.base.write_text(f"{base}\n")
    upper = fresh.upper
    (upper / "etc/ssh").mkdir(parents=True)
    (upper / "etc/hostname").write_text(f"{name}\n")
    (upper / "etc/machine-id").write_text(f"{secrets.token_hex(16)}\n")
    (upper / "etc/machine-id").chmod(0o444)
    make_key(upper / HOST_KEY, f"root@{name}")
    if port != 22:
        (upper / "etc/ssh/sshd_config.d").mkdir()
        (upper / "etc/ssh/sshd_config.d/port.conf").write_text(f"Port {port}\n")
    (upper / "root").mkdir(mode=0o700)
    scratch.rename(paths.folder)


def make_key(path: Path, comment: str) -> None:
    """A new Ed25519 key pair without passphrase at `path` and `path`.pub."""
    kernel.run(("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", comment, "-f", str(path)))


def host_key(paths: Paths) -> str:
    """The machine's public host key: type and base64, as known_hosts has them."""
    return " ".join((paths.upper / f"{HOST_KEY}.pub").read_text().split()[:2])


def address(upper: Path, batch: str) -> None:
    """Has a machine that is off give itself its address at boot, by a batch for ip(8)."""
    wanted = upper / _UNITS / "multi-user.target.wants"
    for folder in (wanted, (upper / _BATCH).parent):
        folder.mkdir(parents=True, exist_ok=True)
    (upper / _BATCH).write_text(batch)
    (upper / _UNITS / _UNIT).write_text(_ADDRESS)
    link = wanted / _UNIT
    if not link.is_symlink():
        link.symlink_to(f"../{_UNIT}")


def authorize(root: Path, key: str) -> None:
    """Lets the operator's public key in. `root` is the disk of a machine that is off, or the root of one that runs."""
    file = root / AUTHORIZED
    present = file.read_text().splitlines() if file.is_file() else []
    if key not in present:
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        file.write_text("".join(f"{line}\n" for line in (*present, key)))
        file.chmod(0o600)


def remove(folder: Path) -> None:
    """Removes a folder of the lab. Never follows a mount: what is still mounted below is unmounted first."""
    for point in kernel.mounts_below(folder):
        kernel.run(("umount", point))
    if folder.exists():
        shutil.rmtree(folder)
