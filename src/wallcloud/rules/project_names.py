"""First projects and users do not take the names of the cloud's own."""

from collections.abc import Iterator

from wallcloud.rules._frame import Rule, Violation
from wallcloud.site.addresses import AddressPlan
from wallcloud.site.model import Site

PROJECTS = {"admin", "service"}
USERS = {"admin", "keystone", "glance", "placement", "nova", "neutron", "designate", "octavia", "horizon"}


def _check(site: Site, plan: AddressPlan) -> Iterator[Violation]:
    projects: dict[str, str] = {}
    members: dict[str, str] = {}
    # Keystone compares names without regard to case.
    for name, project in site.projects.items():
        other, first = projects.setdefault(name.lower(), name), members.setdefault(project.user.lower(), name)
        if other != name:
            yield Violation(("projects", name), f'the projects "{other}" and "{name}" are one to Keystone')
        if first != name:
            text = f'project "{name}": the user "{project.user}" is the member of project "{first}" already'
            yield Violation(("projects", name, "user"), text)
        if name.lower() in PROJECTS:
            yield Violation(("projects", name), f'the project "{name}" is one of the cloud\'s own')
        if project.user.lower() in USERS:
            text = f'project "{name}": the user "{project.user}" is one of the cloud\'s own accounts'
            yield Violation(("projects", name, "user"), text)


RULE = Rule(
    id="project-names",
    forbids="projects and users with names of the cloud's own projects and service accounts, or of one another",
    why="a tenant would become a member of the admin project, share a service's account, or have two passwords",
    mend="choose another name",
    check=_check,
)
