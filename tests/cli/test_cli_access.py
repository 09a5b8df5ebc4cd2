"""clouds.yaml: who it is for, who may read it, and what it says."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from ruamel.yaml import YAML
from tests.design.goldens import golden

from wallcloud.cli.main import wallcloud

FOLDER = Path(__file__).parent / "golden"


@pytest.fixture
def cloud(here: Path) -> Path:
    """A state folder as an apply leaves it."""
    (here / ".wallcloud/ca").mkdir(parents=True, mode=0o700)
    (here / ".wallcloud").chmod(0o700)
    (here / ".wallcloud/ca/cert.pem").write_text("x")
    kept = {"identity-admin": "hunter2-of-admin", "identity-demo-demo": "hunter2-of-demo"}
    (here / ".wallcloud/secrets.json").write_text(json.dumps(kept))
    return here


def run(*words: str) -> Result:
    return CliRunner().invoke(wallcloud, ["access", *words])


def test_a_tenant_uses_the_public_door(cloud: Path) -> None:
    ran = run()
    assert ran.exit_code == 0, ran.output
    written = cloud / "clouds.yaml"
    assert written.stat().st_mode & 0o777 == 0o600
    golden(FOLDER / "access-tenant.yaml", written.read_text().replace(str(cloud), "HERE"))
    assert "hunter2" not in ran.output
    assert "--os-cloud played-demo" in ran.output


def test_the_admin_uses_the_management_door(cloud: Path) -> None:
    ran = run("--admin", "--output", "-")
    golden(FOLDER / "access-admin.yaml", ran.stdout.replace(str(cloud), "HERE"))
    assert ran.stderr == "what follows holds a password\n"
    assert not (cloud / "clouds.yaml").exists()
    (only,) = YAML(typ="safe").load(ran.stdout)["clouds"].values()
    assert only["auth"]["auth_url"] == "https://control.internal.cloud.example/identity/v3"


def test_a_site_without_public_door_has_one_door(cloud: Path) -> None:
    text = (cloud / "site.yaml").read_text()
    start, end = text.index("  # The only door for tenants"), text.index("  # Tenants' routers")
    text = text[:start] + text[end:]
    lines = [line for line in text.splitlines() if not line.startswith("  public:")]
    (cloud / "site.yaml").write_text("\n".join(lines) + "\n")
    ran = run("--output", "-")
    assert ran.exit_code == 0, ran.output
    assert 'auth_url: "https://control.internal.cloud.example/identity/v3"' in ran.stdout
    assert 'interface: "internal"' in ran.stdout
    assert "no public door: this works in admin prefixes only (198.18.1.0/24)" in ran.stderr
    assert "no public door" not in run("--admin", "--output", "-").stderr


def test_a_file_that_is_there_stays(cloud: Path) -> None:
    (cloud / "clouds.yaml").write_text("mine")
    ran = run()
    assert (ran.exit_code, (cloud / "clouds.yaml").read_text()) == (1, "mine")
    assert "--force overwrites it" in ran.stderr
    assert run("--force").exit_code == 0
    assert "cacert" in (cloud / "clouds.yaml").read_text()
    assert [path.name for path in cloud.glob(".clouds*")] == []


def test_a_file_that_cannot_be(cloud: Path) -> None:
    ran = run("--output", "no/such/folder.yaml")
    assert ran.exit_code == 1
    assert "cannot write no/such/folder.yaml: No such file or directory" in ran.stderr
    assert cloud.is_dir()


@pytest.mark.parametrize(
    ("words", "status", "text"),
    [
        (("--admin", "--project", "demo"), 2, "two people"),
        (("--project", "dmeo"), 2, "did you mean demo?"),
    ],
)
def test_wrong_use(cloud: Path, words: tuple[str, ...], status: int, text: str) -> None:
    ran = run(*words)
    assert (ran.exit_code, text in ran.stderr) == (status, True), ran.stderr
    assert not (cloud / "clouds.yaml").exists()


def test_there_is_no_password_before_the_first_apply(here: Path) -> None:
    ran = run()
    assert (ran.exit_code, "there is no cloud of this site yet" in ran.stderr) == (1, True)
    (here / ".wallcloud/ca").mkdir(parents=True, mode=0o700)
    (here / ".wallcloud/ca/cert.pem").write_text("x")
    ran = run()
    assert (ran.exit_code, "there is no demo in the cloud yet" in ran.stderr) == (1, True)
    assert sorted(path.name for path in (here / ".wallcloud").iterdir()) == ["ca"]
