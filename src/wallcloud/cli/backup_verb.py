"""`wallcloud backup`: what cannot be made again, in one encrypted file."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

import click

from wallcloud.cli.face import err, faced, json_option, load_site, option_site, print_json, site_option
from wallcloud.cli.passphrase import key_file_option, passphrase
from wallcloud.cli.steps import Steps
from wallcloud.deploy.backup import default_name, make
from wallcloud.deploy.backup_archive import DATABASES, IMAGES, KEYS, STATE, Archive, ImageRecord, Summary

_SHOWN = 10


@click.command()
@site_option
@click.option(
    "-o", "--output", type=click.Path(path_type=Path), help="The file, 0600.  [default: SITE-TIME.wallcloud-backup]"
)
@key_file_option
@click.option("--without-images", is_flag=True, help="Images' records only, not their data.")
@click.option(
    "--check",
    "checked",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Verify a backup and list what it holds.",
)
@json_option
@faced
def backup(
    site_file: Path,
    output: Path | None,
    key_file: Path | None,
    without_images: bool,
    checked: Path | None,
    as_json: bool,
) -> None:
    """Keep what cannot be made again in one encrypted file.

    That is the CA and the secrets, the databases of one moment, Keystone's keys, images. The cloud serves on
    meanwhile. VMs' disks are not in it: their definitions are. Without images' data a restored VM cannot be built
    again until somebody brings the images back; leave it out where the image store is kept otherwise. Keep the
    passphrase apart from the backup: nobody opens it without.
    """
    console = err()
    if checked is not None:
        with Steps(console) as steps, Archive.open(checked, passphrase(key_file, new=False), steps) as archive:
            if as_json:
                print_json(_json(archive))
            else:
                click.echo("\n".join(listing(archive)))
        return
    loaded = load_site(site_file)
    path = output or default_name(loaded, datetime.now(UTC))
    word = passphrase(key_file, new=True)
    with Steps(console) as steps:
        made = make(loaded, word, path, steps, images=not without_images)
    if as_json:
        print_json({"file": str(path), "size": path.stat().st_size, **asdict(made.manifest), **asdict(made.summary)})
        return
    for line in without_data(made.summary):
        click.echo(line)
    click.echo(
        f"{path}: {path.stat().st_size / 2**20:.1f} MiB, of {len(made.manifest.databases)} databases and"
        f" {images_text(made.summary)}. Keep it elsewhere, and its passphrase somewhere else."
        f" Next: wallcloud backup --check {path}{option_site(site_file)}"
    )


def listing(archive: Archive) -> Iterator[str]:
    """What a backup holds, a line each."""
    manifest, summary = archive.manifest, archive.summary
    rows = {
        "backup": f"{manifest.backup[:8]} of {manifest.site}, made {manifest.made} by {manifest.by}",
        "release": f"{manifest.release}, Wallcloud {manifest.wallcloud}",
        "state folder": ", ".join(archive.under(STATE)),
        "databases": f"{', '.join(manifest.databases)} ({_mib(archive.weight(DATABASES))}, packed)",
        "keys": f"{len(archive.under(KEYS))} of Keystone's",
        "images": f"{images_text(summary)} ({_mib(archive.weight(IMAGES))})",
        "VMs": f"{summary.servers} as they are defined, without their disks",
        "computes": ", ".join(summary.computes) or "none",
    }
    yield from (f"{name:<13} {text}" for name, text in rows.items())
    yield from without_data(summary)


def images_text(summary: Summary) -> str:
    """ "3 images", or how many of them have their data in the backup."""
    kept, all_ = sum(each.kept for each in summary.images), len(summary.images)
    count = f"{all_} image" if all_ == 1 else f"{all_} images"
    return count if kept == all_ else f"{count}, {kept or 'none'} with data"


def without_data(summary: Summary) -> Iterator[str]:
    """The images whose data the backup lacks."""
    lacking: list[ImageRecord] = [each for each in summary.images if not each.kept]
    for each in lacking[:_SHOWN]:
        yield f"without data: image {each.name or 'without a name'} {each.id} ({_mib(each.size)})"
    if len(lacking) > _SHOWN:
        yield f"without data: {len(lacking) - _SHOWN} more images"


def _mib(size: int) -> str:
    return f"{size / 2**20:.1f} MiB"


def _json(archive: Archive) -> dict[str, object]:
    return {
        "file": str(archive.path),
        "size": archive.path.stat().st_size,
        **asdict(archive.manifest),
        **asdict(archive.summary),
        "state": list(archive.under(STATE)),
        "keys": len(archive.under(KEYS)),
    }
