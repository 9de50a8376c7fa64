"""The page in a real browser: Debian's Chromium, driven by Playwright."""

import re
import shutil

import pytest

from spikewatt.hardware_profiles import load, names
from spikewatt.report.compare import compare
from spikewatt.report.html import write_html

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
WIDTHS = (1200, 700, 360)

if CHROMIUM is None:
    pytest.skip("no chromium on this machine: the page was not looked at", allow_module_level=True)
sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")


@pytest.fixture(scope="module")
def browser():
    with sync_api.sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=CHROMIUM)
        yield opened
        opened.close()


@pytest.fixture(scope="module")
def files(record, graded_record, tmp_path_factory):
    """Pages of one run and of two."""
    folder = tmp_path_factory.mktemp("pages")
    profiles = [load(name) for name in names()]
    write_html(compare([record], profiles), folder / "one.html")
    write_html(compare([record, graded_record], profiles), folder / "two.html")
    return folder


@pytest.fixture
def opened(browser, files):
    """Opens a page; afterwards nothing may have been said, and nothing fetched."""
    said, fetched, contexts = [], [], []

    def look(name="one.html", width=1200, scheme="light"):
        context = browser.new_context(
            viewport={"width": width, "height": 900}, color_scheme=scheme, offline=True
        )
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda message: said.append(message.text))
        page.on("pageerror", lambda error: said.append(str(error)))
        page.on("request", lambda request: fetched.append(request.url))
        page.goto((files / name).as_uri())
        return page

    yield look
    for context in contexts:
        context.close()
    assert said == []
    assert {url.rsplit("/", 1)[1] for url in fetched} <= {"one.html", "two.html"}
    assert all(url.startswith("file:") for url in fetched)


@pytest.mark.parametrize("width", WIDTHS)
def test_figures_are_there_and_nothing_sticks_out(opened, width):
    page = opened(width=width)
    drawn = page.locator("figure svg:visible")
    assert drawn.count() == 3 + 3 + 3  # energies, operations, steps; rasters; histograms
    for box in (drawn.nth(i).bounding_box() for i in range(drawn.count())):
        assert box["width"] > 60
        assert box["height"] >= 10
    assert page.locator(".terms .bar:visible").count() == len(names()) + 2
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_cores_are_drawn_with_their_load(opened, record):
    page = opened()
    maps = page.locator(".cores")
    assert maps.count() == len(record.placements)
    assert page.locator(".cores:visible").count() == 1  # others open on demand
    cores = sum(placed.cores for placed in record.placements.values())
    assert page.locator(".core-map .cells i").count() == cores
    title = page.locator(".core-map .cells i").first.get_attribute("title")
    assert "synaptic events" in title


def test_two_runs_stand_side_by_side(opened):
    page = opened("two.html")
    assert page.locator("table").first.locator("thead th").count() == 3
    page.locator("table a").nth(1).click()
    assert page.url.endswith("#run-2")


def test_every_estimate_opens_to_its_sources(opened):
    page = opened()
    estimates = page.locator("tr.why details")
    assert estimates.count() == 1 + len(names()) + 2
    assert page.locator("td.source:visible").count() == 0
    for i in range(estimates.count()):
        estimates.nth(i).locator("summary").click()
        rows = estimates.nth(i).locator("td.source:visible")
        assert rows.count() >= 1
        assert all(len(text) > 20 for text in rows.all_inner_texts())


def test_paper_shows_everything(opened):
    page = opened(scheme="dark")
    assert _background(page) == (20, 22, 26)
    page.emulate_media(media="print", color_scheme="dark")
    assert min(_background(page)) > 240  # paper is light
    assert page.locator("td.source").first.bounding_box()["height"] > 0


def _background(page):
    text = page.evaluate("getComputedStyle(document.body).backgroundColor")
    return tuple(int(n) for n in re.findall(r"\d+", text)[:3])


# every text against what lies behind it, as WCAG counts contrast
_CONTRASTS = """() => {
  const light = rgb => {
    const c = rgb.map(v => (v /= 255) <= .04045 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4);
    return .2126 * c[0] + .7152 * c[1] + .0722 * c[2];
  };
  const parse = text => text.match(/[\\d.]+/g).map(Number);
  const behind = e => {
    for (; e; e = e.parentElement) {
      const c = parse(getComputedStyle(e).backgroundColor);
      if (c.length < 4 || c[3] > 0) return c.slice(0, 3);
    }
    return [255, 255, 255];
  };
  const contrast = (a, b) => {
    const [x, y] = [light(a), light(b)];
    return (Math.max(x, y) + .05) / (Math.min(x, y) + .05);
  };
  const found = {text: [], marks: []};
  for (const e of document.querySelectorAll("main :not(style)")) {
    const style = getComputedStyle(e);
    const own = [...e.childNodes].some(n => n.nodeType === 3 && n.data.trim());
    if (own) {
      const ink = e.closest("svg") ? style.fill : style.color;
      found.text.push([contrast(parse(ink).slice(0, 3), behind(e)), e.textContent.slice(0, 40)]);
    }
    if (e.matches(".bar i"))
      found.marks.push([contrast(parse(style.backgroundColor), behind(e.parentElement)), "bar"]);
  }
  const page = behind(document.body), root = getComputedStyle(document.documentElement);
  const hex = s => [1, 3, 5].map(i => parseInt(s.trim().slice(i, i + 2), 16));
  for (const name of ["events", "paper", ...Array(8).keys()].map(n => isNaN(n) ? n : `s${n}`))
    found.marks.push([contrast(hex(root.getPropertyValue(`--${name}`)), page), name]);
  return found;
}"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_colours_can_be_told_apart(opened, scheme):
    page = opened(scheme=scheme)
    page.evaluate("document.querySelectorAll('details').forEach(d => d.open = true)")
    found = page.evaluate(_CONTRASTS)
    assert len(found["text"]) > 100
    assert min(found["text"])[0] >= 4.5, min(found["text"])
    assert min(found["marks"])[0] >= 3, min(found["marks"])


def test_names_for_those_who_do_not_see_figures(opened):
    page = opened()
    images = page.locator("svg:visible, [role=img]:visible")
    assert all(images.nth(i).get_attribute("aria-label").strip() for i in range(images.count()))
    headings = page.locator("h1, h2, h3, h4").evaluate_all("all => all.map(h => +h.tagName[1])")
    assert headings[0] == 1
