"""Every way that a token of an administrator could come in or go out by the public door, tried on a real Keystone.

Runs under the OpenStack environment's python, not under pytest: `keystone_scenario.py wsgi` makes a Keystone in this
process (the database is what its configuration says) behind `wallcloud_plugins.identity.make()`;
`keystone_scenario.py https CA MANAGEMENT PUBLIC` speaks to a running cloud. Prints one JSON object: name of the try →
the HTTP status, with "door" where the door itself answered.
"""

import base64
import importlib
import json
import sys
from collections.abc import Mapping
from typing import Any

from tests.plugins.keystone_cloud import (
    ADMIN_PASSWORD,
    JSON,
    Call,
    Cloud,
    Reply,
    auth,
    over_https,
    over_wsgi,
    password,
    project,
)

SPELLINGS = ("//v3/users", "/v3//users", "/v3/users/", "/v3/users;a=b", "/v3/./users", "/%76%33/users", "/v3%2fusers")


def outcome(reply: Reply) -> str:
    """The status and whose answer it is; a refusal that still lets a token out has an outcome of its own."""
    if b"Refused at the public door" not in reply.text:
        return str(reply.status)
    leaks = b"gAAAA" in reply.text or "x-subject-token" in reply.headers
    right = int(reply.headers["content-length"]) == len(reply.text)
    return f"{reply.status} door" if right and not leaks else f"{reply.status} door leaks"


def by_credential(made: dict[str, Any]) -> dict[str, Any]:
    secret = {"id": made["id"], "secret": "secret"}
    return auth({"methods": ["application_credential"], "application_credential": secret})


class Tries:
    """At the public door, unless the name says otherwise."""

    def __init__(self, cloud: Cloud, public: Call) -> None:
        self.cloud = cloud
        self.public = public
        self.found: dict[str, str] = {}
        self.demo_scope = {"project": {"id": cloud.demo_project["id"]}}
        self.member = self.token(password(cloud.demo["name"], "demo", self.demo_scope))
        # keystone compares with the whole path, so a rule for it names the prefix too
        rules = [{"service": "identity", "path": "/identity/v3/users", "method": "GET"}]
        self.credential, self.narrow = cloud.application_credential(), cloud.application_credential(access_rules=rules)

    def token(self, body: dict[str, Any]) -> str:
        return self.cloud.call("POST", "/v3/auth/tokens", JSON, body).token

    def get(self, name: str, path: str = "/v3/users", call: Call | None = None, **headers: str) -> None:
        heads = {key.replace("_", "-"): text for key, text in headers.items()}
        self.found[name] = outcome((call or self.public)("GET", path, heads, None))

    def post(
        self, name: str, body: Any, path: str = "/v3/auth/tokens", headers: Mapping[str, str] = JSON, here: bool = True
    ) -> None:
        self.found[name] = outcome((self.public if here else self.cloud.call)("POST", path, headers, body))

    def arrivals(self) -> None:
        """Tokens that come in by headers."""
        cloud, member, admin = self.cloud, self.member, self.cloud.admin
        own = f"/v3/users/{cloud.demo['id']}"
        narrow = self.token(by_credential(self.narrow))
        self.get("member", own, X_Auth_Token=member)
        self.get("no token", X_None="")
        self.get("bad token", X_Auth_Token="gAAAAAbad")
        self.get("unscoped admin lists own projects", "/v3/auth/projects", X_Auth_Token=cloud.unscoped)
        self.get("unscoped admin lists users", X_Auth_Token=cloud.unscoped)
        self.get("admin", X_Auth_Token=admin)
        self.get("admin at management", call=cloud.call, X_Auth_Token=admin)
        self.get("admin by storage token", X_Storage_Token=admin)
        self.get("admin by service token", own, X_Auth_Token=member, X_Service_Token=admin)
        self.get("admin with spaces", X_Auth_Token=f"  {admin} ")
        self.get("admin asks for the version", "/v3", X_Auth_Token=admin)
        self.get("system", X_Auth_Token=cloud.system)
        self.get("domain", X_Auth_Token=self.token(password("admin", ADMIN_PASSWORD, {"domain": {"id": "default"}})))
        for name in ("boss", "heir", "service"):
            user = getattr(cloud, name)
            self.get(name, X_Auth_Token=self.token(password(user["name"], name, self.demo_scope)))
        self.get("narrow credential", X_Auth_Token=narrow)
        self.get("narrow credential at management", call=cloud.call, X_Auth_Token=narrow)
        self.get("member validates admin", "/v3/auth/tokens", X_Auth_Token=member, X_Subject_Token=admin)
        self.get("expired allowed", "/v3/auth/tokens?allow_expired=1", X_Auth_Token=member, X_Subject_Token=admin)
        self.get("member with forged roles", X_Auth_Token=member, X_Roles="admin", X_Role="admin")
        self.get("member with forged scope", X_Auth_Token=member, OpenStack_System_Scope="all", X_Roles="reader")
        self.get(
            "nobody with forged identity", X_Roles="admin", X_User_Id=cloud.admin_id, X_Identity_Status="Confirmed"
        )
        self.get("forged door", X_Auth_Token=admin, Wallcloud_Door="management", X_Wallcloud_Door="management")
        for spelling in SPELLINGS:
            self.get(f"spelled {spelling}", spelling, X_Auth_Token=admin)
        reply = self.public("HEAD", "/v3/users", {"X-Auth-Token": admin}, None)
        self.found["head"] = f"{reply.status} {len(reply.text)} {int(reply.headers['content-length']) > 0}"

    def departures(self) -> None:
        """Tokens that are asked for, and tokens that come in by bodies."""
        cloud = self.cloud
        self.post("password, scoped", password("admin", ADMIN_PASSWORD, project("admin")))
        self.post(
            "password, nocatalog", password("admin", ADMIN_PASSWORD, project("admin")), "/v3/auth/tokens?nocatalog"
        )
        self.post("password, system", password("admin", ADMIN_PASSWORD, {"system": {"all": True}}))
        self.post("password, domain", password("admin", ADMIN_PASSWORD, {"domain": {"id": "default"}}))
        self.post("password, unscoped", password("admin", ADMIN_PASSWORD, "unscoped"))
        self.post("password, wrong", password("nobody", "wrong"))
        for name in ("demo", "boss", "heir", "service"):
            self.post(f"password, {name}", password(getattr(cloud, name)["name"], name, self.demo_scope))
        unscoped, scoped = ({"methods": ["token"], "token": {"id": token}} for token in (cloud.unscoped, cloud.admin))
        self.post("rescope unscoped admin", auth(unscoped, project("admin")))
        self.post("rescope admin in the body", auth(scoped, "unscoped"))
        demo = {"methods": ["token"], "token": {"id": self.token(password(cloud.demo["name"], "demo", "unscoped"))}}
        trusting = auth(demo, {"OS-TRUST:trust": {"id": cloud.trust()}})
        self.post("trust", trusting)
        self.post("trust at management", trusting, here=False)
        self.post("application credential", by_credential(self.credential))
        self.post("narrow application credential", by_credential(self.narrow))
        signed = {"credentials": cloud.ec2()}
        self.post("ec2", signed, "/v3/ec2tokens", {**JSON, "X-Auth-Token": self.member})
        self.post("s3", signed, "/v3/s3tokens", {**JSON, "X-Auth-Token": self.member})
        basic = base64.b64encode(f"{self.credential['id']}:secret".encode()).decode()
        form = {"Content-Type": "application/x-www-form-urlencoded", "Authorization": f"Basic {basic}"}
        grant = b"grant_type=client_credentials"
        self.post("oauth2", grant, "/v3/OS-OAUTH2/token", form)
        self.post("oauth2 at management", grant, "/v3/OS-OAUTH2/token", form, here=False)
        self.post("saml", auth(scoped, {"service_provider": {"id": "nowhere"}}), "/v3/auth/OS-FEDERATION/saml2")


def main(argv: list[str]) -> None:
    """`wsgi` or `https CA MANAGEMENT PUBLIC`."""
    sys.argv = argv[:1]  # oslo.config reads the program's arguments as its own
    if argv[1] == "wsgi":
        application = importlib.import_module("wallcloud_plugins.identity").make()
        management, public = over_wsgi(application, "management"), over_wsgi(application, "public")
    else:
        management, public = over_https(argv[3], argv[2]), over_https(argv[4], argv[2])
    tries = Tries(Cloud(management), public)
    tries.arrivals()
    tries.departures()
    print(json.dumps(tries.found, indent=1))


if __name__ == "__main__":
    main(sys.argv)
