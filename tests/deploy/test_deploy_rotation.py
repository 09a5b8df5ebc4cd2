"""A rotation that is interrupted anywhere: nobody ever shows what his server does not take, and the end is one value
everywhere. The servers and clients are those of the article's design, changed one by one in any order."""

import json
import random
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.design.world import RELEASE, example
from tests.soak import examples

from wallcloud.catalog.rotation import EVERY, Rotation, Stage, base, hole
from wallcloud.catalog.tls import CA_HOLE, CRL_HOLE
from wallcloud.deploy import rotation
from wallcloud.deploy.rotation import Wanted
from wallcloud.deploy.secret_list import Kind, certificates_of, secrets_of, wanted
from wallcloud.deploy.state import StateFolder
from wallcloud.design.compile import Design, compile_site
from wallcloud.errors import WallcloudError
from wallcloud.node.resources import Certificate, DatabaseAccount, File, GoneIdentityUsers, IdentityUser, KeyRotation
from wallcloud.node.secret import Secret, Text

LOADED = example()
Shown = tuple[str, str]
"""What a client shows to a server: as whom, and the name of the secret that it knows."""


def design(of: Rotation) -> Design:
    return _design(json.dumps([dict(of.generations), sorted(of.moving), of.stage, dict(of.certificates)]), of)


@cache
def _design(key: str, of: "Rotation") -> Design:
    return compile_site(LOADED, {}, RELEASE, rotation=of)


class Same(Rotation):
    """A Rotation for the cache, which tells designs apart by their key alone."""

    def __eq__(self, other: object) -> bool:
        return True

    def __hash__(self) -> int:
        return 0


BASE = design(Same())
SECRETS = secrets_of(BASE)


def shown(text: Text) -> Iterator[Shown]:
    """Whom a file's settings name beside each secret: `username`, or the user in a URL; "" for what is shared."""
    pieces = (text,) if isinstance(text, str) else text
    before = ""
    for piece in pieces:
        if not isinstance(piece, Secret):
            before += piece
            continue
        if piece.name in (CA_HOLE, CRL_HOLE):
            continue
        last = (before.rstrip().splitlines() or [""])[-1]
        if last.startswith("connection = mysql+pymysql://"):
            yield last.removeprefix("connection = mysql+pymysql://").removesuffix(":"), piece.name
        elif last == "password =":
            names = [line for line in before.splitlines() if line.startswith("username = ")]
            yield names[-1].removeprefix("username = "), piece.name
        else:
            yield "", piece.name


class World:
    """What servers take and clients show; `values`: who holds which value of a secret that is shared."""

    def __init__(self) -> None:
        self.users: dict[str, str] = {}
        self.accounts: dict[str, set[str]] = {}
        self.files: dict[tuple[str, str], tuple[Shown, ...]] = {}

    def steps(self, of: Design) -> list[tuple[str, object]]:
        """(node, resource) of everything that holds a secret or drops one."""
        return [
            (node, each)
            for node, spec in of.specs.items()
            for each in spec.resources
            if isinstance(each, IdentityUser | GoneIdentityUsers | DatabaseAccount)
            or (isinstance(each, File) and any(shown(each.content)))
        ]

    def take(self, node: str, resource: object) -> None:
        """One resource is made as it is designed."""
        match resource:
            case IdentityUser():
                self.users[resource.user] = resource.password.name
            case GoneIdentityUsers():
                for user in resource.users:
                    self.users.pop(user, None)
            case DatabaseAccount() if resource.password:
                good = {each.name for each in (resource.password, resource.another) if each}
                self.accounts[resource.user] = good
            case File():
                if found := tuple(shown(resource.content)):
                    self.files[node, resource.path] = found

    def wrong(self) -> list[str]:
        """Clients that their servers would refuse."""
        found = []
        for (node, path), pairs in self.files.items():
            for who, secret in pairs:
                if base(secret).startswith("identity-") and self.users.get(who) != secret:
                    found.append(f"{path}@{node} shows {secret} of {who}, Keystone has {self.users.get(who)}")
                if base(secret).startswith("database-") and secret not in self.accounts.get(who, ()):
                    found.append(f"{path}@{node} shows {secret} of {who}, MariaDB takes {self.accounts.get(who)}")
        return found

    def names(self) -> set[str]:
        """Every value that somebody takes or shows."""
        files = {secret for pairs in self.files.values() for _, secret in pairs}
        return {*self.users.values(), *(name for each in self.accounts.values() for name in each), *files}


class Interrupted(Exception):
    pass


class Played:
    """A deployer with a state folder, and the world that it applies to."""

    def __init__(self, folder: Path, chance: random.Random) -> None:
        self.state = StateFolder(folder)
        self.state.make()
        self.world = World()
        self.chance = chance
        self.applied(Rotation(), first=True)

    def applied(self, of: Rotation, until: float = 1.0, *, first: bool = False) -> bool:
        """One apply; killed after `until` of its work. In no order: nodes and components go side by side."""
        now = design(Same(of.generations, of.moving, of.stage, of.certificates, {}))
        for node in now.specs:
            self.state.secrets(name for name in now.secret_names(node) if name not in (CA_HOLE, CRL_HOLE))
        steps = self.world.steps(now)
        self.chance.shuffle(steps)
        for node, resource in steps[: round(len(steps) * until)]:
            self.world.take(node, resource)
            assert first or self.world.wrong() == []
        assert self.world.wrong() == []
        if until < 1.0:
            raise Interrupted
        return True

    def rotate(self, what: Wanted, kills: Iterable[float]) -> bool:
        """`wallcloud rotate`, each of whose applies may be killed; whether it came to its end."""
        when = iter(kills)
        now = rotation.load(self.state)
        if now.stage is None:
            rotation.keep(self.state, rotation.begun(now, what, 1))
        try:
            return rotation.walk(self.state, lambda each: self.applied(each, next(when, 1.0)))
        except Interrupted:
            return False


KILLS = st.lists(st.floats(0, 1), max_size=3)
CHOSEN = st.sets(st.sampled_from([Kind.SERVICE, Kind.DATABASE, Kind.SHARED]))


@examples(12, 1000)
@given(st.lists(st.tuples(CHOSEN, KILLS), min_size=1, max_size=5), st.integers(0, 10**9))
def test_interrupted_anywhere_it_ends_with_one_value_everywhere(
    runs: list[tuple[set[Kind], list[float]]], chance: int
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        played = Played(Path(folder), random.Random(chance))
        for kinds, kills in runs:
            played.rotate(wanted((each for each in SECRETS if each.kind in kinds), ()), kills)
        played.rotate(Wanted(), ())
        now = rotation.load(played.state)
        assert (now.stage, now.moving) == (None, frozenset())
        kept = set(played.state.secret_names())
        assert {base(name) for name in kept} == {each.name for each in SECRETS if each.kind is not Kind.KEYS}
        assert kept == {now.used(base(name)).name for name in kept}, "an old value is left"
        assert played.world.names() <= kept


def test_the_model_sees_a_rotation_that_cuts_somebody_off(tmp_path: Path) -> None:
    """Without its first stage, or with the last one too early."""
    everything = wanted(SECRETS, ())
    for number, stage in enumerate((Stage.USE, Stage.END)):
        played = Played(tmp_path / str(number), random.Random(1))
        begun = rotation.begun(Rotation(), everything, 1)
        wrong = begun if stage is Stage.USE else rotation.after(rotation.after(begun))
        with pytest.raises(AssertionError, match="shows identity-service-"):
            played.applied(replace(wrong, stage=stage))


def test_all_secrets_are_rotated_and_nothing_else(tmp_path: Path) -> None:
    played = Played(tmp_path, random.Random(1))
    before = json.loads((tmp_path / "secrets.json").read_text())
    assert played.rotate(wanted(SECRETS, ()), ())
    after = json.loads((tmp_path / "secrets.json").read_text())
    assert {base(name) for name in after} == set(before)
    assert not set(after.values()) & set(before.values())
    assert set(after) == {f"{name}#1" for name in before}
    assert set(played.state.ages()) == set(after)
    users = {each for each in played.world.users if each.endswith("-b")}
    assert users == {f"{each.name.removeprefix('identity-service-')}-b" for each in SECRETS if each.kind == "service"}
    assert played.rotate(wanted(SECRETS, ()), ())
    assert not [each for each in played.world.users if each.endswith("-b")]


def test_what_a_secret_is() -> None:
    kinds = {each.name: (each.kind, each.server) for each in SECRETS}
    assert kinds["identity-service-nova"] == ("service", "Keystone")
    assert kinds["database-nova-metadata@network"] == ("database", "MariaDB")
    assert kinds["metadata-proxy"] == kinds["rabbitmq-cookie"] == ("shared", "")
    assert kinds["identity-admin"] == kinds["identity-demo-demo"] == ("person", "Keystone")
    assert kinds["keystone-token-keys"] == ("keys", "Keystone")
    holders = {each.name: each.holders for each in SECRETS}
    assert holders["metadata-proxy"] == ("nova-metadata@network", "neutron-metadata-agent@network")


def test_each_stage_of_a_user_and_of_an_account() -> None:
    def seen(of: Rotation) -> tuple[list[str], tuple[str, ...], list[int]]:
        resources = compile_site(LOADED, {}, RELEASE, rotation=of).specs["control"].resources
        users = [each.user for each in resources if isinstance(each, IdentityUser) and each.user.startswith("glance")]
        (gone,) = (each for each in resources if isinstance(each, GoneIdentityUsers))
        accounts = [each for each in resources if isinstance(each, DatabaseAccount) and each.password]
        passwords = [1 + bool(each.another) for each in accounts]
        return users, tuple(each for each in gone.users if each.startswith("glance")), passwords

    chosen = frozenset({"identity-service-glance", "database-nova-metadata@network"})
    now = rotation.begun(Rotation(), Wanted(pairs=chosen), 7)
    assert seen(now) == (["glance", "glance-b"], (), [2])
    assert seen(now := rotation.after(now)) == (["glance", "glance-b"], (), [2])
    assert seen(now := rotation.after(now)) == (["glance-b"], ("glance",), [1])
    assert seen(now := rotation.after(now)) == (["glance-b"], ("glance",), [1])
    assert now.stage is None and now.generation("identity-service-glance") == 1


def test_certificates_and_keys_are_made_after_a_moment() -> None:
    some = rotation.begun(Rotation(), Wanted(certificates=frozenset({"mariadb@control"})), 7)
    every = replace(some, certificates={**some.certificates, EVERY: 5}, keys={"keystone-token-keys": 9})
    for now, others, keys in ((some, 0, []), (every, 5, [9])):
        made = compile_site(LOADED, {}, RELEASE, rotation=now)
        moments = {
            each.name: each.made_since
            for spec in made.specs.values()
            for each in spec.resources
            if isinstance(each, Certificate)
        }
        assert set(moments) == set(certificates_of(made))
        assert moments.pop("mariadb@control") == 7
        assert set(moments.values()) == {others}
        rotated = [each for each in made.specs["control"].resources if isinstance(each, KeyRotation)]
        assert [each.since for each in rotated] == keys
        # Two days in which services read a token that is over, and the site's own 7200 seconds before.
        assert [each.young for each in rotated] == [172800 + 7200] * len(keys)


def test_a_second_one_does_not_begin_under_way() -> None:
    begun = rotation.begun(Rotation(), Wanted(single=frozenset({"metadata-proxy"})), 1)
    assert begun.stage is Stage.USE, "nothing is to be made beside"
    with pytest.raises(ValueError, match="under way"):
        rotation.begun(begun, Wanted(), 2)


def test_names_of_holes() -> None:
    assert [hole("a@b", each).name for each in (0, 1, 12)] == ["a@b", "a@b#1", "a@b#12"]
    assert base("a@b#12") == base("a@b") == "a@b"


@pytest.mark.parametrize("text", ['{"stage": "half"}', '{"generations": {"a": "x"}}', '{"generations": []}'])
def test_what_is_written_makes_no_sense(tmp_path: Path, text: str) -> None:
    state = StateFolder(tmp_path / "state")
    state.make()
    state.write("rotation.json", text.encode())
    with pytest.raises(WallcloudError, match="is not understood") as raised:
        rotation.load(state)
    assert raised.value.hint == "restore the state folder from its backup"
