"""What is wrong with a file that is no YAML: the words of the YAML reader, and what an operator probably did."""

import re
from collections.abc import Iterator

from ruamel.yaml.error import MarkedYAMLError, StringMark

from wallcloud.site.fields import bare
from wallcloud.site.finding import Finding, Location

MANY = 20
"""Of one mistake, repeated line by line, no more are told."""
_SPACES = "\u00a0\u1680\u2000-\u200b\u202f\u205f\u3000\ufeff"
"""What looks like a space, or like nothing, and is none to YAML."""
_FALSE_SPACE = re.compile(rf"(?:^ *|[:,-] *)([{_SPACES}])")
_TAB = re.compile(r" *\t\s*\S")
_CONFLICT = re.compile(r"(<{7}|>{7}|={7})( |$)")
_NO_SPACE = re.compile(r"\s*(- )?[A-Za-z0-9_-]+:[^\s/]")


def explain(text: str, error: MarkedYAMLError, file: str) -> list[Finding]:
    """Findings for a file that the YAML reader refused, each with its place. One that repeats is told line by line."""
    lines = text.splitlines() or [""]
    mark = error.problem_mark or error.context_mark
    line = min(mark.line, len(lines) - 1) if mark else 0
    found = [*_repeated(lines, line, error.problem or "", file)]
    return found or [_once(lines, error, mark, file)]


def _repeated(lines: list[str], line: int, problem: str, file: str) -> Iterator[Finding]:
    """Mistakes for which YAML's own words lead nobody to their places."""
    conflicts = [number for number, content in enumerate(lines) if _CONFLICT.match(content)]
    if any(lines[number].startswith("<") for number in conflicts):
        for number in conflicts[:MANY]:
            text = "a merge of two versions of this file was not finished here"
            mend = "keep what is right of both, and remove the lines <<<<<<<, ======= and >>>>>>>"
            yield _finding("yaml", text, mend, file, number, 0)
    elif "\\t" in problem:
        for number in [number for number, content in enumerate(lines) if _TAB.match(content)][:MANY]:
            mend = "YAML is indented with spaces: two for each level"
            yield _finding("yaml-tab", "a tab indents this line", mend, file, number, lines[number].index("\t"))
    else:
        odd = [(number, it) for number in range(line + 1) if (it := _FALSE_SPACE.search(lines[number].split(" #")[0]))]
        for number, it in odd[:MANY]:
            text = f"U+{ord(it[1]):04X} looks like a space here, and is none to YAML"
            mend = "write spaces; such characters come with text from web pages and word processors"
            yield _finding("yaml-space", text, mend, file, number, it.start(1))


def _once(lines: list[str], error: MarkedYAMLError, mark: StringMark | None, file: str) -> Finding:
    problem = (error.problem or "not readable").removeprefix("but ")
    if "could not find expected ':'" in problem and error.context_mark:
        # The reader says so where the next key begins.
        mark = error.context_mark
        mend = _unclosed(lines, mark.line) or 'a key is followed by ": "; a comment begins with "#"'
    else:
        mend = _advice(lines, problem, error.context_mark, mark.line if mark else 0)
    # "expected '<document start>'": who wrote no "---" has never heard of documents.
    text = "this line belongs to nothing above" if "document start" in problem else bare(problem)
    return _finding(
        "yaml", f"this is no YAML: {text}", mend, file, mark.line if mark else 0, mark.column if mark else 0
    )


def _finding(id: str, text: str, mend: str, file: str, line: int, column: int) -> Finding:
    return Finding(id, "error", text, mend, (), Location(file, line + 1, column + 1))


def _advice(lines: list[str], problem: str, context: StringMark | None, line: int) -> str:
    opened = f" in line {context.line + 1}" if context else ""
    if "stream end" in problem or "end of stream" in problem:
        return f"something that was opened{opened} ( [ {{ ' or \" ) is not closed"
    if "another document" in problem:
        return 'one file holds one site: leave out the "---"'
    if "undefined alias" in problem:
        return 'a value that begins with "*" needs quotes; an alias needs its anchor (&name) further up'
    if "expected ',' or" in problem:
        return (
            f"between [ ] and {{ }} entries are separated by commas; perhaps the bracket opened{opened} is not closed"
        )
    if problem.endswith(("found '}'", "found ']'", "('}',)", "(']',)")):
        return "a closing bracket too many, or a value that is missing before it"
    if "mapping values are not allowed" in problem:
        return (
            _unclosed(lines, line)
            or _stuck(lines, line)
            or _no_key(lines, line)
            or 'each key begins a line, and a value that holds ": " needs quotes; otherwise look at the indentation'
        )
    if "<block end>" in problem:
        indentation = (
            "look at the indentation of this line and the one above: keys of one mapping stand under each other"
        )
        return _unclosed(lines, line) or _stuck(lines, line) or indentation
    if "<document start>" in problem:
        return _unclosed(lines, line) or "the keys of a site begin where the first one does: look at the indentation"
    if "\\t" in problem:
        return "YAML takes spaces here, and no tab"
    if "cannot start any token" in problem:
        return "a value that begins with this character needs quotes"
    if "block sequence entries are not allowed" in problem:
        return 'each "- " begins a line; a value that holds it needs quotes'
    return "a value with characters that mean something to YAML needs quotes"


def _unclosed(lines: list[str], line: int) -> str:
    """A quote that only the next one closes, lines later: all between is one text."""
    for number, content in enumerate(lines[: line + 1]):
        if content.split(" #")[0].count('"') % 2:
            return f"perhaps the quote in line {number + 1} is not closed"
    return ""


def _stuck(lines: list[str], line: int) -> str:
    """A colon without its space: key and value are one word, which the next line goes on."""
    for number in (line - 1, line):
        if 0 <= number < len(lines) and _NO_SPACE.match(lines[number]):
            return f"a space is missing after the colon in line {number + 1}"
    return ""


def _no_key(lines: list[str], line: int) -> str:
    """A line without a key above one with a key."""
    for number in range(min(line, len(lines)) - 1, -1, -1):
        content = lines[number].strip()
        if content and not content.startswith("#"):
            alone = ":" not in content and content[0] not in "-[]{}"
            return f'line {number + 1} is no "key: value"; a comment begins with "#"' if alone else ""
    return ""
