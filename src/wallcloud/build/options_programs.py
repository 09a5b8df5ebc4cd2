"""Which option namespaces make up the table of each program.

From upstream's generator files (keystone `config-generator/keystone.conf`, neutron `etc/oslo-config-generator/*`, …),
which the wheels do not carry, plus the libraries whose options these files leave out though the program reads them.
"""

from wallcloud.build.options import Dynamic
from wallcloud.frozen import frozen


@frozen
class Likeness:
    """Groups named by the configuration (`pattern`) that take all options of the groups `like`, and `options`."""

    pattern: str
    why: str
    like: tuple[str, ...] = ()
    options: tuple[str, ...] = ()

    def dynamic(self, groups: dict[str, dict[str, object]]) -> Dynamic:
        """Resolved against the groups of a table."""
        names = {name for group in self.like for name in groups[group]}
        return Dynamic(self.pattern, tuple(sorted({*names, *self.options})), self.why)


@frozen
class Program:
    """`namespaces` of `oslo.config.opts`; `also`: programs whose files the same process reads.

    `privsep`: groups of privileged helpers, which each take the options of [privsep] but are in no namespace.
    """

    namespaces: tuple[str, ...]
    also: tuple[str, ...] = ()
    privsep: tuple[str, ...] = ()
    dynamic: tuple[Likeness, ...] = ()


_API = (
    "keystonemiddleware.auth_token",
    "oslo.middleware.cors",
    "oslo.middleware.healthcheck",
    "oslo.middleware.http_proxy_to_wsgi",
    "oslo.middleware.sizelimit",
    "oslo.policy",
)
_BASE = ("oslo.log", "oslo.concurrency", "oslo.db", "oslo.messaging", "oslo.reports", "osprofiler")
_SERVICE = ("oslo.service.periodic_task", "oslo.service.service", "oslo.service.sslutils", "oslo.service.wsgi")
_GLANCE = ("glance", "glance.api", "glance.cache", "glance.manage", "glance.store", "glance.multi_store")
_NOVA = ("nova.conf", "os_vif", "os_brick", "castellan.config")
_NEUTRON = (
    "neutron",
    "neutron.agent",
    "neutron.db",
    "neutron.experimental",
    "neutron.extensions",
    "neutron.ml2",
    "nova.auth",
    "ironic.auth",
    "placement.auth",
    "designate.auth",
)
_AGENT = ("neutron.base.agent", "neutron.az.agent")

PROGRAMS = {
    "keystone": Program((*_BASE, *_API, "keystone", "oslo.cache")),
    "glance": Program(
        (*_BASE, *_API, *_GLANCE, "castellan.config", "oslo.limit", "oslo.privsep"),
        privsep=("privsep_osbrick",),
        dynamic=(
            Likeness(
                r"[a-z0-9_]+",
                "a store of [DEFAULT] enabled_backends, or os_glance_tasks_store and os_glance_staging_store",
                like=(
                    "cinder",
                    "file",
                    "glance.store.http.store",
                    "glance.store.rbd.store",
                    "glance.store.s3.store",
                    "glance.store.swift.store",
                    "glance.store.vmware_datastore.store",
                ),
                options=("store_description", "weight"),
            ),
        ),
    ),
    "placement": Program((*_API, "placement.conf", "oslo.log", "oslo.concurrency", "osprofiler")),
    "nova": Program(
        (*_BASE, *_API, *_SERVICE, *_NOVA, "oslo.cache", "oslo.limit", "oslo.privsep", "oslo.versionedobjects"),
        privsep=("nova_sys_admin", "privsep_osbrick", "vif_plug_ovs_privileged"),
        dynamic=(
            Likeness(
                r"mdev_.+",
                "a type of [devices] enabled_mdev_types",
                options=("device_addresses", "mdev_class", "max_instances"),
            ),
        ),
    ),
    "neutron": Program(
        (*_BASE, *_API, *_SERVICE, *_NEUTRON, "oslo.cache", "oslo.privsep", "oslo.versionedobjects"),
        privsep=(
            "privsep_conntrack",
            "privsep_dhcp_release",
            "privsep_link",
            "privsep_namespace",
            "privsep_ovs_vsctl",
        ),
    ),
    "neutron-ovs-agent": Program((*_AGENT, "neutron.ml2.ovs.agent"), also=("neutron",)),
    # Their interface driver registers the switch agent's groups, too (neutron/agent/linux/interface.py).
    "neutron-l3-agent": Program((*_AGENT, "neutron.l3.agent"), also=("neutron-ovs-agent",)),
    "neutron-dhcp-agent": Program((*_AGENT, "neutron.dhcp.agent"), also=("neutron-ovs-agent",)),
    "neutron-metadata-agent": Program((*_AGENT, "neutron.metadata.agent"), also=("neutron",)),
    "designate": Program((*_BASE, *_API, *_SERVICE, "designate.conf", "oslo.versionedobjects")),
    "octavia": Program((*_BASE, *_API, "octavia", "keystonemiddleware.audit", "cotyledon", "castellan.config")),
}
