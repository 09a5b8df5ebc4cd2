"""The option tables: what they know, and the texts of what they find wrong."""

import json
from typing import Any

import pytest

from wallcloud.build.options import Kind, OptionTable, load, programs, table
from wallcloud.build.options_check import Value
from wallcloud.build.options_generate import Machine, render
from wallcloud.build.options_programs import PROGRAMS, Likeness, Program
from wallcloud.errors import WallcloudError

RELEASE = "2026.2"


def _text(program: str, group: str, name: str, value: Value) -> str:
    problem = table(RELEASE, program).check(group, name, value)
    if problem is None:
        return "fine"
    text = f"{problem.id}: {problem.text}" + (f" -- {problem.mend}" if problem.mend else "")
    return f"(deprecated) {text}" if problem.deprecated else text


@pytest.mark.parametrize(
    ("program", "group", "name", "value"),
    [
        # what facts.md found to be needed, so that the tables cannot lack it
        ("keystone", "token", "expiration", 7200),
        ("keystone", "token", "expiration", "7200"),
        ("keystone", "default", "debug", "Yes"),
        ("keystone", "DEFAULT", "log-file", "/var/log/x"),
        ("keystone", "database", "connection", "mysql+pymysql://u@h/d?ssl_ca=/x"),
        ("keystone", "cache", "tls_enabled", True),
        ("keystone", "oslo_middleware", "enable_proxy_headers_parsing", True),
        ("keystone", "oslo_messaging_notifications", "driver", ["noop"]),
        ("glance", "DEFAULT", "enabled_backends", "fs:file"),
        ("glance", "DEFAULT", "enabled_backends", ["fs:file", "other:file"]),
        ("glance", "glance_store", "default_backend", "fs"),
        ("glance", "paste_deploy", "flavor", "keystone"),
        ("glance", "fs", "filesystem_store_datadir", "/var/lib/x"),
        ("glance", "os_glance_tasks_store", "filesystem_store_datadir", "/var/lib/x"),
        ("glance", "keystone_authtoken", "memcache_tls_enabled", "true"),
        ("placement", "placement_database", "connection", "$state_path/x"),
        ("placement", "oslo_middleware", "enable_proxy_headers_parsing", True),
        ("nova", "service_user", "send_service_user_token", True),
        ("nova", "service_user", "password", "x"),
        ("nova", "keystone_authtoken", "auth_url", "https://x"),
        ("nova", "keystone_authtoken", "user_domain_name", "Default"),
        ("nova", "neutron", "metadata_proxy_shared_secret", "x"),
        ("nova", "scheduler", "discover_hosts_in_cells_interval", 30),
        ("nova", "libvirt", "virt_type", "qemu"),
        ("nova", "libvirt", "cpu_mode", "none"),
        ("nova", "os_vif_ovs", "ovsdb_connection", "unix:/var/run/openvswitch/db.sock"),
        ("nova", "api", "local_metadata_per_cell", True),
        ("nova", "spice", "require_secure", True),
        ("nova", "vif_plug_ovs_privileged", "helper_command", "x"),
        ("nova", "nova_sys_admin", "capabilities", "CAP_SYS_ADMIN"),
        ("nova", "mdev_nvidia-35", "device_addresses", "0000:84:00.0"),
        ("nova", "oslo_messaging_rabbit", "ssl_ca_file", "/x"),
        ("neutron", "ml2", "project_network_types", "vxlan"),
        ("neutron", "privsep_link", "helper_command", "x"),
        ("neutron", "nova", "auth_type", "password"),
        ("neutron-ovs-agent", "ovs", "bridge_mappings", "a:br-a,b:br-b"),
        ("neutron-ovs-agent", "ovs", "local_ip", "198.18.20.11"),
        ("neutron-ovs-agent", "DEFAULT", "transport_url", "rabbit://x"),
        ("neutron-dhcp-agent", "DEFAULT", "dnsmasq_dns_servers", "198.18.30.12"),
        ("neutron-dhcp-agent", "DEFAULT", "enable_isolated_metadata", True),
        ("neutron-l3-agent", "DEFAULT", "interface_driver", "openvswitch"),
        ("neutron-metadata-agent", "DEFAULT", "nova_metadata_protocol", "https"),
        ("designate", "service:worker", "threads", 4),
        ("designate", "service:mdns", "listen", "0.0.0.0:5354"),
        ("octavia", "api_settings", "enabled_provider_drivers", "wallcloud:HAProxy in a namespace"),
        ("octavia", "service_auth", "password", "x"),
        ("octavia", "driver_agent", "status_socket_path", "/x"),
    ],
)
def test_what_is_fine(program: str, group: str, name: str, value: Value) -> None:
    assert _text(program, group, name, value) == "fine"


@pytest.mark.parametrize(
    ("program", "group", "name", "value", "text"),
    [
        (
            "keystone",
            "tokens",
            "expiration",
            1,
            "unknown-group: keystone 2026.2 has no group [tokens] -- did you mean [token]?",
        ),
        (
            "keystone",
            "frob",
            "expiration",
            1,
            "unknown-group: keystone 2026.2 has no group [frob] -- expiration is an option of [receipt], [token]",
        ),
        (
            "keystone",
            "frob",
            "nicate",
            1,
            "unknown-group: keystone 2026.2 has no group [frob] -- "
            "groups are written as in upstream's documentation, DEFAULT in capitals",
        ),
        (
            "glance",
            "databse",
            "connection",
            "x",
            "unknown-group: glance 2026.2 has no group [databse] -- did you mean [database]?",
        ),
        (
            "keystone",
            "token",
            "expiratoin",
            1,
            "unknown-option: [token] has no option expiratoin in keystone 2026.2 -- did you mean expiration?",
        ),
        (
            "keystone",
            "cors",
            "connection",
            "x",
            "unknown-option: [cors] has no option connection in keystone 2026.2 -- "
            "connection is an option of [database]",
        ),
        (
            "keystone",
            "cors",
            "zzz",
            "x",
            "unknown-option: [cors] has no option zzz in keystone 2026.2 -- "
            "upstream's configuration reference lists its options",
        ),
        (
            "neutron-metadata-agent",
            "ovs",
            "bridge_mappings",
            "a:b",
            "unknown-option: [ovs] has no option bridge_mappings in neutron-metadata-agent 2026.2 -- "
            "upstream's configuration reference lists its options",
        ),
        (
            "neutron",
            "ml2",
            "tenant_network_types",
            "vxlan",
            "(deprecated) renamed: [ml2] tenant_network_types has a new name in 2026.2: [ml2] project_network_types -- "
            "write [ml2] project_network_types instead",
        ),
        (
            "keystone",
            "DEFAULT",
            "rpc_thread_pool_size",
            1,
            "(deprecated) renamed: [DEFAULT] rpc_thread_pool_size has a new name in 2026.2: "
            "[DEFAULT] executor_thread_pool_size -- write [DEFAULT] executor_thread_pool_size instead",
        ),
        (
            "glance",
            "fs",
            "filesystem_store_datadirs",
            "/x",
            "(deprecated) removed: [fs] filesystem_store_datadirs will be removed from glance: Users willing to use "
            "multiple data directories should configure multiple filesystem stores instead of using "
            "filesystem_store_datadirs.",
        ),
        ("keystone", "token", "expiration", "1h", "type: [token] expiration takes a whole number, not '1h'"),
        ("keystone", "token", "expiration", True, "type: [token] expiration takes a whole number, not true"),
        ("keystone", "token", "expiration", [1], "type: [token] expiration takes a whole number, not a list of 1"),
        ("keystone", "token", "expiration", 3.5, "type: [token] expiration takes a whole number, not 3.5"),
        ("keystone", "token", "expiration", -1, "range: [token] expiration is -1, but must be at least 0"),
        ("keystone", "DEFAULT", "debug", "maybe", "type: [DEFAULT] debug takes true or false, not 'maybe'"),
        ("keystone", "DEFAULT", "debug", 2, "type: [DEFAULT] debug takes true or false, not 2"),
        (
            "keystone",
            "DEFAULT",
            "transport_url",
            True,
            "type: [DEFAULT] transport_url takes text, not true -- put it in quotes if this is meant",
        ),
        (
            "keystone",
            "DEFAULT",
            "transport_url",
            ["a", "b"],
            "type: [DEFAULT] transport_url takes one value, not a list of 2",
        ),
        (
            "octavia",
            "api_settings",
            "bind_port",
            70000,
            "range: [api_settings] bind_port is 70000, but must be at most 65535",
        ),
        (
            "neutron-ovs-agent",
            "ovs",
            "local_ip",
            "198.18.20.300",
            "type: [ovs] local_ip takes an IP address, not '198.18.20.300'",
        ),
        (
            "nova",
            "libvirt",
            "virt_type",
            "kvn",
            "choice: [libvirt] virt_type cannot be 'kvn': it is one of kvm, lxc, qemu, parallels -- did you mean kvm?",
        ),
        (
            "glance",
            "DEFAULT",
            "enabled_backends",
            "fs",
            "type: [DEFAULT] enabled_backends takes pairs `key:value`, separated by commas; 'fs' is none",
        ),
        ("nova", "barbican", "auth_endpoint", "x", "type: [barbican] auth_endpoint takes a URI, not 'x'"),
        ("neutron", "agent", "report_interval", "x", "type: [agent] report_interval takes a number, not 'x'"),
        ("nova", "DEFAULT", "host", "a b", "type: [DEFAULT] host takes a host name, not 'a b'"),
    ],
)
def test_what_is_wrong(program: str, group: str, name: str, value: Value, text: str) -> None:
    assert _text(program, group, name, value) == text


def test_every_program_has_a_table_and_no_table_lacks_its_program() -> None:
    assert programs(RELEASE) == tuple(sorted(PROGRAMS))
    for program in PROGRAMS:
        known = table(RELEASE, program)
        assert known.program == program
        assert len(known.groups["DEFAULT"]) > 1
        assert all(options for options in known.groups.values())


def test_every_default_passes_its_own_check() -> None:
    """A default that the judgement refuses would be a fault of the judgement (`<…>` stands for a machine's own)."""
    wrong = [
        f"{program}: {problem.text}"
        for program in PROGRAMS
        for group, options in table(RELEASE, program).groups.items()
        for option in options.values()
        if "<" not in str(option.default)
        for problem in [table(RELEASE, program).check(group, option.name, option.default)]
        if problem is not None and not problem.deprecated
    ]
    assert wrong == []


def test_an_unknown_program_is_a_clear_error() -> None:
    with pytest.raises(WallcloudError) as caught:
        table(RELEASE, "swift")
    assert caught.value.what == "there is no table of options for 'swift' in release 2026.2"
    assert caught.value.hint == f"there are tables for: {', '.join(sorted(PROGRAMS))}"
    with pytest.raises(WallcloudError) as caught:
        table("1999.1", "keystone")
    assert caught.value.hint == "there are tables for: none"


def _listed(**more: Any) -> dict[str, Any]:
    plain: dict[str, Any] = {"type": "string value", "default": None, "choices": [], "deprecated_opts": []}
    return {**plain, "name": "opt", **more}


def _made(*options: dict[str, Any], group: str = "g", program: Program | None = None) -> OptionTable:
    password = [{"name": "auth_url", "type": "string value", "secret": False, "help": "Where."}]
    listed = {group: {"opts": list(options)}}
    text = render("p", program or Program(()), listed, password, Machine("/build/env", "builder"))
    return load(json.loads(text), RELEASE)


def test_an_option_survives_the_way_through_the_file() -> None:
    made = _made(
        _listed(
            name="dashed-name",
            type="integer value",
            default=0,
            min=0,
            max=9,
            deprecated_opts=[{"group": "old", "name": "old-name"}, {"group": None, "name": "older"}],
            deprecated_for_removal=True,
            deprecated_reason="It is\nnot used.  More text.",
            secret=True,
            required=True,
            mutable=True,
            help="First\nsentence. Second.",
        )
    ).groups["g"]["dashed_name"]
    assert (made.kind, made.default, made.min, made.max) == (Kind.INTEGER, 0, 0, 9)
    assert made.was == ("g/older", "old/old_name")
    assert made.removed == "It is not used."
    assert (made.secret, made.required, made.mutable) == (True, True, True)
    assert made.help == "First sentence."


@pytest.mark.parametrize(
    ("option", "default"),
    [
        (_listed(default="/build/env/share"), "<environment>/share"),
        (_listed(default=["/build/env/x"], type="list value"), ("<environment>/x",)),
        (_listed(default="builder", name="host"), "<host>"),
        (_listed(default="builder", type="host address value"), "<host>"),
        (_listed(default="builder"), "builder"),
        (_listed(default=8, sample_default="<num_of_cpus>"), "<num_of_cpus>"),
        (_listed(default=8, sample_default="cpu_count()", type="integer value"), "<cpu_count()>"),
        (_listed(default={"b": 1, "a": 2}, type="dict value"), ("a:2", "b:1")),
        (_listed(default=False, type="boolean value"), False),
        (_listed(), None),
    ],
)
def test_no_machine_shows_in_a_default(option: dict[str, Any], default: Value) -> None:
    assert _made(option).groups["g"][option["name"]].default == default


def test_groups_that_no_namespace_holds() -> None:
    with_auth = _made(_listed(name="auth_type"))
    assert set(with_auth.groups["g"]) == {"auth_type", "auth_url"}
    helpers = _made(_listed(name="user"), group="privsep", program=Program((), privsep=("privsep_x",)))
    assert set(helpers.groups["privsep_x"]) == {"user"}
    chosen = _made(
        _listed(name="size", type="integer value"), program=Program((), dynamic=(Likeness("s_.+", "why", ("g",)),))
    )
    assert chosen.check("s_1", "size", 1) is None
    assert str(chosen.check("s_1", "size", "x")).count("whole number") == 1
    assert str(chosen.check("t_1", "size", 1)).count("has no group [t_1]") == 1
