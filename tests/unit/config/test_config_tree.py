from gateway.config.load import read_tree
from gateway.config.problems import Mark
from gateway.config.tree import Broken, Filler, ScalarNode, as_written, key_mark, mark_of

TEXT = """\
a:
  - {b: 1, c_file: x}
d: ${VAR}
"""


def fill(text, environ=None):
    problems = []
    data = Filler(environ or {}, lambda where, mark, message: problems.append((where, mark, message))).fill(
        read_tree(text, "f"), ()
    )
    return data, problems


def test_a_value_is_found_by_its_location():
    tree = read_tree(TEXT, "f")

    assert mark_of(tree, ("a", 0, "b")) == Mark("f", 2, 9)
    assert key_mark(tree, ("a", 0, "b")) == Mark("f", 2, 6)


def test_a_secret_is_found_at_its_twin():
    assert mark_of(read_tree(TEXT, "f"), ("a", 0, "c")) == Mark("f", 2, 20)


def test_a_secret_is_named_by_the_key_that_was_written():
    tree = read_tree(TEXT, "f")

    assert as_written(tree, ("a", 0, "c")) == ("a", 0, "c_file")
    assert as_written(tree, ("a", 0, "b")) == ("a", 0, "b")
    assert as_written(tree, ("nowhere", "c")) == ("nowhere", "c")
    assert as_written(tree, ()) == ()


def test_what_was_not_written_is_placed_at_what_surrounds_it():
    tree = read_tree(TEXT, "f")

    assert mark_of(tree, ("a", 0, "missing")) == Mark("f", 2, 5)
    assert mark_of(tree, ("a", 7, "b")) == Mark("f", 2, 3)
    assert mark_of(tree, ("d", "deeper")) == Mark("f", 3, 4)
    assert key_mark(tree, ("missing",)) == Mark("f", 1, 1)


def test_scalars_stay_text_and_variables_are_filled_in():
    assert fill(TEXT, {"VAR": "007"}) == ({"a": [{"b": "1", "c_file": "x"}], "d": "007"}, [])


def test_a_value_that_cannot_be_filled_is_reported_and_stands_as_broken():
    data, problems = fill("a: ${VAR}\nb:\n")

    assert isinstance(data["a"], Broken)
    assert isinstance(data["b"], Broken)
    assert [(where, mark.line) for where, mark, _ in problems] == [(("a",), 1), (("b",), 2)]


def test_quoted_nulls_are_text():
    assert fill('a: "null"\nb: "~"\nc: ""\n') == ({"a": "null", "b": "~", "c": ""}, [])


def test_text_that_is_not_unicode_is_refused():
    assert "is not Unicode text" in fill("a: ${V}\n", {"V": "\udcff"})[1][0][2]


def test_the_repr_of_a_value_does_not_show_it():
    assert "hush" not in repr(ScalarNode("hush", Mark("f")))


def test_pieces_of_an_unquoted_secret_are_never_repeated():
    _, problems = fill("a: {password: one,two,three}\nb: {hash: $argon2id$v=19$m=1,t=1$salt$secrethash}\n")

    assert not any(piece in str(problem) for problem in problems for piece in ("two", "three", "secrethash"))
    assert len(problems) == 3
