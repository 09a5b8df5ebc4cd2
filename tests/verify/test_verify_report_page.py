"""The page, large and with hostile texts in it, in headless Chromium."""

import re
import time
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from tests.verify.big import HOSTILE, big
from tests.verify.chromium import Chromium

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


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chromium]:
    chromium = Chromium(tmp_path_factory.mktemp("chromium"))
    yield chromium
    chromium.close()


COUNT = "document.getElementById('count').textContent"
HASHED = "new Promise(done => addEventListener('hashchange', () => done(), {once: true}))"

CONTRASTS = """(() => {
  const parse = (text) => text.match(/[0-9.]+/g).map(Number);
  const light = (rgb) => rgb.slice(0, 3).map((v) => v / 255).map((v) => v <= .04045 ? v / 12.92
    : ((v + .055) / 1.055) ** 2.4)
    .reduce((sum, v, i) => sum + v * [.2126, .7152, .0722][i], 0);
  const ground = (node) => {
    for (; node; node = node.parentElement) {
      const colour = parse(getComputedStyle(node).backgroundColor);
      if (colour.length === 3 || colour[3]) return colour;
    }
  };
  const worst = {};
  for (const node of document.body.querySelectorAll("h1,h2,p," +
    "dt,dd,span,td,th,button,select,input,label,output,small,code")) {
    const [a, b] = [light(parse(getComputedStyle(node).color)), light(ground(node))].sort((x, y) => y - x);
    const name = node.tagName + "." + node.className;
    worst[name] = Math.min(worst[name] ?? 99, (a + .05) / (b + .05));
  }
  return worst;
})()"""


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


def test_all_is_there(page: Path, browser: Chromium) -> None:
    began = time.monotonic()
    browser.open(page.as_uri())
    assert time.monotonic() - began < 20
    assert browser.run(COUNT) == "50,001 of 50,001 probes"
    assert browser.run("document.querySelectorAll('#heat button').length") == 60 * 26
    assert browser.run("document.querySelectorAll('#heat button.failed').length") == 20
    assert browser.run("document.querySelector('#heat button.failed').textContent") == "32 −32 ✗1"
    assert browser.run("document.querySelectorAll('#heat [tabindex=\"0\"]').length") == 1
    label = browser.run("document.querySelector('#heat button.failed').ariaLabel")
    assert label == (
        "node00 as hostile to node03 on management: 32 expectations, 32 negative, 1 failed. "
        "Expected: 32 silent. Seen: 31 silent, 1 open."
    )
    assert browser.run("document.querySelector('h1').textContent").endswith("21 of 50,001 expectations failed")
    assert browser.told == []


def test_a_hostile_text_stays_text(page: Path, browser: Chromium) -> None:
    browser.open(f"{page.as_uri()}#part=sockets&failed=1")
    assert browser.run(COUNT) == "1 of 50,001 probes"
    assert browser.run("document.querySelector('.list code').textContent") == HOSTILE
    assert browser.run("document.body.dataset.owned") is None
    assert browser.run("document.images.length") == 1, "the picture alone"
    assert browser.run("document.images[0].naturalWidth") == 40
    assert browser.told == []


def test_the_policy_refuses_what_would_get_in(page: Path, browser: Chromium) -> None:
    """Even if some text became markup: no handler runs, no style holds, nothing is fetched."""
    browser.open(page.as_uri())
    browser.run(
        """new Promise(done => { addEventListener("securitypolicyviolation", () => done(), {once: true});
        document.body.insertAdjacentHTML("beforeend", "<img src=data:, onerror=document.body.dataset.owned=1>"); })"""
    )
    assert browser.run("document.body.dataset.owned") is None
    assert any("Content Security Policy" in line for line in browser.told)
    browser.told.clear()


def test_keys_and_filters(page: Path, browser: Chromium) -> None:
    browser.open(page.as_uri())
    browser.run("document.querySelector('#heat [tabindex=\"0\"]').focus()")
    browser.press("ArrowRight", 39)
    browser.press("ArrowDown", 40)
    focused = "Object.assign({}, document.activeElement.dataset)"
    assert browser.run(focused) == {"source": "node00 as neutron", "target": "node01 on management"}
    browser.run(f"globalThis.hashed = {HASHED}; 0")
    browser.press("Enter", 13, "\r")
    browser.run("globalThis.hashed")
    assert browser.run(COUNT) == "32 of 50,001 probes"
    assert browser.run("document.activeElement.id") == "probes"
    assert browser.run("document.querySelectorAll('#heat [aria-pressed=true]').length") == 1
    browser.run(f"(() => {{ const p = {HASHED}; document.querySelector('[type=reset]').click(); return p; }})()")
    assert browser.run(COUNT) == "50,001 of 50,001 probes"
    browser.run(
        f"(() => {{ const p = {HASHED}; const f = document.getElementById('f-protocol'); f.value = 'udp'; "
        "f.dispatchEvent(new Event('input', {bubbles: true})); return p; })()"
    )
    assert browser.run(COUNT) == "24,960 of 50,001 probes"
    browser.open(f"{page.as_uri()}#source=node03+as+hostile&target=node03+on+management&failed=1")
    assert browser.run("[...document.querySelectorAll('.list code')].map(one => one.textContent)") == [
        "reach/node03:hostile/node03:management/tcp-3306",
        "wallcloud lab exec node03 -- setpriv --reuid hostile nc -w 2 -zv 198.18.0.14 3306",
    ]


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_contrast(page: Path, browser: Chromium, theme: str) -> None:
    """WCAG 2.2, 1.4.3: at least 4.5 to 1."""
    browser.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": theme}])
    browser.open(page.as_uri())
    dark = browser.run("getComputedStyle(document.body).backgroundColor") == "rgb(13, 17, 23)"
    assert dark == (theme == "dark")
    worst = browser.run(CONTRASTS)
    assert len(worst) > 15
    assert {name: ratio for name, ratio in worst.items() if ratio < 4.5} == {}


def test_what_the_head_says() -> None:
    fine = big()[0]
    held = Part("doors", fine.seen[:5], 1)
    assert "The cloud holds</h1>" in report.as_html([held], report.About("s", "now"))
    assert "as far as it was tried</h1>" in report.as_html([held], report.About("s", "now", ("tenants",)))
    assert "Nothing was tried</h1>" in report.as_html([], report.About("s", "now"))
