"""What is no pattern is refused when it is loaded, with the column of the mistake and a hint."""

import re

import pytest

from gateway.routing.grammar import PatternError, Wild, parse
from gateway.routing.patterns import Pattern


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("/", ["/"]),
        ("/**", ["/", Wild.ALL]),
        ("/x/**", ["/", "x", Wild.REST]),
        ("/*", ["/", Wild.ONE, Wild.MANY]),
        ("/{id}", ["/", Wild.ONE, Wild.MANY]),
        ("/*.p?", ["/", Wild.MANY, ".", "p", Wild.ONE]),
        ("/%C3%A9%2a", ["/", "é", "*"]),
    ],
)
def test_a_pattern_is_read_as_characters_and_wildcards(text, tokens):
    assert list(parse(text)) == tokens


@pytest.mark.parametrize(
    ("text", "column"),
    [
        ("", 1),
        ("x", 1),
        ("^/x", 1),
        ("/x//y", 4),
        ("/x/../y", 4),
        ("/./y", 2),
        ("/x/...", 4),
        ("/x/**/y", 5),
        ("/x/***", 5),
        ("/x**", 4),
        ("/**x", 3),
        ("/{a}*", 5),
        ("/*{a}", 3),
        ("/{a}{b}", 5),
        ("/{a}/{a}", 6),
        ("/{}", 2),
        ("/{1a}", 2),
        ("/{id:[0-9]+}", 2),
        ("/{id", 2),
        ("/x}", 3),
        ("/:id", 2),
        ("/x/.*", 4),
        ("/x/.+", 4),
        ("/x/(?:y)", 4),
        ("/x$", 3),
        ("/[ab]", 2),
        ("/a|b", 3),
        (r"/\d+", 2),
        ("/<id>", 2),
        ("/x;y", 3),
        ("/x#y", 3),
        ("/a b", 3),
        ("/a\tb", 3),
        ("/a\u00a0b", 3),
        ("/a\x00", 3),
        ("/a%", 3),
        ("/a%zz", 3),
        ("/a%2Fb", 3),
        ("/a%5cb", 3),
        ("/a%25b", 3),
        ("/a%3Bb", 3),
        ("/a%00", 3),
        ("/a%C2%85", 3),
        ("/a%ff", 3),
        ("/x/%2e%2e", 4),
    ],
)
def test_unknown_pattern_syntax_is_refused_with_its_column(text, column):
    with pytest.raises(PatternError) as refusal:
        Pattern(text)

    assert refusal.value.column == column, str(refusal.value)
    assert str(refusal.value) == f"column {column}: {refusal.value.problem}"


def test_a_hint_names_the_syntax_that_is_meant():
    hints = {"/:id": "{name}", "/x/.*": "no regular expressions", "/a b": "%20", "/{a:int}": "{name}", "/x**": "**"}

    for text, hint in hints.items():
        with pytest.raises(PatternError, match=re.escape(hint)):
            Pattern(text)
