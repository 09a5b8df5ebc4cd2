"""Every oslo.config file that a design holds is judged at compile; none is left out, and each mistake is told."""

import json
import re
from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest
from tests.design.world import EXAMPLES, RELEASE, designed, example, with_options

from wallcloud.catalog import components, keystone, neutron_l3_agent, nova_compute, nova_database, oslo
from wallcloud.catalog.component import Component
from wallcloud.catalog.facts import NodeFacts
from wallcloud.catalog.place import Place
from wallcloud.design import compile as compiling
from wallcloud.design.compile import Design, compile_site
from wallcloud.design.generated import SettingError, check_generated, oslo_files
from wallcloud.node.resource import Resource
from wallcloud.node.resources import File
from wallcloud.node.secret import Secret, masked
from wallcloud.node.spec import Spec, to_json
from wallcloud.site.load import Loaded

OTHERS = {
    "/etc/libvirt/qemu.conf",
    "/etc/sysctl.d/60-wallcloud.conf",
    "/etc/systemd/journald.conf.d/wallcloud.conf",
    "/etc/wallcloud/apache/apache2.conf",
    "/etc/wallcloud/chrony.conf",
    "/etc/wallcloud/libvirtd.conf",
    "/etc/wallcloud/rabbitmq/rabbitmq.conf",
    "/etc/wallcloud/virtlogd.conf",
}
"""Files that end like those of OpenStack, and that other programs read."""
_NAMED = re.compile(r"--config-file[=\s\",]+(/[^\s\",\\]+)")
_BY_FOLDER = re.compile(r"OS_[A-Z]+_CONFIG_DIR=(\S+?)(?: OS_[A-Z]+_CONFIG_FILES=([^\s\"\\]+))?[\s\\]")


@cache
def thirty() -> Loaded:
    """The article's site with computes that make thirty nodes."""
    compute = "  compute2:\n    roles: [compute]\n"
    wires = "    interfaces: {management: mgmt0, overlay: ovl0, flat-a: pra0, flat-b: prb0}\n"
    more = "".join(compute.replace("compute2", f"compute{number}") + wires for number in range(3, 28))
    return example("article", (compute, more + compute))


WORLDS: dict[str, tuple[Loaded, NodeFacts]] = {
    **{flavour: (example(flavour), NodeFacts()) for flavour in EXAMPLES},
    **{f"{flavour}-poor": (example(flavour), NodeFacts(kvm=False, ovs_kernel=False, cores=64)) for flavour in EXAMPLES},
    "thirty": (thirty(), NodeFacts()),
}


@cache
def world(name: str) -> Design:
    loaded, facts = WORLDS[name]
    return compile_site(loaded, dict.fromkeys(loaded.site.nodes, facts), RELEASE)


def read_by_openstack(spec: Spec) -> set[str]:
    """The files that some unit or command of a node gives to a program as its oslo.config files."""
    text = json.dumps(to_json(spec))
    found = set(_NAMED.findall(text))
    for folder, files in _BY_FOLDER.findall(text):
        names = [name for name in files.split(";") if name.endswith(".conf")]
        found |= {name if name.startswith("/") else f"{folder}/{name}" for name in names}
    return found


@pytest.mark.parametrize("name", WORLDS)
def test_no_file_is_left_out(name: str) -> None:
    design = world(name)
    for spec in design.specs.values():
        judged = {file.path for file in oslo_files(spec, design.catalog)}
        assert read_by_openstack(spec) <= judged
        written = {it.path for it in spec.resources if isinstance(it, File) and it.path.endswith(".conf")}
        assert written - OTHERS == judged, "a new file is OpenStack's, and judged, or another program's, and listed"
    assert len(design.specs) == 30 or name != "thirty"


def test_what_is_judged_is_what_there_is() -> None:
    files = {node: len([*oslo_files(spec, designed().catalog)]) for node, spec in designed().specs.items()}
    assert files == {"control": 12, "api": 0, "network": 5, "compute1": 2, "compute2": 2}
    assert len(read_by_openstack(designed().specs["control"])) >= 10
    every = [file for spec in designed().specs.values() for file in oslo_files(spec, designed().catalog)]
    assert all("\n[" in masked(file.content) for file in every)


WRONG: dict[str, tuple[oslo.Settings, str]] = {
    "unknown-option": ({"token": {"expirations": 1}}, "[token] has no option expirations in keystone 2026.2"),
    "unknown-group": ({"tokens": {"expiration": 1}}, "keystone 2026.2 has no group [tokens]"),
    "old-name": (
        {"DEFAULT": {"rpc_thread_pool_size": 64}},
        "[DEFAULT] rpc_thread_pool_size has a new name in 2026.2: [DEFAULT] executor_thread_pool_size",
    ),
    "to-be-removed": ({"token": {"cache_on_issue": True}}, "[token] cache_on_issue will be removed from keystone"),
    "type": ({"token": {"cache_time": "soon"}}, "[token] cache_time takes a whole number, not 'soon'"),
    "range": ({"token": {"cache_time": -1}}, "[token] cache_time is -1, but must be at least 0"),
    "choice": ({"DEFAULT": {"notification_format": "xml"}}, "[DEFAULT] notification_format cannot be 'xml'"),
    "secret-of-nothing": ({"token": {"password": Secret("x")}}, "[token] has no option password in keystone"),
    "two-lines": ({"token": {"provider": "fernet\nexpiration 3600"}}, "'expiration 3600' is no setting of a group"),
    "twice": ({"Token": {"provider": "fernet"}}, "[Token] provider stands twice: only the later line would count"),
}


@pytest.mark.parametrize("case", WRONG)
def test_a_setting_that_the_release_does_not_take(case: str, monkeypatch: pytest.MonkeyPatch) -> None:
    bad, text = WRONG[case]
    plain = keystone.settings
    monkeypatch.setattr(keystone, "settings", lambda place: oslo.together(plain(place), bad))
    with pytest.raises(SettingError) as raised:
        compile_site(example(), {}, RELEASE)
    (line,) = raised.value.output
    assert line.startswith("control:/etc/keystone/keystone.conf: keystone: ")
    assert text in line
    assert raised.value.where == "control:/etc/keystone/keystone.conf"


@pytest.mark.parametrize(
    ("module", "function", "where"),
    [
        (nova_compute, "settings", "compute1:/etc/wallcloud/nova-compute/nova.conf"),
        (neutron_l3_agent, "settings", "network:/etc/wallcloud/neutron-l3-agent/neutron.conf"),
        (nova_database, "_settings", "control:/etc/wallcloud/nova-database/nova.conf"),
    ],
)
def test_whichever_component_writes_it_and_wherever(
    module: object, function: str, where: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = getattr(module, function)
    monkeypatch.setattr(module, function, lambda *given: oslo.together(plain(*given), {"DEFAULT": {"nonsense": 1}}))
    with pytest.raises(SettingError) as raised:
        compile_site(thirty(), {}, RELEASE)
    # On however many nodes: it is one mistake.
    (line,) = raised.value.output
    assert line.startswith(f"{where}: ")
    assert "[DEFAULT] has no option nonsense in " in line


def compiled(changed: Component, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compiling, "components", lambda: {**components(), changed.name: changed})
    compile_site(example(), {}, RELEASE)


def test_a_file_that_a_component_writes_past_the_common_way(monkeypatch: pytest.MonkeyPatch) -> None:
    def resources(place: Place) -> list[Resource]:
        path, content = "/etc/keystone/more.conf", "[DEFAULT]\nnonsense = 1\n"
        return [
            *keystone.COMPONENT.resources(place),
            File(path=path, content=content, component="keystone", reason="x"),
        ]

    with pytest.raises(SettingError, match="1 of the settings") as raised:
        compiled(replace(keystone.COMPONENT, resources=resources), monkeypatch)
    assert raised.value.where == "control:/etc/keystone/more.conf"


def test_a_component_that_does_not_say_whose_options_it_has(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(SettingError) as raised:
        compiled(replace(nova_compute.COMPONENT, program=None), monkeypatch)
    assert "nova-compute names no program whose options these are" in raised.value.output[0]


def keystone_conf(options: str) -> str:
    design = compile_site(with_options(options), {}, RELEASE)
    files = oslo_files(design.specs["control"], design.catalog)
    return next(masked(file.content) for file in files if Path(file.path).name == "keystone.conf")


def test_what_the_operator_was_warned_of_is_written() -> None:
    assert "\ncache_on_issue = false\n" in keystone_conf("keystone: {token: {cache_on_issue: false}}")


def test_an_old_name_becomes_the_present_one() -> None:
    """Beside the present name oslo.config does not read it."""
    text = keystone_conf("keystone: {default: {rpc-thread-pool-size: 7}}")
    assert "rpc_thread_pool_size" not in text
    assert "\nexecutor_thread_pool_size = 7\n" in text.partition("[DEFAULT]")[2].partition("\n\n[")[0] + "\n"


def test_judging_again_says_the_same() -> None:
    design = designed()
    check_generated(design.specs, design.site, design.catalog)
