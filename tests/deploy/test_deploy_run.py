"""Plan and apply of several nodes at once, whatever becomes of each."""

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from tests.deploy.far import FINE, Far
from tests.design.goldens import golden
from tests.design.world import RELEASE

from wallcloud.build.cache import Cache
from wallcloud.deploy.prepare import state_of
from wallcloud.deploy.run import Outcome, Run, Summary, at_work
from wallcloud.errors import WallcloudError
from wallcloud.site.load import SiteError, load

FOLDER = Path(__file__).parent / "golden"
READY = "management-door@control ready"
ALL = ("control", "api", "network", "compute1", "compute2")


def work(far: Far, *, apply: bool = False) -> Run:
    state = state_of(far.loaded)
    state.make()
    return Run(far.loaded, state, Cache(), RELEASE, far, apply=apply, try_wires=False)


def run(far: Far, *nodes: str, apply: bool = False) -> dict[str, Outcome]:
    async def bounded() -> Summary:
        async with asyncio.timeout(30):
            return await work(far, apply=apply).run(nodes)

    return {outcome.node: outcome for outcome in asyncio.run(bounded()).outcomes}


def test_all_are_fine(far: Far) -> None:
    for node in ALL:
        far.plays(node, FINE)
    found = run(far, *ALL)
    assert {outcome.status for outcome in found.values()} == {"ok"}
    assert found["control"].unchanged > 90
    for node in ALL:
        assert far.events(node) == ["connecting", "facts", "begin", "finished"]
        first, second = far.heard(node)
        assert first == {"op": "facts"}
        assert (second["op"], second["spec"]["node"]) == ("plan", node)
        assert "operator" not in second


def test_a_plan_keeps_no_secret_and_makes_no_ca(far: Far) -> None:
    far.plays("control", FINE)
    run(far, "control")
    state = far.loaded.state
    assert sorted(path.name for path in state.iterdir()) == ["facts"]
    order = far.heard("control")[1]
    assert order["secrets"]["site-ca"] == ""
    assert len(order["secrets"]["identity-admin"]) == 64


def test_an_apply_makes_and_keeps_them_and_sends_each_node_its_own(far: Far) -> None:
    for node in ("control", "api"):
        far.plays(node, FINE)
    run(far, "control", "api", apply=True)
    kept = json.loads((far.loaded.state / "secrets.json").read_text())
    control, api = (far.heard(node)[1] for node in ("control", "api"))
    assert control["op"] == "apply"
    assert "@" in control["operator"]
    made = {"site-ca": "ca/cert.pem", "site-crl": "crl.pem"}
    files = {name: (far.loaded.state / path).read_text() for name, path in made.items()}
    assert control["secrets"] == {**kept, **files}
    assert set(api["secrets"]) == {"site-ca"}
    run(far, "control", apply=True)
    assert json.loads((far.loaded.state / "secrets.json").read_text()) == kept
    assert far.heard("control")[-1]["secrets"]["identity-admin"] == kept["identity-admin"]


def test_no_secret_is_in_a_spec_or_in_an_argument(far: Far) -> None:
    far.plays("control", FINE)
    run(far, "control", apply=True)
    secrets = json.loads((far.loaded.state / "secrets.json").read_text()).values()
    spec = json.dumps(far.heard("control")[1]["spec"])
    assert secrets
    assert not any(value in spec or value in call for value in secrets for call in far.calls())


def test_facts_are_kept_and_used(far: Far) -> None:
    facts = {"cores": 9, "memory_mib": 1024, "hostname": "x", "interfaces": None}
    far.plays("control", f"order({facts!r})\nfinish()")
    state = state_of(far.loaded)
    run(far, "control")
    assert state.facts("control") == facts
    order = far.heard("control")[1]
    assert "processes = 9" in json.dumps(order["spec"])


def test_a_dead_node_costs_itself_only(far: Far) -> None:
    far.plays("api", FINE)
    found = run(far, "api", "network")
    assert (found["api"].status, found["network"].status) == ("ok", "lost")
    assert found["network"].why == "cannot be reached by SSH"
    assert far.events("network") == ["connecting", "lost"]


def test_a_site_that_breaks_a_rule_touches_no_node(far: Far) -> None:
    path = far.loaded.path
    path.write_text(path.read_text().replace("gateway: 198.18.10.1}", "gateway: 198.18.11.1}"))
    far.loaded = load(path)
    with pytest.raises(SiteError):
        run(far, *ALL)
    assert far.calls() == []


def test_a_lab_that_is_not_up_is_told_once(far: Far) -> None:
    path = far.loaded.path
    path.write_text(path.read_text().replace("user: root, port: 22", "user: root, port: 22, config: lab/config"))
    far.loaded = load(path)
    with pytest.raises(WallcloudError) as raised:
        run(far, *ALL)
    assert raised.value.what == f"there is no {path.parent / 'lab/config'}, which `ssh: config:` names"
    assert raised.value.hint.startswith("for a lab: wallcloud lab up; ")
    assert far.calls() == []


# -- waiting


def test_a_milestone_reaches_who_waits_for_it(far: Far) -> None:
    far.plays("control", f"order()\nsay('milestone', name={READY!r})\nfinish()")
    far.plays("api", f"order()\nwait({READY!r})\nfinish()")
    found = run(far, "control", "api", apply=True)
    assert {outcome.status for outcome in found.values()} == {"ok"}
    assert far.heard("api")[-1] == {"op": "milestone", "name": READY}


def test_also_who_asks_later(far: Far) -> None:
    far.plays("control", f"order()\nsay('milestone', name={READY!r})\nfinish()")
    far.plays("api", f"order()\ntime.sleep(0.3)\nwait({READY!r})\nfinish()")
    assert run(far, "control", "api", apply=True)["api"].status == "ok"
    assert far.heard("api")[-1]["op"] == "milestone"


@pytest.mark.parametrize(
    ("control", "why"),
    [
        ("order()\nfailed()\nfinish('failed')", "control: unit x.service: broke"),
        ("order()\nsys.exit(7)", "control: the session ended early (status 7)"),
        ("order()\nprint('hello')", "control: the node said something that is no event"),
        ("order()\nfinish()", "control: is not as designed"),
        ("order()\nsay('locked', holder={'operator': 'eve@x'})", "control: eve@x is at work there"),
        (None, "control: cannot be reached by SSH"),
    ],
    ids=["failed", "lost", "garbage", "never", "locked", "dead"],
)
def test_who_waits_in_vain_is_told_why(far: Far, control: str | None, why: str) -> None:
    """Asked before, or (where the other failed at once) after it is known."""
    if control:
        far.plays("control", control)
    far.plays("api", f"order()\ngot = wait({READY!r})\nfailed(got[{READY!r}]['why'])\nfinish('failed')")
    found = run(far, "control", "api", apply=True)
    assert far.heard("api")[-1] == {"op": "milestone-failed", "name": READY, "why": why}
    assert found["api"].status == "failed"


def test_a_milestone_that_failed_is_told_while_its_node_still_works(far: Far) -> None:
    """The rest of control goes on, and waits for what the api node publishes only after it has heard of it."""
    door = "public-door@api ready"
    failing = "say('milestone-failed', name={0!r}, why='unit x: broke')\nwait({1!r})\nfailed()\nfinish('failed')"
    far.plays("control", f"order()\n{failing.format(READY, door)}")
    far.plays("api", f"order()\nwait({READY!r})\nsay('milestone', name={door!r})\nfailed()\nfinish('failed')")
    found = run(far, "control", "api", apply=True)
    assert {outcome.status for outcome in found.values()} == {"failed"}
    assert far.heard("api")[-1] == {"op": "milestone-failed", "name": READY, "why": "control: unit x: broke"}


def test_changes_are_shown_in_the_order_of_the_spec(far: Far) -> None:
    far.plays("api", "order()\nfor n in (3, 1, 2): done(index=n, outcome='planned')\nfinish(planned=3)")
    assert [change["index"] for change in run(far, "api")["api"].changes] == [1, 2, 3]


def test_a_milestone_that_nobody_publishes(far: Far) -> None:
    far.plays("api", "order()\nwait('never heard of')\nfinish('failed')")
    run(far, "api", apply=True)
    assert far.heard("api")[-1]["why"] == "no node publishes it"


def test_a_narrowed_apply_reads_the_nodes_that_it_waits_for_and_changes_nothing_there(far: Far) -> None:
    far.plays("control", f"order({{'cores': 5}})\nsay('milestone', name={READY!r})\ndone()\nfinish()")
    far.plays("api", f"order()\nwait({READY!r})\nfinish()")
    found = run(far, "api", apply=True)
    assert set(found) == {"api"}
    assert found["api"].status == "ok"
    order = far.heard("control")[1]
    assert order["op"] == "plan"
    # What it said of itself has been taken into account, though it came after the first compile.
    assert "processes = 5" in json.dumps(order["spec"])
    assert far.events("control") == ["connecting", "facts"], "a plan of a node that was not asked for is not shown"


def test_a_narrowed_plan_meets_nobody_else(far: Far) -> None:
    far.plays("api", FINE)
    run(far, "api")
    assert len(far.calls()) == 1


def test_a_slow_node_holds_up_nobody(far: Far) -> None:
    """A node that reads nothing: what is meant for it waits in its queue, the others go on."""
    far.plays("control", f"order()\nsay('milestone', name={READY!r})\nfinish()")
    blob = Cache().add_bytes(b"x" * 4_000_000)
    far.plays(
        "network",
        f"order()\nsay('need-blobs', digests=[{blob!r}])\nsay('waiting', index=0, milestones=[{READY!r}])\n"
        "time.sleep(1.5)\nfinish()",
    )
    far.plays("api", f"order()\nbegan = time.time()\nwait({READY!r})\nassert time.time() - began < 1\nfinish()")
    found = run(far, "control", "network", "api", apply=True)
    assert {outcome.status for outcome in found.values()} == {"ok"}


# -- blobs, certificates, the new connection


def test_blobs(far: Far) -> None:
    cache = Cache()
    one, two = cache.add_bytes(b"one" * 5), cache.add_bytes(b"two")
    far.plays("api", f"order()\nsay('need-blobs', digests={[one, two]!r})\nhear()\nhear()\nfinish()")
    assert run(far, "api", apply=True)["api"].status == "ok"
    assert [message.get("content") for message in far.heard("api")[2:]] == ["one" * 5, "two"]


@pytest.mark.parametrize("digest", ["a" * 64, "no digest"])
def test_a_blob_that_is_not_there(far: Far, digest: str) -> None:
    far.plays("api", f"order()\nsay('need-blobs', digests=[{digest!r}])\nhear()\nfinish('cancelled')")
    found = run(far, "api", apply=True)["api"]
    assert found.status == "lost"
    lost = next(event for node, event in far.reported if (node, event["event"]) == ("api", "lost"))
    text = f"{lost['why']}\n{lost['hint']}\n"
    golden(FOLDER / f"no-blob-{'missing' if len(digest) == 64 else 'nonsense'}.txt", text)


CSR = """
import subprocess
key = subprocess.run(["openssl", "ecparam", "-name", "prime256v1", "-genkey", "-noout"], capture_output=True).stdout
csr = subprocess.run(["openssl", "req", "-new", "-key", "/dev/stdin", "-subj", "/CN=" + cn], input=key,
                     capture_output=True).stdout.decode()
"""


def asking(cn: str, then: str) -> str:
    return f"order()\ncn = {cn!r}\n{CSR}\nsay('sign', id='public-door@api', csr=csr)\n{then}"


def test_a_certificate_of_the_design_is_signed(far: Far) -> None:
    far.plays(
        "api", f"order()\ncn = 'cloud.example'\n{CSR}\nsay('sign', id='public-door@api', csr=csr)\nhear()\nfinish()"
    )
    run(far, "api", apply=True)
    answer = far.heard("api")[-1]
    assert answer["op"] == "certificate"
    assert answer["ca"] == (far.loaded.state / "ca/cert.pem").read_text()
    assert answer["pem"].startswith("-----BEGIN CERTIFICATE-----\n")


@pytest.mark.parametrize(
    ("node", "cn", "why"),
    [
        ("api", "elsewhere.example", "the request does not prove to be cloud.example's"),
        ("network", "cloud.example", "the design names no such certificate"),
    ],
)
def test_no_other_is(far: Far, node: str, cn: str, why: str) -> None:
    far.plays(
        node, f"order()\ncn = {cn!r}\n{CSR}\nsay('sign', id='public-door@api', csr=csr)\nhear()\nfinish('failed')"
    )
    run(far, node, apply=True)
    assert far.heard(node)[-1] == {"op": "certificate-refused", "id": "public-door@api", "why": why}


def test_in_a_plan_nothing_is_signed(far: Far) -> None:
    far.plays("api", asking("cloud.example", "finish()"))
    assert run(far, "api")["api"].status == "ok"
    assert [message["op"] for message in far.heard("api")] == ["facts", "plan"]


def test_the_firewall_is_confirmed_over_a_new_connection(far: Far) -> None:
    far.plays("api", "order()\nsay('confirm-wanted', seconds=5)\nhear()\nfinish()")
    run(far, "api", apply=True)
    assert far.heard("api")[-1] == {"op": "confirm"}
    assert "ControlPath=none" in far.calls()[-1]
    assert far.calls()[-1].endswith(" true ")


def test_and_not_where_none_comes_about(far: Far) -> None:
    refuse = "print('x: Connection timed out', file=sys.stderr); sys.exit(255)"
    far.plays("api", "order()\nsay('confirm-wanted', seconds=5)\nfinish('failed')", fresh=refuse)
    run(far, "api", apply=True)
    assert [message["op"] for message in far.heard("api")] == ["facts", "apply"]
    assert ("api", {"event": "unconfirmed", "why": "x: Connection timed out"}) in far.reported


# -- outcomes


def test_changes_and_counts(far: Far) -> None:
    change = {"property": "mode", "before": "0644", "after": "0600", "secret": False, "diff": None}
    far.plays("api", f"order()\ndone(0)\ndone(1, 'planned', changes=[{change!r}])\nfinish(unchanged=1, planned=1)")
    found = run(far, "api")["api"]
    assert (found.status, found.unchanged, found.planned, found.applied) == ("ok", 1, 1, 0)
    assert [event["changes"] for event in found.changes] == [[change]]


def test_a_word_after_the_last_one_changes_nothing(far: Far) -> None:
    far.plays("api", "order()\nsay('finished', outcome='ok', applied=0, unchanged=1, planned=0)\nsay('progress')")
    assert run(far, "api")["api"].status == "ok"


def test_of_several_failures_the_first_is_told(far: Far) -> None:
    far.plays("api", "order()\nfailed('one')\nfailed('two')\nfinish('failed')")
    found = run(far, "api")["api"]
    assert (found.status, found.why) == ("failed", "unit x.service: one")


@pytest.mark.parametrize(
    ("holder", "told"),
    [
        ({"operator": "eve@x", "since": 1e9, "pid": 1}, r"eve@x is at work there since \d\d:\d\d:\d\d"),
        ({"operator": None, "since": None}, "somebody is at work there"),
        ({}, "somebody is at work there"),
    ],
)
def test_locked(holder: dict[str, object], told: str) -> None:
    import re

    assert re.fullmatch(told, at_work(holder))


# -- what a node may say that makes no sense


@pytest.mark.parametrize(
    "said",
    [
        "say('done', index=0)",
        "say('finished', outcome='ok')",
        "say('need-blobs', digests=5)",
        "say('milestone')",
        "say('locked', holder=None)",
        "say('sign', id='public-door@api')",
    ],
)
def test_events_that_lack_something(far: Far, said: str) -> None:
    far.plays("api", f"order()\n{said}\nwhile hear()['op']: pass\n")
    far.plays("network", FINE)
    found = run(far, "api", "network", apply=True)
    assert (found["api"].status, found["network"].status) == ("lost", "ok")
    assert "is not understood" in found["api"].why


@pytest.mark.parametrize("facts", [5, None, {"cores": "many"}, {"clock": 3}])
def test_facts_that_make_no_sense_are_not_kept(far: Far, facts: object) -> None:
    far.plays("api", f"order({facts!r})")
    found = run(far, "api")["api"]
    assert (found.status, found.why) == ("lost", "told facts that are not understood")
    assert not (far.loaded.state / "facts/api.json").exists()


def test_a_session_that_ends_before_its_facts(far: Far) -> None:
    far.plays("api", "hear()\nfinish()")
    assert run(far, "api")["api"].why == "ended without telling its facts"


def test_kept_facts_that_are_broken_are_an_error_with_its_mend(far: Far) -> None:
    state = state_of(far.loaded)
    state.make()
    state.write("facts/api.json", b'{"cores": "many"}')
    with pytest.raises(WallcloudError) as raised:
        run(far, "api")
    assert raised.value.where.endswith("facts/api.json")
    assert raised.value.hint == "delete the file: the next plan asks the node anew"


# -- stopping


def test_signs_of_life_are_sent_to_who_applies(far: Far, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("wallcloud.deploy.session._ALIVE_SECONDS", 0.05)
    for node in ("control", "api"):
        far.plays(node, "order()\nassert hear() == hear() == {'op': 'alive'}\nfinish()")
    assert run(far, "control", "api", apply=True)["api"].status == "ok"
    assert far.heard("api")[1]["silence"] == 45.0


DRIVER = """
import asyncio, sys
from pathlib import Path
from tests.deploy.test_deploy_run import RELEASE
from wallcloud.build.cache import Cache
from wallcloud.deploy.prepare import state_of
from wallcloud.deploy.run import Run, run
from wallcloud.site.load import load

class Told:
    def event(self, node, event):
        print(event["event"], flush=True)

loaded = load(Path(sys.argv[1]))
state = state_of(loaded)
state.make()
work = Run(loaded, state, Cache(), RELEASE, Told(), apply=True, try_wires=False)
try:
    summary = run(work, work.run(("api",)), lambda: print("stopping", flush=True))
    print("ended", [outcome.status for outcome in summary.outcomes], flush=True)
except KeyboardInterrupt:
    print("interrupted", flush=True)
"""


def _driven(far: Far) -> "subprocess.Popen[str]":
    root = Path(__file__).parents[2]
    started = subprocess.Popen(
        [sys.executable, "-c", DRIVER, str(far.loaded.path)],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": f"{root}:{root / 'src'}"},
    )
    assert started.stdout is not None
    for line in started.stdout:
        if line == "begin\n":
            break
    return started


def test_the_first_interrupt_asks_to_stop(far: Far) -> None:
    far.plays("api", "order()\nsay('begin', count=2)\nmessage = hear()\nfinish('cancelled', applied=1)")
    started = _driven(far)
    started.send_signal(signal.SIGINT)
    out, _ = started.communicate(timeout=20)
    assert out.splitlines() == ["stopping", "finished", "ended ['cancelled']"]
    assert far.heard("api")[-1] == {"op": "cancel"}


def test_the_second_ends_at_once(far: Far) -> None:
    far.plays("api", "order()\nsay('begin', count=2)\nhear()\nprint('x', file=log, flush=True)\ntime.sleep(60)")
    started = _driven(far)
    began = time.monotonic()
    started.send_signal(signal.SIGINT)
    assert started.stdout is not None
    assert started.stdout.readline() == "stopping\n"
    started.send_signal(signal.SIGTERM)
    out, _ = started.communicate(timeout=20)
    assert out == "interrupted\n"
    assert time.monotonic() - began < 5
