"""A real Keystone, called by either door, with the accounts and credentials that the tries need."""

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

    def ec2(self) -> dict[str, Any]:
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
            "params": params,
            "signature": base64.b64encode(digest).decode(),
        }
