"""A real Keystone of the release's environment behind the door: what comes in and goes out by which door.

About 40 s: a database (sqlite), and some ninety requests in one process. `WALLCLOUD_ENVIRONMENT` may name an
environment.
"""

import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests import environment

import wallcloud.plugins

pytestmark = pytest.mark.root
ROOT = Path(__file__).parents[2]
SITE = "lib/python3.11/site-packages"

ADMITTED = {
    "member": "200",
    "unscoped admin lists own projects": "200",
    "admin at management": "200",
    "narrow credential at management": "200",
    "password, unscoped": "201",
    "password, demo": "201",
    "trust at management": "201",
    "oauth2 at management": "200",
}
# Refused by Keystone itself, at any door.
REFUSED = {
    "no token": "401",
    "bad token": "401",
    "unscoped admin lists users": "403",
    "member with forged roles": "403",
    "member with forged scope": "403",
    "nobody with forged identity": "401",
    "head": "403 0 True",
    "password, wrong": "401",
    "ec2": "403",
    "s3": "403",
    "saml": "404",
}
DOOR = (
    *("admin", "admin by storage token", "admin by service token", "admin with spaces", "admin asks for the version"),
    *("system", "domain", "boss", "heir", "service", "narrow credential", "member validates admin", "expired allowed"),
    *("forged door", "password, scoped", "password, nocatalog", "password, system", "password, domain"),
    *("password, boss", "password, heir", "password, service", "rescope unscoped admin", "rescope admin in the body"),
    *("trust", "application credential", "narrow application credential", "oauth2"),
    *("spelled //v3/users", "spelled /v3//users", "spelled /v3/users/", "spelled /v3/users;a=b"),
    *("spelled /v3/./users", "spelled /%76%33/users", "spelled /v3%2fusers"),
)

CONFIGURATION = """
[DEFAULT]
use_stderr = true
default_log_levels = keystone=CRITICAL
[database]
connection = sqlite:///{folder}/keystone.db
[fernet_tokens]
key_repository = {folder}/fernet
[credential]
key_repository = {folder}/credential
[identity]
password_hash_rounds = 4
max_password_length = 72
"""


@pytest.fixture(scope="module")
def unpacked() -> Iterator[Path]:
    with environment.mounted() as folder:
        yield folder


@pytest.fixture(scope="module")
def outcomes(unpacked: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    folder = tmp_path_factory.mktemp("keystone")
    (folder / "wallcloud_plugins").symlink_to(Path(wallcloud.plugins.__file__).parent)
    configuration = folder / "keystone.conf"
    configuration.write_text(CONFIGURATION.format(folder=folder))
    urls = [word for kind in ("public", "internal", "admin") for word in (f"--bootstrap-{kind}-url", "https://x/v3")]
    for command in (
        ["fernet_setup", "--keystone-user", "root", "--keystone-group", "root"],
        ["credential_setup", "--keystone-user", "root", "--keystone-group", "root"],
        ["db_sync"],
        ["bootstrap", "--bootstrap-password", "adminpw", "--bootstrap-region-id", "RegionOne", *urls],
    ):
        for keys in ("fernet", "credential"):
            (folder / keys).mkdir(mode=0o700, exist_ok=True)
        manage: list[str | Path] = [unpacked / "bin/keystone-manage", "--config-file", configuration, *command]
        subprocess.run(manage, check=True, capture_output=True, cwd=folder)
    ran = subprocess.run(
        [unpacked / "bin/python", "-W", "ignore", "-m", "tests.plugins.keystone_scenario", "wsgi"],
        env={
            "PATH": "/usr/bin:/bin",
            "PYTHONPATH": f"{folder}:{ROOT}",
            "PYTHONDONTWRITEBYTECODE": "1",
            "OS_KEYSTONE_CONFIG_FILES": str(configuration),
            "WALLCLOUD_DOOR_ADMIN_URL": "https://control.internal.cloud.example/identity",
        },
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr[-3000:]
    found: dict[str, str] = json.loads(ran.stdout)
    return found


def test_each_door_lets_through_what_it_should(outcomes: dict[str, str]) -> None:
    assert outcomes == ADMITTED | REFUSED | dict.fromkeys(DOOR, "403 door")


def test_keystone_has_no_other_way_to_a_token(unpacked: Path) -> None:
    """A release with another caller, or one that goes past the manager, must be looked at before it is trusted."""
    keystone = unpacked / SITE / "keystone"
    calls = re.compile(r"^.*\b(?:validate_token|issue_token|_validate_token)\(.*$", re.MULTILINE)
    found = {
        f"{path.relative_to(keystone)}: {line.strip()}"
        for path in keystone.rglob("*.py")
        if "tests" not in path.parts
        for line in calls.findall(path.read_text())
        if "def " not in line
    }
    through = re.compile(
        r"token_provider_api\.(validate|issue)_token\($|token_provider_api\.validate_token\(token_id\)$"
    )
    assert {call for call in found if not through.search(call)} == {
        # the manager's own steps inside validate_token and revoke_token, and the drivers below it
        "token/provider.py: token = self._validate_token(token_id)",
        "token/provider.py: ) = self.driver.validate_token(token_id)",
        "token/provider.py: token = self.validate_token(token_id)",
        "token/providers/fernet/core.py: return self.token_formatter.validate_token(token_id)",
        "token/providers/jws/core.py: return self.token_formatter.validate_token(token_id)",
    }
