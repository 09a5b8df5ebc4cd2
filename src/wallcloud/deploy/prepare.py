"""What plan and apply need beside the site: the last facts, and what `build` made for the release."""

from __future__ import annotations

from wallcloud.build.cache import Cache
from wallcloud.build.whole import built
from wallcloud.catalog.facts import NodeFacts
from wallcloud.catalog.place import Release
from wallcloud.deploy import rotation
from wallcloud.deploy.state import StateFolder
from wallcloud.design.compile import Design, compile_site
from wallcloud.design.packages import names_by_role
from wallcloud.errors import WallcloudError
from wallcloud.site.load import Loaded

NOT_BUILT = "0" * 64
"""Stands for digests that are not known before `wallcloud build`."""


def state_of(loaded: Loaded) -> StateFolder:
    """The site's state folder."""
    return StateFolder(loaded.state)


def known_facts(loaded: Loaded) -> dict[str, NodeFacts]:
    """What the nodes said last; assumptions for those that were never asked."""
    state = state_of(loaded)
    return {node: facts_of(state, node) for node in loaded.site.nodes}


def facts_of(state: StateFolder, node: str) -> NodeFacts:
    """What a node said last, or the assumption. Raises WallcloudError where what is kept makes no sense."""
    try:
        return NodeFacts.of(state.facts(node))
    except ValueError as error:
        raise WallcloudError(
            f"the facts of {node} are not understood",
            where=str(state.facts_path(node)),
            output=tuple(str(error).splitlines()[:8]),
            hint="delete the file: the next plan asks the node anew",
        ) from error


def known_design(loaded: Loaded) -> Design:
    """The design of the site as it is, with what the nodes said last. Raises WallcloudError."""
    rotated = rotation.load(state_of(loaded))
    return compile_site(loaded, known_facts(loaded), release_of(loaded), rotation=rotated)


def release_of(loaded: Loaded, *, needed: bool = False) -> Release:
    """The release as built. Raises WallcloudError where it is `needed` and was not built."""
    name = loaded.site.release
    found = built(Cache(), name, names_by_role(loaded.site))
    if found is None:
        if needed:
            raise WallcloudError(
                f"release {name} is not built on this computer", where=str(loaded.path), hint="run: wallcloud build"
            )
        return Release(name, NOT_BUILT, NOT_BUILT)
    guest = found.guest
    return Release(name, found.environment, found.packages, guest.kernel, guest.ramdisk, guest.disk)
