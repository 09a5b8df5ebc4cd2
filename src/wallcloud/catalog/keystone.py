"""Keystone: accounts, tokens and the catalog. Under uwsgi in its own unit; Apache's doors reach it by a unix socket."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import resources as package

from wallcloud.catalog import keystone_cache, keystone_keys, oslo, uwsgi
from wallcloud.catalog.basics import UWSGI_READY
from wallcloud.catalog.component import Account, Call, Component, Database, Limit, Listen, Term
from wallcloud.catalog.given import LimitInput
from wallcloud.catalog.keystone_cache import ACCOUNT
from wallcloud.catalog.place import Place
from wallcloud.catalog.schema_heads import heads
from wallcloud.catalog.service import service
from wallcloud.node import resources as r
from wallcloud.node.resource import Resource
from wallcloud.site.model import Role

SCHEMA_ACCOUNT = Account("keystone-schema", 622, groups=("keystone",))
FOLDER = "/etc/keystone"
CONFIG = f"{FOLDER}/keystone.conf"
UWSGI = f"{FOLDER}/uwsgi.ini"
SOCKET = "/run/wallcloud/keystone.sock"
SOCKET_UNIT = "wallcloud-keystone.socket"
PLUGINS = "/usr/lib/wallcloud/python"
# Without a user: the account of the process, whom the kernel vouches for. So one file serves both accounts.
_DATABASE = "mysql+pymysql:///keystone?unix_socket=/run/mysqld/mysqld.sock&charset=utf8mb3"


def limits(given: LimitInput) -> Iterator[Limit]:
    """Processes of one thread: keystone's AuthContextMiddleware keeps a request's token where all threads share it."""
    workers = given.site.limits.api_workers
    if workers == "auto":
        cores = given.cores("keystone")
        processes = Term(f"one per core ({cores}), 2 to 16", max(2, min(16, cores)))
    else:
        processes = Term("limits.api_workers of the site", workers)
    yield Limit("keystone", "processes", (processes,))
    yield Limit(
        "keystone",
        "database_connections",
        (Term(f"{processes.value} processes with a pool of 2", processes.value * 2),),
    )
    yield Limit(
        "keystone", "cache_clients", (Term(f"{processes.value} processes with five each", processes.value * 5),)
    )


def resources(place: Place) -> Iterator[Resource]:
    """Database and accounts, schema, keys, configuration, the unit."""
    yield from _folders()
    yield oslo.config(place, CONFIG, settings(), reason="Keystone's settings")
    yield from _database(place)
    yield from keystone_keys.first(place, CONFIG)
    yield from _plugins()
    yield r.File(
        path=UWSGI,
        content=uwsgi.ini(
            place, module="wallcloud_plugins.identity:make()", pythonpath=PLUGINS, processes=place.limit("processes")
        ),
        component="keystone",
        reason="how Keystone is served",
    )
    yield r.Unit(
        unit=SOCKET_UNIT,
        text=uwsgi.socket(SOCKET, "the identity API"),
        component="keystone",
        reason="requests wait while Keystone restarts",
    )
    yield _unit(place)
    yield from keystone_keys.rotation(place, CONFIG)


def settings() -> oslo.Settings:
    """Keystone's settings; the operator's options are laid over them."""
    return {
        "DEFAULT": {
            "use_stderr": True,
            "use_journal": False,
            # The journal stamps time, unit and pid.
            "logging_context_format_string": (
                "%(levelname)s %(name)s [%(global_request_id)s %(request_id)s %(user_identity)s] "
                "%(instance)s%(message)s"
            ),
            "logging_default_format_string": "%(levelname)s %(name)s %(instance)s%(message)s",
            "logging_exception_prefix": "ERROR %(name)s %(instance)s",
            "insecure_debug": False,
            "notification_format": "basic",
        },
        "oslo_messaging_notifications": {"driver": "noop"},
        "oslo_middleware": {"max_request_body_size": 114688},
        "database": {
            "connection": _DATABASE,
            "max_pool_size": 2,
            "max_overflow": 0,
            "connection_recycle_time": 3000,
            "max_retries": -1,
        },
        "cache": {
            "enabled": True,
            "backend": "dogpile.cache.memcached",
            "memcache_servers": f"unix:{keystone_cache.SOCKET}",
            # Seconds after which a cache that was away is used again (300 by default).
            "memcache_dead_retry": 5,
        },
        "token": {"provider": "fernet", "expiration": 3600, "allow_rescope_scoped_token": False},
        "fernet_tokens": {"key_repository": keystone_keys.FERNET, "max_active_keys": 3},
        "credential": {"key_repository": keystone_keys.CREDENTIAL},
        "fernet_receipts": {"key_repository": keystone_keys.FERNET},
        "auth": {"methods": ("password", "token", "application_credential")},
        "identity": {"password_hash_algorithm": "bcrypt", "password_hash_rounds": 10, "max_password_length": 72},
    }


def _folders() -> Iterator[Resource]:
    for path, owner, mode, why in (
        (FOLDER, "root", 0o750, "its configuration"),
        ("/var/lib/keystone", "keystone", 0o750, "its keys"),
    ):
        yield r.Directory(path=path, owner=owner, group="keystone", mode=mode, component="keystone", reason=why)


def _database(place: Place) -> Iterator[Resource]:
    schema = COMPONENT.database
    assert schema is not None  # noqa: S101 - it is declared below
    yield r.Database(database=schema.name, component="keystone", reason="its database")
    yield r.DatabaseAccount(
        user=schema.schema_account.name,
        grants=(f"ALL PRIVILEGES ON `{schema.name}`.*",),
        component="keystone",
        reason="changes the schema, and does nothing else",
    )
    yield r.DatabaseAccount(
        user=ACCOUNT.name,
        grants=(f"SELECT, INSERT, UPDATE, DELETE ON `{schema.name}`.*",),
        component="keystone",
        reason="serves, and cannot change the schema",
    )
    yield r.Schema(
        database=schema.name,
        heads=heads(place.release.name, "keystone"),
        argv=(
            f"{place.environment}/bin/keystone-manage",
            "--config-file",
            CONFIG,
            "db_sync",
        ),
        account=SCHEMA_ACCOUNT.name,
        component="keystone",
        reason=f"the schema of OpenStack {place.release.name}",
    )


def _plugins() -> Iterator[Resource]:
    for path in (PLUGINS, f"{PLUGINS}/wallcloud_plugins"):
        yield r.Directory(path=path, component="keystone", reason="what Wallcloud runs inside OpenStack's processes")
    for name in ("__init__.py", "door.py", "identity.py"):
        yield r.File(
            path=f"{PLUGINS}/wallcloud_plugins/{name}",
            content=(package.files("wallcloud.plugins") / name).read_text(encoding="utf-8"),
            component="keystone",
            reason="an admin's token is refused at the public door",
        )


def _unit(place: Place) -> Resource:
    plugin_files = tuple(f"{PLUGINS}/wallcloud_plugins/{name}" for name in ("__init__.py", "door.py", "identity.py"))
    return service(
        place,
        description="the identity API (Keystone)",
        kind="notify",
        start=f"{place.environment}/bin/uwsgi --ini {UWSGI}",
        restart_on=(CONFIG, UWSGI, *plugin_files),
        ready=("/usr/bin/python3", "-I", UWSGI_READY, SOCKET, "/v3"),
        requires=(SOCKET_UNIT,),
        after=("wallcloud-mariadb.service", "wallcloud-keystone-cache.service"),
        lines=(
            *uwsgi.LINES,
            f"Environment=OS_KEYSTONE_CONFIG_FILES={CONFIG}",
            "Environment=WALLCLOUD_DOOR_ROLES=admin,service",
            f"Environment=WALLCLOUD_DOOR_ADMIN_URL=https://{place.internal_name()}/identity",
            "ReadOnlyPaths=/var/lib/keystone",
            # It talks by unix sockets alone, so it needs no network at all.
            "PrivateNetwork=yes",
            "RestrictAddressFamilies=AF_UNIX",
        ),
        stop_seconds=30,
    )


COMPONENT = Component(
    name="keystone",
    title="Keystone",
    roles=(Role.CONTROL,),
    account=ACCOUNT,
    database=Database("keystone", SCHEMA_ACCOUNT),
    environment=True,
    program="keystone",
    derived=(
        "cache.backend",
        "cache.memcache_servers",
        "credential.key_repository",
        "database.connection",
        # `show limits` adds them up.
        "database.max_overflow",
        "database.max_pool_size",
        "fernet_receipts.key_repository",
        "fernet_tokens.key_repository",
        "token.provider",
    ),
    listens=(Listen("wsgi", None, path=SOCKET, authentication="the socket's owner", encryption="the node's kernel"),),
    calls=(
        Call("mariadb", "socket", "its database", same_node=True),
        Call("mariadb", "socket", "schema changes", account=SCHEMA_ACCOUNT, same_node=True),
        Call("keystone-cache", "socket", "its cache", same_node=True),
    ),
    resources=resources,
)
