"""The page of benchmarks: who measures one part leaves the others alone."""

from bench.page import Row, replaced, rows_table

PAGE = """\
# Benchmarks

An old head.

## One cloud

cloud

## Scale

scale

### A heading below

more
"""


def test_a_part_replaces_itself_alone() -> None:
    page = replaced(PAGE, "One cloud", "new\n")
    assert "## One cloud\n\nnew\n\n## Scale\n\nscale\n\n### A heading below\n\nmore\n" in page
    assert "cloud\n\ncloud" not in page


def test_parts_stand_in_their_order() -> None:
    page = replaced(PAGE, "From nothing", "cold\n")
    assert page.index("## From nothing\n\ncold\n\n## One cloud") < page.index("## Scale")


def test_the_last_part_takes_its_headings_below_with_it() -> None:
    assert "more" not in replaced(PAGE, "Scale", "new")


def test_writing_twice_is_writing_once() -> None:
    once = replaced(PAGE, "Scale", "new")
    assert replaced(once, "Scale", "new") == once
    assert once.startswith("# Benchmarks\n\nWritten by")


def test_table() -> None:
    table = rows_table([Row("plan", "2.05 s", "median of 5")])
    assert table == "| what | value | how |\n|---|---|---|\n| plan | 2.05 s | median of 5 |\n"
