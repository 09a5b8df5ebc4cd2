"""`wallcloud draw`: a picture of the site, before anything is touched."""

from __future__ import annotations

from pathlib import Path

import click

from wallcloud.cli.face import WrongUse, faced, known, load_site, site_option
from wallcloud.deploy.prepare import known_facts, release_of
from wallcloud.design.compile import compile_site
from wallcloud.draw import Theme, svg


@click.command()
@site_option
@click.option(
    "--output", type=click.Path(path_type=Path, dir_okay=False), help="Write FILE.svg or FILE.png; absent: print SVG."
)
@click.option(
    "--theme",
    type=click.Choice([str(theme) for theme in Theme]),
    default=str(Theme.AUTO),
    show_default=True,
    help="auto follows the reader's system or the page around; a PNG is then light.",
)
@click.option("--flows", is_flag=True, help="Draw what may talk over each network, as arrows by protection.")
@click.option("--node", "nodes", multiple=True, help="Draw only flows that touch this node (may be given again).")
@faced
def draw(site_file: Path, output: Path | None, theme: str, flows: bool, nodes: tuple[str, ...]) -> None:
    """Draw the site: nodes, networks and flows as SVG or PNG."""
    ending = output.suffix.lower() if output else ".svg"
    if ending not in (".svg", ".png"):
        raise WrongUse("a picture is an SVG or a PNG", where=str(output), hint="end its name with .svg or .png")
    loaded = load_site(site_file)
    known(loaded.site.nodes, nodes, "node", site_file)
    design = compile_site(loaded, known_facts(loaded), release_of(loaded))
    chosen = Theme(theme)
    if ending == ".png" and chosen is Theme.AUTO:
        chosen = Theme.LIGHT
    picture = svg(design, theme=chosen, flows=flows or bool(nodes), nodes=nodes)
    if output is None:
        click.echo(picture, nl=False)
        return
    if ending == ".png":
        from wallcloud.draw.png import png  # noqa: PLC0415 - only a PNG needs the renderer

        output.write_bytes(png(picture))
    else:
        output.write_text(picture, encoding="utf-8")
    click.echo(f"{output} is drawn: {len(design.site.nodes)} nodes, {len(design.site.networks)} networks")
