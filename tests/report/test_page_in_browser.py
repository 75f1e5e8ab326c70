"""The report as a reader meets it: opened from disk with no network, in light, in dark, on a phone, on paper."""

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

pytestmark = pytest.mark.browser

SIZES = {
    "light": {"viewport": {"width": 1320, "height": 900}, "color_scheme": "light"},
    "dark": {"viewport": {"width": 1320, "height": 900}, "color_scheme": "dark"},
    "phone": {"viewport": {"width": 390, "height": 844}, "color_scheme": "light"},
}


@pytest.fixture
def opened(rendered, chromium):
    """Opens the report; gives the page and the list of what was asked for and complained of."""
    contexts = []

    def open_page(kind="light", **more):
        context = chromium.new_context(offline=True, **SIZES[kind], **more)
        contexts.append(context)
        page, heard = context.new_page(), []
        page.on("console", lambda message: heard.append(f"console: {message.text}"))
        page.on("pageerror", lambda error: heard.append(f"error: {error}"))
        page.on("request", lambda request: heard.append(request.url))
        page.goto(rendered.page.as_uri())
        page.locator("figure:has(.main-svg)").nth(8).wait_for(state="attached")
        return page, heard

    yield open_page
    for context in contexts:
        context.close()


@pytest.mark.parametrize("kind", SIZES)
def test_it_opens_with_one_request_and_no_complaint(opened, rendered, kind):
    page, heard = opened(kind)
    assert heard == [rendered.page.as_uri()]
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")


@pytest.mark.parametrize("kind", SIZES)
def test_every_figure_is_drawn_and_legible(opened, kind):
    page, _ = opened(kind)
    for plot in page.locator(".plot").all():
        box = plot.locator("svg.main-svg").first.bounding_box()
        assert box["width"] > 250
        assert box["height"] > 100
        assert plot.locator(".scatterlayer path").count() > 0
    paper, ink = page.evaluate(
        "[getComputedStyle(document.body).backgroundColor,"
        " getComputedStyle(document.querySelector('.plot .xtick text')).fill]"
    )
    assert contrast(paper, ink) > 4.5


def test_hostile_text_is_shown_and_does_nothing(opened):
    page, heard = opened()
    assert page.get_by_text("<script>window.pwned=1</script>").count() > 0
    assert page.evaluate("window.pwned") is None
    assert (
        page.evaluate("document.querySelectorAll('img, main svg[onload], [onerror]').length") == 0
    )
    assert page.locator("h1").inner_text() == "Ranks <b>compared</b>"
    assert len(heard) == 1


def test_hostile_text_does_nothing_even_without_the_policy(opened):
    page, _ = opened(bypass_csp=True)
    assert page.evaluate("window.pwned") is None


def test_the_policy_stops_a_script_that_slipped_in(opened):
    page, heard = opened()
    page.evaluate(
        "document.querySelector('main').insertAdjacentHTML('beforeend', '<img src=x onerror=\"window.pwned=1\">')"
    )
    page.evaluate(
        "(() => { const s = document.createElement('script'); s.text = 'window.pwned=1'; document.body.append(s); })()"
    )
    page.wait_for_timeout(300)
    assert page.evaluate("window.pwned") is None
    assert any("Content Security Policy" in line for line in heard)


def test_the_button_switches_light_and_dark(opened):
    page, heard = opened("light")
    ground = "getComputedStyle(document.body).backgroundColor"
    light = page.evaluate(ground)
    page.get_by_role("button", name="Switch between light and dark").click()
    assert page.evaluate(ground) != light
    page.get_by_role("button", name="Switch between light and dark").click()
    assert page.evaluate(ground) == light
    assert len(heard) == 1


def test_the_contents_lead_to_their_sections(opened):
    page, _ = opened()
    for link in page.locator("nav.contents a").all():
        anchor = link.get_attribute("href")
        assert page.locator(anchor).count() == 1, anchor
    page.get_by_role("link", name="How to reproduce").click()
    expect(page.get_by_role("heading", name="How to reproduce")).to_be_in_viewport()
    expect(page.get_by_role("link", name="How to reproduce")).to_have_attribute(
        "aria-current", "location"
    )
    # They stay beside the text on a wide screen.
    expect(page.get_by_role("link", name="Leaderboard")).to_be_in_viewport()


def test_on_a_phone_the_contents_are_folded_and_fold_again_once_chosen_from(opened):
    page, _ = opened("phone")
    link = page.get_by_role("link", name="Leaderboard")
    assert not link.is_visible()
    page.locator("nav.contents summary").click()
    link.click()
    expect(page.get_by_role("heading", name="Leaderboard")).to_be_in_viewport()
    expect(link).to_be_hidden()


def test_the_first_screen_says_which_by_how_much_how_sure_and_what_speaks_against_it(opened):
    page, _ = opened()
    card = page.locator(".verdict")
    for words in ("n\u00a0=\u00a0397", "points", "95 % interval", "Read with care", "One seed"):
        expect(card.get_by_text(words).first).to_be_in_viewport()


@pytest.mark.parametrize("kind", ["light", "dark"])
def test_axe_finds_nothing_serious(opened, kind):
    page, _ = opened(kind)
    page.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
    found = [
        f"{one['id']} ({node['target'][0]}): {one['help']}"
        for one in Axe().run(page).response["violations"]
        if one["impact"] in ("serious", "critical")
        for node in one["nodes"]
    ]
    assert found == []


def test_it_is_read_by_key(opened):
    page, _ = opened()
    assert page.evaluate("document.documentElement.lang") == "en"
    page.keyboard.press("Tab")
    skip = page.get_by_role("link", name="Skip to the report")
    expect(skip).to_be_focused()
    expect(skip).to_be_in_viewport()
    assert skip.evaluate("(node) => getComputedStyle(node).outlineStyle") == "solid"
    page.keyboard.press("Enter")
    assert page.evaluate("location.hash") == "#main"
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.closest('main') !== null")


def test_a_table_that_is_cut_on_a_phone_says_so_and_scrolls_by_key(opened):
    page, _ = opened("phone")
    region = page.get_by_role("group", name="Sorted by paraphrase")
    assert region.evaluate("node => node.scrollWidth > node.clientWidth")
    assert page.get_by_text("Scroll the table sideways").first.is_visible()
    assert "linear-gradient" in region.evaluate("node => getComputedStyle(node).backgroundImage")
    region.focus()
    page.keyboard.press("ArrowRight")
    page.wait_for_function(
        "() => [...document.querySelectorAll('.wb-scroll')].some((n) => n.scrollLeft > 0)"
    )
    wide, _ = opened("light")
    assert not wide.get_by_text("Scroll the table sideways").first.is_visible()


def test_on_paper_everything_folded_is_open_and_figures_fit(opened, tmp_path):
    page, heard = opened("dark")
    page.evaluate(
        "window.addEventListener('beforeprint', () => { window.widest = Math.max("
        "...[...document.querySelectorAll('.plot .main-svg')].map((svg) => svg.clientWidth));"
        " window.shut = document.querySelectorAll('main details:not([open])').length; })"
    )
    page.pdf(path=tmp_path / "report.pdf", format="A4")
    assert page.evaluate("window.shut") == 0
    assert page.evaluate("window.widest") <= 700
    assert (tmp_path / "report.pdf").stat().st_size > 20_000
    assert len(heard) == 1


def test_every_figure_is_seen_on_paper_whatever_the_theme(opened):
    page, heard = opened("dark")
    page.emulate_media(media="print")
    for plot in page.locator(".plot").all():
        box = plot.locator("svg.main-svg").first.bounding_box()
        assert box["width"] > 250
        assert box["height"] > 100
    paper, ink = page.evaluate(
        "[getComputedStyle(document.body).backgroundColor,"
        " getComputedStyle(document.querySelector('.plot .xtick text')).fill]"
    )
    assert luminance(paper) == pytest.approx(1)
    assert contrast(paper, ink) > 4.5
    assert not page.locator("nav.contents").is_visible()
    assert not page.get_by_role("button", name="Switch between light and dark").is_visible()
    assert len(heard) == 1


def test_the_code_is_folded_at_the_end(opened):
    page, _ = opened()
    code = page.locator("main > section").last
    assert code.get_by_role("heading").inner_text() == "Code"
    assert not code.locator("pre").is_visible()
    code.locator("summary").click()
    expect(code.locator("pre")).to_contain_text("sections.verdict_card(report)")


def test_without_scripts_the_words_and_numbers_are_still_there(rendered, chromium):
    context = chromium.new_context(java_script_enabled=False, offline=True)
    page = context.new_page()
    page.goto(rendered.page.as_uri())
    assert page.get_by_text("of unseen phrasings right").first.is_visible()
    page.get_by_text("Numbers of this figure").first.click()
    assert page.locator("figure table").first.is_visible()
    context.close()


def contrast(one: str, other: str) -> float:
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def luminance(colour: str) -> float:
    parts = [int(float(part)) / 255 for part in colour.split("(")[1].rstrip(")").split(",")[:3]]
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return sum(share * part for share, part in zip((0.2126, 0.7152, 0.0722), linear, strict=True))
