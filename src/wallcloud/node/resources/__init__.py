"""All kinds of resources; importing this package fills the registry."""

from wallcloud.node.resources.account import Account, Group
from wallcloud.node.resources.certificate import Certificate
from wallcloud.node.resources.directory import Directory
from wallcloud.node.resources.environment import Environment
from wallcloud.node.resources.exclusive_units import ExclusiveUnits
from wallcloud.node.resources.file import File
from wallcloud.node.resources.identity import IdentityBootstrap, IdentityRole
from wallcloud.node.resources.identity_accounts import IdentityAssignment, IdentityProject, IdentityUser
from wallcloud.node.resources.identity_catalog import ExclusiveIdentityCatalog, IdentityEndpoint, IdentityService
from wallcloud.node.resources.identity_client import IdentityAccess
from wallcloud.node.resources.interface import Interface
from wallcloud.node.resources.link import Link
from wallcloud.node.resources.mariadb import Database, DatabaseAccount, ExclusiveDatabaseAccounts, ExclusiveDatabases
from wallcloud.node.resources.mask import Mask
from wallcloud.node.resources.packages import Packages
from wallcloud.node.resources.rabbitmq import BusAccount, BusVhost, ExclusiveBusAccounts
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
    "Database",
    "DatabaseAccount",
    "Directory",
    "Environment",
    "ExclusiveBusAccounts",
    "ExclusiveDatabaseAccounts",
    "ExclusiveDatabases",
    "ExclusiveIdentityCatalog",
    "ExclusiveUnits",
    "File",
    "Group",
    "IdentityAccess",
    "IdentityAssignment",
    "IdentityBootstrap",
    "IdentityEndpoint",
    "IdentityProject",
    "IdentityRole",
    "IdentityService",
    "IdentityUser",
    "Input",
    "Interface",
    "Link",
    "Mask",
    "Packages",
    "Route",
    "Ruleset",
    "Schema",
    "Sysctl",
    "Task",
    "Unit",
]
