"""The proof is proven: holes are opened on the nodes by hand, and verify names each of them. All in `make soak`."""

import json
import os

import pytest
from tests.lab_cloud.cloud import Cloud

from wallcloud.verify.parts import PARTS

pytestmark = [pytest.mark.root, pytest.mark.lab]
SEED_VARIABLE = "WALLCLOUD_HOLES_SEED"
SEED = os.environ.get(SEED_VARIABLE, "20262")
QUICK = tuple(part for part in PARTS if part != "tenants")
"""Seconds for each of their holes; one of the tenants' takes two minutes."""


def caught(cloud: Cloud, *words: str) -> None:
    done = cloud.run("verify", "--mutate", *words, "--json")  # which takes the next word for a file
    told = json.loads(done.stdout)["mutations"]
    assert told["injected"] == told["caught"] > 0 and not told["unopened"], (told, f"{SEED_VARIABLE}={SEED}")
    assert done.status == 0
    cloud.expect_designed("after holes were closed")


def test_a_handful_is_caught(designed: Cloud) -> None:
    """One of each part, drawn by the seed."""
    some = ("--sample", str(len(QUICK)), "--seed", SEED)
    caught(designed, *some, *(word for part in QUICK for word in ("--part", part)))


@pytest.mark.soak
def test_all_are_caught(designed: Cloud) -> None:
    caught(designed)
