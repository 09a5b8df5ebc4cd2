"""The lab's verbs, with a lab that only pretends."""

import os
from pathlib import Path

import click
import pytest
from click.testing import CliRunner
from rich.console import Console

from wallcloud.cli import lab_verbs
from wallcloud.cli.steps import Steps
from wallcloud.errors import WallcloudError
from wallcloud.lab.lab import Lab
from wallcloud.lab.status import MachineStatus, PlaceStatus, Status
from wallcloud.progress import step

ARTICLE = Path(__file__).parents[2] / "examples/article/site.yaml"


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """The article's site under a name of which no lab exists."""
    file = tmp_path / "site.yaml"
    file.write_text(ARTICLE.read_text().replace("name: article ", "name: pretend "))
    return file


def call(*words: str) -> tuple[int, str]:
    result = CliRunner().invoke(lab_verbs.lab, words, prog_name="wallcloud lab", color=False)
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result.exit_code, result.output


def test_exec_without_a_program_is_wrong_use(site: Path) -> None:
    status, text = call("exec", "--site", str(site), "office")
    assert status == 2
    assert "which program? for example: wallcloud lab exec office -- ping -c1 198.18.30.11" in text


@pytest.mark.parametrize("words", [("exec", "office", "--", "true"), ("exec", "control", "true"), ("shell", "admin")])
def test_a_lab_that_is_not_up_is_an_error(site: Path, words: tuple[str, ...]) -> None:
    status, text = call(words[0], "--site", str(site), *words[1:])
    assert (status, text) == (1, "error: the lab is not up\n  hint: wallcloud lab up\n")


def test_an_unknown_node_is_an_error(site: Path) -> None:
    status, text = call("exec", "--site", str(site), "contro1", "--", "true")
    assert status == 1
    assert text == ("error: the site has no node contro1\n  hint: it has control, api, network, compute1, compute2\n")


def test_a_site_that_breaks_a_rule_gets_no_lab(site: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    site.write_text(site.read_text().replace("roles: [control]", "roles: [control, api]"))
    monkeypatch.setattr(Lab, "up", lambda *_: pytest.fail("it was made"))
    status, text = call("up", "--site", str(site))
    assert status == 1
    assert "[roles-apart]" in text


def test_up_says_what_comes_next(site: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Lab, "up", lambda *_: None)
    status, text = call("up", "--site", str(site))
    assert (status, text) == (0, f"the lab pretend is up: 5 machines. Next: wallcloud plan --site {site}\n")


def test_up_tells_when_the_site_does_not_use_the_labs_way_in(site: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Lab, "up", lambda *_: None)
    site.write_text(site.read_text().replace(", config: .wallcloud/lab/ssh_config", ""))
    config = site.parent.resolve() / ".wallcloud/lab/ssh_config"
    _, text = call("up", "--site", str(site))
    assert f"note: only with ssh: {{config: {config}}} in the site file does plan find the lab" in text


@pytest.mark.skipif(os.geteuid() != 0, reason="others are refused before")
def test_a_lab_has_no_account_but_root(site: Path) -> None:
    site.write_text(site.read_text().replace("user: root", "user: admin"))
    status, text = call("up", "--site", str(site))
    assert (status, text) == (1, "error: lab: the lab's machines have no account admin\n  hint: ssh: {user: root}\n")


STATUS = Status(
    site="pretend",
    machines=(
        MachineStatus("control", "running", "198.18.10.11", 4711, 200.0, 530.2, 23),
        MachineStatus("api", "off", "198.18.10.12", None, None, None, 0),
    ),
    places=(PlaceStatus("office", True, ("198.18.2.10/24",), 0),),
    wires={"management": ("api.mgmt0", "control.mgmt0")},
    walled=True,
)


def test_status_shows_machines_places_and_wires(site: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Lab, "status", lambda _: STATUS)
    status, text = call("status", "--site", str(site))
    assert status == 1, "a machine is off"
    assert [line.split() for line in text.splitlines() if line] == [
        ["MACHINE", "STATE", "ADDRESS", "UP", "PID", "MEMORY", "PROCESSES"],
        ["control", "running", "198.18.10.11", "3", "min", "4711", "530", "MiB", "23"],
        ["api", "off", "198.18.10.12"],
        ["PLACE", "STATE", "ADDRESSES"],
        ["office", "up", "198.18.2.10/24"],
        ["WIRE", "PLUGGED", "IN"],
        ["management", "api.mgmt0", "control.mgmt0"],
        ["host:", "walled", "off", "from", "the", "lab"],
    ]
    status, text = call("status", "--site", str(site), "--json")
    assert status == 1
    assert '"memory": 530.2' in text and '"up": false' in text


def test_steps_are_lines_where_no_terminal_is() -> None:
    console = Console(width=80, force_terminal=False)
    with console.capture() as told, Steps(console) as steps:
        with step(steps, "wires"):
            steps.advance("wires", 1, "not shown")
        with pytest.raises(WallcloudError), step(steps, "machine api"):
            raise WallcloudError("api went off while it booted")
    lines = told.get().splitlines()
    assert [click.unstyle(line) for line in lines] == [
        "wires …",
        "wires: done (0.0 s)",
        "machine api …",
        "machine api: failed (0.0 s): api went off while it booted",
    ]
