"""`wallcloud build`: what the nodes will need, prepared on this computer."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path

import click

from wallcloud.build import environment, site_images, whole
from wallcloud.build.cache import Cache
from wallcloud.build.packages import packages_in
from wallcloud.build.releases import releases
from wallcloud.cli.face import err, faced, json_option, load_site, print_json, site_option
from wallcloud.cli.steps import Steps
from wallcloud.frozen import frozen
from wallcloud.progress import Progress


@frozen
class Summary:
    """What was built: digests, sizes in bytes, seconds that it took, and the folder it is in."""

    release: str
    environment: str
    environment_size: int
    environment_on_node: str
    packages: str
    packages_count: int
    packages_size: int
    guest_kernel: str
    guest_ramdisk: str
    guest_size: int
    seconds: float
    cache: str


def prepare(
    cache: Cache, release: str, names: Mapping[str, tuple[str, ...]], progress: Progress, *, refresh: bool
) -> Summary:
    """Builds what is missing for `names` (role -> Debian packages) and says what there is. Raises WallcloudError."""
    started = time.monotonic()
    made = whole.build(cache, release, names, progress, refresh=refresh)
    packages = packages_in(cache.blob(made.packages).read_text())
    return Summary(
        release=release,
        environment=made.environment,
        environment_size=cache.blob(made.environment).stat().st_size,
        environment_on_node=environment.path_on_node(made.environment),
        packages=made.packages,
        packages_count=len(packages),
        packages_size=sum(package.size for package in packages),
        guest_kernel=made.guest.kernel,
        guest_ramdisk=made.guest.ramdisk,
        guest_size=made.guest.kernel_size + made.guest.ramdisk_size,
        seconds=round(time.monotonic() - started, 3),
        cache=str(cache.path),
    )


def told(summary: Summary) -> str:
    """The summary for people."""
    return (
        f"release      {summary.release}\n"
        f"environment  {summary.environment[:16]}  {_mega(summary.environment_size)}, "
        f"on nodes {summary.environment_on_node}\n"
        f"packages     {summary.packages[:16]}  {_mega(summary.packages_size)} in {summary.packages_count} packages\n"
        f"guest image  {summary.guest_ramdisk[:16]}  {_mega(summary.guest_size)}, kernel {summary.guest_kernel[:16]}\n"
        f"in           {summary.cache}\n"
        f"took         {summary.seconds:.1f} s. Next: wallcloud plan"
    )


def _mega(size: int) -> str:
    return f"{size / 1e6:.0f} MB"


@click.command()
@site_option
@click.option(
    "--release", type=click.Choice(releases()), help="OpenStack's release; default: the site's, else the newest."
)
@click.option("--refresh", is_flag=True, help="Ask Debian's repositories anew: newer security updates of packages.")
@json_option
@faced
def build(site_file: Path, release: str | None, refresh: bool, as_json: bool) -> None:
    """Prepare what nodes need: OpenStack's environment, Debian's packages, a base root. Nodes have no internet.

    Everything is kept in the user's cache folder and made once; a second call takes no time.
    """
    # Not at the top: it imports every component, which the other uses of this module do without.
    from wallcloud.design.packages import names_by_role  # noqa: PLC0415

    loaded = load_site(site_file) if site_file.exists() else None
    site = loaded.site if loaded else None
    wanted = release or (site.release if site else releases()[-1])
    with Steps(err()) as steps:
        summary = prepare(Cache(), wanted, names_by_role(site), steps, refresh=refresh)
        if loaded:
            site_images.take(Cache(), loaded.images, steps)
    if as_json:
        print_json(asdict(summary))
    else:
        click.echo(told(summary))
