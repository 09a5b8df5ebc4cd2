"""Keystone is asked little, over verified TLS, and believed exactly. A small Keystone of the test answers."""

import http.server
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.node.servers.stub_keystone import CA, Keystone, Remembering, certificate, lists
from tests.node.world import Ca

from wallcloud.node.resource import Change, ResourceFailed
from wallcloud.node.resources import identity_password
from wallcloud.node.resources.identity import IdentityBootstrap, IdentityRole
from wallcloud.node.resources.identity_accounts import (
    GoneIdentityUsers,
    IdentityAssignment,
    IdentityProject,
    IdentityUser,
)
from wallcloud.node.resources.identity_catalog import ExclusiveIdentityCatalog, IdentityEndpoint, IdentityService
from wallcloud.node.resources.identity_client import IdentityAccess
from wallcloud.node.secret import Secret


@pytest.fixture
def keystone(tmp_path: Path) -> Iterator[type[Keystone]]:
    class Fresh(Keystone):
        pass

    fresh = Fresh
    fresh.lists, fresh.asked, fresh.sent, fresh.status, fresh.tokens = lists(), [], [], 200, 0
    fresh.revoked = 0
    fresh.passwords = {"admin": "a-word", "u-demo": "demo-word"}
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), fresh)
    server.socket = certificate(tmp_path, "localhost").wrap_socket(server.socket, server_side=True)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    fresh.port = server.server_port
    yield fresh
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def access(keystone: type[Keystone], tmp_path: Path) -> IdentityAccess:
    url = f"https://localhost:{keystone.port}/identity/v3"
    return IdentityAccess(url=url, ca=str(tmp_path / "ca"), password=Secret("admin"))


@pytest.fixture(autouse=True)
def hashes(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> dict[str, str]:
    """The password hashes that Keystone's database holds: none, unless a test puts one."""
    found: dict[str, str] = {}
    monkeypatch.setattr(identity_password, "_hashes", lambda ctx, access: found)
    monkeypatch.setattr(identity_password, "NOTES", tmp_path / "run" / "passwords")
    return found


def whole(access: IdentityAccess) -> tuple[Any, ...]:
    return (
        IdentityBootstrap(access=access, argv=("bootstrap",), account="root", region="R"),
        IdentityProject(access=access, project="demo"),
        IdentityUser(access=access, user="demo", password=Secret("demo"), description="d"),
        IdentityAssignment(access=access, user="demo", role="member", project="demo"),
        IdentityAssignment(access=access, user="admin", role="admin", system=True),
        IdentityService(access=access, service="keystone", type="identity"),
        IdentityEndpoint(access=access, service="keystone", interface="public", url="https://a", region="R"),
    )


def test_everything_is_asked_once(keystone: type[Keystone], access: IdentityAccess) -> None:
    here = Remembering(*whole(access), admin="a-word", demo="demo-word")
    for resource in here.resources:
        assert resource.compare(here) == (), resource
    assert sorted(keystone.asked) == [
        *(f"GET /{name}" for name in sorted(lists())),
        *("POST /auth/tokens", "POST /auth/tokens"),
    ]


def test_strangers_of_the_catalog(keystone: type[Keystone], access: IdentityAccess) -> None:
    here = Remembering(*whole(access), admin="a-word")
    catalog = ExclusiveIdentityCatalog(access=access)
    assert catalog.read(here) == {
        "services": ("keystone (identity)", "old (volume)"),
        "endpoints": ("keystone public https://b", "old admin https://c"),
        "regions": ("Old",),
    }
    catalog.apply(here, ())
    assert [path for _, path, _ in keystone.sent] == [
        *("/endpoints/e2", "/endpoints/e3"),
        *("/services/s2", "/services/s3"),
        "/regions/Old",
    ]
    kept = ExclusiveIdentityCatalog(access=access, keep=("old",)).read(here)
    assert kept == {
        "services": ("keystone (identity)",),
        "endpoints": ("keystone public https://b",),
        "regions": (),
    }


def test_what_differs_is_seen(keystone: type[Keystone], access: IdentityAccess) -> None:
    keystone.lists["users"][1].update(enabled=False, description="x")
    keystone.lists["regions"] = []
    keystone.lists["endpoints"][0].update(url="https://z", enabled=False)
    here = Remembering(*whole(access), admin="a-word", demo="demo-word")
    found = {each.kind: each.compare(here) for each in here.resources}
    assert found["identity-bootstrap"] == (Change("region", False, True),)
    assert found["identity-user"] == (
        Change("enabled", False, True),
        Change("description", "x", "d"),
        Change("password", None, None, secret=True),
    )
    assert found["identity-endpoint"] == (Change("url", "https://z", "https://a"), Change("enabled", False, True))
    assert "POST /auth/tokens" in keystone.asked


def test_users_out_of_use_go_and_nobody_else(keystone: type[Keystone], access: IdentityAccess) -> None:
    gone = GoneIdentityUsers(access=access, users=("demo", "never-there"))
    ctx = Remembering(admin="a-word")
    assert gone.compare(ctx) == (Change("there", ("demo",), ()),)
    gone.apply(ctx, ())
    assert keystone.sent == [("DELETE", "/users/u-demo", {})]
    keystone.lists["users"] = [each for each in keystone.lists["users"] if each["name"] != "demo"]
    assert gone.compare(Remembering(admin="a-word")) == ()


def test_a_stranger_with_our_name_in_another_domain(keystone: type[Keystone], access: IdentityAccess) -> None:
    keystone.lists["users"][1]["domain_id"] = "other"
    here = Remembering(*whole(access), admin="a-word", demo="demo-word")
    assert IdentityUser(access=access, user="demo", password=Secret("demo")).read(here) is None
    assert IdentityRole(access=access, role="auditor").read(here) is None


def test_the_wrong_password_of_the_admin(keystone: type[Keystone], access: IdentityAccess) -> None:
    here = Remembering(*whole(access), admin="wrong", demo="demo-word")
    assert here.resources[0].read(here) == {"token": False}
    assert [each.read(here) for each in here.resources[1:]] == [None] * 6
    assert keystone.asked == ["POST /auth/tokens"], "one attempt in all"
    with pytest.raises(ResourceFailed) as failed:
        here.resources[1].apply(here, ())
    assert failed.value.what == "Keystone does not take the password of admin"
    assert failed.value.hint == "an IdentityBootstrap must come first"


def test_a_password_is_asked_once_for_each_hash(
    keystone: type[Keystone], access: IdentityAccess, hashes: dict[str, str]
) -> None:
    user = IdentityUser(access=access, user="demo", password=Secret("demo"), description="d")
    secrets: Any = {"admin": "a-word", "demo": "demo-word"}
    hashes["u-demo"] = "$2b$one"

    def logins(planning: bool = False) -> int:
        keystone.asked.clear()
        here = Remembering(user, planning=planning, **secrets)
        assert user.compare(here) == ()
        return keystone.asked.count("POST /auth/tokens") - 1  # the admin's own

    assert [logins(planning=True), logins(planning=True)] == [1, 1], "a plan writes nothing"
    assert [logins(), logins(), logins(planning=True)] == [1, 0, 0]
    assert identity_password.NOTES.stat().st_mode & 0o777 == 0o600
    assert "demo-word" not in identity_password.NOTES.read_text()
    hashes["u-demo"] = "$2b$two"
    keystone.passwords["u-demo"] = "by hand"
    here = Remembering(user, **secrets)
    assert user.compare(here) == (Change("password", None, None, secret=True),)
    keystone.passwords["u-demo"] = "demo-word"
    assert [logins(), logins()] == [1, 0]
    secrets["demo"] = "another"
    assert user.compare(Remembering(user, **secrets)) != ()


def test_a_password_is_set_only_where_it_is_wrong(keystone: type[Keystone], access: IdentityAccess) -> None:
    """Setting it, even to the same, revokes the user's tokens."""
    keystone.lists["users"][1]["enabled"] = False
    user = IdentityUser(access=access, user="demo", password=Secret("demo"), description="d")
    here = Remembering(user, admin="a-word", demo="demo-word")
    user.apply(here, user.compare(here))
    assert keystone.sent == [("PATCH", "/users/u-demo", {"user": {"enabled": True, "description": "d"}})]
    keystone.sent.clear()
    keystone.passwords["u-demo"] = "by hand"
    user.apply(here, user.compare(here))
    assert [body for _, _, body in keystone.sent] == [
        {"user": {"enabled": True, "description": "d"}},
        {"user": {"password": "demo-word"}},
    ]


def test_a_token_that_was_revoked_is_renewed(keystone: type[Keystone], access: IdentityAccess) -> None:
    keystone.tokens = 91
    here = Remembering(*whole(access), admin="a-word", demo="demo-word")
    assert here.resources[1].compare(here) == ()
    keystone.tokens = 95
    here.cache.clear()
    assert here.resources[1].compare(here) == ()


def test_a_token_of_the_very_second_of_a_revocation_is_renewed(
    keystone: type[Keystone], access: IdentityAccess
) -> None:
    """A bootstrap that changed the password is quicker than a second's end."""
    time.sleep(1.0 - time.time() % 1.0)
    keystone.revoked = int(time.time())
    here = Remembering(*whole(access), admin="a-word", demo="demo-word")
    assert here.resources[1].compare(here) == ()
    assert keystone.asked.count("POST /auth/tokens") == 3


def test_keystone_speaks_for_itself(keystone: type[Keystone], access: IdentityAccess) -> None:
    here = Remembering(admin="a-word")
    with pytest.raises(ResourceFailed) as failed:
        IdentityProject(access=access, project="taken").apply(here, ())
    assert (failed.value.what, failed.value.output) == ("Keystone answered 409", ("It is so already.",))
    assert failed.value.tried == f"POST {access.url}/projects"


@pytest.mark.parametrize("status", [404, 500, 502, 503, 504])
def test_a_front_end_without_keystone_is_absent(keystone: type[Keystone], access: IdentityAccess, status: int) -> None:
    keystone.status = status
    here = Remembering(*whole(access), admin="a-word")
    assert [each.read(here) for each in here.resources] == [None] * 7


def test_nothing_there_is_absent(tmp_path: Path) -> None:
    (tmp_path / "ca").write_text(CA.pem)
    gone = (
        IdentityAccess(url="https://localhost:1/v3", ca=str(tmp_path / "ca"), password=Secret("admin")),
        IdentityAccess(url="https://localhost:1/v3", ca=str(tmp_path / "no-ca-yet"), password=Secret("admin")),
    )
    for access in gone:
        here = Remembering(*whole(access), admin="a-word")
        assert [each.read(here) for each in here.resources] == [None] * 7
        with pytest.raises(ResourceFailed, match="Keystone does not answer"):
            here.resources[1].apply(here, ())


def test_another_ca_is_not_believed(keystone: type[Keystone], access: IdentityAccess, tmp_path: Path) -> None:
    (tmp_path / "ca").write_text(Ca("another").pem)
    with pytest.raises(ResourceFailed) as failed:
        IdentityProject(access=access, project="demo").read(Remembering(admin="a-word"))
    assert failed.value.what == "localhost shows a certificate that the site's CA does not vouch for"
    assert failed.value.hint == f"the CA is in {tmp_path}/ca"
    assert keystone.asked == []


def test_another_name_is_not_believed(keystone: type[Keystone], access: IdentityAccess) -> None:
    by_address = access.url.replace("localhost", "127.0.0.1")
    wrong = IdentityAccess(url=by_address, ca=access.ca, password=Secret("admin"))
    with pytest.raises(ResourceFailed, match=r"127\.0\.0\.1 shows a certificate"):
        IdentityProject(access=wrong, project="demo").read(Remembering(admin="a-word"))
    assert keystone.asked == []


def test_a_secret_stands_in_no_repr(access: IdentityAccess) -> None:
    from wallcloud.node.resources.identity_client import Session

    assert "hunter22" not in repr(Session(access, "hunter22", "hunter22"))


def test_a_role_is_on_one_thing(access: IdentityAccess) -> None:
    with pytest.raises(ValueError, match="either on a project or on the system"):
        IdentityAssignment(access=access, user="a", role="b")
