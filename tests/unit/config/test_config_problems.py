import pytest

from gateway.config.problems import ConfigRefused, Mark, Problem, did_you_mean, one_of, problem_at, spelled


def test_a_problem_is_printed_as_file_line_column_where_and_message():
    problem = problem_at(Mark("config.yaml", 12, 7), ("routes", 2, "upstream"), 'no upstream named "oddo"')

    assert str(problem) == 'config.yaml:12:7: routes[2].upstream: no upstream named "oddo"'


def test_a_problem_with_the_whole_file_names_no_key():
    assert str(Problem("config.yaml", 1, 1, "", "is empty")) == "config.yaml:1:1: is empty"


def test_a_problem_outside_of_the_file_has_no_line():
    assert str(Problem("GATEWAY_SERVER_LISTEN", 0, 0, "server.listen", "is empty")) == (
        "GATEWAY_SERVER_LISTEN: server.listen: is empty"
    )


@pytest.mark.parametrize(
    ("where", "text"),
    [((), ""), (("a",), "a"), (("a", "b"), "a.b"), (("a", 0, 1, "b"), "a[0][1].b"), ((0,), "[0]")],
)
def test_a_location_is_spelled_as_in_the_manual(where, text):
    assert spelled(where) == text


def test_a_refusal_lists_each_problem_once_in_file_order():
    late, early = Problem("f", 9, 1, "b", "x"), Problem("f", 2, 1, "a", "y")

    assert ConfigRefused([late, early, late]).problems == [early, late]
    assert str(ConfigRefused([late, early])) == "f:2:1: a: y\nf:9:1: b: x"


@pytest.mark.parametrize(
    ("word", "hint"), [("oddo", '; did you mean "odoo"?'), ("ODOO", '; did you mean "odoo"?'), ("x", "")]
)
def test_a_near_word_is_offered_and_a_far_one_is_not(word, hint):
    assert did_you_mean(word, ["odoo", "jmix"]) == hint


def test_a_near_word_is_offered_as_it_is_spelled():
    assert did_you_mean("hs256", ["RS256", "HS256"]) == '; did you mean "HS256"?'


def test_all_words_are_listed_where_none_is_near():
    assert one_of("oddo", ["odoo", "jmix"]) == '; did you mean "odoo"?'
    assert one_of("ldap", ["odoo", "jmix"]) == "; there are odoo, jmix"
