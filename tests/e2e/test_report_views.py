# SPDX-License-Identifier: BSD-3-Clause
"""ringside report in a browser, opened as a file: each view, its filter and its keys.

Skipped where there is no browser: ci/bootstrap browser.

clause-ids: made up
"""
import browser
import pytest
import report_samples as samples

pytestmark = pytest.mark.skipif(not browser.program(), reason="chromium is not installed: ci/bootstrap browser")

VIEWS = ("summary", "gate", "verdicts", "clauses", "checks", "compare", "latency", "stages", "exact", "traces",
         "history", "proof", "runs")
SHOWN = "[...document.querySelectorAll('{}')].filter((e) => e.offsetParent).length"


@pytest.fixture(scope="module")
def chromium(tmp_path_factory):
    with browser.Browser(tmp_path_factory.mktemp("profile")) as b:
        yield b


@pytest.fixture(scope="module")
def report(ringside, tmp_path_factory):
    """The page of something of each kind."""
    folder = tmp_path_factory.mktemp("report")
    ringside("report", *samples.write(folder, {**samples.samples(), "ways.json": samples.ways()}), "-o",
             folder / "out")
    return folder / "out/index.html"


@pytest.fixture
def page(chromium, report):
    return chromium.page(report)


def shown(page, selector):
    return page.ask(SHOWN.format(selector))


def focused(page):
    """The text of what has the focus."""
    return page.ask("document.activeElement.textContent.trim()")


@pytest.mark.parametrize("view", VIEWS)
def test_each_view(page, view):
    """There, filled and reached by its link with keys alone; nothing is fetched, and nothing complains."""
    page.focus(f'nav a[href="#{view}"]')
    page.key("Enter")
    page.until(f"location.hash === '#{view}'")
    page.until(f"document.getElementById('{view}').getBoundingClientRect().top < innerHeight")
    box = page.ask(f"(r => [r.width, r.height])(document.getElementById('{view}').getBoundingClientRect())")
    assert box[0] > 300 and box[1] > 60
    assert page.asked_for and all(url.startswith("file:") for url in page.asked_for)
    assert page.complaints == []


@pytest.mark.parametrize("width", [320, 390, 768, 1280])
def test_no_view_scrolls_the_page_sideways(chromium, report, width):
    page = chromium.page(report, width=width)
    # What stands out, but for what scrolls in a box of its own.
    assert page.ask("""[...document.querySelectorAll('main *')].filter((e) => e.getBoundingClientRect().right > innerWidth &&
        !e.closest('.scroll, .matrix-box, pre, svg')).map((e) => e.outerHTML.slice(0, 200))""") == []
    assert page.ask("document.documentElement.scrollWidth") <= width


def test_without_the_script_all_is_there(chromium, report):
    page = chromium.page(report, script=False)
    assert shown(page, "#verdicts tr.row") == len(samples.CHECKS)
    assert shown(page, "#clauses tr.row") == len({c for cs in samples.CHECKS.values() for c in cs})
    assert shown(page, "#history figure.line") == 3
    assert shown(page, "form") == 0


def test_matrix(page):
    total = len(samples.CHECKS)
    assert page.ask("document.getElementById('filter-count').textContent") == f"{total} of {total} checks"
    page.ask("document.getElementById('verdicts').scrollIntoView()")
    page.key("/")
    assert page.ask("document.activeElement.id") == "filter-text"
    page.type("split.")
    assert shown(page, "#verdicts tr.row") == sum(n.startswith("split.") for n in samples.CHECKS)
    page.focus("#filter [name=verdict][value=hazard]")
    page.key(" ")
    assert shown(page, "#verdicts tr.row") == 1
    assert page.ask("document.getElementById('filter-count').textContent") == f"1 of {total} checks"
    page.focus("#filter button[type=reset]")
    page.key("Enter")
    page.until(f"{SHOWN.format('#verdicts tr.row')} === {total}")


def test_keys_go_from_cell_to_check_and_back(page):
    page.focus("#verdicts tr.row td.v a")
    first = page.ask("document.activeElement.closest('tr').dataset.text")
    page.key("ArrowRight")
    page.key("ArrowDown")
    there = page.ask("document.activeElement.closest('tr').dataset.text")
    assert there != first and page.ask("document.activeElement.closest('td').dataset.target") == "1"
    page.key("Enter")
    page.until("document.documentElement.classList.contains('routed')")
    assert shown(page, ".check") == 1
    assert there.split()[0] in page.ask("document.querySelector('.check.current').textContent")
    page.key("Escape")
    page.until("!document.documentElement.classList.contains('routed')")
    page.until("document.activeElement.closest('#verdicts tr.row') !== null")
    assert page.ask("document.activeElement.closest('tr').dataset.text") == there


def test_a_link_leads_where_it_says_from_a_check_too(page):
    page.focus("#verdicts tr.row td.v a")
    page.key("Enter")
    page.until("document.documentElement.classList.contains('routed')")
    page.focus('nav a[href="#latency"]')
    page.key("Enter")
    page.until("location.hash === '#latency' && !document.documentElement.classList.contains('routed')")
    assert page.ask("document.activeElement.closest('.matrix') === null")
    assert page.ask("Math.abs(document.getElementById('latency').getBoundingClientRect().top)") < 200


def test_tab_reaches_the_results(page):
    page.key("Tab")
    assert focused(page) == "Skip to the results"
    page.key("Enter")
    page.until("location.hash === '#main'")


@pytest.mark.parametrize("choice, attribute", [("section", "section"), ("level", "level")])
def test_clauses_by_section_and_level(page, choice, attribute):
    page.focus(f"#clause-filter [name={choice}]")
    page.key("ArrowDown")
    chosen = page.ask(f"document.querySelector('#clause-filter [name={choice}]').value")
    assert chosen
    of_it = page.ask(f"[...document.querySelectorAll('#clauses tr.row')].filter((r) => r.dataset.{attribute} === "
                     f"{chosen!r}).length")
    assert 0 < shown(page, "#clauses tr.row") == of_it < page.ask("document.querySelectorAll('#clauses tr.row').length")


def test_clauses_by_verdict_and_words(page):
    page.focus("#clause-filter [name=verdict][value=fail]")
    page.key(" ")
    assert shown(page, "#clauses tr.row") == 1
    assert "v14.split-ring.used-ring.dev.2" in page.ask(
        "[...document.querySelectorAll('#clauses tr.row')].find((e) => e.offsetParent).textContent")
    # The matrix of checks has a filter of its own.
    assert shown(page, "#verdicts tr.row") == len(samples.CHECKS)
    page.focus("#clause-filter-text")
    page.type("no such clause")
    assert shown(page, "#clauses tr.row") == 0


def test_comparison(page):
    assert shown(page, "#compare .costs tbody tr") == 3
    assert shown(page, "#compare .ways tr.row") == 3
    page.focus("#way-filter [name=hypervisor]")
    page.key("ArrowDown", times=2)
    assert page.ask("document.activeElement.value") == "qemu-tcg"
    assert shown(page, "#compare .ways tr.row") == 2
    page.focus("#way-filter-text")
    page.type("mmio")
    assert shown(page, "#compare .ways tr.row") == 1


def test_stages(page):
    """Two runs are chosen, and what differs between them is a table."""
    assert shown(page, "#stages details.stage-cell") == 9
    rows = "[...document.querySelectorAll('#stages .stage-diff output tr')].map((r) => [...r.cells].map((c) => c.textContent))"
    before = page.ask(rows)
    assert before[0] == ["Stage", "from", "to", "difference"] and before[-1][0] == "all"
    assert {"fetch", "serve", "publish"} <= {row[0] for row in before}
    page.focus("#stages [name=new]")
    page.key("ArrowUp")
    same = page.ask(rows)
    assert [row[1] for row in same] == [row[1] for row in before] != [row[2] for row in before]
    assert [row[2] for row in same[1:]] == [row[1] for row in same[1:]] and {row[3] for row in same[1:]} == {"0 ns"}


def test_history(page):
    assert shown(page, "#history figure.line") == 3
    page.focus("#history-filter [name=metric]")
    page.key("ArrowDown")
    assert page.ask("document.activeElement.value") == "instructions"
    assert shown(page, "#history figure.line") == 1
    # A change leads to its plot.
    assert shown(page, "#history .findings li") == 1


def test_gate(page):
    assert "Failed: 1 new deviation" in page.ask("document.querySelector('#gate .judgement').textContent")
    assert shown(page, "#gate tr.bad") == 1
    assert not page.ask("document.querySelector('#gate tr.bad details').open")
    page.focus("#gate tr.bad summary")
    page.key("Enter")
    page.until("document.querySelector('#gate tr.bad details').open")


def test_plots_have_a_size(page):
    sizes = page.ask("[...document.querySelectorAll('#latency svg.plot, #exact svg.plot, #history svg.plot, #stages > figure svg')]"
                     ".map((s) => s.getBoundingClientRect()).map((r) => Math.min(r.width, r.height))")
    assert len(sizes) > 12 and min(sizes) > 40


def test_colours(page):
    page.focus("#theme")
    page.key("Enter", times=2)
    page.until("document.documentElement.dataset.theme === 'dark'")
    assert page.ask("getComputedStyle(document.body).backgroundColor") == "rgb(17, 20, 22)"
