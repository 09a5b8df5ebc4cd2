"""A small Keystone for fast tests: lists, password logins, and a note of whatever else it is sent, over TLS."""

import http.server
import json
import ssl
import time
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from tests.node.bare import Bare
from tests.node.world import Ca

from wallcloud.node.resources.identity import IMPLIED, ROLES

CA = Ca()


class Remembering(Bare):
    """A context that keeps what a real one keeps."""

    def __init__(self, *resources: Any, planning: bool = False, **secrets: str) -> None:
        super().__init__(*resources, planning=planning, **secrets)
        self.cache: dict[str, Any] = {}
        self.session: dict[str, Any] = {}

    def cached(self, key: str, make: Any) -> Any:
        return self.cache[key] if key in self.cache else self.cache.setdefault(key, make())

    def kept(self, key: str, make: Any) -> Any:
        return self.session[key] if key in self.session else self.session.setdefault(key, make())

    def forget(self, key: str) -> None:
        self.cache.pop(key, None)
        self.session.pop(key, None)


class Keystone(http.server.BaseHTTPRequestHandler):
    """Lists, password logins and whatever POST, PATCH, PUT and DELETE are sent (only noted)."""

    protocol_version = "HTTP/1.1"
    wbufsize = -1  # head and body in one segment
    lists: dict[str, Any]
    passwords: dict[str, str]
    asked: list[str]
    sent: list[Any]
    status: int
    tokens: int
    revoked: int
    """In this second since 1970 tokens were revoked: those of it, and those before, are none."""
    issued: int
    port: int

    def handle_all(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        path = self.path.removeprefix("/identity/v3").partition("?")[0]
        cls = type(self)
        cls.asked.append(f"{self.command} {path}")
        given = json.loads(body) if body else {}
        if cls.status != 200:
            return self.answer(cls.status, None)
        if path == "/auth/tokens":
            user = given["auth"]["identity"]["password"]["user"]
            name = user.get("name") or user["id"]
            if cls.passwords.get(name) != user["password"]:
                return self.answer(401, {"error": {"message": "The request you have made requires authentication."}})
            cls.tokens += 1
            cls.issued = int(time.time())
            return self.answer(201, {"token": {}}, f"token-{cls.tokens}")
        if self.headers["X-Auth-Token"] != f"token-{cls.tokens}" and cls.tokens > 90:
            return self.answer(401, {"error": {"message": "revoked"}})
        if cls.issued <= cls.revoked:
            return self.answer(401, {"error": {"message": "revoked"}})
        if self.command != "GET":
            cls.sent.append((self.command, path, given))
            if "taken" in str(given):
                return self.answer(409, {"error": {"message": "It is so already."}})
            return self.answer(204, None)
        enabled = {"enabled": True} if path == "/endpoints" else {}
        return self.answer(200, {path[1:]: [{**enabled, **each} for each in cls.lists[path[1:]]]})

    do_GET = do_POST = do_PATCH = do_PUT = do_DELETE = handle_all  # noqa: N815

    def answer(self, status: int, body: Any, token: str = "") -> None:
        data = b"" if body is None else json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(data)))
        if token:
            self.send_header("X-Subject-Token", token)
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_: object) -> None: ...


def certificate(folder: Path, *names: str) -> ssl.SSLContext:
    key = ec.generate_private_key(ec.SECP256R1())
    how = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    chain = CA.sign(key.public_key(), "x", names, ("server",))
    (folder / "server").write_text(key.private_bytes(*how).decode() + chain)
    (folder / "ca").write_text(CA.pem)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "server")
    return context


def lists() -> dict[str, Any]:
    roles = [{"id": f"r-{name}", "name": name, "domain_id": None} for name in ROLES]
    pairs = (line.split(" implies ") for line in IMPLIED)
    return {
        "users": [
            {"id": "u-admin", "name": "admin", "domain_id": "default", "enabled": True},
            {"id": "u-demo", "name": "demo", "domain_id": "default", "enabled": True, "description": "d"},
        ],
        "projects": [{"id": "p-demo", "name": "demo", "domain_id": "default", "enabled": True, "description": ""}],
        "roles": roles,
        "role_inferences": [{"prior_role": {"name": prior}, "implies": [{"name": name}]} for prior, name in pairs],
        "role_assignments": [
            {"user": {"id": "u-admin"}, "role": {"id": "r-admin"}, "scope": {"system": {"all": True}}},
            {"user": {"id": "u-demo"}, "role": {"id": "r-member"}, "scope": {"project": {"id": "p-demo"}}},
            {"group": {"id": "g"}, "role": {"id": "r-admin"}, "scope": {"project": {"id": "p-demo"}}},
            {"user": {"id": "u-demo"}, "role": {"id": "r-admin"}, "scope": {"domain": {"id": "default"}}},
        ],
        "services": [
            {"id": "s2", "name": "keystone", "type": "identity", "enabled": True, "description": "twin"},
            {"id": "s1", "name": "keystone", "type": "identity", "enabled": True},
            {"id": "s3", "name": "old", "type": "volume", "enabled": True},
        ],
        "endpoints": [
            {"id": "e1", "service_id": "s1", "interface": "public", "region_id": "R", "url": "https://a"},
            {"id": "e2", "service_id": "s1", "interface": "public", "region_id": "R", "url": "https://b"},
            {"id": "e3", "service_id": "s3", "interface": "admin", "region_id": "Old", "url": "https://c"},
        ],
        "regions": [{"id": "R"}, {"id": "Old"}],
    }
