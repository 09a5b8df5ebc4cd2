"""The proof is proven: holes are opened on the nodes by hand, and verify names each of them. All in `make soak`."""

import json

import pytest
from tests.lab_cloud.cloud import Cloud

pytestmark = [pytest.mark.root, pytest.mark.lab]
HANDFUL = ("anonymous-account", "bus-guest", "admin-through-the-public-door")
"""Of three parts, a few seconds each."""


def caught(cloud: Cloud, *holes: str) -> None:
    done = cloud.run("verify", "--mutate", *holes, "--json")  # which takes the next word for a file
    told = json.loads(done.stdout)["mutations"]
    assert told["injected"] == told["caught"] > 0 and not told["unopened"], told
    assert done.status == 0
    cloud.expect_designed("after holes were closed")


def test_a_handful_is_caught(designed: Cloud) -> None:
    caught(designed, *HANDFUL)


@pytest.mark.soak
def test_all_are_caught(designed: Cloud) -> None:
    caught(designed)
