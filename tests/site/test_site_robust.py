"""No bytes make the loader fall: every input is a site or findings with a place."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ruamel.yaml import YAML

from wallcloud import rules
from wallcloud.site import reader, template
from wallcloud.site.addresses import plan
from wallcloud.site.finding import SiteError
from wallcloud.site.load import Loaded, load, load_text
from wallcloud.site.model import Site

FILE = Path("site.yaml")
TEXT = "\n".join(line for line in template.text().splitlines() if line and not line.strip().startswith("#")) + "\n"
MANY = settings(max_examples=80, deadline=None, derandomize=True)
SHARP = st.text(alphabet="\t\n\r :-?,[]{}#&*!|>'\"%@`\\~<=.0123456789abxyz/_é\ufeff\x00\x1b\u2028", max_size=200)


def look(data: bytes) -> Loaded | SiteError:
    """Loads, checks and renders, as `check` does."""
    try:
        loaded = load_text(data, FILE)
    except SiteError as error:
        assert error.findings
        for finding in error.findings:
            assert finding.location is not None
            assert finding.location.line >= 1 and finding.location.column >= 1
            assert all(line.isprintable() for line in finding.render().splitlines()), finding
        return error
    for finding in rules.check(loaded.site, loaded.locations):
        assert all(line.isprintable() for line in finding.render().splitlines()), finding
    return loaded


@MANY
@given(st.binary(max_size=300))
def test_random_bytes(data: bytes) -> None:
    look(data)


@MANY
@given(SHARP)
def test_random_text_of_sharp_characters(text: str) -> None:
    look(text.encode())


@MANY
@given(st.lists(st.tuples(st.integers(0, len(TEXT)), st.integers(0, 12), SHARP | st.just("")), min_size=1, max_size=4))
def test_a_valid_site_with_pieces_replaced(edits: list[tuple[int, int, str]]) -> None:
    text = TEXT
    for start, length, piece in edits:
        text = text[:start] + piece[:12] + text[start + length :]
    look(text.encode())


def paths(data: Any, here: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    children = data.items() if isinstance(data, dict) else enumerate(data) if isinstance(data, list) else ()
    return [here, *(path for key, child in children for path in paths(child, (*here, key)))]


DATA = YAML(typ="safe", pure=True).load(TEXT)
PATHS = paths(DATA)[1:]
ODD = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=12)
    | st.sampled_from(
        ["0.0.0.0/0", "198.18.10.0/24", "198.18.10.11", "10.0.0.0/7", "::/0", "fe80::1%eth0", "255.255.255.255/32"]
    ),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=4,
)


def replaced(data: Any, path: tuple[Any, ...], value: Any) -> Any:
    if not path:
        return value
    copy = dict(data) if isinstance(data, dict) else list(data)
    copy[path[0]] = replaced(copy[path[0]], path[1:], value)
    return copy


@MANY
@given(st.sampled_from(PATHS), ODD)
def test_a_valid_site_with_a_value_of_another_type(path: tuple[Any, ...], value: Any) -> None:
    from io import StringIO

    out = StringIO()
    yaml = YAML(typ="safe", pure=True)
    yaml.dump(replaced(DATA, path, value), out)
    look(out.getvalue().encode("utf-8", "surrogatepass"))


NETWORKS = sorted(DATA["networks"])
ADDRESSES = st.sampled_from(
    ["198.18.10.1", "198.18.10.11", "198.18.20.255", "198.18.41.10", "0.0.0.0", "255.255.255.255"]
)


@MANY
@given(
    st.dictionaries(
        st.sampled_from([*NETWORKS, "other"]),
        st.fixed_dictionaries(
            {
                "kind": st.sampled_from(["management", "public", "overlay", "floating", "flat"]),
                "cidr": st.sampled_from(
                    ["198.18.10.0/24", "0.0.0.0/0", "198.18.41.7/32", "198.18.10.0/31", "10.0.0.0/30"]
                ),
            },
            optional={
                "gateway": ADDRESSES,
                "pool": st.sampled_from(["0.0.0.0-255.255.255.255", "198.18.10.11-198.18.10.254"]),
                "vlan": st.integers(1, 4094),
                "cidr6": st.sampled_from(["::/0", "fd00::/64", "fd00::1/128"]),
                "gateway6": st.sampled_from(["::", "fd00::1"]),
            },
        ),
    ),
    st.dictionaries(
        st.sampled_from(["a", "b", "c"]),
        st.fixed_dictionaries(
            {
                "roles": st.lists(st.sampled_from(["control", "api", "network", "compute"]), min_size=1),
                "interfaces": st.dictionaries(st.sampled_from([*NETWORKS, "none"]), st.sampled_from(["eth0", "lo"])),
            },
            optional={"addresses": st.dictionaries(st.sampled_from([*NETWORKS, "none"]), ADDRESSES)},
        ),
    ),
)
def test_rules_and_plan_take_any_site_that_the_model_takes(networks: Any, nodes: Any) -> None:
    site = Site.model_validate({**DATA, "networks": networks, "nodes": nodes})
    addresses = plan(site)
    for (node, network), address in addresses.items():
        assert addresses.address(node, network) == address
        assert addresses.interface(node, network) is not None
    rules.check(site)


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"a: " + b"[" * 5000, "nested deeper than 32"),
        (b"a: " + b"{a: " * 2000 + b"}" * 2000, "nested deeper than 32"),
        (b"a: " + b"[" * 40 + b"]" * 40, "nested deeper than 32"),
        (b"#" * (reader.LONGEST + 1), "larger than 4 MiB"),
        (b"wallcloud: 1\nname: a\x07b\n", "U+0007"),
        (b"%YAML 9.9\n---\na: 1\n", "this is no YAML"),
        (b"a: " + b"9" * 6000 + b"\n", 'has no key "a"'),
        (b'"\\e[31m": 1\n', "\\x1b[31m"),
        (b'name: "\\ud800"\n', "half of a character stands here"),
        (b'"\\udc00": 1\n', "half of a character stands here"),
        ("name: shop\n".encode("utf-16"), "the file is UTF-16"),
        (b"name: shop\n\t\n  x: 1\n", "YAML takes spaces here, and no tab"),
    ],
)
def test_known_traps(data: bytes, says: str) -> None:
    error = look(data)
    assert isinstance(error, SiteError)
    assert says in "\n".join(error.output)


def test_a_character_in_two_halves_is_one_as_in_json() -> None:
    written = '"\\ud83d\\ude00"'
    loaded = look(TEXT.replace("{token: {expiration: 7200}}", f"{{DEFAULT: {{log_date_format: {written}}}}}").encode())
    assert isinstance(loaded, Loaded)
    assert loaded.site.options["keystone"]["DEFAULT"]["log_date_format"] == "\U0001f600"


def test_billions_of_laughs_end_at_once() -> None:
    lines = [b"a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [b"a%d: &a%d [%s]" % (n, n, b", ".join([b"*a%d" % (n - 1)] * 9)) for n in range(1, 12)]
    error = look(b"\n".join(lines))
    assert isinstance(error, SiteError)
    assert "far more nested values" in "\n".join(error.output)


@pytest.mark.parametrize("name", ["absent.yaml", ".", "a\0b", "site.yaml/below"])
def test_files_that_cannot_be_read(tmp_path: Path, name: str) -> None:
    (tmp_path / "site.yaml").write_text("")
    with pytest.raises(SiteError) as caught:
        load(tmp_path / name)
    assert [finding.id for finding in caught.value.findings] == ["unreadable"]
