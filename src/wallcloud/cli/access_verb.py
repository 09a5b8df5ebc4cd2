"""`wallcloud access`: clouds.yaml for OpenStack's own clients, for a tenant or for the admin."""

from __future__ import annotations

import json
import os
from contextlib import suppress
from pathlib import Path

import click

from wallcloud.catalog.identity import ADMIN, ADMIN_PASSWORD, ADMIN_PROJECT, member_password
from wallcloud.catalog.place import internal_name
from wallcloud.cli.face import WrongUse, faced, known, load_site, site_option
from wallcloud.deploy import rotation
from wallcloud.deploy.prepare import state_of
from wallcloud.errors import WallcloudError
from wallcloud.site.load import Loaded
from wallcloud.site.model import Role

_STDOUT = "-"


@click.command()
@site_option
@click.option("--project", help="For the member of this project; default: the site's first.")
@click.option("--admin", is_flag=True, help="For the administrator, at the management door.")
@click.option(
    "--output",
    default="clouds.yaml",
    show_default=True,
    help="File to write, mode 0600; - prints it, password and all.",
)
@click.option("--force", is_flag=True, help="Overwrite the file if there is one.")
@faced
def access(site_file: Path, project: str | None, admin: bool, output: str, force: bool) -> None:
    """Write clouds.yaml: how OpenStack's own clients reach the cloud.

    It holds a password. Tenants use the public door, the administrator the management door, which answers in admin
    prefixes only; in a site without a public door everybody uses that one. Then:
    OS_CLIENT_CONFIG_FILE=clouds.yaml openstack --os-cloud NAME server list
    """
    if admin and project:
        raise WrongUse("--admin and --project are two people", hint="give one of them")
    loaded = load_site(site_file)
    name, text = _clouds(loaded, project, admin)
    if not admin and not loaded.site.nodes_with(Role.API):
        prefixes = ", ".join(map(str, loaded.site.admin_prefixes))
        click.echo(f"the site has no public door: this works in admin prefixes only ({prefixes})", err=True)
    if output == _STDOUT:
        click.echo("what follows holds a password", err=True)
        click.echo(text, nl=False)
        return
    _write(Path(output), text, force)
    click.echo(
        f"{output} is written, with a password in it. "
        f"Next: OS_CLIENT_CONFIG_FILE={output} openstack --os-cloud {name} server list"
    )


def _clouds(loaded: Loaded, project: str | None, admin: bool) -> tuple[str, str]:
    """The cloud's name in the file, and the file. Raises WallcloudError where there is no such user or no cloud."""
    site, state = loaded.site, state_of(loaded)
    if admin:
        user, project, secret = ADMIN, ADMIN_PROJECT, ADMIN_PASSWORD
    else:
        if project is None:
            project = next(iter(site.projects), None)
            if project is None:
                raise WrongUse("the site has no project", where=str(loaded.path), hint="--admin, or add to projects:")
        known(site.projects, [project], "project", loaded.path)
        user = site.projects[project].user
        secret = member_password(project, user)
    if not state.ca_certificate.exists():
        raise WallcloudError("there is no cloud of this site yet", where=str(loaded.path), hint="run: wallcloud apply")
    # A user that the site names and no apply has made yet has no password that would be right.
    password = state.secret_kept(rotation.load(state).used(secret).name)
    if password is None:
        raise WallcloudError(
            f"there is no {user} in the cloud yet", where=str(loaded.path), hint="run: wallcloud apply"
        )
    public = not admin and bool(site.nodes_with(Role.API))
    door = site.domain if public else internal_name(site, site.nodes_with(Role.CONTROL)[0])
    entry = {
        "region_name": site.region,
        "interface": "public" if public else "admin" if admin else "internal",
        "identity_api_version": "3",
        "cacert": str(state.ca_certificate.resolve()),
    }
    auth = {
        "auth_url": f"https://{door}/identity/v3",
        "username": user,
        "password": password,
        "project_name": project,
        "user_domain_id": "default",
        "project_domain_id": "default",
    }
    name = f"{site.name}-{project}"
    return name, _yaml(name, entry, auth)


def _yaml(name: str, entry: dict[str, str], auth: dict[str, str]) -> str:
    """JSON's texts are YAML's: nothing in a value can be more than a text."""
    lines = [
        "# Made by wallcloud access. It holds a password: keep it to yourself.",
        "clouds:",
        f"  {json.dumps(name)}:",
    ]
    lines += [f"    {key}: {json.dumps(value)}" for key, value in entry.items()]
    lines += ["    auth:", *(f"      {key}: {json.dumps(value)}" for key, value in auth.items())]
    return "\n".join(lines) + "\n"


def _write(path: Path, text: str, force: bool) -> None:
    """Whole or not at all, and never readable by others. Raises WallcloudError where it cannot be."""
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        if path.exists() and not force:
            raise WallcloudError(
                f"{path} exists already", where=str(path), hint="--output names another file, --force overwrites it"
            )
        descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
        beside.rename(path)
    except OSError as error:
        with suppress(OSError):
            beside.unlink()
        raise WallcloudError(
            f"cannot write {path}: {error.strerror}", where=str(path), hint="--output names another file"
        ) from error
