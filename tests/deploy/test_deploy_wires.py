"""When an apply tries the wires, and what it does with the answer. Of packets: tests/node/test_root_preflight.py."""

import asyncio
from collections.abc import Sequence

import pytest
from tests.deploy.far import Far
from tests.design.world import RELEASE

from wallcloud.build.cache import Cache
from wallcloud.catalog.basics import WIRES
from wallcloud.deploy.preflight.meeting import PreflightFailed
from wallcloud.deploy.prepare import state_of
from wallcloud.deploy.run import Run, Summary
from wallcloud.design.compile import compile_site
from wallcloud.node.resources import File

TRIED = """
message = order({facts})
assert message["op"] == "preflight", message["op"]
say("listening")
assert hear() == {{"op": "go"}}
links = {{leg["interface"]: {link} for leg in message["legs"]}}
gateways = [[leg["number"], address, "02:00:00:00:00:fe"] for leg in message["legs"] for address in leg["asked"][1:2]]
say("preflight", links=links, refused={{}}, heard=[], holders=gateways, offers=[], sockets=[], free_mib={{}}, apt=None,
    settled=False)
hear()
finish()
"""


def _run(far: Far, nodes: Sequence[str], *, apply: bool = True, try_wires: bool = True) -> Summary:
    state = state_of(far.loaded)
    state.make()
    work = Run(far.loaded, state, Cache(), RELEASE, far, apply=apply, try_wires=try_wires)
    return asyncio.run(work.run(nodes))


def _asked(far: Far, node: str) -> list[str]:
    return [message["op"] for message in far.heard(node) if message["op"]]


def _wires(far: Far, node: str) -> str:
    spec = compile_site(far.loaded, {}, RELEASE).specs[node]
    return next(str(each.content) for each in spec.resources if isinstance(each, File) and each.path == WIRES)


def test_new_wires_are_tried_before_anything_else(far: Far) -> None:
    far.plays("control", TRIED.format(facts={}, link=True))
    summary = _run(far, ["control"])
    assert summary.ok and summary.findings == ()
    assert _asked(far, "control") == ["facts", "preflight", "go", "apply"]


def test_an_error_stops_the_apply_before_it_began(far: Far) -> None:
    far.plays("control", TRIED.format(facts={}, link=False))
    with pytest.raises(PreflightFailed, match="found 1 error; nothing was changed") as raised:
        _run(far, ["control"])
    assert _asked(far, "control") == ["facts", "preflight", "go"]
    assert "control: mgmt0 (management) has no link [link]" in raised.value.output[0]


def test_known_wires_are_not_tried_again(far: Far) -> None:
    far.plays("control", f"order({ {'wires': _wires(far, 'control')}!r})\nfinish()")
    assert _run(far, ["control"]).ok
    assert _asked(far, "control") == ["facts", "apply"]


def test_other_wires_are(far: Far) -> None:
    far.plays("control", TRIED.format(facts={"wires": _wires(far, "api")}, link=True))
    assert _run(far, ["control"]).ok


@pytest.mark.parametrize("how", [{"try_wires": False}, {"apply": False}])
def test_neither_a_plan_tries_them_nor_who_was_told_not_to(far: Far, how: dict[str, bool]) -> None:
    far.plays("control", "order()\nfinish()")
    assert _run(far, ["control"], **how).ok
    assert len(_asked(far, "control")) == 2


def test_who_goes_away_meanwhile_costs_himself_only(far: Far) -> None:
    far.plays("control", TRIED.format(facts={}, link=True))
    far.plays("api", "order()")
    summary = _run(far, ["control", "api"])
    assert [outcome.status for outcome in summary.outcomes] == ["ok", "lost"]
    assert _asked(far, "control")[-1] == "apply"


def test_an_answer_that_makes_no_sense(far: Far) -> None:
    far.plays("control", 'order()\nsay("listening")\nhear()\nsay("preflight", links=5)\nhear()')
    (outcome,) = _run(far, ["control"]).outcomes
    assert (outcome.status, outcome.why) == ("lost", "told of its wires what is not understood")
