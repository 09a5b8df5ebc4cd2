"""RabbitMQ: the message bus. TLS both ways, login by certificate, one vhost per service; nothing of it in the clear."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import resources as package
from pathlib import Path

from wallcloud.catalog import tls
from wallcloud.catalog.bus import PORT
from wallcloud.catalog.component import ROOT, Account, Call, Component, Limit, Listen, Private, Term
from wallcloud.catalog.given import LimitInput
from wallcloud.catalog.place import Place, actor
from wallcloud.catalog.service import service
from wallcloud.node.resource import Resource
from wallcloud.node.resources import BusAccount, BusVhost, Directory, ExclusiveBusAccounts, File
from wallcloud.site.model import Kind, Role

ACCOUNT = Account("rabbitmq", 613, home="/var/lib/wallcloud-rabbitmq")
HOME = ACCOUNT.home
FOLDER = "/etc/wallcloud/rabbitmq"
CONFIG = f"{FOLDER}/rabbitmq.conf"
ADVANCED = f"{FOLDER}/advanced.config"
LISTS = "/run/wallcloud-rabbitmq/crl"
PLUGINS = f"{FOLDER}/enabled_plugins"
DEFINITIONS = f"{FOLDER}/definitions.json"
COOKIE = f"{HOME}/.erlang.cookie"
COOKIE_SECRET = "rabbitmq-cookie"  # noqa: S105 - its name
STARTED = "/run/wallcloud-rabbitmq/.erlang.cookie"
"""The cookie that the server has, which may be another than the file's for a moment."""
RENEW = "/usr/lib/wallcloud/bus_renew"
_RENEW = f"""\
#!/bin/sh
# Written by Wallcloud: has the running server take its certificate and its cookie anew. Run as root by its unit.
set -eu
ask() {{ # whoever knows the cookie in $1 is obeyed
    HOME=$1 erl_call -address 127.0.0.1:25672 -h wallcloud-renew -fetch_stdout -no_result_term -e <<'END'
try
  ok = ssl:clear_pem_cache(),
  {{ok, Cookie}} = file:read_file("{COOKIE}"),
  true = erlang:set_cookie(binary_to_atom(string:trim(Cookie))),
  io:put_chars("renewed")
catch _:Reason -> io:put_chars(io_lib:format("failed: ~tp", [Reason])) end.
END
}}
# The one it was started with, or has taken last; the file's, where this was killed after the server had taken it.
for home in {Path(STARTED).parent} {HOME}; do
    said=$(ask "$home" 2>&1) || :
    [ "$said" != renewed ] || exec install -o {ACCOUNT.name} -g {ACCOUNT.group} -m 0400 {COOKIE} {STARTED}
done
echo "$said" >&2
exit 1
"""
CONSUMED = "/usr/lib/wallcloud/bus_consumed.py"
_KERNEL = "the node's kernel"


def limits(given: LimitInput) -> Iterator[Limit]:
    """Memory at which it blocks publishers, and schedulers."""
    memory = min((given.facts[node].memory_mib for node in given.placed.get("rabbitmq", ())), default=4096)
    share = max(256, min(4096, memory // 16))
    yield Limit("rabbitmq", "memory_mib", (Term(f"a sixteenth of {memory} MiB, 256 to 4096", share),))
    yield Limit("rabbitmq", "schedulers", (Term("one per core, at most 8", min(8, given.cores("rabbitmq"))),))


def resources(place: Place) -> Iterator[Resource]:
    """Folders, the cookie, the certificate, configuration, unit, and the accounts that may be there."""
    where = tls.paths(place, "rabbitmq")
    yield Directory(path=FOLDER, exclusive=True, component="rabbitmq", reason="its configuration")
    yield Directory(path=HOME, owner="rabbitmq", group="rabbitmq", mode=0o700, component="rabbitmq", reason="its data")
    yield File(
        path=COOKIE,
        content=(place.rotation.used(COOKIE_SECRET),),
        owner="rabbitmq",
        group="rabbitmq",
        mode=0o400,
        component="rabbitmq",
        reason="who may command the server on this node; its own would be of a weak generator",
    )
    yield tls.server_certificate(place, "rabbitmq", reason="proves the bus to its clients")
    yield File(path=CONFIG, content=_config(place), component="rabbitmq", reason="TLS and certificates only")
    yield File(path=ADVANCED, content=_advanced(where), component="rabbitmq", reason="TLS, as Erlang reads it")
    yield File(path=RENEW, content=_RENEW, mode=0o755, component="rabbitmq", reason="its certificate is read anew")
    yield File(
        path=PLUGINS, content="[rabbitmq_auth_mechanism_ssl].\n", component="rabbitmq", reason="login by certificate"
    )
    yield File(
        path=DEFINITIONS,
        content="{}\n",
        component="rabbitmq",
        reason="without definitions to load, a server that has no accounts makes `guest` at every start",
    )
    yield service(
        place,
        description="the message bus (RabbitMQ)",
        kind="notify",
        start="/usr/lib/rabbitmq/bin/rabbitmq-server",
        restart_on=(CONFIG, ADVANCED, PLUGINS, DEFINITIONS, RENEW, where.authority),
        # A restart would lose calls between services that are under way.
        reload=f"+{RENEW}",
        reload_on=(COOKIE, where.certificate, where.key),
        lines=(
            "NotifyAccess=all",
            "RuntimeDirectory=wallcloud-rabbitmq",
            "RuntimeDirectoryMode=0700",
            f"ExecStartPre=/usr/bin/install -m 0400 {COOKIE} {STARTED}",
            # Under the name by which OpenSSL and Erlang look a list up: a hash of the CA's own name.
            f"ExecStartPre=/bin/sh -c 'mkdir -p {LISTS} && "
            f"ln -sf {tls.CRL} {LISTS}/$$(openssl crl -in {tls.CRL} -noout -hash).r0'",
            f"WorkingDirectory={HOME}",
            f"ReadWritePaths={HOME}",
            f"Environment=HOME={HOME} LANG=C.UTF-8",
            "Environment=RABBITMQ_NODENAME=rabbit@localhost RABBITMQ_CONF_ENV_FILE=/dev/null",
            f"Environment=RABBITMQ_CONFIG_FILE={CONFIG} RABBITMQ_ADVANCED_CONFIG_FILE={ADVANCED}",
            f"Environment=RABBITMQ_ENABLED_PLUGINS_FILE={PLUGINS}",
            f"Environment=RABBITMQ_MNESIA_BASE={HOME}/mnesia RABBITMQ_LOG_BASE={HOME}/log",
            f"Environment=RABBITMQ_PID_FILE={HOME}/pid RABBITMQ_LOGS=- RABBITMQ_DIST_PORT=25672",
            'Environment="RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS=-kernel inet_dist_use_interface {127,0,0,1} '
            f'+S {place.limit("schedulers")}:{place.limit("schedulers")} +A 16"',
            "Environment=ERL_EPMD_ADDRESS=127.0.0.1 ERL_CRASH_DUMP=/dev/null ERL_CRASH_DUMP_BYTES=0",
            "SuccessExitStatus=69",
            "TimeoutStartSec=300",
            "LimitNOFILE=65536",
            "LimitCORE=0",
            # It reads addresses by netlink, and its machine compiles to memory (no MemoryDenyWriteExecute).
            "RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6 AF_NETLINK",
            "SystemCallFilter=@system-service",
            "SystemCallFilter=~@privileged @resources",
            "SystemCallErrorNumber=EPERM",
        ),
        stop_seconds=60,
    )
    yield from _accounts(place)
    yield File(
        path=CONSUMED,
        content=(package.files("wallcloud.plugins") / "bus_consumed.py").read_text(encoding="utf-8"),
        component="rabbitmq",
        reason="asks whether somebody listens to a queue",
    )
    yield ExclusiveBusAccounts(component="rabbitmq", reason="an account or vhost that no component declares leaves")


def _accounts(place: Place) -> Iterator[Resource]:
    """A virtual host per service, and in it an account for each of its components on each node."""
    clients = [component for component in place.catalog.values() if component.bus and component.name in place.placed]
    for vhost in sorted({component.bus for component in clients}):
        yield BusVhost(vhost=vhost, component="rabbitmq", reason=f"{vhost}'s own bus: no other service sees into it")
    for component in clients:
        for node in place.placed[component.name]:
            yield BusAccount(
                account=actor(component.name, node),
                vhost=component.bus,
                component="rabbitmq",
                reason=f"{component.title} on {node}, by its certificate",
            )


def _config(place: Place) -> str:
    return f"""\
# Written by Wallcloud; changes made here are taken back by the next apply.
listeners.tcp = none
listeners.ssl.1 = {place.address(Kind.MANAGEMENT)}:{PORT}
# What TLS is asked for stands in advanced.config: this file knows no revoked certificates.
auth_mechanisms.1 = EXTERNAL
ssl_cert_login_from = common_name
load_definitions = {DEFINITIONS}
collect_statistics = none
vm_memory_high_watermark.absolute = {place.limit("memory_mib")}MB
disk_free_limit.absolute = 256MB
heartbeat = 60
num_acceptors.ssl = 4
log.console = true
log.console.level = warning
log.file = false
"""


def _advanced(where: tls.Paths) -> str:
    """Erlang's own options of TLS (ssl(3erl)); the list is looked up by its issuer's name at every handshake."""
    return f"""\
%% Written by Wallcloud; changes made here are taken back by the next apply.
[{{rabbit, [{{ssl_options, [
  {{cacertfile, "{where.authority}"}},
  {{certfile, "{where.certificate}"}},
  {{keyfile, "{where.key}"}},
  {{verify, verify_peer}},
  {{fail_if_no_peer_cert, true}},
  {{depth, 1}},
  {{versions, ['tlsv1.3']}},
  {{crl_check, peer}},
  {{crl_cache, {{ssl_crl_hash_dir, {{internal, [{{dir, "{LISTS}"}}]}}}}}}
]}}]}},
%% Its syslog client opens a UDP port on every address, though nothing is logged by it.
{{syslog, [{{protocol, {{rfc3164, standard_error}}}}]}}].
"""


def private(place: Place) -> Iterator[Private]:
    """Everybody's messages."""
    yield Private(f"{HOME}/mnesia", "everybody's messages", (ACCOUNT,))
    cookie = place.rotation.used(COOKIE_SECRET).name
    yield Private(STARTED, "whoever has the cookie commands the broker", (ACCOUNT,), holds=cookie)


COMPONENT = Component(
    name="rabbitmq",
    title="RabbitMQ",
    roles=(Role.CONTROL,),
    account=ACCOUNT,
    packages=("rabbitmq-server",),
    masks=("rabbitmq-server.service", "epmd.service", "epmd.socket"),
    listens=(
        Listen("amqps", Kind.MANAGEMENT, PORT, authentication="mutual TLS (EXTERNAL)", encryption="TLS 1.3"),
        Listen("distribution", None, 25672, authentication="the node's cookie, by uid", encryption=_KERNEL),
        Listen("epmd", None, 4369, authentication="by uid", encryption=_KERNEL),
    ),
    calls=(
        Call("rabbitmq", "distribution", "Wallcloud reads and makes accounts", account=ROOT, same_node=True),
        Call("rabbitmq", "distribution", "the server's own tools", same_node=True),
        Call("rabbitmq", "epmd", "the server registers itself", same_node=True),
    ),
    private=private,
    resources=resources,
)
