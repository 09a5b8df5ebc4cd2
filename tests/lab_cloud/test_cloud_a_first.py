"""From bare machines to a cloud, and once more: nothing changes the second time."""

import os
import re
import subprocess

import pytest
from tests.lab_cloud.cloud import MAX_SECONDS, NODES, ROOT, Cloud
from tests.lab_cloud.units import harmed_anywhere

from wallcloud.verify.parts import PARTS

pytestmark = [pytest.mark.root, pytest.mark.lab]


def test_first_apply_on_bare_machines(cloud: Cloud) -> None:
    assert cloud.first is not None
    cloud.first.expect(0, "the first apply")
    assert cloud.first.summary["ok"]
    assert set(cloud.first.summary["nodes"]) == set(NODES)
    assert all(node["applied"] > 20 for node in cloud.first.summary["nodes"].values())


def test_plan_after_it_is_empty(cloud: Cloud) -> None:
    cloud.expect_designed("right after the first apply")


def test_apply_again_applies_nothing(designed: Cloud) -> None:
    before = designed.all_units()
    assert {"wallcloud-keystone.service", "wallcloud-mariadb.service", "ssh.service"} <= set(before["control"])
    done = designed.apply("a second time")
    assert done.summary["applied"] == 0
    assert harmed_anywhere(before, designed.all_units()) == []


def test_make_lab_again_changes_nothing(designed: Cloud) -> None:
    """The main job as it is written, a second time, all parts of verify included: whoever ran runs on."""
    before = designed.all_units()
    command = " ".join(designed.command)
    argv = ["make", "-C", str(ROOT), "lab", f"SITE={designed.site}", f"WALLCLOUD={command}"]
    environment = {**os.environ, **designed.environment}
    ran = subprocess.run(argv, capture_output=True, text=True, check=False, env=environment, timeout=MAX_SECONDS)
    designed.said.append(ran.stdout + ran.stderr)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    for part in PARTS:
        told = re.search(rf"^{part}: ([0-9]+) of ([0-9]+) expectations hold, ([0-9]+) say", ran.stdout, re.MULTILINE)
        assert told and told[1] == told[2] and int(told[3]) > 20, f"{part}: {ran.stdout}"
    assert harmed_anywhere(before, designed.all_units()) == []
