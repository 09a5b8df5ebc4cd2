"""From bare machines to a cloud, and once more: nothing changes the second time."""

import os
import subprocess

import pytest
from tests.lab_cloud.cloud import NODES, ROOT, Cloud

pytestmark = [pytest.mark.root, pytest.mark.lab]


def test_first_apply_on_bare_machines(cloud: Cloud) -> None:
    assert cloud.first is not None
    cloud.first.expect(0, "the first apply")
    assert cloud.first.summary["ok"]
    assert set(cloud.first.summary["nodes"]) == set(NODES)
    assert all(node["applied"] > 20 for node in cloud.first.summary["nodes"].values())


def test_plan_after_it_is_empty_and_verify_holds(cloud: Cloud) -> None:
    cloud.expect_designed("right after the first apply")
    cloud.expect_verified()


def test_make_lab_again_changes_nothing(designed: Cloud) -> None:
    """The main job as it is written, a second time: no process of Wallcloud's, sshd or systemd is another one."""
    before = designed.all_units()
    assert {"wallcloud-keystone.service", "wallcloud-mariadb.service", "ssh.service"} <= set(before["control"])
    command = " ".join(designed.command)
    argv = ["make", "-C", str(ROOT), "lab", f"SITE={designed.site}", f"WALLCLOUD={command}"]
    environment = {**os.environ, **designed.environment}
    ran = subprocess.run(argv, capture_output=True, text=True, check=False, env=environment, timeout=300)
    designed.said.append(ran.stdout + ran.stderr)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert designed.all_units() == before


def test_apply_again_applies_nothing(designed: Cloud) -> None:
    before = designed.all_units()
    done = designed.apply("a second time")
    assert done.summary["applied"] == 0
    assert designed.all_units() == before
