"""Notebooks that reports are made of: which parameters they have, what may be given to them, and a person's own."""

import json
import re

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from tests.compare.planted import plant
from workbench.errors import InputError, RunError, SpecError, StoreError
from workbench.report import render, template


def notebook(path, *cells, parameters='path = ""  # the sweep folder'):
    """A notebook of somebody's own."""
    tagged = new_code_cell(parameters or "", metadata={"tags": ["parameters"]})
    made = new_notebook(cells=list(cells) if parameters is None else [tagged, *cells])
    nbformat.write(made, path)
    return path


@pytest.fixture(scope="module")
def sweep(tmp_path_factory):
    return plant(
        tmp_path_factory.mktemp("own") / "runs",
        right={1: 0.6, 4: 0.9},
        n=60,
        evals=("recall",),
        steps=20,
    )


@pytest.mark.parametrize("name", template.OURS)
def test_each_of_ours_explains_every_parameter(name):
    found = template.found(name)
    assert found.is_ours
    assert found.parameters[0].name == "path"
    assert all(one.help for one in found.parameters)
    assert {one.kind for one in found.parameters} == {"str", "float"}


def test_parameters_are_read_with_their_kind_default_and_help(tmp_path):
    source = "\n".join(
        [
            'path: str = ""  # the sweep',
            "most: int = 3  # how “many” are shown",
            "share = 0.5",
            "limit: float | None = None",
            "names = ['a']",
            "when: datetime.date = None",
            "is_short = False",
            "alias = most",
        ]
    )
    found = {
        one.name: one
        for one in template.found(notebook(tmp_path / "a.ipynb", parameters=source)).parameters
    }
    kinds = {name: one.kind for name, one in found.items()}
    assert kinds == {
        "path": "str",
        "most": "int",
        "share": "float",
        "limit": "float",
        "names": "list",
        "when": "",
        "is_short": "bool",
        "alias": "",
    }
    assert found["most"].default == 3
    assert found["most"].help == "how “many” are shown"
    assert found["limit"].taken(None) is None


@pytest.mark.parametrize(
    ("kind", "default", "typed", "taken"),
    [
        ("int", 3, "7", 7),
        ("float", 0.5, "2", 2.0),
        ("bool", False, "True", True),
        ("str", "", "7", "7"),
        ("str", "", "None", "None"),
        ("list", ["a"], "['b', 'c']", ["b", "c"]),
        ("", None, "free words", "free words"),
        ("float", None, "None", None),
    ],
)
def test_what_is_typed_becomes_what_the_cell_holds(kind, default, typed, taken):
    assert template.Parameter(name="x", kind=kind, default=default).taken(typed) == taken


@pytest.mark.parametrize(
    ("kind", "default", "given", "says"),
    [
        ("int", 3, "many", "a whole number"),
        ("int", 3, "2.5", "a whole number"),
        ("float", 0.5, "inf", "a number"),
        ("bool", False, "1", "True or False"),
        ("str", "", 7, "takes text"),
        ("", None, object(), "JSON"),
        ("float", 0.5, float("nan"), "JSON"),
    ],
)
def test_what_does_not_fit_a_parameter_is_refused(kind, default, given, says):
    with pytest.raises(SpecError, match=says):
        template.Parameter(name="x", kind=kind, default=default).taken(given)


@pytest.mark.parametrize(
    ("parameters", "says"),
    [
        (None, "no cell tagged 'parameters'"),
        ("%matplotlib inline\npath = ''", "not plain Python"),
        ("sweep = ''", "does not set `path`"),
    ],
)
def test_a_template_that_cannot_be_told_what_to_read_is_refused(tmp_path, parameters, says):
    path = notebook(tmp_path / "a.ipynb", new_code_cell("1"), parameters=parameters)
    with pytest.raises(InputError, match=says):
        template.found(path)


@pytest.mark.parametrize("content", ["", "{}", '{"cells": 3}', '{"cells": [1]}', "\x00"])
def test_what_is_no_notebook_is_refused(tmp_path, content):
    (tmp_path / "a.ipynb").write_text(content)
    with pytest.raises(InputError, match="no notebook of format 4"):
        template.found(tmp_path / "a.ipynb")


def test_a_copy_is_the_same_notebook_and_takes_nobodys_place(tmp_path):
    copy = template.copied("card", tmp_path / "mine.ipynb")
    assert copy.read_bytes() == (template.TEMPLATES / "card.ipynb").read_bytes()
    assert [p.name for p in template.found(copy).parameters] == [
        "path",
        "trial",
        "title",
        "primary",
        "price",
        "utilization",
    ]
    with pytest.raises(StoreError, match="not overwritten"):
        template.copied("comparison", copy)
    with pytest.raises(StoreError, match=r"ending in \.ipynb"):
        template.copied("comparison", tmp_path / "mine.txt")
    with pytest.raises(InputError, match="'comparison'"):
        template.copied("comparsion", tmp_path / "other.ipynb")


def test_a_persons_own_notebook_becomes_a_page(sweep, tmp_path):
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "words.txt").write_text("beside <the> notebook")
    own = notebook(
        tmp_path / "notes" / "mine.ipynb",
        new_markdown_cell("# Our *own* words"),
        new_code_cell(
            "import pandas as pd\nfrom pathlib import Path\nfrom workbench.report import sections\n"
            "report = sections.opened(path)\nprint(Path('words.txt').read_text())"
        ),
        new_code_cell("sections.leaderboard(report)"),
        new_code_cell("most * 1000"),
        new_code_cell("pd.DataFrame({'a': [1]})"),
        new_code_cell(
            "import plotly.graph_objects as go\ngo.Figure(go.Bar(x=['a</script>'], y=[1]), {'title': 'Our <b>'})"
        ),
        new_code_cell("import sys\nprint('mut' + 'tered', file=sys.stderr)"),
        parameters='path = ""\nmost = 3  # how many',
    )
    told = []
    page = render(
        sweep,
        tmp_path / "out.html",
        template=own,
        parameters={"most": "17"},
        progress=lambda done, of: told.append((done, of)),
    )
    html = page.read_text(encoding="utf-8")
    for words in ("Our <em>own</em> words", "beside &lt;the&gt; notebook", "17000", "Leaderboard"):
        assert words in html
    assert "<th>a</th>" in html
    (block,) = re.findall(r'id="own-\d+-0">(.*?)</script>', html)
    assert json.loads(block)["data"][0]["x"] == ["a</script>"]
    assert 'aria-label="Our &lt;b&gt;"' in html
    assert "cdn.plot.ly" not in html.partition("plotly.js v")[0]
    assert "muttered" not in html
    assert "muttered" not in page.with_suffix(".ipynb").read_text(encoding="utf-8")
    assert told[-1] == (8, 8)
    assert [done for done, _ in told] == list(range(1, 9))
    assert json.loads(page.with_suffix(".json").read_text(encoding="utf-8"))["sections"]


def test_what_a_cell_broke_off_with_is_said_with_its_place_and_without_a_traceback(sweep, tmp_path):
    own = notebook(
        tmp_path / "mine.ipynb", new_code_cell("x = 1"), new_code_cell("y = x + 1\nx.upper()")
    )
    with pytest.raises(RunError) as caught:
        render(sweep, tmp_path / "out.html", template=own)
    said = str(caught.value)
    assert "cell 3 of mine.ipynb, which begins with 'y = x + 1'" in said
    assert "AttributeError: 'int' object has no attribute 'upper'" in said
    assert "Traceback" not in said
    assert {path.name for path in tmp_path.iterdir()} == {"mine.ipynb"}


def test_an_error_of_ours_in_a_cell_is_the_error_of_the_report(sweep, tmp_path):
    own = notebook(
        tmp_path / "mine.ipynb",
        new_code_cell(
            "from workbench.errors import SpecError\nraise SpecError('the tide is 7; give a higher one')"
        ),
    )
    with pytest.raises(SpecError, match=r"^the tide is 7; give a higher one$"):
        render(sweep, tmp_path / "out.html", template=own)


def test_a_template_is_never_overwritten_by_its_report(sweep, tmp_path):
    own = notebook(tmp_path / "mine.ipynb")
    (tmp_path / "mine.html").write_text("an older report")
    before = own.read_bytes()
    with pytest.raises(StoreError, match="its own template"):
        render(sweep, tmp_path / "mine.html", template=own, overwrite=True)
    assert own.read_bytes() == before


@pytest.mark.parametrize(
    ("asked", "error", "says"),
    [
        ({"template": "nowhere.ipynb"}, InputError, "comparison, card"),
        ({"template": "card"}, SpecError, "is about one trial"),
        ({"template": "card", "parameters": {"trial": "r5"}}, StoreError, "Known: r1, r4"),
        ({"parameters": {"path": "elsewhere"}}, SpecError, "first thing"),
        ({"parameters": {"trial": "r4"}}, SpecError, "no parameter 'trial'"),
    ],
)
def test_what_a_template_cannot_be_told_is_refused(sweep, tmp_path, asked, error, says):
    with pytest.raises(error, match=re.escape(says)):
        render(sweep, tmp_path / "out.html", **asked)
    assert list(tmp_path.iterdir()) == []
