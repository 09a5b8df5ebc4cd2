"""Logs as a user sees them."""

import json
import shlex
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from tests.deploy.far import Far
from tests.design.goldens import golden

from wallcloud.cli.main import wallcloud

FOLDER = Path(__file__).parent / "golden"
SAYS = {
    "control": [
        (1795473316_343000, "wallcloud-nova-api.service", 'INFO nova.api [req-1 - -] "GET /servers" status: 200'),
        (1795473318_000001, "wallcloud-nova-conductor.service", "ERROR nova.conductor [req-1 - -] no host"),
    ],
    "compute1": [(1795473317_000000, "wallcloud-nova-compute.service", "WARNING nova.compute [req-1 - -] slow")],
}


def script(node: str) -> str:
    told = [{"__REALTIME_TIMESTAMP": str(at), "_SYSTEMD_UNIT": unit, "MESSAGE": what} for at, unit, what in SAYS[node]]
    return f"printf '%s\\n' {shlex.join(map(json.dumps, told))}\n"


def logs(far: Far, *words: str) -> Result:
    site = far.loaded.path
    return CliRunner().invoke(wallcloud, ["logs", "--site", str(site), *words], catch_exceptions=False)


@pytest.fixture
def says(far: Far, monkeypatch: pytest.MonkeyPatch) -> Iterator[Far]:
    for node in SAYS:
        far.runs(node, script(node))
    with monkeypatch.context() as patch:
        patch.setenv("TZ", "UTC")
        time.tzset()
        yield far
    time.tzset()


def test_lines_of_two_nodes(says: Far) -> None:
    ran = logs(says, "--node", "control", "--node", "compute1")
    assert ran.exit_code == 0, ran.output
    golden(FOLDER / "logs.txt", ran.stdout)


def test_json(says: Far) -> None:
    ran = logs(says, "--node", "control", "--json")
    assert [json.loads(line)["source"] for line in ran.stdout.splitlines()] == ["nova-api", "nova-conductor"]


def test_a_component_is_asked_of_the_nodes_that_have_it(says: Far) -> None:
    assert logs(says, "nova-compute", "--role", "control", "--role", "compute").exit_code == 1, "compute2 is away"
    asked = says.calls()
    assert len(asked) == 2 and all("--unit=wallcloud-nova-compute.service" in call for call in asked)
    assert not any("--unit=wallcloud-neutron" in call for call in asked)


def test_a_node_that_is_away(says: Far) -> None:
    ran = logs(says, "--node", "control", "--node", "api")
    assert (ran.exit_code, len(ran.stdout.splitlines())) == (1, 2)
    assert "api: " in ran.stderr and "No route to host" in ran.stderr


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("nova-apy",), "did you mean nova-api?"),
        (("nova-api", "--node", "api"), "no component with a unit on these nodes named nova-api"),
        (("--node", "contol"), "did you mean control?"),
        (("--request", "req-1"), "is no request's id"),
        (("--since", "yesterday-ish"), "is no time"),
        (("nova-api", "--everything"), "exclude each other"),
        (("--lines", "0"), "not in the range"),
    ],
)
def test_wrong_use(says: Far, words: tuple[str, ...], said: str) -> None:
    ran = logs(says, *words)
    assert ran.exit_code == 2 and said in ran.stderr, ran.output
    assert says.calls() == []


@pytest.mark.parametrize("since", ["90s", "10m", "2h", "3d", "14:05", "2026-11-23 14:05", "2026-11-23T14:05:01+01:00"])
def test_times(says: Far, since: str) -> None:
    assert logs(says, "--node", "control", "--since", since).exit_code == 0
    assert "--since=@" in says.calls()[0] and "--lines" not in says.calls()[0]
