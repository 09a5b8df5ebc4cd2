"""Keystone: accounts, tokens and the catalog. Under uwsgi in its own unit; Apache's doors reach it by a unix socket."""

from __future__ import annotations

from collections.abc import Iterator

from wallcloud.catalog import database, keystone_cache, keystone_keys, openstack, oslo, plugins, uwsgi
from wallcloud.catalog.component import Account, Api, Call, Component, Database, Limit, Listen, Private, Term
from wallcloud.catalog.given import LimitInput
from wallcloud.catalog.keystone_cache import ACCOUNT
from wallcloud.catalog.place import Place
from wallcloud.catalog.schema_heads import heads
from wallcloud.node import resources as r
from wallcloud.node.resource import Resource
from wallcloud.site.model import Role

SCHEMA_ACCOUNT = Account("keystone-schema", 622, groups=("keystone",))
FOLDER = "/etc/keystone"
CONFIG = f"{FOLDER}/keystone.conf"
SOCKET = "/run/wallcloud/keystone.sock"


def limits(given: LimitInput) -> Iterator[Limit]:
    """Processes of one thread: keystone's AuthContextMiddleware keeps a request's token where all threads share it."""
    processes = uwsgi.processes(given, "keystone")
    yield processes
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
    yield from keystone_keys.folders(place)
    yield oslo.config(place, CONFIG, settings(place), reason="Keystone's settings")
    yield from _database(place)
    yield from keystone_keys.first(place, CONFIG)
    yield from uwsgi.serve(
        place,
        module="wallcloud_plugins.identity:make()",
        pythonpath=plugins.FOLDER,
        folder=FOLDER,
        description="the identity API (Keystone)",
        probe="/v3",
        restart_on=(CONFIG, *plugins.paths("identity.py")),
        after=("wallcloud-mariadb.service", "wallcloud-keystone-cache.service"),
        lines=(
            f"Environment=OS_KEYSTONE_CONFIG_FILES={CONFIG}",
            f"Environment=WALLCLOUD_DOOR_ROLES={plugins.REFUSED}",
            f"Environment=WALLCLOUD_DOOR_ADMIN_URL=https://{place.internal_name()}/identity",
            "ReadOnlyPaths=/var/lib/keystone",
            # It talks by unix sockets alone, so it needs no network at all.
            "PrivateNetwork=yes",
            "RestrictAddressFamilies=AF_UNIX",
        ),
    )
    token = oslo.merged(settings(place), place.options())["token"]
    window = token.get("allow_expired_window", keystone_keys.EXPIRED_WINDOW)
    yield from keystone_keys.rotation(place, CONFIG, int(str(token["expiration"])) + int(str(window)))


def settings(place: Place) -> oslo.Settings:
    """Keystone's settings; the operator's options are laid over them."""
    return {
        "DEFAULT": {**openstack.logging(), "insecure_debug": False, "notification_format": "basic"},
        "oslo_messaging_notifications": {"driver": "noop"},
        "oslo_middleware": {"max_request_body_size": 114688},
        "database": database.group(place, "keystone", 2),
        "cache": {
            "enabled": True,
            "backend": "dogpile.cache.memcached",
            "memcache_servers": f"unix:{keystone_cache.SOCKET}",
            # Seconds after which a cache that was away is used again (300 by default).
            "memcache_dead_retry": 5,
        },
        "token": {"provider": "fernet", "expiration": 3600, "allow_rescope_scoped_token": False},
        "fernet_tokens": {"key_repository": keystone_keys.FERNET, "max_active_keys": keystone_keys.ACTIVE},
        "credential": {"key_repository": keystone_keys.CREDENTIAL},
        "fernet_receipts": {"key_repository": keystone_keys.FERNET},
        "auth": {"methods": ("password", "token", "application_credential")},
        "identity": {"password_hash_algorithm": "bcrypt", "password_hash_rounds": 6, "max_password_length": 72},
    }


def _folders() -> Iterator[Resource]:
    for path, owner, mode, why in (
        (FOLDER, "root", 0o750, "its configuration"),
        ("/var/lib/keystone", "keystone", 0o750, "its keys"),
    ):
        yield r.Directory(path=path, owner=owner, group="keystone", mode=mode, component="keystone", reason=why)


def _database(place: Place) -> Iterator[Resource]:
    yield from database.made(place)
    yield r.Schema(
        database="keystone",
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


def private(place: Place) -> Iterator[Private]:
    """Who has a key makes tokens of everybody."""
    for folder in (keystone_keys.FERNET, keystone_keys.CREDENTIAL):
        yield Private(f"{folder}/[0-9]*", "who has it makes tokens, or reads credentials", (ACCOUNT,), key=True)


COMPONENT = Component(
    name="keystone",
    title="Keystone",
    roles=(Role.CONTROL,),
    account=ACCOUNT,
    databases=(Database("keystone", SCHEMA_ACCOUNT),),
    uses=("keystone",),
    keeps=(keystone_keys.FERNET, keystone_keys.CREDENTIAL),
    api=Api("keystone", "identity", "/identity", SOCKET, path="/v3"),
    environment=True,
    program="keystone",
    derived=(
        "cache.backend",
        "cache.memcache_servers",
        "credential.key_repository",
        *openstack.derived_database(),
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
    after=("plugins",),
    private=private,
    resources=resources,
)
