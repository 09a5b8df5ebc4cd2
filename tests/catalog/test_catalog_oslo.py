"""oslo.config files: what oslo.config reads back is what was meant."""

from configparser import RawConfigParser

from hypothesis import given
from hypothesis import strategies as st

from wallcloud.catalog.oslo import Settings, merged, render
from wallcloud.node.secret import Secret, fill, masked


def body(settings: Settings, repeated: frozenset[tuple[str, str]] = frozenset()) -> str:
    text = masked(render(settings, repeated))
    first, _, rest = text.partition("\n")
    assert first == "# Written by Wallcloud; changes made here are taken back by the next apply."
    return rest


def test_values_of_every_type() -> None:
    assert body({"a": {"b": True, "c": False, "d": 1, "e": 1.5, "f": "x", "g": ""}, "h": {}}) == (
        "\n[a]\nb = true\nc = false\nd = 1\ne = 1.5\nf = x\ng = \n\n[h]\n"
    )


def test_dollars_are_doubled_in_lists_too() -> None:
    assert body({"a": {"b": "$x$$", "c": ("$y", "z")}}) == "\n[a]\nb = $$x$$$$\nc = $$y,z\n"


def test_lists_of_numbers_and_truths() -> None:
    assert body({"a": {"b": (1, True, "x"), "c": ()}}) == "\n[a]\nb = 1,true,x\nc = \n"


def test_what_is_written_once_per_value() -> None:
    settings = {"A": {"b": ("x", "y"), "c": ("x", "y")}}
    assert body(settings, frozenset({("a", "b")})) == "\n[A]\nb = x\nb = y\nc = x,y\n"


def test_secrets_stay_holes() -> None:
    text = render({"a": {"b": Secret("one"), "c": 1, "d": Secret("two")}})
    assert isinstance(text, tuple)
    assert text[1::2] == (Secret("one"), Secret("two"))
    assert fill(text, {"one": "1", "two": "$2"}.__getitem__).endswith("\n[a]\nb = 1\nc = 1\nd = $2\n")


def test_a_text_without_secrets_is_a_text() -> None:
    assert isinstance(render({"a": {"b": 1}}), str)


def test_options_are_laid_over() -> None:
    base: Settings = {"a": {"x": 1, "y": 2}, "DEFAULT": {"z": 3}}
    whole = merged(base, {"a": {"y": 5}, "b": {"w": ("p", 6)}, "default": {"z-z": True}})
    assert whole == {"a": {"x": 1, "y": 5}, "DEFAULT": {"z": 3, "z_z": True}, "b": {"w": ("p", 6)}}
    assert base == {"a": {"x": 1, "y": 2}, "DEFAULT": {"z": 3}}


WORD = st.text(st.characters(min_codepoint=33, max_codepoint=126, exclude_characters="$,"), min_size=1)


@given(st.dictionaries(st.from_regex("[a-z_]{1,9}", fullmatch=True), WORD, min_size=1))
def test_a_reader_of_ini_files_gets_the_same(options: dict[str, str]) -> None:
    parser = RawConfigParser(delimiters=("=",), comment_prefixes=("#",), interpolation=None)
    parser.read_string(masked(render({"group": options})))
    assert dict(parser["group"]) == options
