"""The release's environment for tests: its image mounted read-only, as on a node. Needs root."""

import os
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from wallcloud.build import environment
from wallcloud.build.cache import Cache
from wallcloud.build.releases import releases
from wallcloud.progress import Silent


@contextmanager
def mounted() -> Iterator[Path]:
    """Its folder while the block lasts. `WALLCLOUD_ENVIRONMENT` may name another environment."""
    given = os.environ.get("WALLCLOUD_ENVIRONMENT")
    if given:
        yield Path(given)
        return
    artifact = environment.build(Cache(), releases()[-1], Silent())
    with tempfile.TemporaryDirectory(prefix="wallcloud-environment-") as folder:
        subprocess.run(["mount", "-t", "squashfs", "-o", "ro,loop,nodev,nosuid", artifact.path, folder], check=True)
        try:
            yield Path(folder)
        finally:
            subprocess.run(["umount", "--lazy", folder], check=True)
