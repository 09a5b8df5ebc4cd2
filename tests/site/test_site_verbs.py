"""The verbs new, check and schema, and the files that they write."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from wallcloud.cli import site_verbs
from wallcloud.errors import WallcloudError
from wallcloud.site import template
from wallcloud.site.load import load

ROOT = Path(__file__).parents[2]


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("flavour", template.FLAVOURS)
def test_examples_are_what_new_writes(here: Path, flavour: str) -> None:
    result = CliRunner().invoke(site_verbs.new, ["--flavour", flavour])
    assert result.exit_code == 0
    assert result.output == "site.yaml is written. Read it, make it yours, then: wallcloud check\n"
    assert (here / "site.yaml").read_bytes() == (ROOT / "examples" / flavour / "site.yaml").read_bytes()


def test_new_never_overwrites_unless_forced(here: Path) -> None:
    (here / "mine.yaml").write_text("precious")
    result = CliRunner().invoke(site_verbs.new, ["--output", "mine.yaml"])
    assert isinstance(result.exception, WallcloudError)
    assert result.exception.what == "mine.yaml exists already"
    assert "--force" in result.exception.hint
    assert (here / "mine.yaml").read_text() == "precious"
    result = CliRunner().invoke(site_verbs.new, ["--output", "mine.yaml", "--force"])
    assert result.output.endswith("then: wallcloud check --site mine.yaml\n")
    assert (here / "mine.yaml").read_text() == template.text()


@pytest.mark.parametrize("output", ["no/such/folder/site.yaml", "file/site.yaml"])
def test_new_says_where_it_cannot_write(here: Path, output: str) -> None:
    (here / "file").write_text("")
    result = CliRunner().invoke(site_verbs.new, ["--output", output])
    assert isinstance(result.exception, WallcloudError)
    assert output in result.exception.what


def test_check_of_a_good_site(here: Path) -> None:
    (here / "site.yaml").write_text(template.text())
    result = CliRunner().invoke(site_verbs.check)
    assert result.exit_code == 0
    assert result.output.startswith("site.yaml: fine (5 nodes, 7 networks, ")


def test_check_of_a_bad_site(here: Path) -> None:
    (here / "site.yaml").write_text(template.text().replace("gateway: 198.18.10.1}", "gateway: 198.18.11.1}"))
    result = CliRunner().invoke(site_verbs.check)
    assert result.exit_code == 1
    assert ': error: network "management": the gateway 198.18.11.1 is not in 198.18.10.0/24' in result.output
    assert result.output.endswith("site.yaml: 1 error; nothing is deployed from a site with errors\n")
    result = CliRunner().invoke(site_verbs.check, ["--json"])
    assert result.exit_code == 1
    said = json.loads(result.output)
    line = (here / "site.yaml").read_text()[: (here / "site.yaml").read_text().index("198.18.11.1")].count("\n") + 1
    assert (said["ok"], said["errors"], said["warnings"]) == (False, 1, 0)
    assert said["findings"][0]["path"] == ["networks", "management", "gateway"]
    assert said["findings"][0]["location"]["line"] == line


def test_warnings_alone_are_fine(here: Path) -> None:
    (here / "site.yaml").write_text(template.text().replace("mtu: 1550", "mtu: 1500"))
    result = CliRunner().invoke(site_verbs.check)
    assert result.exit_code == 0
    assert ": warning: " in result.output and "1 warning)" in result.output


def test_check_of_no_file_is_wrong_use(here: Path) -> None:
    result = CliRunner().invoke(site_verbs.check, ["--site", "absent.yaml"])
    assert result.exit_code == 2
    assert "absent.yaml:1:1: error: cannot read the site file: No such file or directory" in result.output
    assert "`wallcloud new` writes one" in result.output


def test_schema_knows_every_key_and_refuses_others() -> None:
    result = CliRunner().invoke(site_verbs.schema)
    said = json.loads(result.output)
    assert said["additionalProperties"] is False
    assert {"networks", "nodes", "options"} <= set(said["properties"])
    assert set(said["required"]) == {
        "wallcloud", "name", "release", "domain", "admin_prefixes", "time", "networks", "nodes",
    }  # fmt: skip
    assert said["$defs"]["Network"]["additionalProperties"] is False
    assert said["$defs"]["Network"]["properties"]["cidr"]["type"] == "string"


def test_paths_are_relative_to_the_site_file() -> None:
    folder = ROOT / "examples" / "article"
    loaded = load(folder / "site.yaml")
    assert loaded.state == folder / ".wallcloud"
    assert loaded.ssh_config == folder / ".wallcloud" / "lab" / "ssh_config"


def test_locations_lead_to_the_line() -> None:
    loaded = load(ROOT / "examples" / "article" / "site.yaml")
    lines = (ROOT / "examples" / "article" / "site.yaml").read_text().splitlines()
    place = loaded.locations.at(("options", "keystone", "token", "expiration"))
    assert lines[place.line - 1][place.column - 1 :].startswith("7200}")
    place = loaded.locations.key(("options", "keystone", "token", "expiration"))
    assert lines[place.line - 1][place.column - 1 :].startswith("expiration: 7200")
    # What is not in the file is where its surroundings are.
    place = loaded.locations.at(("networks", "public", "vlan"))
    assert lines[place.line - 1].startswith("  public:")
    assert loaded.locations.at(("nothing", 3)).line == loaded.locations.at(()).line
