"""What a whole machine shows: plans that write nothing, kills, reloads, the firewall's rollback, speed."""

import json
import random
import resource as usage
import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from tests.node import world
from tests.node.machine import Machine, Talk, machine
from tests.node.world import WORD, get, put

from wallcloud.node.resources import Directory, ExclusiveUnits, File, Input, Packages, Ruleset, Unit
from wallcloud.node.resources.unit import STAMP_PATH, STAMP_SCRIPT, stamp_lines
from wallcloud.node.spec import Spec, to_json

pytestmark = [pytest.mark.root, pytest.mark.timeout(180)]
UNIT = "wallcloud-wct.service"


@pytest.fixture(scope="module")
def spec() -> Spec:
    return world.spec(world.pool().index)


@pytest.fixture(scope="module")
def here(spec: Spec) -> Iterator[Machine]:
    """A machine that has come to `spec`."""
    with machine("whole") as made:
        world.deployer(made)
        world.wires(made)
        made.converged(spec, word=WORD)
        yield made


@pytest.fixture
def bare() -> Iterator[Machine]:
    with machine("bare") as made:
        world.deployer(made)
        world.wires(made)
        yield made


def request(spec: Spec, op: str = "apply") -> dict[str, Any]:
    return {"op": op, "spec": to_json(spec), "secrets": {"word": WORD}, "operator": "test"}


def pid(here: Machine, unit: str = UNIT) -> str:
    return here.run(f"systemctl show -p MainPID --value {unit}")


def kill(here: Machine) -> None:
    """Kills the program that holds the node's lock, and nothing that it started."""
    holder = json.loads(here.run("cat /run/wallcloud/lock"))["pid"]
    here.run(f"kill -9 {holder} || true")


def with_file(spec: Spec, path: str, content: str) -> Spec:
    changed = replace(world.one(spec, File, path), content=content)
    return replace(spec, resources=tuple(changed if each.name == path else each for each in spec.resources))


def test_a_plan_writes_nothing(bare: Machine, spec: Spec) -> None:
    bare.run("touch /tmp/before; touch /run/before")
    assert bare.plan(spec, word=WORD).changed()
    assert bare.talk({"op": "facts"}).of("facts")
    ours = "! -path '/var/log/*' ! -path '/run/systemd/*' ! -path '/run/udev/*' ! -path '/run/log/*'"
    written = bare.run(f"find / /run -xdev -cnewer /tmp/before -type f {ours} -print | grep -v before || true")
    assert written == ""
    assert bare.run("ls -d /run/wallcloud /var/cache/wallcloud /var/lib/wallcloud 2>/dev/null || true") == ""


def test_an_apply_killed_at_any_moment_is_finished_by_the_next(bare: Machine, spec: Spec) -> None:
    """The program is killed, not what it started: apt goes on to its end or is mended."""
    chance = random.Random(7)
    for _ in range(8):
        process = bare.open(request(spec))
        assert process.stdin is not None
        assert process.stdout is not None
        events = chance.randint(3, 60)
        for line in process.stdout:
            event = json.loads(line)
            answer = bare.answers.get(event["event"])
            for message in answer(event) if answer is not None else ():
                process.stdin.write(message)
            process.stdin.flush()
            events -= 1
            if events == 0 or event["event"] == "finished":
                kill(bare)
                break
        process.stdin.close()
        process.stdout.close()
        process.wait()
    bare.converged(spec, word=WORD)
    assert bare.run("ls /usr/sbin/policy-rc.d 2>/dev/null || true") == ""
    assert bare.run("find / -xdev -name '.*.wallcloud*'") == ""


def test_an_installation_killed_at_any_moment_is_mended(bare: Machine, spec: Spec) -> None:
    """apt and dpkg themselves are killed, as by a power cut."""
    chance, killed = random.Random(5), 0
    for _ in range(6):
        left = chance.randint(1, 20)

        def strike(event: Any) -> tuple[bytes, ...]:
            nonlocal left
            left -= event["total"] is not None
            if left == 0:
                bare.run("kill -9 $(pidof apt-get dpkg) || true")
            return ()

        bare.answers["progress"] = strike
        talk = bare.apply(spec, word=WORD)
        if talk.outcome == "failed":
            killed += 1
            assert talk.of("failed")[0]["what"] in {"apt-get was killed by signal 9", "dpkg was killed by signal 9"}
    assert killed
    world.deployer(bare)
    bare.answers.pop("progress")
    bare.converged(spec, word=WORD)


def test_a_plan_after_an_apply_changes_no_process(here: Machine, spec: Spec) -> None:
    before = pid(here)
    assert here.converged(spec, word=WORD).changed() == {}
    assert pid(here) == before


def test_an_input_to_reload_keeps_the_process(here: Machine, spec: Spec) -> None:
    before = pid(here)
    changed = with_file(spec, "/etc/wct/reload", "other\n")
    plan = here.plan(changed, word=WORD)
    done = {event["resource"]["name"]: event for event in plan.of("done")}
    assert done[UNIT]["consequence"] == f"reloads {UNIT}"
    assert done[UNIT]["changes"][0]["before"] == "stale: /etc/wct/reload"
    here.converged(changed, word=WORD)
    assert pid(here) == before
    here.converged(spec, word=WORD)
    assert pid(here) == before


def test_an_input_to_restart_restarts_once(here: Machine, spec: Spec) -> None:
    before = pid(here)
    changed = with_file(spec, "/etc/wct/main", "other\n")
    done = {event["resource"]["name"]: event for event in here.plan(changed, word=WORD).of("done")}
    assert done[UNIT]["consequence"] == f"restarts {UNIT}"
    here.converged(changed, word=WORD)
    assert pid(here) != before
    here.converged(spec, word=WORD)


def test_a_certificate_to_renew_shows_its_unit_in_the_plan(here: Machine, spec: Spec) -> None:
    public = world.public_key_of(get(here, "/etc/wct/cert.pem"))
    names = ("wct.example", "198.18.10.11")
    put(here, "/etc/wct/cert.pem", world.CA.sign(public, "wct.example", names, ("server", "client"), 25, 30))
    here.run(f"systemctl restart {UNIT}")  # it runs with what is there: only the renewal makes it stale
    plan = here.plan(spec, word=WORD)
    assert plan.changed()[UNIT] == ["running"]
    assert here.converged(spec, word=WORD).changed()[UNIT] == ["running"]


def test_a_unit_killed_and_restarted_by_systemd_is_no_difference(here: Machine, spec: Spec) -> None:
    lasting = replace(
        world.one(spec, Unit), text=world.SERVICE.replace("Restart=no", "Restart=always\nRestartSec=100ms")
    )
    lasting_spec = replace(spec, resources=(*world.without(spec, Unit).resources, lasting))
    here.converged(lasting_spec, word=WORD)
    before = pid(here)
    here.run(f"systemctl kill -s KILL {UNIT}; until [ $(systemctl show -p MainPID --value {UNIT}) != 0 ]; do :; done")
    here.run(f"until systemctl is-active {UNIT}; do sleep 0.1; done")
    assert pid(here) not in {before, "0"}
    assert here.plan(lasting_spec, word=WORD).changed() == {}
    here.converged(spec, word=WORD)


def small(text: str, **more: Any) -> Spec:
    return Spec(
        "test",
        "2026.2",
        (
            Directory(path="/usr/lib/wallcloud"),
            File(path=STAMP_PATH, content=STAMP_SCRIPT, mode=0o755),
            ExclusiveUnits(prefix="wallcloud-", keep=("wallcloud-wct.service",)),
            Unit(unit="wallcloud-small.service", text=text, **more),
        ),
    )


def service(start: str, *more: str) -> str:
    rows = ("[Service]", stamp_lines(()), f"ExecStart={start}", *more, "[Install]", "WantedBy=multi-user.target", "")
    return "\n".join(rows)


def failed(talk: Talk) -> dict[str, Any]:
    assert talk.outcome == "failed"
    return talk.of("failed")[0]


def test_a_unit_that_does_not_start_says_why(here: Machine) -> None:
    spec = small(service("/bin/sh -c 'echo it is broken; exit 3'", "Type=notify"))
    event = failed(here.apply(spec))
    assert event["what"] == "wallcloud-small.service is failed (result: protocol)" or "exit-code" in event["what"]
    assert "it is broken" in event["output"]
    assert event["hint"] == "the whole story on the node: journalctl -u wallcloud-small.service"
    here.converged(small(service("/bin/sleep infinity")))


def test_a_unit_that_dies_while_we_wait_says_why(here: Machine) -> None:
    spec = small(service("/bin/sh -c 'echo soon dead; sleep 0.5; exit 3'"), ready=("false",), ready_seconds=20)
    begun = time.monotonic()
    event = failed(here.apply(spec))
    assert event["what"] == "wallcloud-small.service is failed (result: exit-code)"
    assert "soon dead" in event["output"]
    assert time.monotonic() - begun < 10
    here.converged(small(service("/bin/sleep infinity")))


def test_a_unit_that_is_never_ready_says_what_the_probe_said(here: Machine) -> None:
    spec = small(service("/bin/sleep infinity"), ready=("sh", "-c", "echo not yet >&2; exit 1"), ready_seconds=1)
    event = failed(here.apply(spec))
    assert event["what"] == "wallcloud-small.service runs but is not ready after 1 s"
    assert event["output"][0] == "not yet"
    here.converged(small(service("/bin/sleep infinity")))


def test_a_unit_without_install_is_only_written(here: Machine) -> None:
    here.converged(small("[Service]\nType=oneshot\nExecStart=/bin/touch /tmp/ran\n"))
    assert here.run("test -e /tmp/ran || echo no") == "no"
    here.run("printf '#\\n' >> /etc/systemd/system/wallcloud-small.service")
    here.converged(small("[Service]\nType=oneshot\nExecStart=/bin/touch /tmp/ran\n"))


def test_a_timer_is_restarted_by_a_new_text(here: Machine) -> None:
    def timer(every: int) -> Spec:
        text = f"[Timer]\nOnActiveSec={every}\nUnit=wallcloud-small.service\n[Install]\nWantedBy=timers.target\n"
        start = Unit(unit="wallcloud-small.service", text="[Service]\nType=oneshot\nExecStart=/bin/true\n")
        base = small("")
        return replace(base, resources=(*base.resources[:3], start, Unit(unit="wallcloud-small.timer", text=text)))

    here.converged(timer(1000))
    before = here.run("systemctl show -p InvocationID --value wallcloud-small.timer")
    here.converged(timer(2000))
    assert here.run("systemctl show -p InvocationID --value wallcloud-small.timer") != before


def test_what_the_spec_no_longer_names_leaves(here: Machine, spec: Spec) -> None:
    here.converged(small(service("/bin/sleep infinity")))
    here.run("systemd-run --quiet --unit=wallcloud-transient sleep 60")
    here.converged(spec, word=WORD)
    assert here.run("systemctl is-active wallcloud-small.service", check=False) == "inactive"
    assert here.run("ls /etc/systemd/system | grep small || true") == ""
    assert here.run("systemctl is-active wallcloud-transient.service") == "active"
    here.run("systemctl stop wallcloud-transient")


def rules(spec: Spec, seconds: int) -> Spec:
    """Rules that cut everybody off."""
    text = "table inet wallcloud {\n chain input {\n type filter hook input priority filter\n policy drop\n }\n}\n"
    return replace(spec, resources=(Ruleset(text=text, confirm_seconds=seconds),))


def test_rules_that_nobody_confirms_are_rolled_back(here: Machine, spec: Spec) -> None:
    before = here.run("nft -s list ruleset")
    here.answers["confirm-wanted"] = lambda event: ()
    event = failed(here.apply(rules(spec, 1)))
    assert event["what"] == "the new firewall was not confirmed over a new connection: the old rules are back"
    assert event["hint"] == "do the site's admin_prefixes hold the address that you deploy from?"
    assert here.run("nft -s list ruleset") == before
    assert here.run("ls /run/wallcloud/firewall; systemctl list-units --all --plain --no-legend '*rollback*'") == ""
    world.deployer(here)
    assert here.plan(spec, word=WORD).changed() == {}


def killed_while_it_waits(here: Machine, spec: Spec) -> None:
    """An apply of rules that cut everybody off, killed before anyone confirms."""
    process = here.open(request(rules(spec, 2)))
    assert process.stdout is not None
    assert process.stdin is not None
    assert any(b"confirm-wanted" in line for line in iter(process.stdout.readline, b""))
    kill(here)
    process.communicate()
    assert "policy drop" in here.run("nft list table inet wallcloud")
    assert here.run("ls /run/wallcloud/firewall") != ""


def test_rules_are_rolled_back_without_us(here: Machine, spec: Spec) -> None:
    """The node's own timer brings the old rules back."""
    before = here.run("nft -s list ruleset")
    killed_while_it_waits(here, spec)
    assert here.run("nft -s list ruleset") != before
    here.run('while [ -n "$(ls -A /run/wallcloud/firewall)" ]; do sleep 0.1; done')
    assert here.run("nft -s list ruleset") == before
    assert here.plan(spec, word=WORD).changed() == {}


def test_an_apply_takes_over_from_one_that_was_killed(here: Machine, spec: Spec) -> None:
    """Its rules stay: the timer of the killed one finds nothing to bring back."""
    killed_while_it_waits(here, spec)
    assert "inet wallcloud" in here.plan(spec, word=WORD).changed()
    here.converged(spec, word=WORD)
    before = here.run("nft -s list ruleset")
    here.run("while systemctl list-units --plain --no-legend '*rollback*' | grep -q .; do sleep 0.1; done")
    assert here.run("nft -s list ruleset") == before
    assert here.plan(spec, word=WORD).changed() == {}


def test_a_second_apply_is_told_who_holds_the_node(here: Machine, spec: Spec) -> None:
    waiting = replace(spec, resources=(Directory(path="/srv/not-there", awaits=("never",)),))
    first = here.open(request(waiting))
    assert first.stdin is not None
    assert first.stdout is not None
    assert any(b"waiting" in line for line in iter(first.stdout.readline, b""))
    second = here.talk(request(spec))
    assert [event["event"] for event in second.events] == ["locked"]
    assert second.events[0]["holder"]["operator"] == "test"
    assert here.plan(spec, word=WORD).outcome == "ok", "a plan takes no lock"
    first.stdin.close()
    rest = [json.loads(line) for line in first.stdout]
    assert [event["event"] for event in rest] == ["left", "finished"]
    first.stdout.close()
    assert first.wait() == 3
    here.converged(spec, word=WORD)


def test_a_busy_package_manager_is_waited_for_and_named(here: Machine, spec: Spec) -> None:
    hold = (
        "import fcntl, time; f = open('/var/lib/dpkg/lock-frontend', 'w'); fcntl.lockf(f, fcntl.LOCK_EX); time.sleep(3)"
    )
    here.run("dpkg --force-depends -r tmux 2>&1")
    here.run(f'systemd-run --quiet --unit=holder python3 -c "{hold}"; sleep 0.5')
    talk = here.converged(spec, word=WORD)
    notes = [event["note"] for event in talk.of("progress")]
    assert any(note.startswith("waits for pid ") and "(python3)" in note for note in notes), notes


def test_packages_that_the_pool_lacks(here: Machine, spec: Spec) -> None:
    packages = replace(world.one(spec, Packages), names=("no-such-package",))
    event = failed(here.apply(replace(spec, resources=(packages,))))
    assert event["what"] == "apt-get ended with status 100"
    assert "E: Unable to locate package no-such-package" in event["output"]
    here.converged(spec, word=WORD)


def test_a_no_op_of_eighty_resources_is_cheap(here: Machine, spec: Spec) -> None:
    """CPU seconds of the node's program and all it starts. Aim: well under half a second."""
    more = tuple(File(path=f"/etc/wct/more-{number}", content=f"{number}\n" * 50) for number in range(60))
    before = len(spec.resources)
    big = replace(spec, resources=(*spec.resources[:-2], *more, *spec.resources[-2:]))
    assert len(big.resources) == before + 60 >= 80
    here.converged(big, word=WORD)
    measured = []
    for _ in range(3):
        begin, wall = usage.getrusage(usage.RUSAGE_CHILDREN), time.monotonic()
        assert here.apply(big, word=WORD).changed() == {}
        end = usage.getrusage(usage.RUSAGE_CHILDREN)
        cpu = end.ru_utime - begin.ru_utime + end.ru_stime - begin.ru_stime
        measured.append((round(cpu, 3), round(time.monotonic() - wall, 3)))
    print("cpu, wall:", measured)
    assert min(measured)[0] < 0.35
    here.converged(spec, word=WORD)


def test_inputs_are_what_a_unit_was_started_with(here: Machine, spec: Spec) -> None:
    assert isinstance(world.one(spec, Unit).inputs[0], Input)
    stamp = here.run(f"cat /run/wallcloud/started/{UNIT}")
    assert WORD not in stamp
    assert {line.split()[1] for line in stamp.splitlines()} >= {"definition", "/etc/wct/main", "/etc/wct/secret"}
