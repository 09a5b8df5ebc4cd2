"""MariaDB: every service's database.

Clients on the node come by unix socket, where the kernel says who they are; those on others by mutual TLS.
"""

from __future__ import annotations

from collections.abc import Iterator

from wallcloud.catalog import database, tls
from wallcloud.catalog.component import Account, Component, Limit, Listen, Private, Term
from wallcloud.catalog.database import PORT, SOCKET
from wallcloud.catalog.given import LimitInput
from wallcloud.catalog.place import Place
from wallcloud.catalog.service import service
from wallcloud.node.resource import Resource
from wallcloud.node.resources import Directory, ExclusiveDatabaseAccounts, File, NoRestore, RestoredDatabases, Task
from wallcloud.site.model import Kind, Role

FOLDER = "/var/lib/wallcloud-mariadb"
DATA = f"{FOLDER}/data"
ACCOUNT = Account("mysql", 612, home=FOLDER)
_INSTALL = f"""\
cd {FOLDER}
rm -rf data.new
mariadb-install-db --no-defaults --datadir={FOLDER}/data.new --auth-root-authentication-method=socket \\
    --auth-root-socket-user=root --skip-test-db --skip-name-resolve >/dev/null
mv data.new data
"""
CONFIG = "/etc/wallcloud/mariadb/my.cnf"


def limits(given: LimitInput) -> Iterator[Limit]:
    """Connections: the sum of what every client may open at most."""
    clients = [Term(f"{limit.component}'s pools", limit.value) for limit in given.total("database_connections")]
    schemas = sum(
        database.connections
        for component in given.catalog.values()
        if component.name in given.placed
        for database in component.databases
    )
    yield Limit(
        "mariadb",
        "max_connections",
        (
            *clients,
            Term("schema changes, one per database", schemas),
            Term("Wallcloud reads and writes", 2),
            Term("readiness, and an admin when all else is full", 8),
        ),
    )
    memory = min((given.facts[node].memory_mib for node in given.placed.get("mariadb", ())), default=1024)
    yield Limit(
        "mariadb",
        "buffer_pool_mib",
        (Term(f"an eighth of {memory} MiB, 128 to 4096", max(128, min(4096, memory // 8))),),
    )
    yield Limit(
        "mariadb",
        "open_files",
        (Term("tables and logs", 4096), Term("connections", sum(term.value for term in clients) + schemas + 10)),
    )


def resources(place: Place) -> Iterator[Resource]:
    """Configuration, unit, and the accounts that may be there."""
    where = tls.paths(place, "mariadb")
    yield tls.server_certificate(place, "mariadb", reason="proves the databases to clients on other nodes")
    yield Directory(path="/etc/wallcloud/mariadb", component="mariadb", reason="its configuration")
    yield Directory(path=FOLDER, owner="mysql", group="mysql", mode=0o750, component="mariadb", reason="its data")
    yield Task(
        task="mariadb-data",
        argv=("/bin/sh", "-ec", _INSTALL),
        account="mysql",
        creates=DATA,
        component="mariadb",
        reason="the system tables, made beside and renamed: a killed run leaves no half of them",
    )
    yield File(
        path=CONFIG,
        content=_config(place, where),
        component="mariadb",
        reason="unix socket and mutual TLS, sized by the site's limits",
    )
    yield service(
        place,
        description="the databases (MariaDB)",
        kind="notify",
        start=f"/usr/sbin/mariadbd --defaults-file={CONFIG}",
        restart_on=(CONFIG, where.authority),
        # As root, whom the socket knows. Open connections stay; new ones are shown the new certificate.
        reload=f"+/usr/bin/mariadb --no-defaults --protocol=socket --socket={SOCKET} --skip-ssl -e 'FLUSH SSL'",
        reload_on=(where.certificate, where.key, tls.CRL),
        lines=(
            "RuntimeDirectory=mysqld",
            "RuntimeDirectoryMode=0755",
            f"ReadWritePaths={FOLDER}",
            "TimeoutStartSec=900",
            f"LimitNOFILE={place.limit('open_files') * 2}",
            "RestrictAddressFamilies=AF_UNIX AF_INET",
            "LimitCORE=0",
            "KillSignal=SIGTERM",
            "SendSIGKILL=no",
            "OOMScoreAdjust=-600",
            "ProcSubset=pid",
            "MemoryDenyWriteExecute=yes",
            "SystemCallFilter=@system-service",
            "SystemCallFilter=~@privileged @resources",
            "SystemCallErrorNumber=EPERM",
        ),
        stop_seconds=300,
    )
    yield _content(place)
    yield ExclusiveDatabaseAccounts(
        keep=database.names_of_accounts(place),
        component="mariadb",
        reason="an account that no component declares leaves",
    )


def _content(place: Place) -> Resource:
    """What must be so of the databases before anybody stands on them."""
    seed = place.seed
    if seed is not None and seed.databases:
        return RestoredDatabases(
            backup=seed.backup,
            databases=seed.databases,
            size=seed.size,
            replaces=seed.replaces,
            component="mariadb",
            reason="the databases are the backup's",
        )
    return NoRestore(
        ends=seed.backup if seed is not None else "",
        component="mariadb",
        reason="nobody is served from databases that are restored by half",
    )


def _config(place: Place, where: tls.Paths) -> str:
    return f"""\
# Written by Wallcloud; changes made here are taken back by the next apply.
[mariadbd]
datadir = {DATA}
socket = {SOCKET}
pid-file = /run/mysqld/mariadbd.pid
bind-address = {place.address(Kind.MANAGEMENT)}
port = {PORT}
ssl-ca = {where.authority}
ssl-crl = {tls.CRL}
ssl-cert = {where.certificate}
ssl-key = {where.key}
tls-version = TLSv1.3
# By the network with TLS alone; the unix socket counts as secure.
require-secure-transport = 1
skip-name-resolve
symbolic-links = 0
local-infile = 0
character-set-server = utf8mb3
collation-server = utf8mb3_general_ci
max_connections = {place.limit("max_connections")}
open_files_limit = {place.limit("open_files")}
innodb_buffer_pool_size = {place.limit("buffer_pool_mib")}M
innodb_log_file_size = 96M
innodb_flush_log_at_trx_commit = 1
innodb_file_per_table = 1
performance_schema = off
max_allowed_packet = 64M
wait_timeout = 3600
sql_mode = TRADITIONAL
"""


def private(place: Place) -> Iterator[Private]:
    """Everybody's rows."""
    for name in ("", "/ibdata1", "/mysql", "/mysql/global_priv.MAD", "/keystone", "/nova"):
        yield Private(f"{DATA}{name}", "everybody's rows", (ACCOUNT,))


COMPONENT = Component(
    name="mariadb",
    title="MariaDB",
    roles=(Role.CONTROL,),
    account=ACCOUNT,
    packages=("mariadb-server",),
    masks=("mariadb.service", "mysql.service", "mysqld.service"),
    listens=(
        Listen(
            "socket",
            None,
            path=SOCKET,
            authentication="the kernel names the account",
            encryption="the node's kernel",
            everyone="the server asks the kernel who it is, and turns away whom no component declares",
        ),
        Listen("tls", Kind.MANAGEMENT, PORT, authentication="mutual TLS, password and subject", encryption="TLS 1.3"),
    ),
    private=private,
    resources=resources,
)
