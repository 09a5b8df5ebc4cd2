"""A control node's servers in a machine of their own: MariaDB, RabbitMQ, memcached, Keystone behind TLS; one of every
kind that this room has, as a spec."""

import time
from functools import cache

from tests.node.servers import cells
from tests.node.world import CA

from wallcloud.build import environment, packages, root
from wallcloud.build.cache import Cache
from wallcloud.catalog.schema_heads import heads
from wallcloud.node.resource import Resource
from wallcloud.node.resources import (
    Account,
    Certificate,
    Database,
    DatabaseAccount,
    Directory,
    Environment,
    ExclusiveDatabaseAccounts,
    ExclusiveDatabases,
    File,
    GoneIdentityUsers,
    Group,
    KeyRotation,
    Mask,
    Packages,
    Schema,
    Task,
    Unit,
)
from wallcloud.node.resources.identity import IdentityBootstrap, IdentityRole
from wallcloud.node.resources.identity_accounts import IdentityAssignment, IdentityProject, IdentityUser
from wallcloud.node.resources.identity_catalog import ExclusiveIdentityCatalog, IdentityEndpoint, IdentityService
from wallcloud.node.resources.identity_client import IdentityAccess
from wallcloud.node.resources.rabbitmq import BusAccount, BusVhost, ExclusiveBusAccounts
from wallcloud.node.secret import Secret
from wallcloud.node.spec import Spec
from wallcloud.progress import Silent

RELEASE = "2026.2"
PACKAGES = ("apache2", "mariadb-server", "memcached", "openssl", "rabbitmq-server")
SECRETS = {
    "bus": "one-cookie-of-the-test",
    "admin": "admin-of-the-test",
    "demo": "demo-of-the-test",
    "sql": "tls'\\",
    "sql-new": "another'\\",
}
AN_HOUR_AGO = int(time.time()) - 3600
SOCKET = "/run/mysqld/mysqld.sock"
ACCESS = IdentityAccess(url="https://localhost/identity/v3", ca="/etc/wct/ca.pem", password=Secret("admin"))

MARIADB = f"""[mariadbd]
datadir = /var/lib/wallcloud-mariadb/data
socket = {SOCKET}
pid_file = /run/mysqld/mysqld.pid
skip_networking = ON
skip_name_resolve = ON
"""
INSTALL = (
    "cd /var/lib/wallcloud-mariadb; rm -rf data.new; mariadb-install-db --no-defaults --datadir=$PWD/data.new"
    " --auth-root-authentication-method=socket --auth-root-socket-user=root --skip-test-db >/dev/null; mv data.new data"
)
MARIADB_UNIT = """[Service]
Type=notify
User=mysql
UMask=0077
StateDirectory=wallcloud-mariadb
RuntimeDirectory=mysqld
RuntimeDirectoryMode=0755
ExecStart=/usr/sbin/mariadbd --defaults-file=/etc/wct/my.cnf
PrivateNetwork=yes

[Install]
WantedBy=multi-user.target
"""
RABBITMQ = """listeners.tcp = none
auth_mechanisms.1 = EXTERNAL
log.console = true
log.file = false
"""
RABBITMQ_UNIT = """[Service]
Type=notify
NotifyAccess=all
User=rabbitmq
StateDirectory=wallcloud-rabbitmq
StateDirectoryMode=0700
Environment=HOME=/var/lib/wallcloud-rabbitmq RABBITMQ_NODENAME=rabbit@localhost RABBITMQ_CONF_ENV_FILE=/dev/null
Environment=RABBITMQ_CONFIG_FILE=/etc/wct/rabbitmq.conf RABBITMQ_ENABLED_PLUGINS_FILE=/etc/wct/plugins
Environment=RABBITMQ_MNESIA_BASE=/var/lib/wallcloud-rabbitmq/mnesia RABBITMQ_LOGS=- RABBITMQ_DIST_PORT=25672
Environment="RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS=-kernel inet_dist_use_interface {127,0,0,1}"
Environment=ERL_EPMD_ADDRESS=127.0.0.1
ExecStart=/usr/lib/rabbitmq/bin/rabbitmq-server
SuccessExitStatus=69

[Install]
WantedBy=multi-user.target
"""
MEMCACHED_UNIT = """[Service]
User=memcache
RuntimeDirectory=memcached
ExecStart=/usr/bin/memcached -s /run/memcached/memcached.sock -a 0666

[Install]
WantedBy=multi-user.target
"""
KEYSTONE = f"""[DEFAULT]
use_stderr = true
[database]
connection = mysql+pymysql:///keystone?unix_socket={SOCKET}&charset=utf8
[cache]
enabled = true
backend = dogpile.cache.pymemcache
backend_argument = url:unix:/run/memcached/memcached.sock
[fernet_tokens]
key_repository = /var/lib/keystone/fernet
[fernet_receipts]
key_repository = /var/lib/keystone/fernet
[credential]
key_repository = /var/lib/keystone/credential
[identity]
password_hash_rounds = 4
"""
APACHE = "\n".join(
    [
        "ServerRoot /etc/apache2",
        "PidFile /run/apache2/wct.pid",
        *(
            f"LoadModule {name}_module /usr/lib/apache2/modules/mod_{name}.so"
            for name in ("mpm_event", "ssl", "proxy", "proxy_uwsgi", "authz_core", "socache_shmcb")
        ),
        "ServerName localhost\nErrorLog /dev/null\nUser www-data\nGroup www-data\nListen 127.0.0.1:443",
        "SSLEngine on\nSSLCertificateFile /etc/wct/cert.pem\nSSLCertificateKeyFile /etc/wct/key.pem",
        "ProxyPass /identity unix:/run/keystone/api.sock|uwsgi://keystone/\n",
    ]
)
APACHE_UNIT = """[Service]
RuntimeDirectory=apache2
ExecStart=/usr/sbin/apache2 -f /etc/wct/apache.conf -DFOREGROUND

[Install]
WantedBy=multi-user.target
"""


@cache
def the_environment() -> environment.Artifact:
    return environment.build(Cache(), RELEASE, Silent())


@cache
def pool() -> packages.Pool:
    cache = Cache()
    status = root.build(cache, Silent()) / "var/lib/dpkg/status"
    return packages.build(cache, {"test-servers": PACKAGES}, Silent(), status=status)


def folder() -> str:
    return environment.path_on_node(the_environment().digest)


def manage(*arguments: str) -> tuple[str, ...]:
    return (f"{folder()}/bin/keystone-manage", "--config-file", "/etc/wct/keystone.conf", *arguments)


def spec() -> Spec:
    """Servers, and what is in them."""
    return Spec("test", RELEASE, (*_base(), *_mariadb(), *_rabbitmq(), *_keystone(), *_identity(), *_cells()))


def _base() -> tuple[Resource, ...]:
    accounts = {"mysql": 612, "rabbitmq": 613, "memcache": 611, "keystone": 620, "keystone-schema": 621}
    return (
        *(Group(group=name, gid=number) for name, number in accounts.items()),
        *(Account(account=name, uid=number, group=name) for name, number in accounts.items()),
        Mask(units=tuple(f"{each}.service" for each in ("mariadb", "rabbitmq-server", "epmd", "memcached", "apache2"))),
        Packages(names=PACKAGES, index=pool().index),
        Environment(path=folder(), digest=the_environment().digest),
        Directory(path="/etc/wct"),
        File(path="/etc/wct/ca.pem", content=CA.pem),
        Certificate(
            name="wct",
            key_path="/etc/wct/key.pem",
            cert_path="/etc/wct/cert.pem",
            ca_path="/etc/wct/ca.pem",
            subject="localhost",
            names=("localhost",),
            use=("server",),
        ),
    )


def _mariadb() -> tuple[Resource, ...]:
    return (
        File(path="/etc/wct/my.cnf", content=MARIADB),
        Directory(path="/var/lib/wallcloud-mariadb", owner="mysql", group="mysql", mode=0o755),
        Task(
            task="database folder",
            argv=("/bin/sh", "-ec", INSTALL),
            account="mysql",
            creates="/var/lib/wallcloud-mariadb/data",
        ),
        Unit(unit="wallcloud-mariadb.service", text=MARIADB_UNIT),
        Database(database="keystone"),
        Database(database="fancy", charset="utf8mb4", collation="utf8mb4_unicode_ci"),
        DatabaseAccount(user="keystone-schema", grants=("ALL PRIVILEGES ON `keystone`.*",)),
        DatabaseAccount(user="keystone", grants=("SELECT, INSERT, UPDATE, DELETE ON `keystone`.*",)),
        DatabaseAccount(
            user="no'va`\\ \"",
            host="%",
            via="tls",
            password=Secret("sql"),
            subject="/O=Wall's\\cloud/CN=nova",
            max_connections=9,
            grants=("SELECT, INSERT ON `fancy`.*", "CREATE, UPDATE ON `fancy`.`t``able`"),
        ),
        DatabaseAccount(
            user="moving",
            host="%",
            via="tls",
            password=Secret("sql"),
            another=Secret("sql-new"),
            subject="/CN=moving",
        ),
        ExclusiveDatabaseAccounts(),
        ExclusiveDatabases(),
    )


def _rabbitmq() -> tuple[Resource, ...]:
    home = "/var/lib/wallcloud-rabbitmq"
    return (
        File(path="/etc/wct/rabbitmq.conf", content=RABBITMQ),
        File(path="/etc/wct/plugins", content="[rabbitmq_auth_mechanism_ssl].\n"),
        Directory(path=home, owner="rabbitmq", group="rabbitmq", mode=0o700),
        File(path=f"{home}/.erlang.cookie", content=(Secret("bus"),), owner="rabbitmq", group="rabbitmq", mode=0o400),
        Unit(unit="wallcloud-rabbitmq.service", text=RABBITMQ_UNIT),
        BusVhost(vhost="nova"),
        BusVhost(vhost="né>>u'tron"),
        BusAccount(account="nova", vhost="nova"),
        BusAccount(account='ne"u>>,tron', vhost="né>>u'tron", configure="^q\\.", write="", read_=".*"),
        ExclusiveBusAccounts(),
    )


def _keystone() -> tuple[Resource, ...]:
    # One process: Keystone's auth_context looks at a token with what the request before, in its process, had cached.
    # A role changed by one process and deleted by another is then 404 for every token until the first's next login.
    uwsgi = (
        f"{folder()}/bin/uwsgi --module keystone.wsgi.api:application --venv {folder()} --master --processes 1"
        " --enable-threads --lazy-apps --buffer-size 65535 --die-on-term --need-app"
        " --uwsgi-socket /run/keystone/api.sock --chmod-socket=666"
    )
    unit = (
        "[Service]\nType=notify\nNotifyAccess=all\nUser=keystone\nRuntimeDirectory=keystone\n"
        f"Environment=OS_KEYSTONE_CONFIG_FILES=/etc/wct/keystone.conf\nExecStart={uwsgi}\n\n"
        "[Install]\nWantedBy=multi-user.target\n"
    )
    ask = (
        "import ssl,urllib.request as u; u.urlopen('https://localhost/identity/v3', context=ssl.create_default_context("
    )
    return (
        Unit(unit="wallcloud-memcached.service", text=MEMCACHED_UNIT),
        File(path="/etc/wct/keystone.conf", content=KEYSTONE),
        Directory(path="/var/lib/keystone", owner="keystone", group="keystone", mode=0o750),
        Schema(
            database="keystone",
            heads=heads(RELEASE, "keystone"),
            argv=manage("db_sync"),
            account="keystone-schema",
        ),
        *(
            Task(
                task=f"{what} keys",
                argv=manage(f"{what}_setup", "--keystone-user", "keystone", "--keystone-group", "keystone"),
                account="keystone",
                creates=f"/var/lib/keystone/{what}/0",
            )
            for what in ("fernet", "credential")
        ),
        File(path="/etc/wct/apache.conf", content=APACHE),
        Unit(unit="wallcloud-apache.service", text=APACHE_UNIT),
        Unit(
            unit="wallcloud-keystone.service",
            text=unit,
            ready=("python3", "-Ic", ask + "cafile='/etc/wct/ca.pem'))"),
        ),
    )


def _identity() -> tuple[Resource, ...]:
    doors = {"public": "https://cloud.example/identity/v3", "internal": ACCESS.url, "admin": ACCESS.url}
    return (
        IdentityBootstrap(access=ACCESS, argv=manage("bootstrap"), account="keystone", region="RegionOne"),
        IdentityRole(access=ACCESS, role="auditor"),
        IdentityProject(access=ACCESS, project="demo", description="the first project"),
        IdentityUser(access=ACCESS, user="demo", password=Secret("demo")),
        IdentityAssignment(access=ACCESS, user="demo", role="member", project="demo"),
        IdentityAssignment(access=ACCESS, user="demo", role="auditor", system=True),
        IdentityService(access=ACCESS, service="keystone", type="identity"),
        *(
            IdentityEndpoint(access=ACCESS, service="keystone", interface=name, url=url, region="RegionOne")
            for name, url in doors.items()
        ),
        ExclusiveIdentityCatalog(access=ACCESS),
        GoneIdentityUsers(access=ACCESS, users=("out-of-use", "never-there")),
        *(
            KeyRotation(
                keys=f"{what} keys",
                folder=f"/var/lib/keystone/{what}",
                since=AN_HOUR_AGO,
                commands=tuple(
                    manage(verb, "--keystone-user", "keystone", "--keystone-group", "keystone") for verb in verbs
                ),
                account="keystone",
            )
            for what, verbs in (
                ("fernet", ("fernet_rotate",)),
                ("credential", ("credential_migrate", "credential_rotate", "credential_migrate")),
            )
        ),
    )


def _cells() -> tuple[Resource, ...]:
    return cells.resources(RELEASE, folder(), SOCKET)


def revisions() -> tuple[str, ...]:
    """The revisions that Keystone's database stands at."""
    return tuple(each for _, found in heads(RELEASE, "keystone") for each in found)
