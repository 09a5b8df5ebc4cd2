"""What the wheels bring and no node ever loads. Kept short: each line saves megabytes, or a difference."""

from wallcloud.frozen import frozen

_SITE = "lib/python3.11/site-packages"


@frozen
class Drop:
    """`pattern` as of `Path.glob`, relative to the environment; folders go with all that is in them."""

    pattern: str
    why: str
    keep: tuple[str, ...] = ()


DROPS = (
    Drop(
        f"{_SITE}/*/tests",
        "each package's own tests: a quarter of the environment; nothing but tests and fixtures imports them",
        keep=(f"{_SITE}/octavia/tests", f"{_SITE}/glance_store/tests"),
    ),
    Drop(f"{_SITE}/octavia/tests/unit", "as above; octavia.certificates.manager.noop does import octavia.tests.common"),
    Drop(f"{_SITE}/octavia/tests/functional", "as above"),
    Drop(f"{_SITE}/numpy/*/tests", "as above"),
    Drop(f"{_SITE}/openstack_dashboard/test", "as above (horizon/test is needed: horizon.site_urls imports it)"),
    Drop(f"{_SITE}/**/*.po", "sources of translations: gettext and Django load the compiled .mo beside them"),
    Drop(f"{_SITE}/**/*.c", "C sources beside their compiled modules"),
    Drop(f"{_SITE}/ovs/_json*.so", "built only where a compiler and OVS's headers are: deployers would differ"),
    Drop("bin/activate*", "uv's own helpers for shells; they differ with uv's version"),
    Drop("bin/*.bat", "as above"),
    Drop(f"{_SITE}/_virtualenv.*", "uv's patch for distutils, loaded at every start of Python"),
    Drop("CACHEDIR.TAG", "a mark for backup programs; it would hide the environment from a node's backup"),
    Drop(".gitignore", "uv's"),
    Drop(".lock", "uv's"),
)
