"""First projects and users do not take the names of the cloud's own."""

from collections.abc import Iterator

from wallcloud.rules._frame import Rule, Violation
from wallcloud.site.addresses import AddressPlan
from wallcloud.site.model import Site

PROJECTS = {"admin", "service"}
USERS = {"admin", "keystone", "glance", "placement", "nova", "neutron", "designate", "octavia", "horizon"}


def _check(site: Site, plan: AddressPlan) -> Iterator[Violation]:
    for name, project in site.projects.items():
        # Keystone compares names without regard to case.
        if name.lower() in PROJECTS:
            yield Violation(("projects", name), f'the project "{name}" is one of the cloud\'s own')
        if project.user.lower() in USERS:
            text = f'project "{name}": the user "{project.user}" is one of the cloud\'s own accounts'
            yield Violation(("projects", name, "user"), text)


RULE = Rule(
    id="project-names",
    forbids="projects and users with the names of the cloud's own projects and service accounts",
    why="a tenant would become a member of the admin project, or share a service's account",
    mend="choose another name",
    check=_check,
)
