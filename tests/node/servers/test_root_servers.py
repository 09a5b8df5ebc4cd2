"""On real servers: all is made, a hand's change of any property is seen and mended, interruptions are survived."""

from collections import defaultdict
from collections.abc import Iterator

import pytest
from tests.node import world as basics
from tests.node.machine import Machine, machine
from tests.node.servers import world
from tests.node.servers.disturbances import REFUSED, TABLE, sql

from wallcloud.node.resource import Resource
from wallcloud.node.resources.schema import Schema
from wallcloud.node.spec import Spec

pytestmark = pytest.mark.root

KINDS = {kind for kind, _ in TABLE}


@pytest.fixture(scope="module")
def spec() -> Spec:
    return world.spec()


@pytest.fixture(scope="module")
def here(spec: Spec) -> Iterator[Machine]:
    with machine("servers") as made:
        basics.deployer(made)
        yield made


PROPERTIES: dict[str, set[str]] = defaultdict(set)


def test_all_is_made_from_nothing(here: Machine, spec: Spec) -> None:
    talk = here.converged(spec, **world.SECRETS)
    for event in talk.of("done"):
        PROPERTIES[event["resource"]["kind"]] |= {change["property"] for change in event["changes"]}
    told = str(talk.events)
    assert not [word for word in world.SECRETS.values() if word in told]
    accounts = here.run("mariadb -N -e 'SELECT user FROM mysql.user ORDER BY user'").splitlines()
    assert accounts == ["keystone", "keystone-schema", "mariadb.sys", "moving", "no'va`\\\\ \"", "nova-schema", "root"]


def test_a_plan_is_quick(here: Machine, spec: Spec) -> None:
    """Reads are shared: the slowest resource of each server pays, the others ride along."""
    talk = here.plan(spec, **world.SECRETS)
    seconds: dict[str, float] = defaultdict(float)
    for event in talk.of("done"):
        seconds[event["resource"]["kind"]] += event["seconds"]
    bounds = {"database": 0.5, "database-account": 0.1, "bus-vhost": 0.3, "bus-account": 0.1, "schema": 0.1}
    assert all(seconds[kind] < bound for kind, bound in bounds.items()), dict(seconds)
    assert sum(value for kind, value in seconds.items() if kind.startswith("identity")) < 2, dict(seconds)


def find(spec: Spec, kind: str) -> Iterator[Resource]:
    return (each for each in spec.resources if each.kind == kind)


def chosen(spec: Spec, kind: str) -> Resource:
    """The one of a kind that is disturbed: not the task that made a folder of data."""
    named = {"task": "fernet keys", "identity-assignment": "demo: member on demo"}
    return next(each for each in find(spec, kind) if named.get(kind) in {None, each.name})


@pytest.mark.parametrize(("kind", "name"), sorted(TABLE.keys() - REFUSED), ids=str)
def test_a_hand_is_seen_and_mended(here: Machine, spec: Spec, kind: str, name: str) -> None:
    resource = chosen(spec, kind)
    TABLE[kind, name](here, resource, world.SECRETS)
    plan = here.plan(spec, **world.SECRETS)
    assert plan.outcome == "ok", plan.failure()
    assert name in changed(plan.events, kind, resource.name), plan.changed()
    for event in plan.of("done"):
        PROPERTIES[event["resource"]["kind"]] |= {change["property"] for change in event["changes"]}
    told = str(here.converged(spec, **world.SECRETS).events) + str(plan.events)
    assert not [word for word in world.SECRETS.values() if word in told]


def changed(events: list[dict[str, object]], kind: str, name: str) -> list[str]:
    """The properties of that resource that a plan lists."""
    found = []
    for event in events:
        resource, changes = event.get("resource"), event.get("changes")
        if (
            isinstance(resource, dict)
            and isinstance(changes, list)
            and (resource["kind"], resource["name"]) == (kind, name)
        ):
            found += [change["property"] for change in changes]
    return found


LOGIN = """
{python} - <<'END'
import pymysql
for password in ("tls'\\\\", "another'\\\\", "neither"):
    try:
        pymysql.connect(
            unix_socket="/run/mysqld/mysqld.sock", user="moving", password=password, ssl_disabled=True
        ).close()
        print("in")
    except pymysql.err.OperationalError as error:
        print(error.args[0])
END
"""


def test_two_passwords_are_good_at_once(here: Machine) -> None:
    """The subject is not asked for by this: no client of the test has a certificate."""
    sql(here, "ALTER USER moving@'%' REQUIRE NONE")
    assert here.run(LOGIN.format(python=f"{world.folder()}/bin/python")).split() == ["in", "in", "1045"]


@pytest.mark.parametrize("what", ["fernet", "credential"])
def test_keys_change_once(here: Machine, spec: Spec, what: str) -> None:
    resource = next(each for each in find(spec, "key-rotation") if each.name == f"{what} keys")
    names = f"ls /var/lib/keystone/{what}; sha256sum /var/lib/keystone/{what}/0"
    before = here.run(names)
    here.converged(spec, **world.SECRETS)
    assert here.run(names) == before, "keys that are young enough"
    TABLE["key-rotation", "rotated"](here, resource, world.SECRETS)
    here.converged(spec, **world.SECRETS)
    assert here.run(names).splitlines()[-1] != before.splitlines()[-1]


@pytest.mark.parametrize("index", range(4))
def test_each_account_is_mended_whatever_it_logs_in_with(here: Machine, spec: Spec, index: int) -> None:
    resource = list(find(spec, "database-account"))[index]
    for name in ("login", "password", "requires", "locked", "max_connections", "grants"):
        TABLE["database-account", name](here, resource, world.SECRETS)
    seen = changed(here.plan(spec, **world.SECRETS).events, "database-account", resource.name)
    assert {"password", "requires", "locked", "max_connections", "grants"} <= set(seen)
    here.converged(spec, **world.SECRETS)


def test_a_database_of_a_stranger_is_refused_and_kept(here: Machine, spec: Spec) -> None:
    TABLE["exclusive-databases", "strangers"](here, chosen(spec, "exclusive-databases"), world.SECRETS)
    talk = here.apply(spec, **world.SECRETS)
    assert talk.outcome == "failed"
    assert [event["what"] for event in talk.of("failed")] == ["refused: dropping stranger would lose data"]
    assert here.run("mariadb -N -e 'SHOW DATABASES LIKE \"stranger\"'") == "stranger"
    sql(here, "DROP DATABASE stranger")
    here.converged(spec, **world.SECRETS)


def test_a_vhost_with_messages_is_refused_and_kept(here: Machine, spec: Spec) -> None:
    call = "HOME=/var/lib/wallcloud-rabbitmq erl_call -address 127.0.0.1:25672 -e"
    full = (
        'ok = rabbit_vhost:add(<<"full">>, <<"hand">>)',
        'Queue = rabbit_misc:r(<<"full">>, queue, <<"q">>)',
        '{new, _} = rabbit_amqqueue:declare(Queue, true, false, [], none, <<"hand">>)',
        'rabbit_basic:publish(rabbit_misc:r(<<"full">>, exchange, <<>>), <<"q">>, [], <<"message">>)',
    )
    here.run(f"{call} <<'E'\n{', '.join(full)}.\nE")
    talk = here.apply(spec, **world.SECRETS)
    assert [event["what"] for event in talk.of("failed")] == ["refused: vhost full holds 1 messages"], talk.failure()
    here.run(f'{call} <<\'E\'\nrabbit_vhost:delete(<<"full">>, <<"hand">>).\nE')
    here.converged(spec, **world.SECRETS)


def lose_database(here: Machine) -> None:
    """As before the first sync: nothing serves, nothing is remembered of what was served."""
    here.run("systemctl stop wallcloud-keystone wallcloud-memcached")
    sql(here, "DROP DATABASE keystone")


def test_a_sync_that_was_killed_is_done_again_from_the_start(here: Machine, spec: Spec) -> None:
    """The deployer, converge and the program itself die while the tables are made for the first time."""
    schema = next(each for each in spec.resources if isinstance(each, Schema))
    lose_database(here)
    process = here.open(request(spec))
    here.run(
        "until [ $(mariadb -N -e \"SELECT COUNT(*) FROM information_schema.TABLES WHERE TABLE_SCHEMA='keystone'\")"
        " -gt 5 ]; do sleep 0.02; done"
    )
    process.kill()
    here.run(f"pkill -KILL -f '[p]ython3 -I -c'; systemctl kill --signal=KILL {schema.unit}", check=False)
    here.run(f"while systemctl is-active --quiet {schema.unit}; do sleep 0.02; done")
    assert here.run("mariadb -N -e \"SHOW TABLES FROM keystone LIKE 'wallcloud%'\"") == "wallcloud_unfinished"
    notes = [event["note"] for event in here.converged(spec, **world.SECRETS).of("progress")]
    assert "keystone is half made and was never served: making it again" in notes
    process.wait()


def test_a_sync_outlives_its_deployer_and_is_joined(here: Machine, spec: Spec) -> None:
    schema = next(each for each in spec.resources if isinstance(each, Schema))
    lose_database(here)
    process = here.open(request(spec))
    here.run(f"until systemctl is-active --quiet {schema.unit}; do sleep 0.02; done")
    process.kill()
    here.run("pkill -KILL -f '[p]ython3 -I -c'", check=False)
    process.wait()
    assert here.run(f"systemctl is-active {schema.unit}") == "active"
    notes = [event["note"] for event in here.converged(spec, **world.SECRETS).of("progress")]
    assert f"{schema.unit} is still running: waiting for it" in notes
    assert not [note for note in notes if "half made" in note]


def test_a_half_made_database_without_the_mark_is_never_dropped(here: Machine, spec: Spec) -> None:
    sql(here, "CREATE TABLE keystone.precious (a INT)", "DELETE FROM keystone.alembic_version")
    talk = here.apply(spec, **world.SECRETS)
    (failed,) = talk.of("failed")
    assert failed["resource"]["kind"] == "schema"
    assert any("already exists" in line for line in failed["output"]), failed
    assert here.run("mariadb -N -e \"SHOW TABLES FROM keystone LIKE 'precious'\"") == "precious"
    revisions = " ".join(f"INSERT INTO keystone.alembic_version VALUES ('{each}');" for each in world.revisions())
    sql(here, revisions, "DROP TABLE keystone.precious")
    here.converged(spec, **world.SECRETS)


def test_what_is_not_there_is_absent(here: Machine, spec: Spec) -> None:
    """With the servers stopped a plan says so and does not fail; an apply starts them."""
    here.run("systemctl stop wallcloud-keystone wallcloud-mariadb wallcloud-rabbitmq")
    plan = here.plan(spec, **world.SECRETS)
    assert plan.outcome == "ok", plan.failure()
    kinds = {event["resource"]["kind"] for event in plan.of("done") if event["changes"]}
    # Of these files tell, and no server is asked.
    assert KINDS - {"task", "key-rotation"} <= kinds
    here.converged(spec, **world.SECRETS)


def request(spec: Spec) -> dict[str, object]:
    from wallcloud.node.spec import to_json

    return {"op": "apply", "spec": to_json(spec), "secrets": world.SECRETS, "operator": "test"}


def test_no_property_is_without_a_disturbance() -> None:
    """Whatever any kind of this room was seen to change is in the table."""
    if not PROPERTIES:
        pytest.skip("only a part of this file ran")
    seen = {(kind, name) for kind in KINDS for name in PROPERTIES[kind]}
    assert seen | REFUSED == set(TABLE)
