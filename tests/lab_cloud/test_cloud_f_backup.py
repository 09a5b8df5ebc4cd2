"""From bare machines and a backup to the same cloud: tenants' VMs and tokens, also where a restore is killed."""

import json
import secrets
import shlex
import shutil
from pathlib import Path

import pytest
from tests.lab_cloud.cloud import Cloud
from tests.node.servers.disturbances import AS_ADMIN

pytestmark = [pytest.mark.root, pytest.mark.lab]

_CONTROL = "https://control.internal.cloud.example"
_VMS = """mariadb -BNe "
    SELECT i.uuid, i.display_name, i.project_id, i.host, i.image_ref, p.id, a.ip_address
    FROM nova.instances i
    LEFT JOIN neutron.ports p ON p.device_id = i.uuid
    LEFT JOIN neutron.ipallocations a ON a.port_id = p.id
    WHERE i.deleted = 0 ORDER BY i.uuid, p.id, a.ip_address
" """
_TOKEN = "print(token)"
_WITH_TOKEN = """
token = given["token"]  # issued before the backup, by a cloud whose machines are gone
print([project["name"] for project in call("GET", "/auth/projects")[1]["projects"]])
"""


def _as_admin(cloud: Cloud, program: str, **more: str) -> str:
    given = {
        "url": f"{_CONTROL}/identity/v3",
        "ca": "/etc/wallcloud/tls/ca.pem",
        "admin": "admin",
        "project": "admin",
        "password": json.loads((cloud.state / "secrets.json").read_text())["identity-admin"],
        **more,
    }
    script = f"exec python3 -I -c {shlex.quote(AS_ADMIN + program)}"
    return cloud.on("control", script, input=json.dumps(given)).strip()


def _key_file(folder: Path) -> Path:
    path = folder / "backup.key"
    path.touch(0o600)
    path.write_text(secrets.token_hex(32))
    return path


def _lose_everything(cloud: Cloud) -> None:
    """The machines, the CA, the secrets; the lab's own key for SSH stays, as the hosts' would."""
    cloud.run("lab", "down").expect(0)
    cloud.run("lab", "up").expect(0)
    shutil.rmtree(cloud.state / "ca")
    shutil.rmtree(cloud.state / "facts")
    for name in ("secrets.json", "issued.json", "crl.pem"):
        (cloud.state / name).unlink()


def test_a_cloud_comes_back_from_a_backup(designed: Cloud, tmp_path: Path) -> None:
    kept = designed.run("verify", "--json", "--part", "tenants", "--keep")
    assert kept.status == 0, kept.said
    vms = designed.on("control", _VMS)
    assert vms
    token = _as_admin(designed, _TOKEN)
    key, file = ("--key-file", str(_key_file(tmp_path))), str(tmp_path / "a.backup")
    designed.run("backup", "--output", file, *key).expect(0)
    known = (designed.state / "secrets.json").read_bytes()
    refused = designed.run("restore", file, *key, "--yes").expect(1, "it serves from its databases")
    assert "the cloud has served from its databases: glance, keystone" in refused.said, refused.said
    assert designed.on("control", _VMS) == vms

    _lose_everything(designed)
    killed = designed.start("restore", file, *key, "--yes")
    killed.until(lambda line: line.startswith("control   loading the databases"), "the databases")
    killed.end()
    designed.run("restore", file, *key, "--yes").expect(0, "a restore after one that was killed")
    assert (designed.state / "secrets.json").read_bytes() == known
    designed.expect_designed("after a restore")
    assert designed.on("control", _VMS) == vms
    assert "'admin'" in _as_admin(designed, _WITH_TOKEN, token=token)
