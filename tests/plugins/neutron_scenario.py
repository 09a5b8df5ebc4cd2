"""Every way to give a router an interface on a physical network, tried on a real Neutron API.

Runs under the OpenStack environment's python, not under pytest: neutron-api's own WSGI application in this process, its
database in sqlite (tables from its models), its bus in memory, and a pipeline that believes the identity headers.
Prints one JSON object: name of the try → the HTTP status and, of a refusal, the words.
"""

import importlib
import io
import json
import sys
from typing import Any

ADMIN = {"HTTP_X_ROLES": "admin,member,reader", "HTTP_X_PROJECT_ID": "a" * 32, "HTTP_X_USER_ID": "a1"}
TENANT = {"HTTP_X_ROLES": "member,reader", "HTTP_X_PROJECT_ID": "b" * 32, "HTTP_X_USER_ID": "b1"}
Body = dict[str, Any]


class Neutron:
    """The application, called as a WSGI server would."""

    def __init__(self, database: str) -> None:
        importlib.import_module("neutron.db.migration.models.head")
        tables = importlib.import_module("neutron_lib.db.model_base").BASEV2.metadata
        tables.create_all(importlib.import_module("sqlalchemy").create_engine(database))
        self.application: Any = importlib.import_module("neutron.wsgi.api").application

    def __call__(self, method: str, path: str, who: Body, body: Body | None = None) -> tuple[int, Body]:
        sent = json.dumps(body).encode() if body is not None else b""
        status: list[str] = []
        environ = {
            "REQUEST_METHOD": method,
            "SCRIPT_NAME": "",
            "PATH_INFO": f"/v2.0/{path}",
            "QUERY_STRING": "",
            "SERVER_NAME": "x",
            "SERVER_PORT": "80",
            "SERVER_PROTOCOL": "HTTP/1.1",
            "CONTENT_TYPE": "application/json",
            "CONTENT_LENGTH": str(len(sent)),
            "wsgi.version": (1, 0),
            "wsgi.url_scheme": "http",
            "wsgi.input": io.BytesIO(sent),
            "wsgi.errors": io.StringIO(),
            "wsgi.multithread": False,
            "wsgi.multiprocess": False,
            "wsgi.run_once": False,
            **who,
        }
        chunks = self.application(environ, lambda text, _headers, _error=None: status.append(text))
        text = b"".join(chunks)
        return int(status[0].split()[0]), json.loads(text) if text else {}

    def make(self, kind: str, who: Body, **fields: Any) -> Body:
        """What was made; it must have worked."""
        code, answer = self("POST", "rbac-policies" if kind == "rbac_policy" else f"{kind}s", who, {kind: fields})
        if code != 201:
            raise SystemExit(f"{kind}: {code} {answer}")
        made: Body = answer[kind]
        return made


def provider(physical: str) -> Body:
    return {"provider:network_type": "flat", "provider:physical_network": physical}


class Tries:
    """A tenant with a router; networks of each kind."""

    def __init__(self, database: str) -> None:
        self.call = Neutron(database)
        self.found: dict[str, str] = {}

    def attach(self, name: str, who: Body, router: Body, **interface: str) -> None:
        self.note(name, self.call("PUT", f"routers/{router['id']}/add_router_interface", who, interface))

    def note(self, name: str, answer: tuple[int, Body]) -> None:
        code, body = answer
        words = body.get("NeutronError", {}).get("message", "") if code >= 400 else ""
        self.found[name] = f"{code} {words}".strip()

    def network(self, who: Body, number: int, **fields: Any) -> tuple[Body, Body]:
        network = self.call.make("network", who, **fields)
        cidr = f"10.{number}.0.0/24"
        return network, self.call.make("subnet", who, network_id=network["id"], ip_version=4, cidr=cidr)

    def run(self) -> None:
        make, call = self.call.make, self.call
        own, own_subnet = self.network(TENANT, 1, name="own")
        flat, flat_subnet = self.network(ADMIN, 2, name="flat", shared=True, **provider("lan"))
        kept, kept_subnet = self.network(ADMIN, 3, name="kept", **provider("yard"))
        floating, floating_subnet = self.network(
            ADMIN, 4, name="floating", **{"router:external": True}, **provider("street")
        )
        router = make("router", TENANT, name="r")
        self.attach("own by subnet", TENANT, router, subnet_id=own_subnet["id"])
        other, _ = self.network(TENANT, 5, name="other")
        self.attach("own by port", TENANT, router, port_id=make("port", TENANT, network_id=other["id"])["id"])
        gateway = {"router": {"external_gateway_info": {"network_id": floating["id"]}}}
        self.note("gateway on floating", call("PUT", f"routers/{router['id']}", TENANT, gateway))
        gateway["router"]["external_gateway_info"]["network_id"] = flat["id"]
        self.note("gateway on flat", call("PUT", f"routers/{router['id']}", TENANT, gateway))
        port = make("port", TENANT, network_id=flat["id"])
        self.attach("flat by port", TENANT, router, port_id=port["id"])
        self.attach("flat by subnet", TENANT, router, subnet_id=flat_subnet["id"])
        self.attach("flat by admin by subnet", ADMIN, make("router", ADMIN), subnet_id=flat_subnet["id"])
        self.attach(
            "flat by admin by port",
            ADMIN,
            make("router", ADMIN),
            port_id=make("port", ADMIN, network_id=flat["id"])["id"],
        )
        # Shared with this one project (RBAC): Neutron itself lets its router in, by subnet too.
        policy = {"object_type": "network", "object_id": kept["id"], "action": "access_as_shared"}
        make("rbac_policy", ADMIN, **policy, target_tenant=TENANT["HTTP_X_PROJECT_ID"])
        self.attach("shared with one by subnet", TENANT, router, subnet_id=kept_subnet["id"])
        given, given_subnet = self.network(ADMIN, 6, name="given")
        make("rbac_policy", ADMIN, **{**policy, "object_id": given["id"]}, target_tenant=TENANT["HTTP_X_PROJECT_ID"])
        self.attach("given by admin", ADMIN, make("router", ADMIN), subnet_id=given_subnet["id"])
        self.attach("given by port", TENANT, router, port_id=make("port", TENANT, network_id=given["id"])["id"])
        alone, alone_subnet = self.network(ADMIN, 7, name="alone")
        make("rbac_policy", ADMIN, **{**policy, "object_id": alone["id"]}, target_tenant=TENANT["HTTP_X_PROJECT_ID"])
        self.attach("given by subnet", TENANT, router, subnet_id=alone_subnet["id"])
        self.attach("floating by subnet", ADMIN, make("router", ADMIN), subnet_id=floating_subnet["id"])
        self.note("own gets physical", call("PUT", f"networks/{own['id']}", ADMIN, {"network": provider("lan")}))
        segment = {"network_id": own["id"], "network_type": "flat", "physical_network": "road"}
        self.note("own gets a physical segment", call("POST", "segments", ADMIN, {"segment": segment}))
        code, left = call("GET", f"ports/{port['id']}", TENANT)
        self.found["the refused port is as before"] = (
            f"{code} {left['port']['device_owner']}{left['port']['device_id']}"
        )
        code, ports = call("GET", "ports", ADMIN)
        owners = sorted(each["device_owner"] for each in ports["ports"] if each["network_id"] != own["id"])
        self.found["ports elsewhere"] = " ".join(owners)


if __name__ == "__main__":
    tries = Tries(sys.argv.pop())  # the rest is for Neutron
    tries.run()
    print(json.dumps(tries.found))
