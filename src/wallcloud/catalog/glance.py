"""Glance: images, on a place of their own. An HTTP backend, since uploads come without a length."""

from __future__ import annotations

from collections.abc import Iterator

from wallcloud.catalog import database, openstack, oslo, plugins, uwsgi
from wallcloud.catalog.component import (
    Account,
    Api,
    Call,
    Component,
    Database,
    Limit,
    Listen,
    Private,
    ServiceUser,
    Term,
)
from wallcloud.catalog.given import LimitInput
from wallcloud.catalog.place import Place
from wallcloud.catalog.schema_heads import heads
from wallcloud.node import resources as r
from wallcloud.node.resource import Resource
from wallcloud.site.model import Role

ACCOUNT = Account("glance", 631, home="/var/lib/wallcloud/glance")
SCHEMA_ACCOUNT = Account("glance-schema", 632, groups=("glance",))
FOLDER = "/etc/wallcloud/glance"
CONFIG = f"{FOLDER}/glance-api.conf"
PASTE = f"{FOLDER}/api-paste.ini"
SOCKET = "/run/wallcloud/glance.sock"
PREFIX = "/image"
_POOL = 5
_GIB = 1 << 30


def limits(given: LimitInput) -> Iterator[Limit]:
    """Processes and database connections."""
    processes = uwsgi.processes(given, "glance")
    yield processes
    yield Limit(
        "glance",
        "database_connections",
        (Term(f"{processes.value} processes with a pool of {_POOL}", processes.value * _POOL),),
    )


def resources(place: Place) -> Iterator[Resource]:
    """Folders, database, settings, the unit."""
    store = place.site.image_store.path
    yield openstack.own_folder(place)
    for path in (ACCOUNT.home, f"{ACCOUNT.home}/tasks", f"{ACCOUNT.home}/staging", store):
        yield r.Directory(
            path=path, owner="glance", group="glance", mode=0o700, component="glance", reason="where images are"
        )
    yield oslo.config(place, CONFIG, settings(place), reason="Glance's settings")
    yield r.File(path=PASTE, content=_paste(place), component="glance", reason="the door stands behind authtoken")
    yield from database.made(place)
    yield r.Schema(
        database="glance",
        heads=heads(place.release.name, "glance"),
        argv=(f"{place.environment}/bin/glance-manage", "--config-file", CONFIG, "db_sync"),
        account=SCHEMA_ACCOUNT.name,
        component="glance",
        reason=f"the schema of OpenStack {place.release.name}",
    )
    if place.seed and place.seed.images:
        yield r.RestoredImages(
            store=store,
            owner="glance",
            images=place.seed.images,
            component="glance",
            reason="what the records of the restored database stand for",
        )
    yield from uwsgi.serve(
        place,
        module="glance.wsgi.api:application",
        pythonpath=plugins.FOLDER,
        folder=FOLDER,
        description="the image API (Glance)",
        probe=f"{PREFIX}/",
        threads=4,
        restart_on=(CONFIG, PASTE, *plugins.paths()),
        lines=(
            f"Environment=OS_GLANCE_CONFIG_DIR={FOLDER} OS_GLANCE_CONFIG_FILES={CONFIG}",
            f"ReadWritePaths={ACCOUNT.home} {store}",
        ),
    )


def settings(place: Place) -> oslo.Settings:
    """Glance's settings; the operator's options are laid over them."""
    quota = place.site.image_store.quota_gib
    return oslo.together(
        openstack.authtoken(place),
        {
            "DEFAULT": {
                **openstack.logging(),
                "enabled_backends": ("store:file",),
                # No fetching of URLs from control, and no staging: images are uploaded.
                "enabled_import_methods": "[]",
                "image_size_cap": quota * _GIB,
                "user_storage_quota": f"{quota}GB",
                "show_image_direct_url": False,
                "worker_self_reference_url": place.inner(PREFIX),
            },
            "database": database.group(place, "glance", _POOL),
            "glance_store": {"default_backend": "store"},
            "store": {"filesystem_store_datadir": place.site.image_store.path},
            "os_glance_tasks_store": {"filesystem_store_datadir": f"{ACCOUNT.home}/tasks"},
            "os_glance_staging_store": {"filesystem_store_datadir": f"{ACCOUNT.home}/staging"},
            "paste_deploy": {"flavor": "keystone", "config_file": PASTE},
            "oslo_concurrency": {"lock_path": f"{ACCOUNT.home}/tasks"},
            "oslo_messaging_notifications": {"driver": "noop"},
        },
    )


def _paste(place: Place) -> str:
    return f"""\
# Written by Wallcloud after Glance's own; changes made here are taken back by the next apply.
[composite:glance-api-keystone]
paste.composite_factory = glance.api:root_app_factory
/: api

[composite:api]
paste.composite_factory = glance.api:pipeline_factory
keystone = http_proxy_to_wsgi versionnegotiation authtoken wallcloud_door context rootapp

[composite:rootapp]
paste.composite_factory = glance.api:root_app_factory
/: apiversions
/v2: apiv2app

[app:apiversions]
paste.app_factory = glance.api.versions:create_resource

[app:apiv2app]
paste.app_factory = glance.api.v2.router:API.factory

[filter:versionnegotiation]
paste.filter_factory = glance.api.middleware.version_negotiation:VersionNegotiationFilter.factory

[filter:context]
paste.filter_factory = glance.api.middleware.context:ContextMiddleware.factory

[filter:authtoken]
paste.filter_factory = keystonemiddleware.auth_token:filter_factory
delay_auth_decision = true

[filter:http_proxy_to_wsgi]
paste.filter_factory = oslo_middleware:HTTPProxyToWSGI.factory

{plugins.paste_filter(place, PREFIX)}"""


def private(place: Place) -> Iterator[Private]:
    """Tenants' images."""
    yield Private(f"{place.site.image_store.path}/*", "an image of a tenant's", (ACCOUNT,))


COMPONENT = Component(
    name="glance",
    title="Glance",
    roles=(Role.CONTROL,),
    account=ACCOUNT,
    databases=(Database("glance", SCHEMA_ACCOUNT),),
    uses=("glance",),
    api=Api("glance", "image", PREFIX, SOCKET, http=True, body=0),
    user=ServiceUser("glance"),
    environment=True,
    program="glance",
    derived=(
        *openstack.DERIVED_TOKENS,
        *openstack.derived_database(),
        "default.enabled_backends",
        "default.image_size_cap",
        "default.user_storage_quota",
        "paste_deploy.config_file",
        "paste_deploy.flavor",
        "store.filesystem_store_datadir",
    ),
    listens=(Listen("wsgi", None, path=SOCKET, authentication="the socket's owner", encryption="the node's kernel"),),
    calls=(
        Call("mariadb", "socket", "its database", same_node=True),
        Call("mariadb", "socket", "schema changes", account=SCHEMA_ACCOUNT, same_node=True),
        openstack.TOKENS,
    ),
    after=("plugins",),
    private=private,
    resources=resources,
)
