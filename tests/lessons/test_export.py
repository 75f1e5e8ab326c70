"""What nbgrader and otter-grader are handed: the metadata, comments and raw cells that they read, and the lesson's checks."""

import subprocess
import sys

import nbformat
import pytest
import yaml

from tests.contracts.tree import ROOT
from tests.lessons.classroom import LEARN, read
from workbench.lessons.catalog import LESSONS, find
from workbench.lessons.export import for_nbgrader, for_otter


@pytest.mark.parametrize("name", LESSONS)
class TestNbgrader:
    @pytest.fixture
    def made(self, name):
        made = for_nbgrader(read(find(name)), find(name))
        nbformat.validate(made)
        return [cell for cell in made.cells if "nbgrader" in cell.metadata]

    def test_every_exercise_has_an_answer_and_a_locked_check_of_one_point(self, name, made):
        names = [exercise.name for exercise in find(name).exercises]
        assert [c.metadata.nbgrader.grade_id for c in made] == [
            one for name in names for one in (name, f"{name}-check")
        ]
        for cell in made:
            said = dict(cell.metadata.nbgrader)
            graded = said.pop("grade_id").endswith("-check")
            wanted = {"schema_version": 3, "task": False, "solution": not graded}
            wanted |= {"grade": graded, "locked": graded} | ({"points": 1} if graded else {})
            assert said == wanted

    def test_the_solution_stands_in_its_region_and_the_dots_outside(self, name, made):
        for cell, exercise in zip(made[::2], find(name).exercises, strict=True):
            outside, _, inside = cell.source.partition("### BEGIN SOLUTION\n")
            assert "..." in outside
            assert inside == f"{exercise.solution}\n### END SOLUTION"
            compile(cell.source, name, "exec")

    def test_the_check_asserts_with_its_own_sentence(self, name, made):
        for cell, exercise in zip(made[1::2], find(name).exercises, strict=True):
            first, *_, last = cell.source.split("\n")
            assert first.startswith(f'checked = lesson.check("{exercise.name}", ')
            assert last == "assert checked.correct, checked.message"
            compile(cell.source, name, "exec")


@pytest.mark.parametrize("name", LESSONS)
class TestOtter:
    @pytest.fixture
    def made(self, name):
        made = for_otter(read(find(name)), find(name))
        nbformat.validate(made)
        return made.cells

    def test_it_begins_with_the_configuration_of_the_assignment(self, name, made):
        assert made[0].cell_type == "raw"
        head, _, config = made[0].source.partition("\n")
        assert head == "# ASSIGNMENT CONFIG"
        assert yaml.safe_load(config)["name"] == name

    def test_raw_cells_open_and_close_every_question(self, name, made):
        heads = [cell.source.split("\n")[0] for cell in made[1:] if cell.cell_type == "raw"]
        each = ["# BEGIN QUESTION", "# BEGIN SOLUTION", "# END SOLUTION"]
        each += ["# BEGIN TESTS", "# END TESTS", "# END QUESTION"]
        assert heads == each * len(find(name).exercises)
        configs = [
            yaml.safe_load(c.source) for c in made if c.source.startswith("# BEGIN QUESTION")
        ]
        assert [one["points"] for one in configs] == [1] * len(configs)
        assert len({one["name"] for one in configs}) == len(find(name).exercises)

    def test_each_question_has_prompt_solution_and_the_lessons_check(self, name, made):
        code = [cell for cell in made if cell.cell_type == "code"]
        answers = [cell for cell in code if "# BEGIN PROMPT" in cell.source]
        checks = [cell for cell in code if cell.source.startswith("print(lesson.check(")]
        for answer, check, exercise in zip(answers, checks, find(name).exercises, strict=True):
            solution, _, prompt = answer.source.partition("''' # BEGIN PROMPT\n")
            assert exercise.solution in solution
            assert "..." in prompt
            compile(answer.source, name, "exec")
            compile(check.source, name, "exec")
            assert [out.text for out in check.outputs] == ["correct\n"]


def ran(*words):
    command = [sys.executable, "-m", "workbench.lessons", *map(str, words)]
    return subprocess.run(command, capture_output=True, text=True, cwd=ROOT)


class TestTheCommand:
    def test_it_writes_what_was_asked_for_and_never_over_a_file(self, tmp_path):
        notebook = LEARN / find("low-rank").notebook
        out = tmp_path / "source" / "low-rank" / notebook.name
        assert ran("nbgrader", notebook, out).returncode == 0
        made = nbformat.read(out, as_version=4)
        assert made == for_nbgrader(read(find("low-rank")), find("low-rank"))
        again = ran("otter", notebook, out)
        assert again.returncode == 2
        assert "there already" in again.stderr

    def test_what_is_no_lesson_is_refused(self, tmp_path):
        refused = ran("otter", ROOT / "notebooks" / "00_start_here.ipynb", tmp_path / "x.ipynb")
        assert refused.returncode == 2
        assert "02_low_rank.ipynb" in refused.stderr
        assert not (tmp_path / "x.ipynb").exists()

    def test_other_words_are_told_what_there_is(self):
        refused = ran("moodle")
        assert refused.returncode == 2
        assert "nbgrader NOTEBOOK OUT" in refused.stderr
