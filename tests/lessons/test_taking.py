"""Taking a lesson: what is counted, guessed, hinted and shown; what its cards hold; and what every lesson must have."""

import re
from html.parser import HTMLParser

import pytest

from tests.contracts.tree import ROOT, imports, modules
from tests.lessons.classroom import LEARN, read
from workbench import lessons
from workbench.errors import InputError
from workbench.lessons.answers import Number
from workbench.lessons.cards import RECORD, note
from workbench.lessons.catalog import LESSONS, find
from workbench.lessons.exercise import Exercise, Lesson, Mistake, equals
from workbench.lessons.filling import CHECK, answer_cells, solved, with_every_answer, written
from workbench.lessons.opened import OpenLesson

HOSTILE = "<img src=x onerror=alert(1)>"


def double(name="double"):
    return Exercise(
        name=name,
        title="Twice <it>",
        reads=Number(),
        needs=("n",),
        right=equals(lambda f: 2 * f.n),
        because="Twice.",
        mistakes=(Mistake("square", "x = n * n", equals(lambda f: f.n**2), "That is `n * n`."),),
        should="It must be twice.",
        hints=("one", "two", "three"),
        solution="x = 2 * n",
    )


@pytest.fixture
def lesson():
    return OpenLesson(
        Lesson(
            name="doubling",
            number=9,
            title="Doubling",
            notebook="09_doubling.ipynb",
            minutes=(1, 2),
            outcomes=("double",),
            before=("counting",),
            exercises=(double(), double("again")),
            open_question="Why?",
        )
    )


class Elements(HTMLParser):
    def __init__(self, html):
        super().__init__()
        self.found, self.text = [], ""
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        self.found.append((tag, dict(attrs)))

    def handle_data(self, data):
        self.text += data


def states(lesson):
    return dict(lesson.progress().states)


class TestProgress:
    def test_at_first_nothing_is_attempted(self, lesson):
        assert states(lesson) == {"double": "not attempted", "again": "not attempted"}
        assert "0 of 2 correct" in repr(lesson.progress())

    def test_dots_count_as_no_attempt(self, lesson):
        assert lesson.check("double", ..., n=3).state == "not attempted"
        assert lesson.tried["double"].checks == 0

    def test_wrong_then_right_is_right_and_stays_so(self, lesson):
        assert not lesson.check("double", 9, n=3).correct
        assert states(lesson)["double"] == "incorrect"
        assert lesson.check("double", 6, n=3).correct
        lesson.check("double", 9, n=3)
        lesson.check("double", ..., n=3)
        assert states(lesson) == {"double": "correct", "again": "not attempted"}
        assert lesson.tried["double"].checks == 3

    def test_hints_come_one_after_the_other_and_the_last_one_stays(self, lesson):
        assert [lesson.hint("double").message for _ in range(4)] == ["one", "two", "three", "three"]
        assert lesson.tried["double"].hints == 3

    def test_a_hint_may_be_asked_for_by_number(self, lesson):
        assert lesson.hint("double", 2).message == "two"
        for number in (0, 4, -1, "x"):
            assert "hints 1 to 3" in repr(lesson.hint("double", number))
        assert lesson.tried["double"].hints == 2

    def test_the_solution_is_shown_and_remembered(self, lesson):
        assert "x = 2 * n" in repr(lesson.solution("double"))
        row = next(line for line in repr(lesson.progress()).splitlines() if line.startswith("1."))
        assert row.split()[-1] == "seen"

    def test_one_exercise_has_the_same_verbs(self, lesson):
        question = lesson.exercise("again")
        assert question.hint().message == "one"
        assert question.check(6, n=3).correct
        assert "2 * n" in repr(question.solution())
        assert states(lesson)["again"] == "correct"

    @pytest.mark.parametrize("verb", ["check", "hint", "solution", "exercise"])
    def test_an_exercise_that_is_not_there_is_refused_with_the_nearest_name(self, lesson, verb):
        with pytest.raises(InputError, match=r"'dubble'.*'double'"):
            getattr(lesson, verb)("dubble", *([1] if verb == "check" else []))


class TestPredictions:
    def test_a_guess_is_held_against_what_came_out(self, lesson):
        lesson.predict("loss", 4)
        shown = repr(lesson.reveal("loss", 2, unit="nats"))
        assert "You predicted: 4 nats" in shown
        assert "It is: 2 nats" in shown
        assert "2 times too high" in shown
        assert "1 of 1 predictions made" in repr(lesson.progress())

    @pytest.mark.parametrize(
        ("guess", "actual", "said"),
        [
            (3, 3, "Exactly"),
            (10, 40, "4 times too low"),
            (11, 10, "10.0% too high"),
            (1, 0, "off by 1"),
            (0, 0.5, "off by 0.5"),
            (-1, 1, "off by 2"),
            (-4, -2, "2 times too high"),
        ],
    )
    def test_how_far_off_it_was_is_said(self, lesson, guess, actual, said):
        lesson.predict("x", guess)
        assert said in repr(lesson.reveal("x", actual))

    def test_without_a_guess_the_value_is_shown_and_that_none_was_made(self, lesson):
        assert "No guess yet" in repr(lesson.predict("x", ...))
        shown = repr(lesson.reveal("x", 12))
        assert "It is 12" in shown
        assert "no guess" in shown
        assert "0 of 1 predictions made" in repr(lesson.progress())

    def test_what_is_no_number_is_told(self, lesson):
        assert "without quotes" in repr(lesson.predict("x", "12"))
        assert "no guess" in repr(lesson.reveal("x", 12))
        assert "Nothing to show yet" in repr(lesson.reveal("x", None))
        assert "Nothing to show yet" in repr(lesson.reveal("x", ...))


class TestCards:
    def cards(self, lesson):
        wrong = lesson.check("double", 9, n=3)
        return {
            "heading": lesson,
            "untouched": lesson.check("double", ..., n=3),
            "wrong": wrong,
            "hint": lesson.hint("double"),
            "solution": lesson.solution("double"),
            "right": lesson.check("double", 6, n=3),
            "predict": lesson.predict("x", 3),
            "reveal": lesson.reveal("x", 4),
            "open": lesson.open_question(),
            "progress": lesson.progress(),
        }

    def test_each_is_html_without_script_and_text_beside_it(self, lesson):
        for name, card in self.cards(lesson).items():
            shown = card._repr_mimebundle_()
            page = Elements(shown["text/html"])
            assert shown["text/plain"], name
            assert not {"script", "iframe", "link", "img"} & {tag for tag, _ in page.found}, name
            assert not [a for _, attrs in page.found for a in attrs if a.startswith("on")], name
            assert "http" not in shown["text/html"], name
            assert ("role", "status") in [pair for _, a in page.found for pair in a.items()], name

    def test_the_state_stands_in_words(self, lesson):
        cards = self.cards(lesson)
        for name, word in {
            "untouched": "Not attempted",
            "wrong": "Incorrect",
            "right": "Correct",
        }.items():
            assert word in Elements(cards[name]._repr_html_()).text
        assert "✓ correct" in Elements(cards["progress"]._repr_html_()).text

    def test_the_state_has_its_colour_where_a_stranger_opens_the_notebook(self, lesson):
        """JupyterLab takes data attributes out of what it does not trust, and leaves classes."""
        for name, state in (("untouched", "not-attempted"), ("wrong", "incorrect")):
            html = self.cards(lesson)[name]._repr_html_()
            assert f"class='wb-lesson wl-{state}'" in html
            assert f".wb-lesson.wl-{state}" in html
            assert "[data-state" not in html

    def test_what_is_judged_can_be_read_by_program(self, lesson):
        cards = self.cards(lesson)
        record = cards["wrong"]._repr_mimebundle_()[RECORD]
        told = {"state": "incorrect", "exercise": "double", "mistake": "square"}
        assert {key: record[key] for key in told} == told
        record = cards["progress"]._repr_mimebundle_()[RECORD]
        assert record["states"] == {"double": "correct", "again": "not attempted"}
        assert RECORD not in cards["hint"]._repr_mimebundle_()

    def test_what_people_type_is_escaped(self, lesson):
        for card in (
            lesson.check("double", HOSTILE, n=3),
            lesson.predict(HOSTILE, 1),
            lesson.reveal(HOSTILE, 1, unit=HOSTILE),
            note(HOSTILE, title=HOSTILE),
        ):
            assert "<img" not in card._repr_html_()
            assert "<img" in Elements(card._repr_html_()).text
        assert "Twice <it>" in Elements(lesson.progress()._repr_html_()).text

    def test_code_between_backticks_is_code_and_plain_in_text(self, lesson):
        card = lesson.check("double", 9, n=3)
        assert "<code>n * n</code>" in card._repr_html_()
        assert "That is n * n." in repr(card)


class TestSlider:
    def made(self, **more):
        return lessons.slider(
            "r", values=[1, 2, 4], shows=lambda r: {"numbers": 10 * r, "even": r % 2 == 0}, **more
        )

    def test_each_value_has_its_card_with_its_row_marked(self):
        slider = self.made(
            start=2, formula="numbers = 10 × `r`", worked=lambda r: f"{10 * r} = 10 × {r}"
        )
        assert slider.at == 1
        assert slider.words == ["1", "2", "4"]
        for at, card in enumerate(slider.cards):
            assert f"aria-current='true'><th scope='row'>▸ {slider.words[at]}</th>" in card
            assert card.count("aria-current") == 1
            assert "<code>r</code>" in card
        assert "40 = 10 × 4" in slider.cards[2]
        assert "40 = 10 × 4" not in slider.cards[1]

    def test_it_stays_among_its_values(self):
        slider = self.made()
        slider.at = 7
        assert slider.at == 2
        slider.at = -1
        assert slider.at == 0

    def test_names_and_texts_are_escaped(self):
        slider = lessons.slider(
            HOSTILE, values=[HOSTILE], shows=lambda r: {HOSTILE: HOSTILE}, formula=HOSTILE
        )
        assert "<img" not in slider.cards[0]

    def test_where_it_cannot_be_shown_a_table_of_all_values_stands(self):
        shown, _ = self.made()._repr_mimebundle_()
        assert "<table" in shown["text/html"]
        assert "aria-current" not in shown["text/html"]
        assert [line.split() for line in shown["text/plain"].splitlines()] == [
            ["r", "numbers", "even"],
            ["1", "10", "no"],
            ["2", "20", "yes"],
            ["4", "40", "yes"],
        ]

    def test_what_makes_no_slider_is_refused(self):
        with pytest.raises(InputError, match="at least one value"):
            lessons.slider("r", values=[], shows=lambda r: {})
        with pytest.raises(InputError, match="start=3"):
            self.made(start=3)


class TestOpening:
    def test_a_lesson_opened_again_remembers(self):
        first = lessons.open("low-rank", afresh=True)
        first.hint("trained")
        assert lessons.open("low-rank") is first
        assert lessons.open("low-rank", afresh=True).tried["trained"].hints == 0

    def test_a_lesson_that_is_not_there_is_refused(self):
        with pytest.raises(InputError, match=r"'low_rank'.*'low-rank'"):
            lessons.open("low_rank")


class TestFilling:
    def test_the_students_part_goes_and_the_check_stays(self):
        cell = 'def f(x):\n    ...\n\n\nlesson.check("f", f)'
        assert written(cell, "def f(x):\n    return x") == (
            'def f(x):\n    return x\n\n\nlesson.check("f", f)'
        )

    def test_a_cell_without_its_check_is_refused(self):
        with pytest.raises(InputError, match="one line that begins with"):
            written("x = ...", "x = 1")

    def test_a_tag_of_no_exercise_is_refused(self):
        notebook = read(find("low-rank"))
        cell = next(c for c in notebook.cells if "answer:rank" in c.metadata.get("tags", []))
        cell.metadata["tags"] = ["answer:rnak"]
        with pytest.raises(InputError, match="rnak"):
            solved(notebook, find("low-rank"))


@pytest.mark.parametrize("name", LESSONS)
class TestEveryLesson:
    def test_its_words_are_complete(self, name):
        lesson = find(name)
        assert lesson.name == name
        assert lesson.notebook.startswith(f"{lesson.number:02d}_")
        assert 3 <= len(lesson.exercises) <= 5
        assert lesson.minutes[0] <= lesson.minutes[1] <= 20
        assert lesson.outcomes
        assert lesson.before
        assert lesson.open_question
        for exercise in lesson.exercises:
            assert len(exercise.hints) >= 2, exercise.name
            assert len(exercise.mistakes) >= 2, exercise.name
            assert len(set(exercise.hints)) == len(exercise.hints)
            names = [mistake.name for mistake in exercise.mistakes]
            assert len(set(names)) == len(names)
            said = [m.says for m in exercise.mistakes]
            assert len({s for s in said if isinstance(s, str)}) == sum(
                isinstance(s, str) for s in said
            ), f"{exercise.name}: two mistakes, one sentence"

    def test_its_notebook_asks_every_exercise_once_and_in_order(self, name):
        lesson = find(name)
        notebook = read(lesson)
        found = answer_cells(notebook, lesson)
        assert [exercise.name for _, exercise in found] == [e.name for e in lesson.exercises]
        for cell, exercise in found:
            assert f'{CHECK}"{exercise.name}", ' in cell.source
            student, _, _ = cell.source.partition(CHECK)
            assert "..." in student
        sources = [cell.source for cell in notebook.cells if cell.cell_type == "code"]
        assert f'lessons.open("{name}")' in "\n".join(sources)
        assert sources[-1] == "lesson.progress()"
        assert "lesson.open_question()" in sources

    def test_what_is_predicted_is_revealed(self, name):
        source = "\n".join(cell.source for cell in read(find(name)).cells)
        predicted = re.findall(r'lesson\.predict\("([^"]+)"', source)
        assert predicted, "at least one prediction"
        assert len(set(predicted)) == len(predicted)
        assert re.findall(r'lesson\.reveal\("([^"]+)"', source) == predicted

    def test_its_time_stands_in_the_notebook_too(self, name):
        lesson = find(name)
        quick, thorough = lesson.minutes
        assert f"**Time:** {quick} to {thorough} minutes" in read(lesson).cells[0].source

    def test_the_testing_notebook_makes_every_mistake_once_and_then_answers(self, name):
        lesson = find(name)
        made = [
            c.metadata["workbench"]
            for c in with_every_answer(read(lesson), lesson).cells
            if "workbench" in c.metadata
        ]
        wanted = [
            {"exercise": exercise.name, "mistake": mistake}
            for exercise in lesson.exercises
            for mistake in [*(m.name for m in exercise.mistakes), ""]
        ]
        assert made == wanted


def test_every_notebook_of_the_course_is_a_lesson():
    assert {p.name for p in LEARN.glob("*.ipynb")} == {find(name).notebook for name in LESSONS}
    assert {p.name for p in (LEARN / "solutions").glob("*.ipynb")} == {
        find(name).notebook for name in LESSONS
    }
    assert [find(name).number for name in LESSONS] == sorted(find(name).number for name in LESSONS)


def test_no_lesson_loads_torch():
    ours = [name for name in modules() if name.startswith("workbench.lessons")]
    loaded = {name: {i.target.split(".")[0] for i in imports(name)} for name in ours}
    heavy = {"torch", "peft", "transformers"}
    assert {name for name, targets in loaded.items() if heavy & targets} == set()


def test_the_page_for_teachers_names_every_lesson():
    page = (ROOT / "docs" / "lessons.md").read_text(encoding="utf-8")
    for name in LESSONS:
        assert find(name).notebook in page
