"""Nova's API: servers, for tenants and admins."""

from __future__ import annotations

from collections.abc import Iterator

from wallcloud.catalog import bus, nova, openstack, oslo, plugins, tls, uwsgi
from wallcloud.catalog.component import Account, Api, Call, Component, Limit, Listen
from wallcloud.catalog.given import LimitInput
from wallcloud.catalog.place import Place
from wallcloud.node import resources as r
from wallcloud.node.resource import Resource
from wallcloud.site.model import Role

NAME = "nova-api"
ACCOUNT = Account(NAME, 641)
FOLDER = openstack.folder(NAME)
CONFIG = f"{FOLDER}/nova.conf"
PASTE = f"{FOLDER}/api-paste.ini"
SOCKET = f"/run/wallcloud/{NAME}.sock"
PREFIX = "/compute"


def limits(given: LimitInput) -> Iterator[Limit]:
    """Processes and database connections."""
    processes = uwsgi.processes(given, NAME)
    yield processes
    yield nova.connections(NAME, processes.value)


def resources(place: Place) -> Iterator[Resource]:
    """Folder, certificate, settings, the unit."""
    where = tls.client(place)
    yield openstack.own_folder(place)
    yield tls.client_certificate(place, reason="its login at the bus")
    yield oslo.config(place, CONFIG, settings(place), reason="Nova's API's settings")
    yield r.File(path=PASTE, content=_paste(place), component=NAME, reason="the door stands behind authtoken")
    yield from uwsgi.serve(
        place,
        module="nova.wsgi.osapi_compute:application",
        pythonpath=plugins.FOLDER,
        folder=FOLDER,
        description="the compute API (Nova)",
        probe="/",
        restart_on=(CONFIG, PASTE, *plugins.paths(), where.authority),
        lines=(
            f"Environment=OS_NOVA_CONFIG_DIR={FOLDER} OS_NOVA_CONFIG_FILES=api-paste.ini;nova.conf",
            f"RuntimeDirectory=wallcloud-{NAME}",
            nova.NETLINK,
        ),
    )


def settings(place: Place) -> oslo.Settings:
    """The settings; the operator's options are laid over them."""
    return oslo.together(
        nova.settings(place),
        nova.with_cells(place),
        openstack.authtoken(place),
        {"wsgi": {"api_paste_config": PASTE}, "neutron": {"service_metadata_proxy": True}},
    )


def _paste(place: Place) -> str:
    first = "compute_req_id faultwrap request_log http_proxy_to_wsgi"
    return f"""\
# Written by Wallcloud after Nova's own; changes made here are taken back by the next apply.
[composite:osapi_compute]
use = call:nova.api.openstack.urlmap:urlmap_factory
/: oscomputeversions
/v2.1: oscomputeversion_v2
/v2.1/+: openstack_compute_api_v21

[composite:openstack_compute_api_v21]
use = call:nova.api.auth:pipeline_factory_v21
keystone = {first} sizelimit authtoken wallcloud_door keystonecontext osapi_compute_app_v21

[pipeline:oscomputeversions]
pipeline = faultwrap request_log http_proxy_to_wsgi oscomputeversionapp

[pipeline:oscomputeversion_v2]
pipeline = {first} oscomputeversionapp_v2

[app:osapi_compute_app_v21]
paste.app_factory = nova.api.openstack.compute:APIRouterV21.factory

[app:oscomputeversionapp]
paste.app_factory = nova.api.openstack.compute.versions:Versions.factory

[app:oscomputeversionapp_v2]
paste.app_factory = nova.api.openstack.compute.versions:VersionsV2.factory

[filter:request_log]
paste.filter_factory = nova.api.openstack.requestlog:RequestLog.factory

[filter:compute_req_id]
paste.filter_factory = nova.api.compute_req_id:ComputeReqIdMiddleware.factory

[filter:faultwrap]
paste.filter_factory = nova.api.openstack:FaultWrapper.factory

[filter:sizelimit]
paste.filter_factory = oslo_middleware:RequestBodySizeLimiter.factory

[filter:http_proxy_to_wsgi]
paste.filter_factory = oslo_middleware.http_proxy_to_wsgi:HTTPProxyToWSGI.factory

[filter:keystonecontext]
paste.filter_factory = nova.api.auth:NovaKeystoneContext.factory

[filter:authtoken]
paste.filter_factory = keystonemiddleware.auth_token:filter_factory

{plugins.paste_filter(place, PREFIX)}"""


COMPONENT = Component(
    name=NAME,
    title="Nova's API",
    roles=(Role.CONTROL,),
    account=ACCOUNT,
    uses=(nova.API, nova.MAIN, nova.CELL0),
    bus=nova.BUS,
    api=Api("nova", "compute", PREFIX, SOCKET, path="/v2.1"),
    user=nova.USER,
    environment=True,
    program="nova",
    derived=(*nova.DERIVED, *nova.DERIVED_CELLS, *openstack.DERIVED_TOKENS, "wsgi.api_paste_config"),
    listens=(Listen("wsgi", None, path=SOCKET, authentication="the socket's owner", encryption="the node's kernel"),),
    calls=(Call("mariadb", "socket", "its databases", same_node=True), bus.CALL, openstack.TOKENS),
    after=("nova-database", "plugins"),
    resources=resources,
)
