"""The cloud's own programs, as they run, leave servers that are not what they say.

`verify` tries handshakes from every client's account, and so says what servers do; what a daemon's own library does
with its own settings only the daemon can show.
"""

import os
import random
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor

import pytest
from tests.lab_cloud.callers import DEEP, PATHS, Admin, Callers, Port, plugged
from tests.lab_cloud.cloud import Cloud
from tests.lab_cloud.impostor import CASES, NO_TLS, OTHER_CA, OTHER_NAME, OWN, Impostors, Way, ways, wrong

from wallcloud.site.load import load

pytestmark = [pytest.mark.root, pytest.mark.lab]
SEED_VARIABLE = "WALLCLOUD_IMPOSTOR_SEED"
SEED = os.environ.get(SEED_VARIABLE, "20262")
HOLES = {
    "network": """
        sed -i 's/ssl_ca=[^&]*&//; s/&ssl_check_hostname=true//' /etc/wallcloud/nova-metadata/nova.conf
        sed -i '/^ssl_ca_file/d' /etc/wallcloud/neutron-l3-agent/*.conf
        systemctl restart wallcloud-neutron-l3-agent wallcloud-nova-metadata
    """,
    "control": """
        sed -i 's/^insecure = .*/insecure = true/' /etc/wallcloud/placement/placement.conf
        systemctl restart wallcloud-placement
    """,
}
NAMED = {
    "control:3306/nova-metadata@network": "it does not verify its server: believed",
    "control:443/placement@control": "it does not verify its server: believed",
    # Without a CA of the site's, oslo.messaging asks the distribution's: it believes nobody, and no bus is left to it.
    "control:5671/neutron-l3-agent@network": "own: it takes the right certificate for a wrong one: refused",
}
"""What HOLES do to whom."""


def faults(cloud: Cloud, some: Sequence[Way], cases: Iterable[str] = CASES, port: Port | None = None) -> dict[str, str]:
    """Way → what is wrong with how its client met impostors."""
    loaded = load(cloud.site)
    door = next(way.talk for way in ways(loaded).values() if way.talk.server == "public-door")
    found: dict[str, str] = {}
    with Impostors(cloud.lab, loaded, some) as impostors:
        callers = Callers(impostors.hands, admin(cloud), lambda: cloud.run("plan"), (door.address, door.name), port)
        calls = {way.id: callers.of(way) for way in some}
        found |= {id: f"{id}: nobody knows what makes it connect" for id, call in calls.items() if call is None}
        for case in cases:
            met = [way for way in some if case in way.cases(cases) and calls[way.id]]
            impostors.show(case)
            with ThreadPoolExecutor(len(some)) as pool:
                # What an impostor stands in the way of fails, as it must: a request, a plan.
                made = [pool.submit(call) for call in {calls[way.id] for way in met} if call]
                impostors.seen(met)
                for each in made:
                    each.exception()
                seen = impostors.seen(met, 0)  # what came since: one account may be several programs
            for way in met:
                if (why := wrong(way, case, seen[way.id])) and way.id not in found:
                    found[way.id] = why
    return found


def admin(cloud: Cloud) -> Admin:
    return Admin(load(cloud.site), lambda node, script, input: cloud.on(node, script, input=input))


def every(cloud: Cloud, *protocols: str) -> list[Way]:
    return [way for way in ways(load(cloud.site)).values() if way.talk.protocol in protocols]


def expect_verifying(cloud: Cloud, some: Sequence[Way], port: Port | None = None) -> None:
    try:
        found = faults(cloud, some, port=port)
    finally:
        cloud.expect_recovered("after impostors")
    assert not found, "\n".join(found.values())


def test_a_handful_leave_impostors(designed: Cloud) -> None:
    """Of each protocol one client, drawn by the seed, of those that need no start for it."""
    rng = random.Random(SEED)
    some = [rng.choice(every(designed, protocol)) for protocol in ("amqps", "ntske")]
    some.append(rng.choice([way for way in every(designed, "https") if way.client in PATHS]))
    some += every(designed, "mysql")
    try:
        found = faults(designed, some, (OTHER_CA, OTHER_NAME, OWN))
    finally:
        designed.expect_recovered(f"after impostors ({SEED_VARIABLE}={SEED})")
    assert not found, "\n".join(found.values())


@pytest.mark.soak
def test_clients_of_bus_databases_and_clocks_leave_impostors(designed: Cloud) -> None:
    expect_verifying(designed, every(designed, "amqps", "mysql", "ntske"))


@pytest.mark.soak
def test_clients_of_doors_leave_impostors(designed: Cloud) -> None:
    expect_verifying(designed, [way for way in every(designed, "https") if way.client not in DEEP])


@pytest.mark.soak
def test_deeper_clients_of_doors_leave_impostors(designed: Cloud) -> None:
    """Those that get so far only where the ones before them reach their servers; `plan` is root's client."""
    with plugged(admin(designed)) as port:
        expect_verifying(designed, [way for way in every(designed, "https") if way.client in DEEP], port)


@pytest.mark.soak
def test_who_believes_everybody_is_named(designed: Cloud) -> None:
    """Verification switched off by hand, in three libraries; their neighbours are not named."""
    some = [way for id, way in ways(load(designed.site)).items() if id in NAMED or "neutron-dhcp-agent" in id]
    some += [way for way in every(designed, "https") if way.client == "glance"]
    try:
        for node, script in HOLES.items():
            designed.on(node, script)
        found = faults(designed, some, (OTHER_CA, NO_TLS, OWN))
    finally:
        designed.apply("after verification was switched off")
        designed.expect_designed("after verification was switched off")
    assert set(found) == set(NAMED), found
    assert all(text in found[id] for id, text in NAMED.items()), found
