"""Neutron's API: networks, for tenants and admins. What agents ask is `neutron_rpc`'s."""

from __future__ import annotations

from collections.abc import Iterator

from wallcloud.catalog import bus, neutron, openstack, oslo, plugins, tls, uwsgi
from wallcloud.catalog.component import Account, Api, Call, Component, Limit, Listen
from wallcloud.catalog.given import LimitInput
from wallcloud.catalog.place import Place
from wallcloud.node import resources as r
from wallcloud.node.resource import Resource
from wallcloud.site.model import Role

NAME = "neutron-api"
ACCOUNT = Account(NAME, 651)
FOLDER = openstack.folder(NAME)
CONFIG = f"{FOLDER}/neutron.conf"
PASTE = f"{FOLDER}/api-paste.ini"
SOCKET = f"/run/wallcloud/{NAME}.sock"
PREFIX = "/network"


def limits(given: LimitInput) -> Iterator[Limit]:
    """Processes and database connections."""
    processes = uwsgi.processes(given, NAME)
    yield processes
    yield neutron.connections(NAME, processes.value)


def resources(place: Place) -> Iterator[Resource]:
    """Folder, certificate, settings, the unit."""
    where = tls.client(place)
    yield openstack.own_folder(place)
    yield tls.client_certificate(place, reason="its login at the bus")
    yield oslo.config(place, CONFIG, settings(place), reason="Neutron's API's settings")
    yield r.File(path=PASTE, content=_paste(place), component=NAME, reason="the door stands behind authtoken")
    yield from uwsgi.serve(
        place,
        module="neutron.wsgi.api:application",
        pythonpath=plugins.FOLDER,
        folder=FOLDER,
        description="the network API (Neutron)",
        probe="/",
        lazy=True,
        restart_on=(CONFIG, PASTE, *plugins.paths("flat_guard.py"), where.authority),
        lines=(
            f"Environment=OS_NEUTRON_CONFIG_DIR={FOLDER} OS_NEUTRON_CONFIG_FILES=neutron.conf",
            f"RuntimeDirectory=wallcloud-{NAME}",
        ),
    )


def settings(place: Place) -> oslo.Settings:
    """The settings; the operator's options are laid over them."""
    return oslo.together(neutron.settings(place), openstack.authtoken(place))


def _paste(place: Place) -> str:
    first = "http_proxy_to_wsgi request_id catch_errors"
    return f"""\
# Written by Wallcloud after Neutron's own; changes made here are taken back by the next apply.
[composite:neutron]
use = egg:Paste#urlmap
/: neutronversions_composite
/v2.0: neutronapi_v2_0

[composite:neutronapi_v2_0]
use = call:neutron.auth:pipeline_factory
keystone = {first} authtoken wallcloud_door keystonecontext extensions neutronapiapp_v2_0

[composite:neutronversions_composite]
use = call:neutron.auth:pipeline_factory
keystone = http_proxy_to_wsgi neutronversions

[filter:request_id]
paste.filter_factory = oslo_middleware:RequestId.factory

[filter:catch_errors]
paste.filter_factory = oslo_middleware:CatchErrors.factory

[filter:http_proxy_to_wsgi]
paste.filter_factory = oslo_middleware.http_proxy_to_wsgi:HTTPProxyToWSGI.factory

[filter:keystonecontext]
paste.filter_factory = neutron.auth:NeutronKeystoneContext.factory

[filter:authtoken]
paste.filter_factory = keystonemiddleware.auth_token:filter_factory

[filter:extensions]
paste.filter_factory = neutron.api.extensions:plugin_aware_extension_middleware_factory

[app:neutronversions]
paste.app_factory = neutron.pecan_wsgi.app:versions_factory

[app:neutronapiapp_v2_0]
paste.app_factory = neutron.api.v2.router:APIRouter.factory

{plugins.paste_filter(place, PREFIX)}"""


COMPONENT = Component(
    name=NAME,
    title="Neutron's API",
    roles=(Role.CONTROL,),
    account=ACCOUNT,
    uses=(neutron.DATABASE,),
    bus=neutron.BUS,
    api=Api("neutron", "network", PREFIX, SOCKET),
    user=neutron.USER,
    environment=True,
    program="neutron",
    derived=(*neutron.DERIVED, *openstack.DERIVED_TOKENS),
    listens=(Listen("wsgi", None, path=SOCKET, authentication="the socket's owner", encryption="the node's kernel"),),
    calls=(Call("mariadb", "socket", "its database", same_node=True), bus.CALL, openstack.TOKENS),
    after=("neutron-database", "plugins"),
    resources=resources,
)
