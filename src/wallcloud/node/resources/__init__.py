"""All kinds of resources; importing this package fills the registry."""

from wallcloud.node.resources.account import Account, Group
from wallcloud.node.resources.certificate import Certificate
from wallcloud.node.resources.cloud_client import CloudAccess
from wallcloud.node.resources.cloud_compute import CloudFlavor, CloudQuota, ExclusiveCloudFlavors
from wallcloud.node.resources.cloud_computes import ExclusiveComputes, KeptComputes
from wallcloud.node.resources.cloud_dhcp import CloudDhcp
from wallcloud.node.resources.cloud_drain import DrainedComputes
from wallcloud.node.resources.cloud_image import CloudImage
from wallcloud.node.resources.cloud_image_exclusive import ExclusiveCloudImages
from wallcloud.node.resources.cloud_network import CloudNetwork, CloudSubnet
from wallcloud.node.resources.cloud_network_exclusive import ExclusiveCloudNetworks
from wallcloud.node.resources.cloud_project_network import CloudOwnLimits, CloudProjectNetwork
from wallcloud.node.resources.cloud_router import CloudRouter, ExclusiveCloudRouters
from wallcloud.node.resources.cloud_rules import CloudDefaultRules, DefaultRule
from wallcloud.node.resources.cloud_subnet_pool import CloudSubnetPool
from wallcloud.node.resources.directory import Directory
from wallcloud.node.resources.environment import Environment
from wallcloud.node.resources.exclusive_units import ExclusiveUnits
from wallcloud.node.resources.file import File
from wallcloud.node.resources.identity import IdentityBootstrap, IdentityRole
from wallcloud.node.resources.identity_accounts import (
    GoneIdentityUsers,
    IdentityAssignment,
    IdentityProject,
    IdentityUser,
)
from wallcloud.node.resources.identity_catalog import ExclusiveIdentityCatalog, IdentityEndpoint, IdentityService
from wallcloud.node.resources.identity_client import IdentityAccess
from wallcloud.node.resources.interface import Interface
from wallcloud.node.resources.interface_sysctls import InterfaceSysctls
from wallcloud.node.resources.key_rotation import KeyRotation
from wallcloud.node.resources.link import Link
from wallcloud.node.resources.mariadb import Database, DatabaseAccount, ExclusiveDatabaseAccounts, ExclusiveDatabases
from wallcloud.node.resources.mask import Mask
from wallcloud.node.resources.nova_cells import NovaCells
from wallcloud.node.resources.nova_host import NovaHost
from wallcloud.node.resources.ovs_bridge import ExclusiveOvsBridges, OvsBridge
from wallcloud.node.resources.ovs_flows import OvsFlows
from wallcloud.node.resources.packages import Packages
from wallcloud.node.resources.quiet_units import QuietUnits
from wallcloud.node.resources.rabbitmq import BusAccount, BusVhost, ExclusiveBusAccounts
from wallcloud.node.resources.restored_databases import NoRestore, RestoredDatabases
from wallcloud.node.resources.restored_images import ImageData, RestoredImages
from wallcloud.node.resources.route import Route
from wallcloud.node.resources.ruleset import Ruleset
from wallcloud.node.resources.schema import Schema
from wallcloud.node.resources.sysctl import Sysctl
from wallcloud.node.resources.task import Task
from wallcloud.node.resources.unit import Input, Unit

__all__ = [
    "Account",
    "BusAccount",
    "BusVhost",
    "Certificate",
    "CloudAccess",
    "CloudDefaultRules",
    "CloudDhcp",
    "CloudFlavor",
    "CloudImage",
    "CloudNetwork",
    "CloudOwnLimits",
    "CloudProjectNetwork",
    "CloudQuota",
    "CloudRouter",
    "CloudSubnet",
    "CloudSubnetPool",
    "Database",
    "DatabaseAccount",
    "DefaultRule",
    "Directory",
    "DrainedComputes",
    "Environment",
    "ExclusiveBusAccounts",
    "ExclusiveCloudFlavors",
    "ExclusiveCloudImages",
    "ExclusiveCloudNetworks",
    "ExclusiveCloudRouters",
    "ExclusiveComputes",
    "ExclusiveDatabaseAccounts",
    "ExclusiveDatabases",
    "ExclusiveIdentityCatalog",
    "ExclusiveOvsBridges",
    "ExclusiveUnits",
    "File",
    "GoneIdentityUsers",
    "Group",
    "IdentityAccess",
    "IdentityAssignment",
    "IdentityBootstrap",
    "IdentityEndpoint",
    "IdentityProject",
    "IdentityRole",
    "IdentityService",
    "IdentityUser",
    "ImageData",
    "Input",
    "Interface",
    "InterfaceSysctls",
    "KeptComputes",
    "KeyRotation",
    "Link",
    "Mask",
    "NoRestore",
    "NovaCells",
    "NovaHost",
    "OvsBridge",
    "OvsFlows",
    "Packages",
    "QuietUnits",
    "RestoredDatabases",
    "RestoredImages",
    "Route",
    "Ruleset",
    "Schema",
    "Sysctl",
    "Task",
    "Unit",
]
