"""The part as a whole: its steps in order."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

from wallcloud.progress import Progress, step
from wallcloud.verify.cloud import Cloud
from wallcloud.verify.encryption import handshakes, listening
from wallcloud.verify.encryption.programs import NODE, SHAKE
from wallcloud.verify.encryption.rogue import Rogue
from wallcloud.verify.encryption.talks import Talk, talks
from wallcloud.verify.expectation import Probe, Seen
from wallcloud.verify.hands import ARGV, Hands, Trouble
from wallcloud.verify.tenants.part import Doors


def run(cloud: Cloud, doors: Doors, progress: Progress) -> tuple[Seen, ...]:
    """Handshakes of every TLS flow, then the canaries. Raises WallcloudError where it cannot even begin."""
    found = list(talks(cloud.design))
    with ExitStack() as open_:
        outside = {talk.place for talk in found} - set(cloud.design.site.nodes)
        places = {place: open_.enter_context(_at(cloud, place)) for place in (*cloud.design.site.nodes, *outside)}
        rogue = Rogue(cloud.ca)
        asked = [(talk, list(_probes(cloud, talk, rogue))) for talk in found]
        total = sum(len(probes) for _, probes in asked)
        seen: list[Seen] = []

        def shake() -> None:
            with step(progress, f"handshakes: {total} expectations"):
                seen.extend(_shaken(places, asked))
                seen.extend(_able(places, found, rogue))

        try:
            # While nothing is recorded: some handshakes begin in the clear, as they must not.
            heard = listening.run(cloud, doors, places, progress, shake)
        except Trouble as error:
            # A cloud that makes no tenant is asked for handshakes all the same.
            why = "a tenant's errand carries the canaries over every wire"
            heard = [Seen(Probe("encryption/errand/begun", "admin", "begun", why, {}), "stuck", error.what)]
            if not seen:
                shake()
    return (*seen, *heard)


def _at(cloud: Cloud, place: str) -> Hands:
    start = cloud.on_node if place in cloud.design.site.nodes else cloud.command
    return Hands(place, start(place, list(ARGV)), NODE)


def _probes(cloud: Cloud, talk: Talk, rogue: Rogue) -> Iterable[Probe]:
    return handshakes.probes(talk, cloud.ca, rogue, cloud.vouching, cloud.secret, cloud.ca_file)


def _able(places: Mapping[str, Hands], found: Iterable[Talk], rogue: Rogue) -> list[Seen]:
    """Once on each place that handshakes are tried from."""
    seen: list[Seen] = []
    for place in dict.fromkeys(talk.place for talk in found):
        seen += _tried(places[place], "", list(handshakes.able(place, "", rogue)))
    return seen


def _shaken(places: Mapping[str, Hands], asked: Iterable[tuple[Talk, list[Probe]]]) -> list[Seen]:
    """All accounts at once, each in a process of its own."""
    groups: dict[tuple[str, str], list[Probe]] = defaultdict(list)
    for talk, probes in asked:
        groups[talk.place, talk.account] += probes
    with ThreadPoolExecutor(max(1, len(groups))) as pool:
        parts = pool.map(lambda item: _tried(places[item[0][0]], item[0][1], item[1]), groups.items())
        return [seen for part in parts for seen in part]


def _tried(hands: Hands, account: str, probes: list[Probe]) -> list[Seen]:
    tries = [{"id": probe.id, **probe.what} for probe in probes]
    try:
        told = hands.call("handshakes", account=account, program=SHAKE, tries=tries)
    except Trouble as error:
        return [Seen(probe, "no answer", error.what) for probe in probes]
    return [Seen(probe, each["outcome"], each["detail"]) for probe, each in zip(probes, told, strict=True)]
