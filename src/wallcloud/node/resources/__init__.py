"""All kinds of resources; importing this package fills the registry."""

from wallcloud.node.resources.account import Account, Group
from wallcloud.node.resources.certificate import Certificate
from wallcloud.node.resources.directory import Directory
from wallcloud.node.resources.environment import Environment
from wallcloud.node.resources.exclusive_units import ExclusiveUnits
from wallcloud.node.resources.file import File
from wallcloud.node.resources.interface import Interface
from wallcloud.node.resources.link import Link
from wallcloud.node.resources.mariadb import Database, DatabaseAccount, ExclusiveDatabaseAccounts, ExclusiveDatabases
from wallcloud.node.resources.mask import Mask
from wallcloud.node.resources.packages import Packages
from wallcloud.node.resources.route import Route
from wallcloud.node.resources.ruleset import Ruleset
from wallcloud.node.resources.schema import Schema
from wallcloud.node.resources.sysctl import Sysctl
from wallcloud.node.resources.task import Task
from wallcloud.node.resources.unit import Input, Unit

__all__ = [
    "Account",
    "Certificate",
    "Database",
    "DatabaseAccount",
    "Directory",
    "Environment",
    "ExclusiveDatabaseAccounts",
    "ExclusiveDatabases",
    "ExclusiveUnits",
    "File",
    "Group",
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
