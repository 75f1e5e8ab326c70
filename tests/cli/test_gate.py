"""`workbench gate` as it is typed: exit codes, the table, the files it writes, and what it refuses."""

import json
from xml.etree import ElementTree

import pytest

from tests.gate.swept import swept
from workbench.cli import main

GOOD = "- {eval: recall, margin: 0.05}"
BAD = "- {eval: recall, at_least: 0.99}"
OPEN = "- {eval: facts, at_most: 0.5}"


@pytest.fixture(scope="module")
def sweep(tmp_path_factory):
    return swept(tmp_path_factory.mktemp("gate"), [190, 150])


@pytest.fixture
def typed(sweep, tmp_path, monkeypatch, capsys):
    """Run the gate of r1 with some rules; gives the exit code and what was said."""
    monkeypatch.chdir(tmp_path)

    def run(*rules, more=(), path=sweep / "r1"):
        text = "rules:\n" + "\n".join(rules) + "\n"
        (tmp_path / "rules.yaml").write_text(text, encoding="utf-8", errors="surrogatepass")
        code = main(["gate", str(path), "--rules", "rules.yaml", *map(str, more)])
        return code, capsys.readouterr()

    return run


@pytest.mark.parametrize(
    ("rules", "undecided", "code"),
    [
        ((GOOD,), "fail", 0),
        ((GOOD, BAD), "fail", 1),
        ((GOOD, OPEN), "fail", 1),
        ((GOOD, OPEN), "pass", 0),
        ((BAD, OPEN), "pass", 1),
    ],
)
def test_the_exit_code_is_0_when_every_rule_passes_and_1_when_one_does_not(
    typed, rules, undecided, code
):
    assert typed(*rules, more=("--undecided", undecided))[0] == code


def test_undecided_fails_unless_it_is_asked_to_pass(typed):
    code, said = typed(GOOD, OPEN)
    assert code == 1
    assert said.out.splitlines()[-1] == (
        "not passed: 1 pass, 0 fail, 1 undecided; undecided counts as failed"
    )


def test_the_table_has_the_figure_its_interval_the_limit_and_the_verdict(typed, monkeypatch):
    monkeypatch.setenv("COLUMNS", "160")
    _, said = typed(GOOD, BAD, OPEN)
    lines = said.out.splitlines()
    assert lines[0] == "new/r1 against new/base"
    assert lines[1].split() == ["rule", "figure", "interval", "allowed", "n", "verdict", "reason"]
    assert "+5.0 points" in lines[2]
    assert "≥ −5.0" in lines[2]
    assert lines[2].split()[-1] == "pass"
    assert "the whole interval is beyond the limit" in " ".join(lines)


def test_on_a_narrow_terminal_reasons_stand_below_the_table(typed, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    _, said = typed(GOOD, BAD, OPEN)
    assert "FAIL recall: at least 99 %: the whole interval is beyond the limit" in said.out
    assert "undecided facts: at most 50 %: facts was not asked in new" in said.out


def test_both_files_say_what_the_table_says(typed, tmp_path):
    code, _ = typed(GOOD, BAD, more=("--junit", "out/gate.xml", "--json", "out/gate.json"))
    told = json.loads((tmp_path / "out" / "gate.json").read_text())
    root = ElementTree.parse(tmp_path / "out" / "gate.xml").getroot()
    assert (code, told["passed"], told["verdict"]) == (1, False, "fail")
    assert told["counts"] == {"pass": 1, "fail": 1, "undecided": 0}
    first = told["held"][0]
    assert (first["verdict"], first["found"]["value"]) == ("pass", pytest.approx(0.05))
    assert [case.get("name") for case in root.iter("testcase")] == [h["rule"] for h in told["held"]]
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["gate.json", "gate.xml"]


def test_json_on_standard_output_comes_alone(typed):
    code, said = typed(GOOD, more=("--json", "-"))
    assert code == 0
    assert json.loads(said.out)["passed"] is True


def test_a_file_that_is_there_is_kept_unless_asked_to_be_replaced(typed, tmp_path):
    (tmp_path / "gate.xml").write_text("mine")
    code, said = typed(GOOD, more=("--junit", "gate.xml"))
    assert code == 2
    assert "exists already and is not overwritten" in said.err
    assert (tmp_path / "gate.xml").read_text() == "mine"
    assert typed(GOOD, more=("--junit", "gate.xml", "--overwrite"))[0] == 0
    assert ElementTree.parse(tmp_path / "gate.xml").getroot().get("failures") == "0"


REFUSED = {
    "unknown key": ((GOOD, "- {eval: recall, margn: 1}"), (), ("rule 2", "'margn'", "'margin'")),
    "unknown eval": (("- {eval: recal, margin: 0.1}",), (), ("'recal'", "'recall'")),
    "points for shares": (("- {eval: recall, margin: 5}",), (), ("written 0.05",)),
    "no YAML": (("- {eval: [",), (), ("not YAML",)),
    "itself": ((GOOD,), ("--baseline", "SWEEP/r1"), ("nothing could fail",)),
    "baseline missing": ((GOOD,), ("--baseline", "SWEEP/r9"), ("has no trial 'r9'",)),
    "baseline that is no sweep": ((GOOD,), ("--baseline", "."), ("is no sweep", "SWEEP/base")),
    "one file for both": ((GOOD,), ("--junit", "a", "--json", "./a"), ("a file of its own",)),
    "a folder for a file": ((GOOD,), ("--junit", "."), ("is a folder",)),
    "a place nobody may write": ((GOOD,), ("--json", "rules.yaml/a.json"), ("cannot be written",)),
    "undecided otherwise": ((GOOD,), ("--undecided", "maybe"), ("maybe", "--help")),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_used_is_refused_with_2_and_nothing_is_written(typed, sweep, tmp_path, name):
    rules, more, words = REFUSED[name]
    code, said = typed(*rules, more=[word.replace("SWEEP", str(sweep)) for word in more])
    assert code == 2, said
    assert said.err.startswith("error: ")
    assert "Traceback" not in said.err
    assert not [word for word in words if word not in said.err], said.err
    assert said.out == ""
    assert [path.name for path in tmp_path.iterdir()] == ["rules.yaml"]


def test_a_hostile_name_reaches_the_terminal_as_text(typed):
    _, said = typed('- {name: "\\x1b[2Jgone \\u202e <b>[red]x[/red]", eval: recall, margin: 0.05}')
    assert "\x1b" not in said.out
    assert "\u202e" not in said.out
    assert "[red]x[/red]" in " ".join(said.out.split())
