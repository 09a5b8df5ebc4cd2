"""sshd: Debian's own, as it was found. Wallcloud arrives through it and changes nothing of it."""

from collections.abc import Iterator

from wallcloud.catalog.component import EVERY_ROLE, ROOT, Account, Component, Listen, Outside, OwnSocket, Private, Visit
from wallcloud.catalog.place import Place
from wallcloud.site.model import Kind

_EVERYWHERE = (
    "Debian's own configuration, which Wallcloud arrives through and leaves as it is: a listener that waits for an "
    "address locks everybody out when the address comes late. The firewall lets admins in on management alone"
)


def sockets(place: Place) -> Iterator[OwnSocket]:
    """What a login brings along: the user's systemd with its sockets, and an agent where the admin forwards his."""
    user = place.site.ssh.user
    for account in (ROOT, *([Account(user, -4, foreign=True)] if user != ROOT.name else [])):
        folder = f"/run/user/{account.uid if account == ROOT else '*'}"
        for at in (f"{folder}/systemd/*", f"{folder}/bus", f"{folder}/gnupg/*", "/tmp/ssh-*/agent.*"):  # noqa: S108
            yield OwnSocket("unix", at, f"a session of {account.name}'s", account=account)


def private(place: Place) -> Iterator[Private]:
    """The node's proof of itself, and whose keys log in."""
    yield Private("/etc/ssh/ssh_host_*_key", "whoever has it is the node", (), key=True)
    yield Private("/root/.ssh/authorized_keys", "who may log in", ())


COMPONENT = Component(
    name="sshd",
    title="OpenSSH",
    roles=EVERY_ROLE,
    account=ROOT,
    listens=(
        Listen(
            "ssh",
            Kind.MANAGEMENT,
            22,
            authentication="SSH host key and user key",
            encryption="SSH",
            everywhere=_EVERYWHERE,
            port_of=lambda site: site.ssh.port,
        ),
    ),
    sockets=sockets,
    private=private,
    visits=(Visit(Outside.ADMINS, "ssh", "admins, and Wallcloud itself, manage the node"),),
)
