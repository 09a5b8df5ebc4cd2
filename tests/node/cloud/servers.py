"""Real Keystone, Glance, Nova, Neutron and Placement of the release's environment: APIs only, on loopback over TLS,
with sqlite and without a bus. What their daemons would write stands in the databases by SQL."""

import socket
import sqlite3
import subprocess
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests import environment
from tests.node.servers.stub_keystone import certificate

from wallcloud.frozen import frozen
from wallcloud.node.resources.cloud_client import CloudAccess
from wallcloud.node.resources.identity_client import IdentityAccess
from wallcloud.node.secret import Secret

HERE = Path(__file__).parent
PASSWORD = "admin-of-the-test"
MODULES = {
    "identity": "keystone.wsgi.api",
    "image": "glance.wsgi.api",
    "compute": "nova.wsgi.osapi_compute",
    "network": "neutron.wsgi.api",
    "placement": "placement.wsgi.api",
}
PROGRAMS = {
    "identity": "keystone",
    "image": "glance",
    "compute": "nova",
    "network": "neutron",
    "placement": "placement",
}
TOKENS = """[keystone_authtoken]
auth_type = password
auth_url = {identity}/v3
www_authenticate_uri = {identity}
username = admin
password = {password}
project_name = admin
user_domain_name = Default
project_domain_name = Default
cafile = {folder}/ca
[oslo_concurrency]
lock_path = {folder}/{program}
[DEFAULT]
use_stderr = true
transport_url = fake:/
state_path = {folder}/{program}
"""
CONFIGURATIONS = {
    "keystone": """[DEFAULT]
use_stderr = true
default_log_levels = keystone=WARNING
[database]
connection = sqlite:///{folder}/keystone.db
[fernet_tokens]
key_repository = {folder}/fernet
[credential]
key_repository = {folder}/credential
[identity]
password_hash_rounds = 4
""",
    "glance": TOKENS
    + """enabled_backends = fs:file
[database]
connection = sqlite:///{folder}/glance.db
[glance_store]
default_backend = fs
[fs]
filesystem_store_datadir = {folder}/images
[os_glance_tasks_store]
filesystem_store_datadir = {folder}/tasks
[os_glance_staging_store]
filesystem_store_datadir = {folder}/staging
[paste_deploy]
flavor = keystone
config_file = {environment}/etc/glance/glance-api-paste.ini
""",
    "nova": TOKENS
    + """[database]
connection = sqlite:///{folder}/nova.db
[api_database]
connection = sqlite:///{folder}/nova_api.db
[placement]
auth_type = password
auth_url = {identity}/v3
endpoint_override = {placement}
username = admin
password = {password}
project_name = admin
user_domain_name = Default
project_domain_name = Default
cafile = {folder}/ca
""",
    "neutron": TOKENS
    + """core_plugin = ml2
service_plugins = router
api_paste_config = {environment}/etc/neutron/api-paste.ini
[database]
connection = sqlite:///{folder}/neutron.db
[ml2]
type_drivers = flat,vxlan
tenant_network_types = vxlan
mechanism_drivers = openvswitch
extension_drivers = port_security
[ml2_type_flat]
flat_networks = *
[ml2_type_vxlan]
vni_ranges = 1:1000
""",
    "placement": TOKENS
    + """[placement_database]
connection = sqlite:///{folder}/placement.db
""",
}
NEUTRON_TABLES = """
import sys
import sqlalchemy
from neutron.db.migration.models import head
head.model_base.BASEV2.metadata.create_all(sqlalchemy.create_engine("sqlite:///neutron.db"))
"""
"""Neutron's migrations do not run on sqlite."""
MAKE = {
    "keystone": (
        ("keystone-manage", "fernet_setup", "--keystone-user", "root", "--keystone-group", "root"),
        ("keystone-manage", "credential_setup", "--keystone-user", "root", "--keystone-group", "root"),
        ("keystone-manage", "db_sync"),
        (
            *("keystone-manage", "bootstrap", "--bootstrap-password", PASSWORD, "--bootstrap-region-id", "R"),
            *("--bootstrap-internal-url", "{identity}/v3", "--bootstrap-public-url", "{identity}/v3"),
            *("--bootstrap-admin-url", "{identity}/v3"),
        ),
    ),
    "glance": (("glance-manage", "db_sync"),),
    "nova": (
        ("nova-manage", "api_db", "sync"),
        ("nova-manage", "cell_v2", "map_cell0", "--database_connection", "sqlite:///{folder}/nova_cell0.db"),
        ("nova-manage", "cell_v2", "create_cell", "--name", "cell1"),
        ("nova-manage", "db", "sync"),
    ),
    "neutron": (("python", "-c", NEUTRON_TABLES),),
    "placement": (("placement-manage", "db", "sync"),),
}


@frozen
class Servers:
    folder: Path
    environment: Path
    access: CloudAccess
    processes: Mapping[str, "subprocess.Popen[str]"]

    def sql(self, database: str, *statements: str) -> None:
        """What a daemon, or a hand, writes into a service's database ("nova", "nova_api", …)."""
        with sqlite3.connect(self.folder / f"{database}.db", timeout=30) as connection:
            for statement in statements:
                connection.execute(statement)

    def python(self, program: str, *words: str) -> None:
        """Runs a program in the release's environment, in the servers' folder."""
        python: list[str | Path] = [self.environment / "bin/python", "-W", "ignore", "-c", program, *words]
        done = subprocess.run(python, capture_output=True, text=True, check=False, cwd=self.folder)
        assert done.returncode == 0, done.stderr[-3000:]


@contextmanager
def servers(folder: Path) -> Iterator[Servers]:
    """Made anew in `folder`, ended with the block."""
    with environment.mounted() as unpacked:
        yield from _servers(folder, unpacked)


def _servers(folder: Path, unpacked: Path) -> Iterator[Servers]:
    certificate(folder, "localhost")
    ports = dict(zip(MODULES, _ports(len(MODULES)), strict=True))
    urls = {name: f"https://localhost:{port}/{name}" for name, port in ports.items()}
    values = {**urls, "folder": folder, "environment": unpacked, "password": PASSWORD}
    for name in ("fernet", "credential", "images", "tasks", "staging", *PROGRAMS.values()):
        (folder / name).mkdir(mode=0o700)
    for program, text in CONFIGURATIONS.items():
        (folder / program / _file(program)).write_text(text.format(**values, program=program))
    (folder / "nova" / "api-paste.ini").symlink_to(unpacked / "etc/nova/api-paste.ini")
    with ThreadPoolExecutor(2) as pool:
        for _ in pool.map(lambda program: _make(values, program), MAKE):
            pass
    access = CloudAccess(
        identity=IdentityAccess(url=f"{urls['identity']}/v3", ca=str(folder / "ca"), password=Secret("admin")),
        image=urls["image"],
        compute=f"{urls['compute']}/v2.1",
        network=urls["network"],
        placement=urls["placement"],
    )
    processes = {name: _serve(folder, unpacked, name, ports[name]) for name in MODULES}
    try:
        for name, process in processes.items():
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n", (folder / f"{name}.log").read_text()[-3000:]
        yield Servers(folder, unpacked, access, processes)
    finally:
        for process in processes.values():
            process.kill()
            process.wait()


def _file(program: str) -> str:
    return f"{program}-api.conf" if program == "glance" else f"{program}.conf"


def _make(values: Mapping[str, Any], program: str) -> None:
    folder, unpacked = values["folder"], values["environment"]
    for command in MAKE[program]:
        first, *rest = (word.format(**values) for word in command)
        configured = [] if first == "python" else ["--config-file", str(folder / program / _file(program))]
        done = subprocess.run(
            [unpacked / "bin" / first, *configured, *rest],
            capture_output=True,
            text=True,
            check=False,
            cwd=folder,
            env={"PATH": "/usr/bin:/bin", "OS_PLACEMENT_CONFIG_DIR": str(folder / "placement")},
        )
        assert done.returncode == 0, f"{command}: {done.stderr[-3000:]}"


def _serve(folder: Path, unpacked: Path, name: str, port: int) -> "subprocess.Popen[str]":
    program = PROGRAMS[name]
    where = str(folder / program)
    variables = {
        "PATH": "/usr/bin:/bin",
        f"OS_{program.upper()}_CONFIG_DIR": where,
        "OS_KEYSTONE_CONFIG_FILES": f"{where}/keystone.conf",
        "OS_NEUTRON_CONFIG_FILES": "neutron.conf",
    }
    words = [str(HERE / "serve.py"), MODULES[name], str(port), str(folder / "server"), f"/{name}"]
    with (folder / f"{name}.log").open("w") as log:
        return subprocess.Popen(
            [unpacked / "bin/python", "-W", "ignore", *words],
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
            cwd=folder,
            env=variables,
        )


def _ports(count: int) -> list[int]:
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports
