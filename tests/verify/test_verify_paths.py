"""Who may open what on nodes, where secrets may be, and how what was tried and found is judged."""

import hashlib
import re
from pathlib import Path
from typing import Any

import pytest
from tests.design.goldens import golden
from tests.design.world import EXAMPLES, designed

from wallcloud.verify.paths import deployer, judging, wanted
from wallcloud.verify.paths.far import searching
from wallcloud.verify.paths.part import digest

FOLDER = Path(__file__).parent / "golden"
SECRET = "0123456789abcdef" * 4
OTHER = "f" * 63 + "0"
SALT = "salt"


@pytest.mark.parametrize("flavour", EXAMPLES)
def test_who_may_open_what(flavour: str) -> None:
    design = designed(flavour, ovs_kernel=False)
    lines = [
        f"{node:<9} {each.path:<64} {'(may be) ' if not each.must else ''}{', '.join(sorted(each.readers)) or '-'}"
        for node in design.site.nodes
        for each in wanted.targets(design, node)
    ]
    golden(FOLDER / f"paths-{flavour}.txt", "\n".join(lines) + "\n")


def test_every_file_with_a_secret_has_a_reader_and_no_stranger() -> None:
    design = designed()
    for node in design.site.nodes:
        by_path = {each.path: each for each in wanted.targets(design, node)}
        for name, paths in wanted.belongs(design, node).items():
            for path in paths:
                assert by_path[path].readers <= set(wanted.accounts(design, node)), name
                assert path.endswith(".erlang.cookie") or by_path[path].readers


def test_each_account_is_tried_at_each_path_and_judged_by_what_came() -> None:
    targets = (
        wanted.Target("/a", frozenset({"glance"}), "its own"),
        wanted.Target("/run/s*", frozenset({"glance"}), "asks", socket=True),
        wanted.Target("/gone", frozenset(), "its own"),
    )
    there = {"/a": ["/a"], "/run/s*": ["/run/s1"], "/gone": []}
    tries = tuple(judging.tries(targets, there, ("glance", "nobody")))
    assert judging.asked(tries) == {
        "glance": [("open", "/a"), ("reach", "/run/s1")],
        "nobody": [("open", "/a"), ("connect", "/run/s1")],
    }
    told = {"glance": ["opened", "opened"], "nobody": ["opened", "refused"]}
    seen = {each.probe.id: each for each in judging.opened("control", tries, told)}
    assert len(seen) == 4
    assert [id_ for id_, each in seen.items() if not each.holds] == ["paths/control/nobody→/a"]
    assert seen["paths/control/nobody→/a"].probe.negative and not seen["paths/control/glance→/a"].probe.negative
    gone = wanted.Target("/tmp/*", frozenset(), "a session's", must=False)
    brief = tuple(judging.tries((gone,), {"/tmp/*": ["/tmp/1", "/tmp/2"]}, ("nobody",)))
    left = list(judging.opened("control", brief, {"nobody": ["absent", "refused"]}))
    assert [each.probe.id for each in left] == ["paths/control/nobody→/tmp/2"]
    assert [each.probe.id for each in judging.absent("control", targets, there)] == ["paths/control//gone"]


def test_modes_of_files_with_secrets() -> None:
    design = designed()
    targets = wanted.targets(design, "control")
    told = {each.path: each.shape for each in targets if each.shape}
    assert told["/etc/wallcloud/tls/nova-api.key"] == "0640 root:nova-api"
    assert all(each.holds for each in judging.shaped("control", targets, told)) and len(told) > 15
    told["/etc/wallcloud/nova-api/nova.conf"] = "0644 root:nova-api"
    failed = [each.probe.id for each in judging.shaped("control", targets, told) if not each.holds]
    assert failed == ["paths/control/mode/etc/wallcloud/nova-api/nova.conf"]


def looked(**found: Any) -> dict[str, Any]:
    empty: dict[str, Any] = {kind: {} for kind in ("files", "arguments", "environments", "journal")}
    return {"keys": ["/k.key"], "counted": dict.fromkeys(empty, 7), **empty, **found}


def failures(**found: Any) -> dict[str, str]:
    seen = judging.found("control", looked(**found), {"one": ("/etc/one",), "two": ()}, ("/run/own/*",))
    return {each.probe.id: each.outcome for each in seen if not each.holds}


def test_secrets_belong_where_the_design_puts_them() -> None:
    assert failures() == {}
    assert failures(files={"one": ["/etc/one"], "/k.key": ["/k.key", "/run/own/copy"]}) == {}
    assert failures(files={"two": ["/etc/one"]}) == {"paths/control/files/two": "in /etc/one"}
    assert failures(files={"one": ["/etc/one", "/tmp/x"]}) == {"paths/control/files/one": "in /tmp/x"}
    assert failures(files={"/k.key": ["/tmp/k"]}) == {"paths/control/files//k.key": "in /tmp/k"}
    assert failures(arguments={"one": ["sh (pid 1)"]}) == {"paths/control/arguments/one": "in sh (pid 1)"}
    assert failures(environments={"one": ["sh"]}) == {"paths/control/environments/one": "in sh"}
    assert failures(journal={"one": ["nova-api"]}) == {"paths/control/journal/one": "in nova-api"}


def search(**keys: bytes) -> searching.Search:
    return searching.Search(SALT, {"one": digest(SALT, SECRET), "two": digest(SALT, OTHER)}, keys)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (f"password = {SECRET}\n", {"one"}),
        (f"mysql://a:{SECRET.upper()}@b and {OTHER}", {"one", "two"}),
        (f"deadbeef{SECRET}00", {"one"}),
        (SECRET[:-1], set()),
        (f"{SECRET[:-1]}g", set()),
        ("x" * 100, set()),
        (hashlib.sha256(SECRET.encode()).hexdigest(), set()),
    ],
)
def test_a_secret_is_found_by_its_digest(text: str, found: set[str]) -> None:
    assert search().names(text.encode()) == found


def test_keys_are_found_as_they_are() -> None:
    assert search(key=b"c2VjcmV0").names(b"a c2VjcmV0 b") == {"key"}
    lines = [b"a", b"b", b"c", b"d", b"e"]
    assert searching._telling(b"", lines[:3]) == b"b"
    assert searching._telling(b"OPENSSH ", lines) == b"d"
    assert searching._telling(b"", [*lines, *lines]) == b"c"


def test_what_grep_lets_through_is_whatever_may_hold_one() -> None:
    lines = [SECRET, f"a {SECRET} b", "c2Vj+/cmV0", "nothing", SECRET[:-1]]
    for each in search(key=b"c2Vj+/cmV0").patterns().decode().splitlines():
        assert any(re.search(each, line) for line in lines[:3]) and not any(re.search(each, line) for line in lines[3:])
    assert b"\n\n" not in search().patterns() and search().patterns().endswith(b"}\n")


def test_what_a_node_is_told_of_a_secret_is_no_secret() -> None:
    assert SECRET[:8] not in digest(SALT, SECRET) and digest(SALT, SECRET) != digest("other", SECRET)


def test_dumps() -> None:
    told = {"cores": {"a.service": "0"}, "kernel": {"fs.suid_dumpable": "0", "kernel.core_pattern": "core"}}
    assert all(each.holds for each in judging.dumped("api", told, ()))
    told = {
        "cores": {"a.service": "unlimited"},
        "kernel": {"fs.suid_dumpable": "2", "kernel.core_pattern": "|/usr/bin/keep %p"},
    }
    assert {each.probe.id for each in judging.dumped("api", told, ("/core",)) if not each.holds} == {
        "paths/api/core/a.service",
        "paths/api/suid_dumpable",
        "paths/api/core_pattern",
        "paths/api/dumps/core",
    }


def test_the_deployers_own_files(tmp_path: Path) -> None:
    state, cache = tmp_path / "site/.wallcloud", tmp_path / "cache"
    (state / "ca").mkdir(parents=True)
    cache.mkdir()
    state.chmod(0o700)
    for name in ("ca/key.pem", "secrets.json"):
        (state / name).write_text(SECRET if name == "secrets.json" else "key")
        (state / name).chmod(0o600)

    def bad() -> dict[str, str]:
        seen = deployer.judge(state, cache, {"one": SECRET})
        return {each.probe.id: each.outcome for each in seen if not each.holds}

    assert bad() == {}
    (cache / "plan.json").write_text(f"x{SECRET}")
    (state / "ca/key.pem").chmod(0o644)
    state.chmod(0o755)
    assert bad() == {
        "paths/deployer/state": "755",
        "paths/deployer/ca/key.pem": "644",
        "paths/deployer/files/one": f"in {cache / 'plan.json'}",
    }
