"""A full disk: the apply fails with its name, breaks nothing, and is finished by the next one when there is room."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from tests.lab_cloud.cloud import Cloud
from tests.lab_cloud.harm import change, expect_changed

pytestmark = [pytest.mark.root, pytest.mark.lab]

# A small file system under a folder that the change writes to, filled to its last block by a file.
FILL = """
mkdir -p /run/small
mount -t tmpfs -o size=256k,mode=0755 tmpfs /run/small
cp -a {folder}/. /run/small/
chown --reference={folder} /run/small
chmod --reference={folder} /run/small
mount --bind /run/small {folder}
dd if=/dev/zero of=/run/small/.filler bs=4k status=none || test -s /run/small/.filler
! head -c 8192 /dev/zero 2>/dev/null >/run/small/.probe
rm -f /run/small/.probe
"""
EMPTY = "umount {folder}; umount /run/small; rmdir /run/small"


@contextmanager
def full(cloud: Cloud, node: str, folder: str) -> Iterator[None]:
    cloud.on(node, FILL.format(folder=folder))
    try:
        yield
    finally:
        cloud.on(node, EMPTY.format(folder=folder))


def test_a_full_disk_is_named_and_the_next_apply_finishes(designed: Cloud) -> None:
    change(designed, 7499)
    with full(designed, "control", "/etc/keystone"):
        failed = designed.run("apply").expect(1, "the disk is full")
        assert "failed: file /etc/keystone/keystone.conf: " in failed.said, failed.said
        assert "No space left on device" in failed.said and "df -h" in failed.said, failed.said
        assert "Traceback" not in failed.said
        old = designed.on("control", "cat /etc/keystone/keystone.conf; ls -A /etc/keystone")
        assert "expiration = 7499" not in old and ".tmp" not in old, f"half written: {old}"
        designed.on("control", "systemctl --quiet is-active wallcloud-keystone")
    designed.apply("there is room again")
    expect_changed(designed)
    designed.expect_designed("after a full disk")
