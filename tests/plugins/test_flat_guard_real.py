"""A real Neutron of the release's environment: routers get interfaces on their projects' own networks only.

About 20 s of CPU in all; `WALLCLOUD_ENVIRONMENT` may name an environment.
"""

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests import environment

import wallcloud.plugins

pytestmark = pytest.mark.root
ROOT = Path(__file__).parents[2]
CONFIGURATION = """
[DEFAULT]
use_stderr = true
core_plugin = ml2
service_plugins = router,segments{guard}
api_paste_config = {folder}/api-paste.ini
state_path = {folder}
transport_url = fake://
rpc_workers = 0
[oslo_concurrency]
lock_path = {folder}
[database]
connection = sqlite:///{folder}/neutron.db
[ml2]
type_drivers = flat,vxlan
project_network_types = vxlan
mechanism_drivers = openvswitch
[ml2_type_vxlan]
vni_ranges = 1:1000
[ml2_type_flat]
flat_networks = *
[oslo_policy]
policy_file = {folder}/policy.yaml
"""
PASTE = """
[composite:neutron]
use = egg:Paste#urlmap
/v2.0: api
[pipeline:api]
pipeline = request_id catch_errors keystonecontext extensions neutronapiapp_v2_0
[filter:request_id]
paste.filter_factory = oslo_middleware:RequestId.factory
[filter:catch_errors]
paste.filter_factory = oslo_middleware:CatchErrors.factory
[filter:keystonecontext]
paste.filter_factory = neutron.auth:NeutronKeystoneContext.factory
[filter:extensions]
paste.filter_factory = neutron.api.extensions:plugin_aware_extension_middleware_factory
[app:neutronapiapp_v2_0]
paste.app_factory = neutron.api.v2.router:APIRouter.factory
"""


@pytest.fixture(scope="module")
def unpacked() -> Iterator[Path]:
    with environment.mounted() as folder:
        yield folder


def outcomes(unpacked: Path, folder: Path, guard: str) -> dict[str, str]:
    (folder / "wallcloud_plugins").symlink_to(Path(wallcloud.plugins.__file__).parent)
    (folder / "neutron.conf").write_text(CONFIGURATION.format(folder=folder, guard=guard))
    (folder / "api-paste.ini").write_text(PASTE)
    (folder / "policy.yaml").write_text("")
    ran = subprocess.run(
        [
            *(unpacked / "bin/python", "-W", "ignore", "-m", "tests.plugins.neutron_scenario"),
            f"sqlite:///{folder}/neutron.db",
        ],
        env={
            "PATH": "/usr/bin:/bin",
            "PYTHONPATH": f"{folder}:{ROOT}",
            "PYTHONDONTWRITEBYTECODE": "1",
            "OS_NEUTRON_CONFIG_FILES": str(folder / "neutron.conf"),
        },
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr[-3000:]
    found: dict[str, str] = json.loads(ran.stdout.splitlines()[-1])
    return found


# With the guard and without: what the guard must not touch, what it must refuse, what Neutron refuses by itself.
EVER = {
    "own by subnet": "200",
    "own by port": "200",
    "gateway on floating": "200",
    "gateway on flat": "400",
    "flat by subnet": "400",
    "given by admin": "200",
    "own gets physical": "400",
}
GUARDED = {
    "flat by port": "200",
    "flat by admin by subnet": "200",
    "flat by admin by port": "200",
    "shared with one by subnet": "200",
    "floating by subnet": "200",
    "own gets a physical segment": "201",
}
GIVEN = {"given by port": "200", "given by subnet": "200"}
WORDS = "rides on a physical network, where a router has no interface"


def test_guarded(unpacked: Path, tmp_path: Path) -> None:
    found = outcomes(unpacked, tmp_path, ",wallcloud_plugins.flat_guard.FlatGuard")
    # A refused attachment leaves the port to its owner, and none of the router's behind.
    assert found.pop("the refused port is as before") == "200 "
    assert found.pop("ports elsewhere").split() == [
        "network:router_gateway",
        *("network:router_interface",) * 2,
    ]
    assert {name: said.split()[0] for name, said in found.items()} == EVER | dict.fromkeys(GUARDED | GIVEN, "409")
    assert [name for name in GUARDED if WORDS not in found[name]] == []
    assert all("the routers there are its own" in found[name] for name in GIVEN)


def test_each_try_works_without_the_guard(unpacked: Path, tmp_path: Path) -> None:
    found = outcomes(unpacked, tmp_path, "")
    assert {name: said.split()[0] for name, said in found.items() if name in EVER | GUARDED | GIVEN} == (
        EVER | GUARDED | GIVEN
    )
