"""Every number of a page is in the document beside it, as it is shown and as it was worked out; and whoever alters one is found."""

import copy
import json
import re

import nbformat
import pytest

from tests.compare.planted import CLEAR, TIE, calibrated, certified, plant
from tests.report import reading
from tests.report.areas import plant_areas
from workbench.report import numbers
from workbench.report.blocks import Fact, facts, joined, paragraph, section
from workbench.report.numbers import MIME, Told
from workbench.scores.catalog import EVALS

SWEEPS = {
    "several seeds": {"right": {1: 0.6, 16: 0.95}, "seeds": (0, 1, 2)},
    "stopped and leaking": {"right": CLEAR, "stopped": (2,), "leaks": 12, "seeds": (0, 1)},
    "a tie": {"right": TIE},
    "partly unpaired": {"right": {1: 0.6, 4: 0.8, 16: 0.95}, "other_items": (1,)},
    "one trial": {"right": {1: 0.07}},
    "every area": {},
    "nothing": {"right": {1: 0.07, 2: 0.1}, "failed": (1, 2)},
}

NO_FINDINGS = {"what-went-wrong", "how-to-read-the-figures", "evidence-map"}
"""Sections whose words are messages as they were stored, how figures are made, and names of documents."""


@pytest.fixture(scope="module")
def read(tmp_path_factory):
    """A sweep's notebook, run once."""
    known = {}

    def once(name):
        if name not in known:
            root = tmp_path_factory.mktemp("sweep")
            path = plant(root, n=200, **SWEEPS[name]) if SWEEPS[name] else plant_areas(root)
            known[name] = reading.executed(path)
        return known[name]

    return once


@pytest.fixture(scope="module")
def page(rendered):
    """The page that the whole press made, and the document beside it."""
    return rendered.html, json.loads(rendered.page.with_suffix(".json").read_text("utf-8"))


def test_every_number_of_a_printed_page_is_in_the_document_beside_it(page):
    html, document = page
    assert len(reading.numbered(reading.page_texts(html))) > 250
    assert reading.unrecorded(html, document) == []
    assert reading.unshown(html, document) == []
    assert reading.unfounded(document) == []


@pytest.mark.parametrize("name", SWEEPS)
def test_every_number_is_in_the_document_whatever_the_sweep_came_to(read, name):
    html, document = reading.html_of(read(name)), reading.document_of(read(name))
    assert reading.unrecorded(html, document) == []
    assert reading.unshown(html, document) == []
    assert reading.unfounded(document) == []
    known = " ".join(f"{one.what} {one.flaws}".replace("`", "") for one in EVALS.values())
    for one in document["sections"]:
        for text in one["words"]:
            is_ours = text.removeprefix("Known flaws. ") in known
            assert is_ours or one["anchor"] in NO_FINDINGS or not reading.tokens(text), text


def test_every_number_of_a_card_is_in_its_document(tmp_path):
    notebook = reading.executed(plant_areas(tmp_path), template="card", trial="r8")
    html, document = reading.html_of(notebook), reading.document_of(notebook)
    assert document["verdict"]["kind"] == "single"
    assert reading.unrecorded(html, document) == []
    assert reading.unshown(html, document) == []
    assert reading.unfounded(document) == []


def test_whichever_number_of_a_page_is_altered_it_is_noticed(read):
    notebook = read("a tie")
    html, document = reading.html_of(notebook), reading.document_of(notebook)
    shown = reading.numbered(reading.page_texts(html))
    known = reading.numbered(reading.document_texts(document))
    assert shown == known
    for anchor, text in shown:
        altered = re.sub(r"\d", lambda digit: str((int(digit[0]) + 1) % 10), text, count=1)
        assert shown[anchor, altered] + 1 > known[anchor, altered], text


@pytest.mark.parametrize(
    "pattern",
    [
        r'<p class="sentence">[^<]*?(\d)',
        r"<dd>[^<]*<span[^>]*>[^<\d]*(\d)",
        r'<td class="wb-num">(\d)',
        r'<td class="wb-num">[^<]*<small>\[(\d)',
        r'<p class="wb-caption">[^<]*?(\d)',
        r'class="plot"[^>]*aria-label="[^"]*?(\d)',
        r"<figcaption><strong>[^<]*</strong>[^<]*?(\d)",
        r'<span class="code">[^<]*</span>[^<]*?(\d)',
    ],
)
def test_a_number_altered_in_the_html_is_noticed(read, pattern):
    notebook = read("a tie")
    html, document = reading.html_of(notebook), reading.document_of(notebook)
    at = re.search(pattern, html).start(1)
    altered = f"{html[:at]}{(int(html[at]) + 3) % 10}{html[at + 1 :]}"
    assert len(reading.unrecorded(altered, document)) == 1


@pytest.mark.parametrize("kind", ["cell", "interval", "verdict", "caveat", "fact", "figure"])
def test_a_raw_value_altered_in_the_document_is_noticed(read, kind):
    document = copy.deepcopy(reading.document_of(read("a tie")))
    sections = {one["anchor"]: one for one in document["sections"]}
    board = sections["leaderboard"]["tables"][0]["rows"][1]
    card = sections["verdict"]
    if kind == "cell":
        board["cells"][3]["raw"] += 0.002
    elif kind == "interval":
        board["more"]["paraphrase_low"] -= 0.002
        board["cells"][3].pop("numbers", None)
    elif kind == "verdict":
        card["sentences"][0]["numbers"]["could_have_seen"] += 0.002
    elif kind == "caveat":
        told = next(one for one in card["sentences"] if one["text"].startswith("WB002"))
        told["numbers"]["learning_rates"] = [0.02]
    elif kind == "fact":
        told = next(one for one in card["facts"] if one["name"] == "could have seen")
        told["raw"] *= 1.1
    else:
        points = sections["leaderboard"]["figures"][0]
        points["table"]["rows"][0]["cells"][1]["raw"] += 0.5
    assert reading.unfounded(document)


def test_the_document_says_what_the_page_is_about(page, rendered):
    _, document = page
    assert document["format"] == numbers.FORMAT
    assert (document["title"], document["sweep"]) == ("Ranks <b>compared</b>", "rank-sweep")
    assert document["verdict"]["kind"] == "winner"
    assert (document["verdict"]["best"], document["verdict"]["n"]) == ("r16", 397)
    assert [one["title"] for one in document["sections"]][1:3] == ["Verdict", "At a glance"]
    assert set(document["sections"][1]) == {"title", "anchor", *numbers.KINDS}
    assert "NaN" not in rendered.page.with_suffix(".json").read_text("utf-8")


def test_the_document_names_every_stored_file_with_its_hash(page, rendered):
    import hashlib

    _, document = page
    told = {one["path"]: one["sha256"] for one in document["sources"]}
    assert {"spec.yaml", "data-card.json", "calibration.json", "r16/samples/recall.parquet"} <= {
        *told
    }
    for path, digest in told.items():
        assert hashlib.sha256((rendered.sweep / path).read_bytes()).hexdigest() == digest
    rows = {path for one in document["sections"] for path in one["rows"]}
    assert rows <= {*told}
    assert {path for path in told if path.endswith(".parquet")} == rows


def test_the_same_sweep_gives_the_same_document_twice(tmp_path):
    path = plant(tmp_path, right={1: 0.6, 2: 0.9}, evals=("recall",), n=60)
    certified(calibrated("recall")).save(path / "calibration.json")
    twice = [json.dumps(reading.document_of(reading.executed(path))) for _ in range(2)]
    assert twice[0] == twice[1]


def test_a_notebook_of_somebody_without_our_sections_has_a_document_too():
    notebook = nbformat.v4.new_notebook()
    notebook.cells = [nbformat.v4.new_code_cell("1", outputs=[])]
    assert numbers.collected(notebook)["sections"] == []


def test_html_carries_what_it_says_through_joining_and_formatting():
    one = paragraph("half of 8", numbers={"share": 0.5, "of": 8})
    made = Told("<div>{}</div>").format(joined(one, None, facts([Fact("n", "8", 8)])))
    assert [(said.kind, said.content.get("text")) for said in made.said] == [
        ("sentences", "half of 8"),
        ("facts", "8"),
    ]
    told = section("Found", made)._repr_mimebundle_()
    assert told["text/html"].count("half of 8") == 1
    assert told[MIME]["section"]["sentences"][0]["numbers"] == {"share": 0.5, "of": 8}


def test_a_number_that_is_not_finite_is_null():
    told = section("Found", paragraph("x", numbers={"p": float("nan"), "t": float("inf")}))
    said = told._repr_mimebundle_()[MIME]["section"]["sentences"][0]
    assert said["numbers"] == {"p": None, "t": None}
