"""Who downloads through a floating IP notices no apply, whether it has something to do or not."""

import sys

import pytest
from tests.lab_cloud.cloud import NODES, Cloud
from tests.lab_cloud.harm import change, expect_changed
from tests.lab_cloud.units import harmed_anywhere

pytestmark = [pytest.mark.root, pytest.mark.lab]

MIB, KIB = 64, 512
"""Size, and so many a second: 128 s, in which both applies have room on a slow computer too."""
DOWNLOAD = f"""
import sys, time, urllib.request
whole = bytes(range(251)) * 8  # what the guest sends (build/guest/README.md): byte i is i % 251
begun, size = time.monotonic(), 0
with urllib.request.urlopen(sys.argv[1], timeout=15) as answer:
    while piece := answer.read(1004):
        start = size % 251
        assert piece == whole[start : start + len(piece)], f"other bytes after {{size}}"
        if not size:
            print("begun", flush=True)
        size += len(piece)
print(size, time.monotonic() - begun)
assert size == {MIB << 20}, f"{{size}} bytes came"
"""
FLOATING = "mariadb -BNe 'SELECT floating_ip_address FROM neutron.floatingips WHERE fixed_port_id IS NOT NULL'"


def test_a_download_goes_on_while_applies_run(designed: Cloud) -> None:
    kept = designed.run("verify", "--json", "--part", "tenants", "--keep")
    assert kept.status == 0, kept.said
    address = designed.on("control", FLOATING).split()[0]
    url = f"http://{address}/large?mib={MIB}&kib={KIB}"
    download = designed.start("lab", "exec", "office", "--", sys.executable, "-I", "-c", DOWNLOAD, url)
    download.until(lambda line: line == "begun", "the first bytes")
    before = {node: designed.units(node) for node in NODES}
    designed.apply("nothing to do, while somebody downloads")
    assert harmed_anywhere(before, {node: designed.units(node) for node in NODES}) == []
    change(designed, 7477)
    applied = designed.apply("much to do, while somebody downloads")
    assert applied.summary["applied"] >= 6
    assert not download.over(0), f"over before the apply was: nothing is proven: {download.done(1).said}"
    done = designed.finish(download).expect(0, "a download while applies run")
    print(done.stdout, f"apply: {applied.seconds:.1f} s")
    expect_changed(designed)
    designed.expect_designed("after the download")
