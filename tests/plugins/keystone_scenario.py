"""Every way that a token of an administrator could come in or go out by the public door, tried on a real Keystone.

Runs under the OpenStack environment's python, not under pytest: `keystone_scenario.py wsgi` makes a Keystone in this
process (sqlite, as `OS_KEYSTONE_CONFIG_FILES` says) behind `wallcloud_plugins.identity.make()`; `keystone_scenario.py
https CA MANAGEMENT PUBLIC` speaks to a running cloud. Prints one JSON object: name of the try → "status" or "status door" where the door itself answered.
"""

import base64
import hashlib
import hmac
import http.client
import io
import json
import ssl
import sys
import urllib.parse
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

ADMIN_PASSWORD = "adminpw"
JSON = {"Content-Type": "application/json"}


class Reply(NamedTuple):
    status: int
    headers: dict[str, str]
    text: bytes

    @property
    def data(self) -> Any:
        return json.loads(self.text) if self.text else {}

    @property
    def token(self) -> str:
        return self.headers["x-subject-token"]


Call = Callable[[str, str, Mapping[str, str], Any], Reply]


def over_wsgi(application: Any, door: str) -> Call:
    """Calls of one door to an application in this process."""

    def call(method: str, path: str, headers: Mapping[str, str], body: Any = None) -> Reply:
        content = json.dumps(body).encode() if isinstance(body, dict) else body or b""
        route, _, query = path.partition("?")
        environ: dict[str, Any] = {
            "REQUEST_METHOD": method,
            "SCRIPT_NAME": "/identity",
            "PATH_INFO": urllib.parse.unquote(route),
            "QUERY_STRING": query,
            "SERVER_NAME": "door.example",
            "SERVER_PORT": "443",
            "HTTP_HOST": "door.example",
            "SERVER_PROTOCOL": "HTTP/1.1",
            "REMOTE_ADDR": "198.51.100.7",
            "CONTENT_LENGTH": str(len(content)),
            "CONTENT_TYPE": headers.get("Content-Type", ""),
            "WALLCLOUD_DOOR": door,
            "wsgi.version": (1, 0),
            "wsgi.url_scheme": "https",
            "wsgi.input": io.BytesIO(content),
            "wsgi.errors": sys.stderr,
            "wsgi.multithread": False,
            "wsgi.multiprocess": True,
            "wsgi.run_once": False,
        }
        for name, value in headers.items():
            if name != "Content-Type":
                environ["HTTP_" + name.upper().replace("-", "_")] = value
        answer: list[Any] = []
        chunks = application(environ, lambda status, heads, _exc=None: answer.append((status, heads)))
        text = b"".join(chunks)
        status, heads = answer[0]
        return Reply(int(status.split()[0]), {name.lower(): value for name, value in heads}, text)

    return call


def over_https(url: str, ca: str) -> Call:
    """Calls to a door by its URL."""
    parts = urllib.parse.urlsplit(url)
    context = ssl.create_default_context(cafile=ca)

    def call(method: str, path: str, headers: Mapping[str, str], body: Any = None) -> Reply:
        connection = http.client.HTTPSConnection(parts.hostname or "", parts.port or 443, context=context, timeout=30)
        content = json.dumps(body).encode() if isinstance(body, dict) else body
        connection.request(method, parts.path + path, body=content, headers=dict(headers))
        response = connection.getresponse()
        text = response.read()
        connection.close()
        return Reply(response.status, {name.lower(): value for name, value in response.getheaders()}, text)

    return call


def password(user: str, secret: str, scope: Any = None) -> dict[str, Any]:
    who = {"name": user, "domain": {"id": "default"}, "password": secret}
    return auth({"methods": ["password"], "password": {"user": who}}, scope)


def auth(identity: dict[str, Any], scope: Any = None) -> dict[str, Any]:
    return {"auth": {"identity": identity, **({"scope": scope} if scope else {})}}


def project(name: str) -> dict[str, Any]:
    return {"project": {"name": name, "domain": {"id": "default"}}}


class Cloud:
    """What the tries need: made through the management door, with names of its own for each run."""

    def __init__(self, management: Call) -> None:
        self.call = management
        self.suffix = datetime.now(UTC).strftime("%H%M%S%f")
        self.admin = self._ok("POST", "/v3/auth/tokens", password("admin", ADMIN_PASSWORD, project("admin"))).token
        self.system = self._ok(
            "POST", "/v3/auth/tokens", password("admin", ADMIN_PASSWORD, {"system": {"all": True}})
        ).token
        self.unscoped = self._ok("POST", "/v3/auth/tokens", password("admin", ADMIN_PASSWORD, "unscoped")).token
        me = self._ok("GET", "/v3/auth/tokens", None, {"X-Subject-Token": self.admin}).data["token"]
        self.admin_id, self.admin_project = me["user"]["id"], me["project"]["id"]
        roles = self._ok("GET", "/v3/roles").data["roles"]
        self.roles = {role["name"]: role["id"] for role in roles}
        self.demo_project = self.make("project", name=self._name("demo"))
        self.demo = self.make("user", name=self._name("demo"), password="demo")
        self.assign(self.demo, "member")
        self.boss_role = self.make("role", name=self._name("boss"))
        # Keystone itself prohibits that a role implies admin ([assignment] prohibited_implied_role).
        self._ok("PUT", f"/v3/roles/{self.boss_role['id']}/implies/{self.roles['service']}")
        self.roles[self.boss_role["name"]] = self.boss_role["id"]
        self.boss = self.make("user", name=self._name("boss"), password="boss")
        self.assign(self.boss, self.boss_role["name"])
        self.heir = self.make("user", name=self._name("heir"), password="heir")
        inherited = f"/v3/OS-INHERIT/domains/default/users/{self.heir['id']}/roles/{self.roles['admin']}"
        self._ok("PUT", f"{inherited}/inherited_to_projects")
        self.service = self.make("user", name=self._name("service"), password="service")
        self.assign(self.service, "service")
        self._ok("PUT", f"/v3/domains/default/users/{self.admin_id}/roles/{self.roles['admin']}")

    def _name(self, name: str) -> str:
        return f"{name}-{self.suffix}"

    def _ok(self, method: str, path: str, body: Any = None, headers: Mapping[str, str] | None = None) -> Reply:
        heads = {**JSON, **(headers or {})}
        if hasattr(self, "admin"):
            heads["X-Auth-Token"] = self.admin
        reply = self.call(method, path, heads, body)
        if reply.status >= 300:
            raise SystemExit(f"setting up: {method} {path}: {reply.status} {reply.text!r}")
        return reply

    def make(self, kind: str, **fields: str) -> dict[str, Any]:
        made: dict[str, Any] = self._ok("POST", f"/v3/{kind}s", {kind: fields}).data[kind]
        return made

    def assign(self, user: dict[str, Any], role: str) -> None:
        self._ok("PUT", f"/v3/projects/{self.demo_project['id']}/users/{user['id']}/roles/{self.roles[role]}")

    def application_credential(self, **fields: Any) -> dict[str, Any]:
        name = self._name("credential" + str(len(fields)))
        made: dict[str, Any] = self._ok(
            "POST",
            f"/v3/users/{self.admin_id}/application_credentials",
            {"application_credential": {"name": name, "secret": "secret", **fields}},
        ).data["application_credential"]
        return made

    def trust(self) -> str:
        """Admin lets demo act with admin's role."""
        expires = (datetime.now(UTC) + timedelta(hours=1)).strftime("%Y-%m-%dT%H:%M:%S.000000Z")
        made: str = self._ok(
            "POST",
            "/v3/OS-TRUST/trusts",
            {
                "trust": {
                    "trustor_user_id": self.admin_id,
                    "trustee_user_id": self.demo["id"],
                    "project_id": self.admin_project,
                    "impersonation": False,
                    "roles": [{"id": self.roles["admin"]}],
                    "expires_at": expires,
                }
            },
        ).data["trust"]["id"]
        return made

    def ec2(self) -> dict[str, str]:
        """A signed EC2 request of admin's."""
        made = self._ok("POST", f"/v3/users/{self.admin_id}/credentials/OS-EC2", {"tenant_id": self.admin_project}).data
        access, secret = made["credential"]["access"], made["credential"]["secret"]
        params = {
            "SignatureVersion": "2",
            "SignatureMethod": "HmacSHA256",
            "AWSAccessKeyId": access,
            "Timestamp": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        }
        query = "&".join(f"{k}={urllib.parse.quote(v, safe='-_~')}" for k, v in sorted(params.items()))
        digest = hmac.new(secret.encode(), f"GET\nhost\n/\n{query}".encode(), hashlib.sha256).digest()
        return {
            "access": access,
            "host": "host",
            "verb": "GET",
            "path": "/",
            "params": params,  # type: ignore[dict-item]
            "signature": base64.b64encode(digest).decode(),
        }


def token_of(cloud: Cloud, body: dict[str, Any]) -> str:
    return cloud.call("POST", "/v3/auth/tokens", JSON, body).token


def outcome(reply: Reply) -> str:
    """The status and whose answer it is; a refusal that still lets a token out has an outcome of its own."""
    if b"Refused at the public door" not in reply.text:
        return str(reply.status)
    leaks = b"gAAAA" in reply.text or "x-subject-token" in reply.headers
    right = int(reply.headers["content-length"]) == len(reply.text)
    return f"{reply.status} door" if right and not leaks else f"{reply.status} door leaks"


def tries(cloud: Cloud, public: Call) -> dict[str, str]:
    """Name of a try → outcome at the public door, or at the management door where the name says so."""
    demo_scope = {"project": {"id": cloud.demo_project["id"]}}
    member = token_of(cloud, password(cloud.demo["name"], "demo", demo_scope))
    boss = token_of(cloud, password(cloud.boss["name"], "boss", demo_scope))
    heir = token_of(cloud, password(cloud.heir["name"], "heir", demo_scope))
    service = token_of(cloud, password(cloud.service["name"], "service", demo_scope))
    domain = token_of(cloud, password("admin", ADMIN_PASSWORD, {"domain": {"id": "default"}}))
    trust = cloud.trust()
    demo_unscoped = token_of(cloud, password(cloud.demo["name"], "demo", "unscoped"))
    trusting = auth({"methods": ["token"], "token": {"id": demo_unscoped}}, {"OS-TRUST:trust": {"id": trust}})
    credential = cloud.application_credential()
    # keystone compares with the whole path, so a rule for it names the prefix too
    rules = [{"service": "identity", "path": "/identity/v3/users", "method": "GET"}]
    narrow = cloud.application_credential(access_rules=rules)

    def by_credential(made: dict[str, Any]) -> dict[str, Any]:
        secret = {"id": made["id"], "secret": "secret"}
        return auth({"methods": ["application_credential"], "application_credential": secret})

    narrow_token = token_of(cloud, by_credential(narrow))
    found: dict[str, str] = {}

    def get(name: str, path: str = "/v3/users", call: Call = public, **headers: str) -> None:
        heads = {key.replace("_", "-"): text for key, text in headers.items()}
        found[name] = outcome(call("GET", path, heads, None))

    def post(name: str, path: str, body: Any, headers: Mapping[str, str] = JSON, call: Call = public) -> None:
        found[name] = outcome(call("POST", path, headers, body))

    own = f"/v3/users/{cloud.demo['id']}"
    get("member", own, X_Auth_Token=member)
    get("no token", X_None="")
    get("bad token", X_Auth_Token="gAAAAAbad")
    get("unscoped admin lists own projects", "/v3/auth/projects", X_Auth_Token=cloud.unscoped)
    get("unscoped admin lists users", X_Auth_Token=cloud.unscoped)
    get("admin", X_Auth_Token=cloud.admin)
    get("admin at management", call=cloud.call, X_Auth_Token=cloud.admin)
    get("admin by storage token", X_Storage_Token=cloud.admin)
    get("admin by service token", own, X_Auth_Token=member, X_Service_Token=cloud.admin)
    get("admin with spaces", X_Auth_Token=f"  {cloud.admin} ")
    get("admin asks for the version", "/v3", X_Auth_Token=cloud.admin)
    get("system", X_Auth_Token=cloud.system)
    get("domain", X_Auth_Token=domain)
    get("implied", X_Auth_Token=boss)
    get("inherited", X_Auth_Token=heir)
    get("service", own, X_Auth_Token=service)
    get("admin's own narrow credential", X_Auth_Token=narrow_token)
    get("admin's own narrow credential at management", call=cloud.call, X_Auth_Token=narrow_token)
    get("member validates admin", "/v3/auth/tokens", X_Auth_Token=member, X_Subject_Token=cloud.admin)
    get("expired allowed", "/v3/auth/tokens?allow_expired=1", X_Auth_Token=member, X_Subject_Token=cloud.admin)
    get("member with forged roles", X_Auth_Token=member, X_Roles="admin", OpenStack_System_Scope="all", X_Role="admin")
    get("forged door", X_Auth_Token=cloud.admin, Wallcloud_Door="management", X_Wallcloud_Door="management")
    for spelling in ("//v3/users", "/v3//users", "/v3/users/", "/v3/users;a=b", "/v3/./users", "/%76%33/users", "/v3%2fusers"):
        get(f"spelled {spelling}", spelling, X_Auth_Token=cloud.admin)
    post("password, scoped", "/v3/auth/tokens", password("admin", ADMIN_PASSWORD, project("admin")))
    post("password, nocatalog", "/v3/auth/tokens?nocatalog", password("admin", ADMIN_PASSWORD, project("admin")))
    post("password, system", "/v3/auth/tokens", password("admin", ADMIN_PASSWORD, {"system": {"all": True}}))
    post("password, domain", "/v3/auth/tokens", password("admin", ADMIN_PASSWORD, {"domain": {"id": "default"}}))
    post("password, unscoped", "/v3/auth/tokens", password("admin", ADMIN_PASSWORD, "unscoped"))
    post("password, wrong", "/v3/auth/tokens", password("nobody", "wrong"))
    post("password, member", "/v3/auth/tokens", password(cloud.demo["name"], "demo", demo_scope))
    post("password, implied", "/v3/auth/tokens", password(cloud.boss["name"], "boss", demo_scope))
    post("password, inherited", "/v3/auth/tokens", password(cloud.heir["name"], "heir", demo_scope))
    unscoped = {"methods": ["token"], "token": {"id": cloud.unscoped}}
    scoped = {"methods": ["token"], "token": {"id": cloud.admin}}
    post("rescope unscoped admin", "/v3/auth/tokens", auth(unscoped, project("admin")))
    post("rescope admin in the body", "/v3/auth/tokens", auth(scoped, "unscoped"))
    post("trust", "/v3/auth/tokens", trusting)
    post("trust at management", "/v3/auth/tokens", trusting, call=cloud.call)
    post("application credential", "/v3/auth/tokens", by_credential(credential))
    post("narrow application credential", "/v3/auth/tokens", by_credential(narrow))
    post("ec2", "/v3/ec2tokens", {"credentials": cloud.ec2()}, {**JSON, "X-Auth-Token": member})
    post("s3", "/v3/s3tokens", {"credentials": cloud.ec2()}, {**JSON, "X-Auth-Token": member})
    post("ec2 at management", "/v3/ec2tokens", {"credentials": cloud.ec2()}, {**JSON, "X-Auth-Token": cloud.admin}, cloud.call)
    basic = base64.b64encode(f"{credential['id']}:secret".encode()).decode()
    form = {"Content-Type": "application/x-www-form-urlencoded", "Authorization": f"Basic {basic}"}
    grant = b"grant_type=client_credentials"
    post("oauth2", "/v3/OS-OAUTH2/token", grant, form)
    post("oauth2 at management", "/v3/OS-OAUTH2/token", grant, form, cloud.call)
    saml = auth({"methods": ["token"], "token": {"id": cloud.admin}}, {"service_provider": {"id": "nowhere"}})
    post("saml", "/v3/auth/OS-FEDERATION/saml2", saml)
    reply = public("HEAD", "/v3/users", {"X-Auth-Token": cloud.admin}, None)
    found["head"] = f"{reply.status} {len(reply.text)} {int(reply.headers['content-length']) > 0}"
    return found


def main(argv: list[str]) -> None:
    """`wsgi` or `https CA MANAGEMENT PUBLIC`."""
    if argv[1] == "wsgi":
        from wallcloud_plugins.identity import make  # type: ignore[import-not-found]

        application = make()
        management, public = over_wsgi(application, "management"), over_wsgi(application, "public")
    else:
        management, public = over_https(argv[3], argv[2]), over_https(argv[4], argv[2])
    print(json.dumps(tries(Cloud(management), public), indent=1))


if __name__ == "__main__":
    main(sys.argv)
