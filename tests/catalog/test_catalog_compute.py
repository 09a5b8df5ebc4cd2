"""Compute nodes: what nova-compute is told, how guests run, and who may do what there."""

from collections import defaultdict

import pytest
from tests.design.world import RELEASE, designed, example

from wallcloud.build.options import table
from wallcloud.catalog import libvirt, nova_compute, privsep
from wallcloud.catalog.facts import NodeFacts
from wallcloud.design.compile import Design, compile_site
from wallcloud.node import resources as r
from wallcloud.node.secret import masked

NODE = "compute1"


def with_facts(**facts: object) -> Design:
    return compile_site(example(), {NODE: NodeFacts.model_validate(facts)}, RELEASE)


def file(design: Design, path: str, node: str = NODE) -> str:
    """The text of a file, with its secrets masked."""
    found = [each for each in design.specs[node].resources if isinstance(each, r.File) and each.path == path]
    assert len(found) == 1
    return masked(found[0].content)


def unit(design: Design, name: str) -> r.Unit:
    return next(each for each in design.specs[NODE].resources if isinstance(each, r.Unit) and each.unit == name)


def settings(text: str) -> dict[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = defaultdict(dict)
    group = ""
    for line in text.splitlines():
        if line.startswith("["):
            group = line.strip("[]")
        elif line and not line.startswith("#"):
            option, _, value = line.partition(" = ")
            found[group][option] = value
    return dict(found)


def test_the_release_knows_every_setting() -> None:
    known = table("2026.2", "nova")
    for kvm in (True, False):
        for group, values in settings(file(with_facts(kvm=kvm), nova_compute.CONFIG)).items():
            for option, value in values.items():
                assert known.option(group, option), f"[{group}] {option}"
                problem = known.check(group, option, value)
                assert problem is None or problem.id == "option-type", f"[{group}] {option}: {problem}"


def test_there_is_no_database() -> None:
    found = settings(file(designed(), nova_compute.CONFIG))
    assert not {"database", "api_database"} & set(found)
    assert "mysql" not in file(designed(), nova_compute.CONFIG)


@pytest.mark.parametrize(("kvm", "expected"), [(True, ("kvm", "host-model")), (False, ("qemu", "none"))])
def test_kvm_where_it_works(kvm: bool, expected: tuple[str, str]) -> None:
    found = settings(file(with_facts(kvm=kvm), nova_compute.CONFIG))["libvirt"]
    assert (found["virt_type"], found["cpu_mode"]) == expected
    assert ("tb_cache_size" in found) == (not kvm)


def test_a_container_has_its_hosts_groups_and_modules() -> None:
    inside = file(with_facts(virtualization="systemd-nspawn"), "/etc/libvirt/qemu.conf")
    assert "cgroup_controllers = [ ]" in inside
    assert 'security_driver = "none"' in inside
    for where in ("none", "kvm"):
        outside = file(with_facts(virtualization=where), "/etc/libvirt/qemu.conf")
        assert "cgroup_controllers" not in outside
        assert "security_driver" not in outside
    assert 'host_uuid_source = "machine-id"' in file(
        with_facts(virtualization="systemd-nspawn"), "/etc/wallcloud/libvirtd.conf"
    )


def test_guests_are_nobodys() -> None:
    design = designed()
    assert f'user = "{libvirt.QEMU.name}"' in file(design, "/etc/libvirt/qemu.conf")
    # No flow is QEMU's: the firewall lets it open no connection.
    clients = {flow.client.account.uid for flow in design.flows if flow.client.account}
    assert libvirt.QEMU.uid not in clients
    assert nova_compute.ACCOUNT.uid in clients


def test_libvirt_listens_on_a_socket_of_nova_computes() -> None:
    text = file(designed(), "/etc/wallcloud/libvirtd.conf")
    assert 'unix_sock_group = "nova-compute"' in text
    assert "--listen" not in unit(designed(), "wallcloud-libvirtd.service").text
    assert "KillMode=process" in unit(designed(), "wallcloud-libvirtd.service").text


def test_nova_compute_has_no_capability() -> None:
    lines = unit(designed(), "wallcloud-nova-compute.service").text.splitlines()
    assert "NoNewPrivileges=yes" in lines
    assert "CapabilityBoundingSet=" in lines
    assert not [line for line in lines if line.startswith("AmbientCapabilities")]
    assert "Requires=wallcloud-privsep-nova-compute.socket" in lines


def test_its_helpers_have_no_more_than_their_contexts() -> None:
    lines = unit(designed(), "wallcloud-privsep-nova-compute@.service").text.splitlines()
    bounding = next(line for line in lines if line.startswith("CapabilityBoundingSet="))
    ambient = next(line for line in lines if line.startswith("AmbientCapabilities="))
    allowed = set(bounding.partition("=")[2].split())
    assert set(ambient.partition("=")[2].split()) == allowed
    assert "CAP_SYS_ADMIN" not in allowed
    found = settings(file(designed(), nova_compute.CONFIG))
    for group in ("nova_sys_admin", "vif_plug_ovs_privileged"):
        assert set(found[group]["capabilities"].split(",")) <= allowed
        assert found[group]["helper_command"].startswith("/usr/bin/python3 -I ")
        assert "sudo" not in found[group]["helper_command"]
    socket = unit(designed(), "wallcloud-privsep-nova-compute.socket").text
    assert "SocketUser=nova-compute\nSocketMode=0600" in socket
    assert privsep.__doc__
