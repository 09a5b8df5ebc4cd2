"""What the command says of a site without a public door."""

from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from tests.design.goldens import golden

from wallcloud.cli.main import wallcloud
from wallcloud.site import template

FOLDER = Path(__file__).parent / "golden"


@pytest.fixture
def site(here: Path) -> Path:
    (here / "site.yaml").write_text(template.text("admin-only").replace(", config: .wallcloud/lab/ssh_config", ""))
    return here


def run(*words: str) -> Result:
    return CliRunner().invoke(wallcloud, [*words], prog_name="wallcloud")


@pytest.mark.usefixtures("site")
def test_addresses_and_the_routes_that_the_physical_router_needs() -> None:
    ran = run("show", "addresses")
    assert ran.exit_code == 0
    golden(FOLDER / "show-addresses-admin-only.txt", ran.output)
    assert "198.18.61.0/24 via 198.18.41.2" in ran.output


@pytest.mark.usefixtures("site")
def test_check_finds_it_fine() -> None:
    ran = run("check")
    assert (ran.exit_code, ran.output.startswith("site.yaml: fine (4 nodes, 6 networks, ")) == (0, True)


def test_two_networks_with_one_address(site: Path) -> None:
    text = (site / "site.yaml").read_text()
    (site / "site.yaml").write_text(text.replace("cidr: 198.18.63.0/24", "cidr: 198.18.62.128/25"))
    ran = run("check")
    line = next(number for number, each in enumerate(text.splitlines(), 1) if "machines:" in each)
    told = 'error: network "machines" of project "workshop": 198.18.62.128/25 overlaps 198.18.62.0/24 of network'
    assert (ran.exit_code, f"site.yaml:{line}:" in ran.output, told in ran.output) == (1, True, True), ran.output


@pytest.mark.usefixtures("site")
@pytest.mark.parametrize("what", ["nodes", "flows", "limits", "files"])
def test_nothing_that_is_shown_is_of_another_door(what: str) -> None:
    ran = run("show", what, "--json")
    assert ran.exit_code == 0
    assert "https://cloud.example" not in ran.output and "public-door" not in ran.output
    assert "control.internal.cloud.example" in ran.output or what != "files"
