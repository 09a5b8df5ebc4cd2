"""How the cloud that `wallcloud verify` proves is reached: its doors, its nodes, and the places outside."""

from __future__ import annotations

import shlex

from wallcloud.build.cache import default_path
from wallcloud.catalog.component import ServiceUser
from wallcloud.catalog.identity import ADMIN, ADMIN_PASSWORD, ADMIN_PROJECT, member_password
from wallcloud.catalog.openstack import PROJECT
from wallcloud.cli.face import WrongUse, option_site
from wallcloud.deploy import rotation
from wallcloud.deploy.authority import Authority
from wallcloud.deploy.prepare import known_design, state_of
from wallcloud.deploy.run import target
from wallcloud.design.compile import Design
from wallcloud.errors import WallcloudError
from wallcloud.frozen import frozen
from wallcloud.site.load import Loaded
from wallcloud.verify import by_hand
from wallcloud.verify.cloud import Cloud
from wallcloud.verify.doors import Credentials, Users
from wallcloud.verify.encryption.rogue import Vouching
from wallcloud.verify.paths.wanted import secrets
from wallcloud.verify.places import Command, over_ssh


@frozen
class Workstations:
    """SSH hosts that stand for the lab's places, both or none."""

    office: str | None
    admin: str | None

    @property
    def names(self) -> tuple[str, ...]:
        """A lab has a router, too, where programs can be run."""
        return ("office", "admin") if self.office else ("office", "admin", "router")


def cloud_of(loaded: Loaded, at: Workstations, only: tuple[str, ...]) -> Cloud:
    """The running cloud of a site. Raises WallcloudError where it has none yet, and WrongUse."""
    design = known_design(loaded)
    state = state_of(loaded)
    if not state.ca_certificate.exists():
        raise WallcloudError("there is no cloud of this site yet", where=str(loaded.path), hint="run: wallcloud apply")
    project, member = next(((name, it.user) for name, it in loaded.site.projects.items()), ("", ""))
    # Not `secrets`, which would make and keep what is missing: this verb only reads.
    turned = rotation.load(state)
    used = turned.used
    servant = _servant(design)
    boss, tenant = used(ADMIN_PASSWORD).name, used(member_password(project, member)).name
    service = used(servant.password).name
    values = state.secrets_known((boss, service, *((tenant,) if member else ())))
    return Cloud(
        design=design,
        ca=state.ca_certificate.read_text(encoding="ascii"),
        users=Users(
            admin=Credentials(ADMIN, values[boss], ADMIN_PROJECT),
            service=Credentials(servant.account(turned.generation(servant.password)), values[service], PROJECT),
            member=Credentials(member, values[tenant], project) if member else None,
        ),
        command=places_of(loaded, at),
        on_node=lambda node, argv: on_node(loaded, node, argv),
        outside=at.names,
        only=only,
        vouching=Vouching(
            lambda subject, names: Authority.open(state, loaded.site.name).expired(subject, names),
            lambda: Authority.open(state, loaded.site.name).stranger(),
        ),
        secret=lambda name: state.secrets_known((used(name).name,))[used(name).name],
        secrets={name: value for name in secrets(design) if (value := state.secret_kept(name))},
        ca_file=str(state.ca_certificate),
        state=state.path,
        cache=default_path(),
    )


def _servant(design: Design) -> ServiceUser:
    """A service's user who is no admin besides."""
    users = (user for name in design.placed if (user := design.catalog[name].user))
    return next(user for user in users if user.roles == ("service",))


def on_node(loaded: Loaded, node: str, argv: list[str]) -> list[str]:
    """What runs a program on a node as root."""
    at = target(loaded, node)
    return at.argv(shlex.join(argv if at.user == "root" else ["sudo", "-n", "--", *argv]))


def hands_of(loaded: Loaded, at: Workstations) -> by_hand.Run:
    """How commands of a report are run by hand."""
    if at.office and at.admin:
        return by_hand.on_hosts({"office": at.office, "admin": at.admin})
    return by_hand.on_lab(option_site(loaded.path))


def places_of(loaded: Loaded, at: Workstations) -> Command:
    """What runs a program at a place. Raises WallcloudError where the lab is not up, and WrongUse."""
    if at.office and at.admin:
        return over_ssh({"office": at.office, "admin": at.admin}, loaded.ssh_config)
    if at.office or at.admin:
        raise WrongUse(
            "probes start from two places", hint="give both --office HOST and --admin HOST, or none for the lab's"
        )
    from wallcloud.lab.lab import Lab  # noqa: PLC0415 - hosts that SSH reaches need no lab

    try:
        command: Command = Lab.of(loaded).command
        command("admin", ["true"])
    except WallcloudError as error:
        raise WallcloudError(
            error.what,
            where=error.where,
            hint=f"wallcloud lab up{option_site(loaded.path)}; or, with real hosts: --office HOST --admin HOST",
        ) from error
    return command
