"""One of every kind that works through OpenStack's APIs, as a spec, and a context that keeps what a real run keeps."""

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.node.servers.stub_keystone import Remembering

from wallcloud.node.resource import Resource, ResourceFailed
from wallcloud.node.resources import (
    CloudAccess,
    CloudDefaultRules,
    CloudFlavor,
    CloudImage,
    CloudNetwork,
    CloudQuota,
    CloudSubnet,
    CloudSubnetPool,
    DefaultRule,
    ExclusiveCloudFlavors,
    ExclusiveCloudImages,
    ExclusiveCloudNetworks,
    ExclusiveComputes,
    KeptComputes,
)

KERNEL, DISK, OTHER = (hashlib.sha256(each).hexdigest() for each in (b"kernel" * 999, b"\0" * 4096, b"\1" * 4096))
CONTENTS = {KERNEL: b"kernel" * 999, DISK: b"\0" * 4096, OTHER: b"\1" * 4096}


class Here(Remembering):
    """With blobs; forgets what it read at each apply, as a run does."""

    def __init__(self, folder: Path, *resources: Resource, admin: str) -> None:
        super().__init__(*resources, admin=admin)
        self._folder = folder

    def blobs(self, digests: tuple[str, ...]) -> Mapping[str, Path]:
        for each in digests:
            (self._folder / each).write_bytes(CONTENTS[each])
        return {each: self._folder / each for each in digests}

    def changes(self) -> dict[str, list[str]]:
        """A plan: name of resource → properties that differ."""
        self.cache.clear()
        found = {f"{each.kind} {each.name}": [it.property for it in each.compare(self)] for each in self.resources}
        return {name: properties for name, properties in found.items() if properties}

    def converge(self) -> None:
        """Applies what differs, in order."""
        for each in self.resources:
            self.cache.clear()
            if changes := each.compare(self):
                try:
                    each.apply(self, changes)
                except ResourceFailed as failed:
                    failed.add_note(f"{each.kind} {each.name}: {failed.tried} {failed.output}")
                    raise
        self.cache.clear()


def rules() -> tuple[DefaultRule, ...]:
    return (
        DefaultRule(direction="egress", ethertype="IPv4"),
        DefaultRule(direction="egress", ethertype="IPv6"),
        DefaultRule(direction="ingress", ethertype="IPv4", remote="group", others=False),
        DefaultRule(
            direction="ingress", ethertype="IPv4", protocol="tcp", ports="22-22", remote="10.0.0.0/8", default=False
        ),
    )


def whole(access: CloudAccess, **more: Any) -> tuple[Resource, ...]:
    """In the order of the offerings."""
    return (
        KeptComputes(access=access, computes=("compute1",)),
        CloudSubnetPool(
            access=access, pool="floating-a", prefixes=("198.18.41.0/24",), prefix_length=24, scope="outside"
        ),
        CloudNetwork(access=access, network="floating-a", physical_network="floating-a", external=True, mtu=1500),
        CloudSubnet(
            access=access,
            subnet="floating-a",
            network="floating-a",
            cidr="198.18.41.0/24",
            gateway="198.18.41.1",
            first="198.18.41.10",
            last="198.18.41.250",
            dhcp=False,
            pool="floating-a",
        ),
        CloudNetwork(access=access, network="flat-a", physical_network="flat-a", shared=True, mtu=1400),
        CloudSubnet(
            access=access,
            subnet="flat-a",
            network="flat-a",
            cidr="198.18.51.0/24",
            gateway="198.18.51.1",
            first="198.18.51.10",
            last="198.18.51.250",
            dhcp=True,
            dns=("198.18.30.1",),
        ),
        ExclusiveCloudNetworks(access=access),
        CloudDefaultRules(access=access, rules=rules()),
        CloudFlavor(access=access, flavor="tiny", vcpus=1, ram=128, disk=1, extra=(("hw:cpu_policy", "shared"),)),
        ExclusiveCloudFlavors(access=access),
        CloudQuota(access=access, limits=(("cores", 12), ("instances", 6))),
        CloudImage(
            access=access,
            image="kernel",
            digest=KERNEL,
            disk_format="aki",
            container_format="aki",
            visibility="community",
        ),
        CloudImage(
            access=access,
            image="guest",
            digest=DISK,
            min_ram=96,
            min_disk=1,
            properties=(("os_command_line", "console=ttyS0"),),
            kernel="kernel",
        ),
        ExclusiveCloudImages(access=access),
        ExclusiveComputes(access=access, computes=("compute1",), agents=("compute1", "network")),
    )
