"""`make tables`: the committed tables of a release (options, schema heads), made anew from its own environment."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

from wallcloud.build import environment, heads_generate, options_generate
from wallcloud.build.cache import Cache
from wallcloud.build.tools import prerequisites
from wallcloud.progress import Silent


def main() -> int:
    """`python -m wallcloud.build.tables RELEASE`; the exit status."""
    (release,) = sys.argv[1:]
    prerequisites(("unsquashfs",), Silent())
    artifact = environment.build(Cache(), release, Silent())
    with tempfile.TemporaryDirectory(prefix="wallcloud-tables-") as folder:
        argv = ("unsquashfs", "-quiet", "-no-progress", "-force", "-dest", folder, str(artifact.path))
        subprocess.run(argv, check=True, stdout=subprocess.DEVNULL)
        heads_generate.file_of(release).write_text(heads_generate.generate(Path(folder)), encoding="utf-8")
        return options_generate.main([release, folder])


if __name__ == "__main__":
    sys.exit(main())
