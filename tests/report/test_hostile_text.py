"""Whatever a stranger can write into a sweep is shown as text and does nothing, with the page's policy on and without it.

One sweep holds every payload in every place: questions, answers, groups, names of evals and of files, columns, the data
card, messages, fields of the spec, versions, a certificate, the folder's own name and the title. It is rendered once.
"""

import json
import re

import nbformat
import pytest
from playwright.sync_api import expect

from tests.compare.planted import calibrated, certified, plant
from tests.report.payloads import BROKEN, LONG, PAYLOADS
from workbench.compare.signs import written_out
from workbench.events import Failed, Warned
from workbench.report import render
from workbench.report.exporter import page_of
from workbench.runs.store import SweepStore
from workbench.scores.scoring import score
from workbench.scores.task import Row

pytestmark = pytest.mark.browser

EVAL = "choices:<img src=x onerror=pwned()> {{7*7}} %{x} \u202eabc <b>q"
FOLDER = "<svg onload=pwned()> & 'x' \"y\" \u202eevil"
TITLE = "</title><script>pwned()</script> <b>Title</b> \u202eabc"
SLOTS = ("base", "r2", "r8")

TAGS = {
    *("html", "head", "meta", "title", "style", "body", "script", "main", "nav", "section", "header", "footer"),
    *("h1", "h2", "h3", "h4", "p", "ul", "ol", "li", "dl", "dt", "dd", "div", "span", "small", "strong", "em", "a"),
    *("button", "details", "summary", "figure", "figcaption", "pre", "code", "ins", "del"),
    *("table", "thead", "tbody", "tr", "th", "td"),
}  # fmt: skip
"""The elements a report is made of; none of them comes from a payload."""

CENSUS = """
() => [...document.querySelectorAll('*')].filter((node) => !node.closest('svg')).map((node) => [
    node.localName, node.getAttributeNames().map((name) => [name, node.getAttribute(name)]),
    Boolean(node.closest('.plot'))])
"""
IN_FIGURES = """
() => [...document.querySelectorAll('main svg')].flatMap((svg) => [...svg.querySelectorAll('*')])
    .filter((node) => ['a', 'image', 'script', 'foreignObject', 'style', 'iframe', 'animate', 'set'].includes(node.localName)
        || node.getAttributeNames().some((name) => name.startsWith('on') || /javascript:/i.test(node.getAttribute(name))))
    .map((node) => node.outerHTML.slice(0, 200))
"""
WATCH = """
window.pwned = 0; window.calls = [];
Object.defineProperty(window, 'pwned', { get: () => (...given) => { window.calls.push('called'); },
    set: (value) => { window.calls.push('set'); } });
document.addEventListener('securitypolicyviolation', (event) => window.calls.push('blocked ' + event.blockedURI));
"""


def planted(root):
    """A sweep of two trials with a payload wherever text can stand."""
    path = plant(
        root,
        right={2: 0.6, 8: 0.9},
        n=60,
        evals=("recall", "paraphrase", "facts", "latency", "choices:x"),
        steps=20,
        name="hostile",
    )
    fields = SweepStore.open(path).spec.model_dump(mode="json", exclude_unset=True)
    fields["evals"] = [*fields["evals"][:-1], EVAL]
    fields["model"] = {"id": PAYLOADS[14], "revision": PAYLOADS[0]}
    fields["data"] = {
        "id": PAYLOADS[80],
        "license": PAYLOADS[30],
        "columns": {"prompt": PAYLOADS[1], "completion": PAYLOADS[140]},
        "id2label": {str(number): text for number, text in enumerate(PAYLOADS)},
    }
    path.joinpath("spec.yaml").write_text(json.dumps(fields), encoding="utf-8")
    store = SweepStore.open(path)
    for slot in SLOTS:
        for old in (store.path / slot).glob("s*/choices-x.*"):
            old.unlink()
        for eval in ("paraphrase", EVAL):
            rows = [_row(eval, slot, place) for place in range(2 * len(PAYLOADS))]
            store.write_rows(eval, rows)
            store.write_score(score(eval, slot, rows))
    store.write_score(
        score("recall", "r2", []).model_copy(update={"method": PAYLOADS[60], "unit": PAYLOADS[20]})
    )
    for text in (*PAYLOADS[:36], LONG):
        store.append(Warned(code="hostile", message=text))
    store.append(Failed(trial="r2", step=7, kind=PAYLOADS[5], message=" ".join(PAYLOADS[-21:-6])))
    _write_records(store)
    found = certified(
        calibrated(EVAL, off=0.1),
        calibrated("recall", off=0.1, asked=PAYLOADS[90]),
        left_out={"paraphrase": PAYLOADS[70], "facts": PAYLOADS[142]},
    )
    found.save(path / "calibration.json")
    return path.rename(path.with_name(FOLDER))


def _row(eval, slot, place):
    """Item by item: both wrong, the trial right, the base right; a few payloads in each of its texts."""
    hits = {"base": (place // 8) % 3 == 2, "r2": place % 2 == 0, "r8": (place // 8) % 3 == 1}
    texts = ["\n".join(PAYLOADS[4 * (place % 20) + role :: 80]) for role in range(4)]
    long = {0: ("base", LONG), 1: ("r8", LONG)}.get(place, ("", ""))
    return Row(
        sample=f"{place} {PAYLOADS[place % len(PAYLOADS)]}",
        slot=slot,
        cluster=PAYLOADS[place % len(PAYLOADS)],
        group=PAYLOADS[place % len(PAYLOADS)] if place else LONG,
        kind=PAYLOADS[3] if eval == EVAL else "",
        prompt=texts[0] if place != 2 else LONG,
        expected=texts[1],
        answer=long[1] if long[0] == slot else texts[2 + (slot == "r8")],
        value=float(hits[slot]),
        outcome="correct" if hits[slot] else "wrong",
    )


def _write_records(store):
    nested = PAYLOADS[2]
    for _ in range(200):
        nested = [nested]
    card = {
        "source": PAYLOADS[10],
        "license": PAYLOADS[11],
        "rows": 10,
        "train_rows": PAYLOADS[12],
        "duplicates": 0,
        "held_out_leaks": 0,
        "columns": list(PAYLOADS),
        "notes": [*PAYLOADS, LONG, BROKEN],
        "sha256": PAYLOADS[13],
        PAYLOADS[15]: PAYLOADS[16],
        "nested": nested,
        BROKEN: BROKEN,
    }
    leaks = {PAYLOADS[17]: 3, EVAL: 2}
    store.write_json("data-card.json", {"sets": [card], "eval_leaks": leaks})
    versions = {text: text for text in PAYLOADS[:20]} | {"torch": LONG, BROKEN: BROKEN}
    known = {"workbench": PAYLOADS[18], "python": PAYLOADS[19], "versions": versions}
    store.write_json("provenance.json", known | {"device": LONG, "cpu": {"model": PAYLOADS[21]}})


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    folder = tmp_path_factory.mktemp("hostile")
    page = render(planted(folder / "runs"), folder / "reports" / "hostile.html", title=TITLE)
    html = page.read_text(encoding="utf-8")
    bare = re.sub(r'<meta http-equiv="Content-Security-Policy"[^>]*>', "", html, count=1)
    assert bare != html
    page.with_name("bare.html").write_text(bare, encoding="utf-8")
    kept = nbformat.read(page.with_suffix(".ipynb"), as_version=4)
    still = page_of(kept, is_static=True)
    page.with_name("still.html").write_text(still, encoding="utf-8")
    return page


@pytest.fixture(
    scope="module",
    params=["hostile.html", "bare.html", "still.html"],
    ids=["policy", "no policy", "drawn without a script"],
)
def opened(report, chromium, request):
    """The page, with its policy or without one, and all that happened on it."""
    context = chromium.new_context(offline=True, viewport={"width": 1280, "height": 900})
    page, heard = context.new_page(), []
    page.add_init_script(WATCH)
    page.on("request", lambda asked: heard.append(f"request {asked.url[:200]}"))
    page.on("console", lambda message: heard.append(f"console {message.text[:400]}"))
    page.on("pageerror", lambda error: heard.append(f"error {error}"))
    page.on("dialog", lambda dialog: (heard.append("dialog"), dialog.dismiss()))
    page.on("frameattached", lambda frame: heard.append("frame"))
    address = report.with_name(request.param).as_uri()
    page.goto(address)
    page.locator("figure svg").first.wait_for(state="attached")
    page.wait_for_function(
        "() => [...document.querySelectorAll('.plot')].every((plot) => plot.querySelector('.main-svg'))"
    )
    yield page, heard, address
    context.close()


def test_nothing_runs_and_nothing_is_asked_for(opened):
    page, heard, address = opened
    for plot in page.locator(".plot").all():
        plot.scroll_into_view_if_needed()
        box = plot.bounding_box()
        for share in (0.2, 0.5, 0.8):
            page.mouse.move(box["x"] + box["width"] * share, box["y"] + box["height"] / 2)
    page.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
    assert page.evaluate("window.calls") == []
    assert heard == [f"request {address}"]


def test_every_element_is_one_of_ours(opened):
    page, _, _ = opened
    for tag, attributes, is_in_figure in page.evaluate(CENSUS):
        assert tag in TAGS, (tag, attributes)
        for name, value in attributes:
            assert not name.startswith("on"), (tag, name)
            assert name not in ("src", "srcdoc", "action", "formaction", "srcset", "poster", "data")
            if name == "href":
                assert value.startswith("#"), value
            if name == "style" and not is_in_figure:
                assert tag == "div", (tag, value)
    assert page.locator("h1").count() == page.locator("main").count() == 1


def test_names_in_figures_are_text(opened):
    page, _, _ = opened
    assert page.evaluate(IN_FIGURES) == []
    said = page.locator("main figure svg text").all_text_contents()
    assert any("img src=x onerror=pwned()" in text for text in said)
    assert not any(re.search(SILENT, text) for text in said)


def test_what_is_said_over_a_point_is_text_too(opened):
    page, _, _ = opened
    if page.url.partition("#")[0].endswith("still.html"):
        # Over a drawing nothing is said, and no data lies beside it.
        assert page.locator(".plot, script[type='application/json']").count() == 0
        return
    shown = page.evaluate(
        "() => Promise.all([...document.querySelectorAll('.plot')].map(async (plot) => {"
        " plot._fullLayout.hovermode = 'closest';"
        " const many = plot.data.map((trace, number) => ({ curveNumber: number, pointNumber: 0 }))"
        "   .filter((one) => plot.data[one.curveNumber].hoverinfo !== 'skip');"
        " Plotly.Fx.hover(plot, many.slice(0, 1));"
        " return [...plot.querySelectorAll('.hoverlayer *')].map((node) => node.localName); }))"
    )
    assert sum("text" in names for names in shown) > 3
    assert not any({"a", "image", "foreignObject"} & set(names) for names in shown)
    assert page.evaluate("window.calls") == []


SILENT = "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u2028\u2029\u202a-\u202e\u2060-\u2069\ufeff\ud800-\udfff]"
"""Signs that are not seen, or turn what stands around them; in the page they are written out."""


def test_every_payload_is_shown_as_it_was_written(opened):
    page, _, _ = opened
    page.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
    text = page.locator("main").text_content()
    assert not re.search(SILENT, text)
    flat = re.sub(r"\s+", " ", text)
    for payload in PAYLOADS:
        shown = re.sub(r"\s+", " ", written_out(payload)).strip()
        assert shown[:1500] in flat, shown[:200]
    assert "\\u202egnp.exe\\u202c" in flat
    assert "bell\\u0007" in flat
    assert "half a sign \\ud800" in flat
    assert "more characters" in flat
    assert len(text) < 1_000_000


@pytest.mark.parametrize("width", [1280, 390])
def test_the_page_stays_usable(opened, width):
    page, _, _ = opened
    page.set_viewport_size({"width": width, "height": 844})
    page.wait_for_function(
        "(width) => [...document.querySelectorAll('.plot .main-svg')].every((one) => one.clientWidth < width)",
        arg=width,
    )
    beyond = page.evaluate(
        "() => [...document.querySelectorAll('main *')].filter((node) => !node.closest('.wb-scroll, pre, svg, .plot')"
        " && node.getBoundingClientRect().right > innerWidth + 1)"
        ".map((node) => node.localName + ' ' + node.className + ' ' + node.textContent.slice(0, 80))"
    )
    assert beyond == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.locator("nav.contents details").evaluate("(node) => { node.open = true; }")
    page.get_by_role("link", name="How to reproduce").click()
    expect(page.get_by_role("heading", name="How to reproduce")).to_be_in_viewport()
