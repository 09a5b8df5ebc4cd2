"""`wallcloud restore`: a backup becomes the cloud that it was taken from."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import click

from wallcloud.cli.backup_verb import images_text, listing, without_data
from wallcloud.cli.converging import converge
from wallcloud.cli.face import ANSWER_IS_NO, WrongUse, err, faced, load_site, option_site, site_option
from wallcloud.cli.passphrase import key_file_option, passphrase
from wallcloud.cli.steps import Steps
from wallcloud.deploy import seeding
from wallcloud.deploy.backup_archive import SITE, Archive
from wallcloud.deploy.prepare import release_of, state_of
from wallcloud.deploy.restore import check_site, other_state, put_state, served
from wallcloud.deploy.run import Summary
from wallcloud.deploy.state import StateFolder
from wallcloud.design.compile import require
from wallcloud.errors import WallcloudError
from wallcloud.site.load import Loaded, load_text


@click.command()
@click.argument("file", type=click.Path(path_type=Path))
@site_option
@key_file_option
@click.option("--state-only", is_flag=True, help="Only the state folder: the cloud itself is alive.")
@click.option("--lose-state", is_flag=True, help="The CA and the secrets that are in the state folder may be lost.")
@click.option("--lose-databases", is_flag=True, help="What the cloud's databases hold now may be lost.")
@click.option("--without-preflight", is_flag=True, help="Wires that are new to a node are not tried before.")
@click.option("--yes", "-y", is_flag=True, help="Do not ask.")
@faced
def restore(
    file: Path,
    site_file: Path,
    key_file: Path | None,
    state_only: bool,
    lose_state: bool,
    lose_databases: bool,
    without_preflight: bool,
    yes: bool,
) -> None:
    """Make a backup the cloud again, on bare hosts.

    The state folder comes first, then an apply that puts databases, Keystone's keys, images and the computes'
    identities in place before anybody is served. All of the backup is verified before anything is changed. Run it
    again after any interruption: it finishes what is unfinished. A state folder or databases of another moment are
    lost only where an option says so. Where there is no site file, the backup's own is written.
    """
    if state_only and lose_databases:
        raise WrongUse("--state-only and --lose-databases exclude each other")
    with ExitStack() as stack:
        with Steps(err()) as steps:
            archive = stack.enter_context(Archive.open(file, passphrase(key_file, new=False), steps))
        loaded = load_site(site_file) if site_file.exists() else load_text(archive.text(SITE), site_file)
        check_site(loaded, archive)
        require(loaded)
        if not state_only:
            release_of(loaded, needed=True)
        state = state_of(loaded)
        stack.enter_context(state.lock())
        lost = other_state(state, archive)
        if lost and not lose_state:
            raise WallcloudError(
                f"the state folder holds what the backup has otherwise: {', '.join(lost)}",
                where=str(state.path),
                hint="--lose-state puts the backup's in its place: nodes that know the other CA obey nobody then",
            )
        whole = seeding.whole(archive, replaces=lose_databases)
        gone = () if state_only else _looked(loaded, whole, archive, lose_databases=lose_databases)
        click.echo("\n".join((*listing(archive), *_changes(loaded, archive, lost, gone, state_only=state_only))))
        _ask(yes=yes)
        _put(loaded, archive, state, lose_state=lose_state)
        if state_only:
            click.echo(f"{state.path} is restored. Next: wallcloud plan{option_site(site_file)}")
            return
        for each in (whole, seeding.end(archive)):
            summary = converge(
                loaded, tuple(loaded.site.nodes), apply=True, seeding=each, try_wires=not without_preflight
            )
            if not summary.ok:
                click.echo("\n".join(_unfinished(summary, file, option_site(site_file))), err=True)
                raise SystemExit(ANSWER_IS_NO)
        click.echo("\n".join(_done(archive, option_site(site_file))))


def _looked(loaded: Loaded, whole: seeding.Seeding, archive: Archive, *, lose_databases: bool) -> tuple[str, ...]:
    """Looks at all nodes: the databases that will be lost. Raises WallcloudError where one may not be, or cannot be
    looked at."""
    plan = converge(loaded, tuple(loaded.site.nodes), apply=False, seeding=whole)
    away = [outcome for outcome in plan.outcomes if outcome.status in ("lost", "locked")]
    if away:
        raise WallcloudError(
            f"cannot be asked: {', '.join(outcome.node for outcome in away)}; nothing was changed",
            where=str(loaded.path),
            output=tuple(f"{outcome.node}: {outcome.why}" for outcome in away),
            hint="a host that is gone for good leaves the site file first",
        )
    found = served(plan)
    if found and not lose_databases:
        raise WallcloudError(
            f"the cloud has served from its databases: {', '.join(found)}; nothing was changed",
            where=str(archive.path),
            hint="--lose-databases drops them for the backup's; --state-only restores the state folder alone; "
            "where a restore was all but done, wallcloud apply finishes it",
        )
    return found


def _changes(
    loaded: Loaded, archive: Archive, lost: tuple[str, ...], gone: tuple[str, ...], *, state_only: bool
) -> Iterator[str]:
    """What the restore will do."""
    yield ""
    if not loaded.path.exists():
        yield f"writes {loaded.path}, as it was"
    elif loaded.path.read_bytes() != archive.text(SITE):
        yield f"keeps {loaded.path}, which is not the backup's: the present one counts"
    place = f", in the place of {', '.join(lost)}" if lost else ""
    yield f"puts the CA and the secrets into {loaded.state}{place}"
    if state_only:
        return
    yield f"applies the site on {', '.join(loaded.site.nodes)}, with the backup's databases, keys and images"
    if gone:
        yield f"LOSES what these databases hold now: {', '.join(gone)}"


def _ask(*, yes: bool) -> None:
    if yes:
        return
    if not sys.stdin.isatty():
        raise WrongUse("nobody can be asked here whether that is meant", hint="--yes says so")
    click.confirm("Restore?", abort=True, err=True)


def _put(loaded: Loaded, archive: Archive, state: StateFolder, *, lose_state: bool) -> None:
    if not loaded.path.exists():
        loaded.path.write_bytes(archive.text(SITE))
    put_state(state, archive, replaces=lose_state)


def _unfinished(summary: Summary, file: Path, again: str) -> Iterator[str]:
    for outcome in summary.outcomes:
        if outcome.status != "ok":
            yield f"{outcome.node}: {outcome.status}: {outcome.why}".removesuffix(": ")
    yield f"the restore is unfinished. Mend what is named above, then the same again: wallcloud restore {file}{again}"


def _done(archive: Archive, again: str) -> Iterator[str]:
    summary = archive.summary
    yield from without_data(summary)
    lacking = [each for each in summary.images if not each.kept]
    if lacking:
        yield f"  copy such data to {archive.manifest.image_store}/ID on the control node, owned by glance, mode 0640"
    what = f"{archive.manifest.site} as of {archive.manifest.made}"
    yield f"restored: {what}, {images_text(summary)}, {summary.servers} VMs"
    if summary.servers:
        yield "VMs whose disks went with a compute are in state ERROR, with their names, ports and addresses;"
        yield "  those on computes that lived on run on"
    yield f"Next: wallcloud verify{again}"
