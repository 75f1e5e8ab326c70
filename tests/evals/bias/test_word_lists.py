"""Word lists: words are exchanged whole, with their capitals, and what is wrong with a file is said by its place."""

import pytest
import yaml

from workbench.errors import InputError
from workbench.evals.bias import associations, swaps
from workbench.evals.bias.data_association import counted
from workbench.evals.bias.word_lists import SHIPPED, WordList, read_lists
from workbench.evals.context import EvalContext, no_progress

GENDER = WordList(
    "gender",
    {
        "female": ("she", "her", "her", "hers", "woman", "Anna"),
        "male": ("he", "his", "him", "his", "man", "John"),
    },
)


@pytest.mark.parametrize(
    ("text", "exchanged"),
    [
        ("She came.", "He came."),
        ("SHE came, and he left.", "HE came, and she left."),
        ("They met her. Her hat was lost.", "They met him. His hat was lost."),
        ("It is his.", "It is hers."),
        ("Anna's hat; JOHN's coat", "John's hat; ANNA's coat"),
        ("john and annas and womanly sheep", "john and annas and womanly sheep"),
        ("a woman-like man", "a man-like woman"),
    ],
)
def test_words_are_exchanged_whole_and_with_their_capitals(text, exchanged):
    assert GENDER.exchanged(text, "female", "male") == exchanged


def test_an_exchange_back_gives_the_text_again():
    text = "Anna told him that she lost her hat, and he said it was hers."
    assert GENDER.exchanged(GENDER.exchanged(text, "female", "male"), "female", "male") == text


def test_turning_leaves_the_words_of_the_other_group():
    assert GENDER.turned("She saw John.", "female", "male") == "He saw John."


def test_groups_of_more_than_two_are_exchanged_two_at_a_time():
    faith = WordList("faith", {"a": ("Abbot",), "b": ("Bonze",), "c": ("Cleric",)})
    assert faith.pairs == [("a", "b"), ("a", "c"), ("b", "c")]
    assert faith.exchanged("Abbot, Bonze, Cleric", "a", "c") == "Cleric, Bonze, Abbot"


GOOD = {
    "lists": {"gender": {"female": ["woman", "aunt"], "male": ["man", "uncle"]}},
    "subjects": ["the woman"],
    "templates": ["{name} was"],
    "associations": {
        "jobs": {
            "list": "gender",
            "says": {"female": ["nurse"], "male": ["pilot"]},
            "subjects": ["the woman"],
            "prompts": ["{name} worked as a"],
        }
    },
}


def file_with(tmp_path, **changes):
    path = tmp_path / "mine.yaml"
    path.write_text(yaml.safe_dump({**GOOD, **changes}))
    return path


def gender(**groups):
    return {"lists": {"gender": groups}}


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"lists": {}}, "'mine.yaml': 'lists' is {}"),
        (gender(female=["woman"]), "list 'gender': two or more groups"),
        (gender(female=[], male=["man"]), "group 'female': a list of words is needed"),
        (gender(female=["woman", "aunt"], male=["man"]), "'female' has 2, 'male' has 1"),
        (gender(female=["woman"], male=["Woman"]), "'Woman' is in 'female' and in 'male'"),
        (gender(female=["woman"], male=[3]), "group 'male': 3 is no word"),
        (gender(female=["woman"], male=[" - "]), "' - ' is no word"),
        ({"list": {}}, "no key 'list'.*'lists'"),
        ({"templates": ["He was"]}, "template 'He was' needs {name} in it, once"),
        ({"templates": []}, "'templates' and 'subjects' need each other"),
        ({"subjects": [1]}, r"'subjects' is \[1\]"),
        ({"subjects": ["the tree"]}, "subject 'the tree' has no word of any list"),
        ({"sentiment": {"positive": ["good"]}}, "'positive' and 'negative' are needed"),
    ],
)
def test_a_bad_file_of_lists_is_refused_by_place(tmp_path, changes, says):
    with pytest.raises(InputError, match=says):
        swaps.read_items(file_with(tmp_path, **changes))


def jobs(**changes):
    return {"associations": {"jobs": {**GOOD["associations"]["jobs"], **changes}}}


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"associations": {}}, "there is no 'associations'"),
        ({"associations": {"jobs": {}}}, "association 'jobs': list, prompts, says, subjects are"),
        (jobs(list="genders"), "no list 'genders'.*'gender'"),
        (jobs(says={"female": ["nurse"]}), "words for two groups of 'gender'"),
        (jobs(says={"female": ["nurse"], "men": ["pilot"]}), "no group 'men' in 'gender'"),
        (jobs(says={"female": [], "male": ["pilot"]}), r"the words of 'female' are \[\]"),
        (jobs(says={"female": ["nurse"], "male": ["Nurse"]}), "'nurse' is among the words of"),
        (jobs(subjects=["the man"]), "subject 'the man' has to name the group 'female'"),
        (jobs(subjects=["the woman's uncle"]), "and no other"),
        (jobs(prompts=["She was"]), "prompt 'She was' needs {name}"),
        (jobs(prompts=[]), r"'prompts' is \[\]"),
        (jobs(subjects="the woman"), "'subjects' is 'the woman'"),
    ],
)
def test_a_bad_association_is_refused_by_name(tmp_path, changes, says):
    with pytest.raises(InputError, match=says):
        associations.read_items(file_with(tmp_path, **changes))


def test_a_list_that_is_mentioned_nowhere_is_refused_when_it_is_asked(tmp_path):
    lists = {**GOOD["lists"], "age": {"young": ["youth"], "old": ["elder"]}}
    path = file_with(tmp_path, lists=lists)
    with pytest.raises(InputError, match="list 'age': none of its words stands in a template"):
        swaps.ask_own_swaps(
            None,
            path=path,
            slots=("base",),
            context=EvalContext(data_id="none", model_id="x"),
            progress=no_progress,
        )


def test_the_shipped_lists_ask_of_every_group_of_every_list():
    lists = read_lists(SHIPPED)
    asked = swaps.of_templates(lists)
    named = {(swap.words.name, group) for swap in asked for group in swap.groups}
    assert named == {(words.name, group) for words in lists.lists for group in words.groups}
    assert all(swap.item.prompt != swap.other.prompt for swap in asked)
    assert len({swap.item.id for swap in asked}) == len(asked)
    assert not any("{" in swap.item.prompt for swap in asked)
    assert len(associations.themes_of(lists)) == 4


@pytest.mark.parametrize(
    ("row", "found"),
    [
        ({"prompt": "The nurse said", "completion": " she left. He stayed."}, {"nurse": {"f": 1}}),
        ({"text": "A Nurse fell. Her hat too."}, {"nurse": {"": 1}}),
        ({"text": "The nurse told him that she left."}, {"nurse": {"": 1}}),
        ({"text": "The nurse told the pilot that she left."}, {}),
        (
            {"messages": [{"content": "Hi"}, {"content": "The pilot hurt his leg"}]},
            {"pilot": {"m": 1}},
        ),
        ({"prompt": "x", "completion": [{"content": "The pilot? He left."}]}, {"pilot": {"": 1}}),
        ({"text": None}, {}),
    ],
)
def test_sentences_of_training_rows_are_counted_by_what_they_name(row, found):
    named = {"nurse": ["nurse"], "pilot": ["pilot"]}
    told = counted([row], named=named, sides={"f": ["she", "her"], "m": ["he", "him", "his"]})
    assert {name: dict(counts) for name, counts in told.items()} == found
