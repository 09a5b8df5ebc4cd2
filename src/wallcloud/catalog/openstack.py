"""What OpenStack's services have in common: logs, tokens, credentials, and the unit of a daemon."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from wallcloud.catalog import oslo, tls
from wallcloud.catalog.component import Call, ServiceUser
from wallcloud.catalog.oslo import Setting, Settings
from wallcloud.catalog.place import Place
from wallcloud.catalog.service import service
from wallcloud.node.resource import Resource
from wallcloud.node.resources import Directory, Unit

TOKENS = Call("management-door", "https", "tokens, and other services' APIs", orders=False)
"""What a component declares that checks or gets tokens, or calls another API: all are behind that door."""

PROJECT = "service"
DOMAIN = "Default"
IDENTITY = "/identity"

_LOGGING: Mapping[str, Setting] = {
    "use_stderr": True,
    "use_journal": False,
    # The journal stamps time, unit and pid.
    "logging_context_format_string": (
        "%(levelname)s %(name)s [%(global_request_id)s %(request_id)s %(user_identity)s] %(instance)s%(message)s"
    ),
    "logging_default_format_string": "%(levelname)s %(name)s %(instance)s%(message)s",
    "logging_exception_prefix": "ERROR %(name)s %(instance)s",
}

LINES = (
    "Environment=LANG=C.UTF-8 PYTHONUNBUFFERED=1 MALLOC_ARENA_MAX=2",
    "KillMode=mixed",
    "Restart=always",
    "LimitNOFILE=8192",
    "LimitCORE=0",
    "TasksMax=512",
    "ProcSubset=pid",
    "PrivateIPC=yes",
    "MemoryDenyWriteExecute=yes",
    "SystemCallFilter=@system-service",
    "SystemCallFilter=~@privileged @resources",
    "SystemCallErrorNumber=EPERM",
)
"""[Service] lines of a daemon that makes no namespaces and runs no program as root."""


DERIVED_TOKENS = tuple(
    f"keystone_authtoken.{option}"
    for option in ("auth_type", "auth_url", "cafile", "insecure", "password", "username", "www_authenticate_uri")
)
"""What no option replaces of an API that checks tokens."""
DERIVED_BUS = (
    "default.transport_url",
    *(
        f"oslo_messaging_rabbit.{option}"
        for option in (
            "amqp_durable_queues",
            "rabbit_login_method",
            "ssl",
            "ssl_ca_file",
            "ssl_cert_file",
            "ssl_key_file",
        )
    ),
)
"""And of what uses the bus."""


def derived_database(group: str = "database") -> tuple[str, ...]:
    """And of a database: the sum of the pools is MariaDB's limit."""
    return tuple(f"{group}.{option}" for option in ("connection", "max_overflow", "max_pool_size"))


def logging() -> dict[str, Setting]:
    """[DEFAULT]'s part on logs: to standard error, and so to the journal."""
    return dict(_LOGGING)


def credentials(place: Place, user: ServiceUser | None = None) -> dict[str, Setting]:
    """keystoneauth's options for `user` (the component's own unless said), by the management door.

    Raises ValueError where there is no user.
    """
    who = user or place.component.user
    if who is None:
        raise ValueError(f"{place.component.name} has no user in Keystone")
    return {
        "auth_type": "password",
        "auth_url": f"{place.inner(IDENTITY)}/v3",
        "username": who.account(place.rotation.generation(who.password)),
        "password": place.rotation.used(who.password),
        "project_name": PROJECT,
        "user_domain_name": DOMAIN,
        "project_domain_name": DOMAIN,
        "cafile": tls.CA,
        "insecure": False,
    }


def client(place: Place, user: ServiceUser | None = None) -> dict[str, Setting]:
    """`credentials` and where to look in the catalog: a keystoneauth adapter's options."""
    return {**credentials(place, user), "region_name": place.site.region, "valid_interfaces": ("internal",)}


def authtoken(place: Place) -> Settings:
    """What an API needs to check tokens (keystonemiddleware), and to answer behind doors.

    Tokens are remembered within each process: a memcached would hold pickles that others could write.
    """
    return {
        "keystone_authtoken": {
            **credentials(place),
            # Clients read it in a 401's header: it must be the name that they know.
            "www_authenticate_uri": place.outer(IDENTITY),
            "region_name": place.site.region,
            "interface": "internal",
            "service_token_roles": ("service",),
            "service_token_roles_required": True,
        },
        "oslo_middleware": {"enable_proxy_headers_parsing": True},
    }


def service_token(place: Place) -> Settings:
    """[service_user]: calls on behalf of users carry the service's own token, too; so long work outlives theirs."""
    return {"service_user": {"send_service_user_token": True, **credentials(place)}}


def folder(component: str) -> str:
    """Where a component's configuration is."""
    return f"/etc/wallcloud/{component}"


def daemon(
    place: Place,
    *,
    program: str,
    config: Iterable[str],
    description: str,
    restart_on: Iterable[str] = (),
    ready: tuple[str, ...] | None = None,
    lines: Iterable[str] = (),
    requires: tuple[str, ...] = (),
    after: tuple[str, ...] = (),
) -> Unit:
    """The unit of a program of the environment that takes --config-file, restarted when one of these changes."""
    files = tuple(config)
    where = tls.client(place)
    arguments = " ".join(f"--config-file {path}" for path in files)
    own = tuple(lines)
    said = {line.partition("=")[0] for line in own}
    return service(
        place,
        description=description,
        start=f"{place.environment}/bin/{program} {arguments}",
        restart_on=(*files, *restart_on, where.authority),
        ready=ready,
        ready_seconds=240,
        requires=requires,
        after=after,
        lines=(*(line for line in LINES if line.partition("=")[0] not in said or line.startswith("Env")), *own),
    )


def own_folder(place: Place) -> Directory:
    """Where a component's settings are: its group reads them, and nobody else."""
    component = place.component
    return Directory(
        path=folder(component.name),
        group=component.account.group,
        mode=0o750,
        component=component.name,
        reason="its configuration",
    )


def worker(
    place: Place,
    *,
    program: str,
    file: str,
    whole: Settings,
    lines: tuple[str, ...],
    restart_on: tuple[str, ...] = (),
    ready: tuple[str, ...] | None = None,
) -> Iterator[Resource]:
    """A part with its work from the bus: folder, certificate, settings `whole` in `file`, the unit of `program`."""
    component = place.component
    config = f"{folder(component.name)}/{file}"
    yield own_folder(place)
    yield tls.client_certificate(place, reason="its login at the bus")
    yield oslo.config(place, config, whole, reason=f"{component.title}'s settings")
    yield daemon(
        place,
        program=program,
        config=(config,),
        description=component.title,
        restart_on=restart_on,
        ready=ready,
        lines=(f"RuntimeDirectory=wallcloud-{component.name}", *lines),
    )
