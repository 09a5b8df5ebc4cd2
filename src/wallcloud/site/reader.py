"""YAML to plain data with places. Only what a site needs: mappings with plain keys, lists, scalars, aliases.

Nodes are composed, never constructed: no tag makes an object, and each scalar keeps its text as written.
"""

import codecs
import re
import warnings
from dataclasses import dataclass, field

from ruamel.yaml import YAML
from ruamel.yaml.composer import MaxDepthExceededError
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from wallcloud.site import syntax
from wallcloud.site.fields import bare, short
from wallcloud.site.finding import Finding, Location, Where, dotted
from wallcloud.site.locations import Locations

LONGEST = 4 << 20
"""Bytes of a site file. Ten thousand nodes take some 1.2 MiB."""
MOST = 300_000
"""Values after aliases are followed: a few lines of nested aliases can stand for billions."""
DEEPEST = 32

_TAG = "tag:yaml.org,2002:"
_HALF = re.compile("[\ud800-\udfff]")
_DEEP = f"nested deeper than {DEEPEST} levels: no site is"
_NEW = "`wallcloud new` writes a site to begin with"
_SCALARS = {_TAG + name for name in ("str", "int", "float", "bool", "null", "timestamp", "merge", "value")}


def read(data: bytes, file: str) -> tuple[object, Locations, list[Finding]]:
    """Plain data (dict, tuple, str, int, float, bool, None) or None, its places, and what is wrong with the YAML."""
    walk = _Walk(file)
    text = _text(data, walk)
    if text is None:
        return None, walk.locations(), walk.findings
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # an anchor used twice: the later one counts, as YAML says
            yaml = YAML(typ="rt", pure=True)
            yaml.max_depth = DEEPEST
            root = yaml.compose(text)
    except RecursionError:
        walk.find("yaml", (), _DEEP, _NEW, Location(file, 1, 1))
    except MaxDepthExceededError as error:
        mark = error.problem_mark or error.context_mark
        walk.find("yaml", (), _DEEP, _NEW, Location(file, mark.line + 1, mark.column + 1))
    except MarkedYAMLError as error:
        walk.findings += syntax.explain(text, error, file)
    except (
        YAMLError,
        ValueError,
        TypeError,
        LookupError,
        AttributeError,
        AssertionError,
        NotImplementedError,
    ) as error:
        # The YAML reader stumbles in several ways over text that is not YAML at all.
        reason = str(error).splitlines()[0] if isinstance(error, YAMLError) and str(error) else "not readable as YAML"
        walk.find("yaml", (), f"this is no YAML: {bare(reason)}", _NEW, Location(file, 1, 1))
    else:
        if root is None:
            walk.find("yaml", (), "the file is empty", _NEW, Location(file, 1, 1))
            return None, walk.locations(), walk.findings
        content = walk.plain(root, (), 0)
        if not isinstance(content, dict):
            text = f"a site is a mapping of keys, not {short(content)}"
            walk.find("yaml", (), text, _NEW, walk.place(root))
            content = None
        return content, walk.locations(), walk.findings
    return None, walk.locations(), walk.findings


def _text(data: bytes, walk: "_Walk") -> str | None:
    start = Location(walk.file, 1, 1)
    if len(data) > LONGEST:
        walk.find("yaml", (), f"the file is larger than {LONGEST >> 20} MiB: this is no site", _NEW, start)
        return None
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        walk.find("yaml", (), "the file is UTF-16", "save the file as UTF-8", start)
        return None
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = data[: error.start].decode("utf-8", "replace")
        line, column = before.count("\n") + 1, len(before) - before.rfind("\n")
        hint = "save the file as UTF-8"
        walk.find("yaml", (), f"byte 0x{data[error.start]:02x} is not UTF-8", hint, Location(walk.file, line, column))
        return None
    odd = re.search(r"[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]", text)
    if odd:
        line, column = text.count("\n", 0, odd.start()) + 1, odd.start() - text.rfind("\n", 0, odd.start())
        text = f"the character U+{ord(odd.group()):04X} may not stand in YAML"
        walk.find("yaml", (), text, "remove it", Location(walk.file, line, column))
        return None
    return text


@dataclass
class _Walk:
    file: str
    findings: list[Finding] = field(default_factory=list)
    keys: dict[Where, Location] = field(default_factory=dict)
    values: dict[Where, Location] = field(default_factory=dict)
    texts: dict[Where, str] = field(default_factory=dict)
    count: int = 0
    open: list[int] = field(default_factory=list)

    def locations(self) -> Locations:
        return Locations(self.file, self.keys, self.values, self.texts)

    def place(self, node: Node) -> Location:
        return Location(self.file, node.start_mark.line + 1, node.start_mark.column + 1)

    def find(self, id: str, path: Where, text: str, mend: str, location: Location) -> None:
        self.findings.append(Finding(id, "error", text, mend, path, location))

    def plain(self, node: Node, path: Where, depth: int) -> object:
        self.count += 1
        self.values[path] = self.place(node)
        if isinstance(node, ScalarNode) and node.start_mark.index == node.end_mark.index:
            # A value that is not there has its place where the next thing begins.
            self.values[path] = self.keys.get(path) or self.values.get(path[:-1], self.values[path])
        if id(node) in self.open:
            text = f"{dotted(path)}: the alias stands for something around itself"
            self.find("yaml", path, text, "write out what is meant", self.place(node))
            return None
        if self.count > MOST or depth > DEEPEST + 1:
            if self.count <= MOST + 1:
                self.find("yaml", path, "far more nested values than a site has", _NEW, self.place(node))
                self.count = MOST + 1
            return None
        if isinstance(node, ScalarNode):
            return self.scalar(node, path)
        if str(node.tag) not in (_TAG + "map", _TAG + "seq"):
            self.tag(node, path)
        self.open.append(id(node))
        content: object = None
        if isinstance(node, SequenceNode):
            content = tuple(self.plain(item, (*path, index), depth + 1) for index, item in enumerate(node.value))
        elif isinstance(node, MappingNode):
            content = self.mapping(node, path, depth)
        self.open.pop()
        return content

    def mapping(self, node: MappingNode, path: Where, depth: int) -> dict[str, object]:
        content: dict[str, object] = {}
        for key_node, value_node in node.value:
            place = self.place(key_node)
            if not isinstance(key_node, ScalarNode):
                braces = key_node.start_mark.index == node.start_mark.index + 1
                text = "{{ is no value" if braces else "a key is a plain word, not a list or mapping"
                mend = (
                    "fill in what the template leaves open"
                    if braces
                    else "a value that begins with [ or { needs quotes"
                )
                self.find("key", path, text, mend, place)
                continue
            # A key is its text, whatever it looks like: `1:` and `yes:` are the words "1" and "yes".
            key = self.text(key_node, path)
            here = (*path, key)
            if str(key_node.tag) == _TAG + "merge":
                self.find("key", path, '"<<" (merging mappings) is not part of a site', "write the keys out", place)
            elif key in content:
                first = self.keys[here]
                text = f"{dotted(here)} stands twice; the first is in line {first.line}"
                self.find("duplicate-key", here, text, "keep one of them", place)
            else:
                self.keys[here] = place
                content[key] = self.plain(value_node, here, depth + 1)
        return content

    def text(self, node: ScalarNode, path: Where) -> str:
        """What a scalar says. Its characters may be written in halves, as JSON writes those beyond 16 bits."""
        text = str(node.value)
        if _HALF.search(text) is None:
            return text
        text = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
        if "\ufffd" in text:
            self.find("yaml", path, "half of a character stands here", "write the whole character", self.place(node))
        return text

    def scalar(self, node: ScalarNode, path: Where) -> object:
        text = self.text(node, path)
        self.texts[path] = text
        tag = str(node.tag).removeprefix(_TAG)
        if str(node.tag) not in _SCALARS:
            self.tag(node, path)
        elif tag == "null":
            return None
        elif tag == "bool":
            return text.lower() == "true"
        # 0640, 0x1f or 1_000 stay texts: what they mean as numbers differs between readers.
        elif tag == "int" and re.fullmatch(r"-?(0|[1-9][0-9]{0,18})", text):
            return int(text)
        elif tag == "float" and re.fullmatch(r"-?(0|[1-9][0-9]{0,18})\.[0-9]{1,18}", text):
            return float(text)
        return text

    def tag(self, node: Node, path: Where) -> None:
        text = f"{dotted(path)}: the tag {short(str(node.tag))} has no meaning in a site"
        self.find("yaml", path, text, 'leave it out; a value that begins with "!" needs quotes', self.place(node))
