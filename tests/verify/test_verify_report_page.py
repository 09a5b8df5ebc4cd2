"""The page, large and with hostile texts in it, in headless Chromium."""

import os
import re
import shutil
import subprocess
import time
from collections.abc import Iterator
from html import unescape
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from tests.verify.big import HOSTILE, big

from wallcloud.build.tools import prerequisites
from wallcloud.progress import Silent
from wallcloud.verify import report
from wallcloud.verify.expectation import Part

ABOUT = report.About("article", "2026-11-27 17:00 UTC", ("tenants", HOSTILE))
SVG = '<svg xmlns="http://www.w3.org/2000/svg" width="40" height="20"><script>alert(1)</script></svg>'


@pytest.fixture(scope="module")
def parts() -> tuple[Part, ...]:
    return big()


@pytest.fixture(scope="module")
def page(parts: tuple[Part, ...], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    path = tmp_path_factory.mktemp("page") / "page.html"
    mutations = {"injected": 12, "caught": 11, "missed": [HOSTILE]}
    path.write_text(report.as_html(parts, ABOUT, SVG, mutations), encoding="utf-8")
    yield path


def opened(page: Path, fragment: str = "") -> str:
    """The DOM after the page's script ran; Chromium may look up no host at all."""
    if shutil.which("chromium") is None:
        if os.geteuid() != 0:
            pytest.skip("needs chromium: apt-get install chromium, or run as root")
        prerequisites(("chromium",), Silent())
    argv = ["chromium", "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"]
    argv += ["--disable-background-networking", "--disable-component-update", "--disable-sync"]
    argv += ["--host-resolver-rules=MAP * ~NOTFOUND", f"--user-data-dir={page.parent / 'chromium'}"]
    argv += ["--virtual-time-budget=20000", "--dump-dom", f"{page.as_uri()}{fragment}"]
    return subprocess.run(argv, check=True, capture_output=True, text=True, timeout=120).stdout


def test_size_and_speed(page: Path, parts: tuple[Part, ...]) -> None:
    assert sum(len(part.seen) for part in parts) > 50_000 - 1
    assert page.stat().st_size < 5_000_000
    began = time.monotonic()
    junit = report.as_junit(parts)
    assert len(junit) < 12_000_000
    assert time.monotonic() - began < 20
    assert len(ET.fromstring(junit.encode())[0]) == len(parts[0].seen)


def test_nothing_outside_and_nothing_unescaped(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    assert "onerror=document" not in text.replace("&lt;img src=x onerror=document", "")
    assert not re.search(r"""(?:src|href)=["'](?!#|data:image/svg)""", text)
    assert not re.search(r"https?://|@import|url\(", text)
    assert "unsafe" not in text


def test_all_is_there(page: Path) -> None:
    dom = opened(page)
    assert 'data-ready="yes"' in dom
    assert "50,001 of 50,001 probes" in dom
    assert len(re.findall(r'<button[^>]* class="failed"', dom)) == 20
    assert "The cloud does not hold: 20 of" not in dom, "the hostile socket failed too"
    assert "The cloud does not hold: 21 of 50,001 expectations failed" in dom
    assert "32 −32 ✗1" in dom
    assert len(re.findall('aria-pressed="', dom)) == 60 * 26
    assert len(re.findall('aria-pressed="[^"]*"[^>]*', dom)) and len(re.findall('tabindex="0"', dom)) == 1


def test_a_hostile_text_stays_text(page: Path) -> None:
    dom = opened(page, "#part=sockets&failed=1")
    assert "data-owned" not in dom
    assert "1 of 50,001 probes" in dom
    shown = re.search(r"<code>(&lt;/script&gt;&lt;img.*?)</code>", dom, re.S)
    assert shown
    assert unescape(shown[1]).startswith("</script><img src=x onerror=")
    assert len(re.findall("<img ", dom)) == 1, "the picture alone"


def test_a_cell_and_a_filter(page: Path) -> None:
    dom = opened(page, "#source=node03+as+hostile&target=node03+on+management&failed=1")
    assert "1 of 50,001 probes" in dom
    assert "reach/node03:hostile/node03:management/tcp-3306" in dom
    assert "setpriv --reuid hostile nc" in dom
    assert "SYN-ACK after 0.4 ms" in dom
    assert "25,000 of 50,001" not in dom
    assert "24,960 of 50,001 probes" in opened(page, "#protocol=udp")


def test_what_the_head_says() -> None:
    fine = big()[0]
    held = Part("doors", fine.seen[:5], 1)
    assert "The cloud holds</h1>" in report.as_html([held], report.About("s", "now"))
    assert "as far as it was tried</h1>" in report.as_html([held], report.About("s", "now", ("tenants",)))
    assert "Nothing was tried</h1>" in report.as_html([], report.About("s", "now"))
