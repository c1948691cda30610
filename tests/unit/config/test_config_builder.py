import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.config.builder import MAX_DEPTH, TreeBuilder
from gateway.config.load import read_tree
from gateway.config.problems import ConfigRefused, Mark
from gateway.config.tree import MappingNode, ScalarNode, SequenceNode


def mark(line=1, column=1):
    return Mark("f", line, column)


def scalar(text, line=1, column=1):
    return ScalarNode(text, mark(line, column), plain=True)


def tell(builder, *texts):
    for text in texts:
        builder.scalar(scalar(text), None, mark(1, 99))


def test_a_mapping_of_a_list_is_built_from_events():
    builder = TreeBuilder("f")

    builder.document(mark())
    builder.begin(MappingNode(mark(), {}), None)
    tell(builder, "a")
    builder.begin(SequenceNode(mark(), []), None)
    tell(builder, "1", "2")
    builder.end()
    builder.end()

    assert [item.text for item in builder.root.entries["a"].value.items] == ["1", "2"]
    assert builder.problems == []


def test_nesting_has_an_end():
    builder = TreeBuilder("f")
    for _ in range(MAX_DEPTH):
        builder.begin(SequenceNode(mark(), []), None)

    with pytest.raises(ConfigRefused, match="nested more than"):
        builder.begin(SequenceNode(mark(), []), None)


def test_an_alias_is_counted_with_all_that_it_stands_for():
    text = "a: &a [1, 1, 1]\nb: &b [*a, *a, *a]\n" + "".join(f"c{i}: [{', '.join(['*b'] * 100)}]\n" for i in range(90))

    with pytest.raises(ConfigRefused, match="aliases stand for"):
        read_tree(text, "f")


def test_aliases_in_reasonable_numbers_are_fine():
    text = "a: &a {x: 1, y: 2}\n" + "".join(f"c{i}: *a\n" for i in range(1000))

    assert len(read_tree(text, "f").entries) == 1001


def test_merged_keys_keep_the_place_where_they_were_written():
    tree = read_tree("a: &a {x: 1}\nb: {<<: *a, y: 2}\n", "f")

    assert tree.entries["b"].value.entries["x"].value.mark == Mark("f", 1, 11)
    assert list(tree.entries["b"].value.entries) == ["y", "x"]


def test_a_quoted_merge_sign_is_an_ordinary_key():
    assert list(read_tree('"<<": 1\n', "f").entries) == ["<<"]


def test_all_duplicates_are_found():
    with pytest.raises(ConfigRefused) as refusal:
        read_tree("a: {x: 1, x: 2}\nb: 1\nb: 2\na: 3\n", "f")

    assert [str(problem) for problem in refusal.value.problems] == [
        "f:1:11: a.x: is written twice, first on line 1",
        "f:3:1: b: is written twice, first on line 2",
        "f:4:1: a: is written twice, first on line 1",
    ]


@given(st.text(alphabet="ab:-[]{}&*!|>'\"#,? \n<~$%@", max_size=60))
def test_any_text_is_read_or_refused(text):
    try:
        read_tree(text, "f")
    except ConfigRefused as refusal:
        assert refusal.problems  # noqa: PT017 - reading and refusing are both right here


def test_an_unknown_anchor_to_merge_is_one_problem_with_a_place():
    with pytest.raises(ConfigRefused) as refusal:
        read_tree("a: {<<: *b}\n", "f")

    assert str(refusal.value) == "f:1:9: a.<<: there is no such anchor; quote a value that begins with '*'"


def test_an_empty_key_is_refused_with_all_that_stands_under_it():
    with pytest.raises(ConfigRefused) as refusal:
        read_tree('a: {b: 1, "": 2}\n', "f")

    assert str(refusal.value) == "f:1:11: a: a key must be a plain text"
