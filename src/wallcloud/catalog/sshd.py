"""sshd: Debian's own, as it was found. Wallcloud arrives through it and changes nothing of it."""

from wallcloud.catalog.component import EVERY_ROLE, ROOT, Component, Listen, Outside, Visit
from wallcloud.site.model import Kind

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
            port_of=lambda site: site.ssh.port,
        ),
    ),
    visits=(Visit(Outside.ADMINS, "ssh", "admins, and Wallcloud itself, manage the node"),),
)
