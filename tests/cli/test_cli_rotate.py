"""`rotate`: what it lists, what it refuses, what it says while nodes are played."""

import json
import time
from dataclasses import asdict, replace
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from tests.deploy.far import FINE, Far
from tests.deploy.health import NOW, design_of, well
from tests.design.goldens import golden
from tests.design.world import RELEASE

from wallcloud.catalog.basics import WIRES
from wallcloud.catalog.rotation import Stage
from wallcloud.cli import converging, rotate_verb
from wallcloud.cli.main import wallcloud
from wallcloud.deploy import rotation
from wallcloud.deploy.authority import Authority
from wallcloud.deploy.prepare import state_of
from wallcloud.deploy.status.judging import DAY
from wallcloud.node.resources import File

FOLDER = Path(__file__).parent / "golden"


@pytest.fixture
def cloud(far: Far, monkeypatch: pytest.MonkeyPatch) -> Far:
    """Of a site that was applied; every node is as it should be."""
    monkeypatch.setattr(converging, "release_of", lambda *_, **__: RELEASE)
    monkeypatch.setattr(rotate_verb, "release_of", lambda *_, **__: RELEASE)
    state = state_of(far.loaded)
    state.make()
    Authority.open(state, "played")
    for node, spec in design_of(far.loaded).specs.items():
        wires = next(each for each in spec.resources if isinstance(each, File) and each.path == WIRES)
        far.plays(node, FINE.replace("order()", f"order({{'wires': {wires.content!r}}})"))
    return far


def run(*words: str) -> Result:
    return CliRunner().invoke(wallcloud, ["rotate", *words], prog_name="wallcloud", catch_exceptions=False)


def steady(ran: Result) -> str:
    """Both outputs; nodes end in any order, so the lines of a stage are sorted."""
    stages: list[list[str]] = [[]]
    for line in ran.stderr.splitlines():
        if line.startswith("stage "):
            stages.append([])
        stages[-1].append(line)
    return "\n".join([ran.stdout + "---", *(line for each in stages for line in (*each[:1], *sorted(each[1:]))), ""])


def test_the_list(cloud: Far) -> None:
    state = state_of(cloud.loaded)
    state.secrets(["metadata-proxy"])
    state.write("ages.json", json.dumps({"metadata-proxy": time.time() - 40 * DAY}).encode())
    design = design_of(cloud.loaded)
    for node, answer in well(design).items():
        later = time.time() - NOW + 3600
        every = [(each, each.life) for each in answer.certificates if each.life]
        lives = tuple(replace(each, life=replace(life, until=life.until + later)) for each, life in every)
        said = json.dumps(asdict(replace(answer, certificates=lives)))
        cloud.plays(node, f"hear()\nsay('status', answer=json.loads({said!r}))\nfinish()")
    ran = run("--list")
    assert ran.exit_code == 0, ran.output
    golden(FOLDER / "rotate-list.txt", ran.stdout)
    cloud.runs("api", "exit 255")
    ran = run("--list", "--json")
    told = json.loads(ran.stdout)
    assert ran.exit_code == 1 and list(told["lost"]) == ["api"]
    proxy = next(each for each in told["secrets"] if each["name"] == "metadata-proxy")
    assert proxy["age_seconds"] // DAY == 40 and proxy["kind"] == "shared"
    left = {each["name"]: each["left_seconds"] for each in told["certificates"]}
    assert left["public-door@api"] is None and left["mariadb@control"] > DAY


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("metadata-prox",), "no secret or certificate named metadata-prox\n  hint: did you mean metadata-proxy?"),
        (("--list", "--users"), "--list shows all\n  hint: give it alone"),
    ],
)
def test_wrong_use(cloud: Far, words: tuple[str, ...], said: str) -> None:
    ran = run(*words)
    assert ran.exit_code == 2 and said in ran.stderr
    assert cloud.calls() == []


def test_before_the_first_apply(far: Far) -> None:
    ran = run()
    assert ran.exit_code == 1 and "there is no cloud of this site yet" in ran.stderr
    assert far.calls() == []


def test_all_three_stages(cloud: Far) -> None:
    ran = run()
    assert ran.exit_code == 0, ran.output
    golden(FOLDER / "rotate.txt", steady(ran))
    now = rotation.load(state_of(cloud.loaded))
    assert now.stage is None and now.generation("identity-service-nova") == 1
    assert now.generation("identity-admin") == 0, "people are not asked to learn new passwords"
    assert now.made_since("mariadb@control") and set(now.keys) == {"keystone-token-keys", "keystone-credential-keys"}


@pytest.mark.parametrize(
    ("words", "moved", "certificates"),
    [
        (("--certificates",), set(), 21),
        (("--users",), {"identity-admin", "identity-demo-demo"}, 0),
        (("metadata-proxy", "mariadb@control"), {"metadata-proxy"}, 1),
        (("identity-admin", "--certificates"), {"identity-admin"}, 21),
    ],
)
def test_what_is_chosen(cloud: Far, words: tuple[str, ...], moved: set[str], certificates: int) -> None:
    ran = run(*words, "--json")
    assert ran.exit_code == 0, ran.output
    now = rotation.load(state_of(cloud.loaded))
    assert {name for name, times in now.generations.items() if times} == moved
    assert len(now.certificates) == certificates
    events = [json.loads(line) for line in ran.stdout.splitlines()]
    # Nothing of this is taken by a server that takes two: nothing is made beside.
    assert [each["stage"] for each in events if each["event"] == "stage"] == ["use", "end"]
    assert events[-1]["event"] == "summary" and set(events[-1]["secrets"]) == moved


def test_a_dead_node_and_its_return(cloud: Far) -> None:
    """The old ones go when everybody has the new ones, and not before."""
    cloud.runs("compute2", "exit 255")
    ran = run("--secrets")
    assert ran.exit_code == 1
    golden(FOLDER / "rotate-dead-node.txt", steady(ran))
    assert rotation.load(state_of(cloud.loaded)).stage is Stage.MAKE
    (cloud.folder / f"{cloud.address('compute2')}.sh").unlink()
    plan = CliRunner().invoke(wallcloud, ["plan"])
    assert plan.exit_code == 1 and plan.stdout.endswith("a rotation is unfinished. Next: wallcloud apply\n")
    ran = run("metadata-proxy")
    golden(FOLDER / "rotate-finished.txt", steady(ran))
    now = rotation.load(state_of(cloud.loaded))
    assert now.stage is None and now.generation("identity-service-nova") == 1 == now.generation("metadata-proxy")


def test_apply_finishes_it(cloud: Far) -> None:
    cloud.runs("compute2", "exit 255")
    assert run("--secrets").exit_code == 1
    (cloud.folder / f"{cloud.address('compute2')}.sh").unlink()
    words = ["apply", "--without-preflight"]
    assert CliRunner().invoke(wallcloud, [*words, "--node", "compute2", "--node", "control"]).exit_code == 0
    assert rotation.load(state_of(cloud.loaded)).stage is Stage.MAKE, "a part of the nodes finishes nothing"
    ran = CliRunner().invoke(wallcloud, words)
    assert ran.exit_code == 0, ran.output
    assert rotation.load(state_of(cloud.loaded)).stage is None
    assert CliRunner().invoke(wallcloud, ["plan"]).exit_code == 0
