import pytest

from gateway.config.syntax import says_quote_variable, way_out


@pytest.mark.parametrize(
    ("line", "column", "problem", "way"),
    [
        ("\tlisten: x", 0, "", "; indent with blanks: YAML takes no tabs there"),
        ("  \tlisten: x", 3, "", "; indent with blanks: YAML takes no tabs there"),
        ("a: [::1]:80", 4, "", "; quote an IPv6 address"),
        ("a: @b", 3, "", "; quote a value that begins with '@'"),
        ("a: `b", 3, "", "; quote a value that begins with '`'"),
        ("a: **", 4, "", "; quote a value that begins with '*'"),
        ("a: &", 4, "", "; quote a value that begins with '&'"),
        ("a: b: c", 4, "mapping values are not allowed in this context", '; quote a value that holds ": ", or mend'),
        ("  c: 2", 2, "did not find expected key", "; look at the indentation and the quotes"),
        ("", 0, "found unexpected end of stream", ""),
    ],
)
def test_a_way_out_is_told_where_there_is_one(line, column, problem, way):
    told = way_out(line, column, problem)

    assert told.startswith(way)
    assert bool(told) == bool(way)


def test_an_unquoted_variable_is_told_from_other_braces():
    assert says_quote_variable("a: {b: ${C}}", 8)
    assert not says_quote_variable("a: {b: {C}}", 7)
