"""One pattern covers another exactly when every path of the other is its own."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.routing.covering import covers, overlaps
from gateway.routing.patterns import Pattern, PatternError


@pytest.mark.parametrize(
    ("wide", "narrow", "expected"),
    [
        ("/**", "/", True),
        ("/**", "/x/**", True),
        ("/x/**", "/**", False),
        ("/x/**", "/x", True),
        ("/x/**", "/x/", True),
        ("/x/**", "/x/{a}/b", True),
        ("/x/**", "/xy", False),
        ("/x/**", "/x*", False),
        ("/x", "/x/**", False),
        ("/x/*", "/x/{id}", True),
        ("/x/{id}", "/x/*", True),
        ("/x/*", "/x/?", True),
        ("/x/?", "/x/*", False),
        ("/x/*", "/x/", False),
        ("/x/*", "/x/a*", True),
        ("/x/a*", "/x/*", False),
        ("/x/*.png", "/x/a*.png", True),
        ("/x/*a*", "/x/*ba", True),
        ("/x/*ab*", "/x/*a*b", False),
        ("/{a}/{b}/**", "/x/*", True),
        ("/{a}/{b}/**", "/x/**", False),
        ("/*/**", "/x/**", True),
        ("/x/*/**", "/x/**", False),
        ("/?", "/é", True),
        ("/X", "/x", False),
        ("/x", "/x", True),
    ],
)
def test_covering_is_decided_exactly(wide, narrow, expected):
    assert covers(Pattern(wide), Pattern(narrow)) is expected


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ("/x/**", "/{a}/y", True),
        ("/x/**", "/y/**", False),
        ("/*a", "/b*", True),
        ("/a?", "/ab", True),
        ("/a?", "/abc", False),
        ("/x/**", "/x", True),
        ("/x/*", "/x", False),
        ("/**", "/x", True),
        ("/*.png", "/*.jpg", False),
    ],
)
def test_overlap_is_decided_exactly(one, other, expected):
    assert overlaps(Pattern(one), Pattern(other)) is expected
    assert overlaps(Pattern(other), Pattern(one)) is expected


SEGMENTS = st.lists(st.sampled_from(["a", "b", "?", "*", "{v}"]), min_size=1, max_size=3).map("".join)
TEXTS = st.tuples(st.lists(SEGMENTS, max_size=2), st.booleans()).map(
    lambda parts: "".join("/" + segment for segment in parts[0]) + ("/**" if parts[1] or not parts[0] else "")
)
PATHS = st.lists(st.text("abc/", max_size=5).map("/".__add__), min_size=10, max_size=10)


def compiled(text):
    """Two variables of one name are made two names: they are as good as any for a comparison."""
    names = iter("uvwxyz")
    return Pattern(re.sub(r"\{v\}", lambda _: "{" + next(names) + "}", text))


@given(TEXTS, TEXTS, PATHS)
def test_covering_and_overlap_never_contradict_the_matcher(one, other, paths):
    try:
        wide, narrow = compiled(one), compiled(other)
    except PatternError:
        return
    covered, shared = covers(wide, narrow), overlaps(wide, narrow)

    for path in (path.encode() for path in paths):
        in_wide, in_narrow = bool(wide.matches(path)), bool(narrow.matches(path))
        assert not (covered and in_narrow and not in_wide)
        assert not (in_wide and in_narrow and not shared)


@given(TEXTS)
def test_a_pattern_covers_itself_and_is_covered_by_everything(text):
    try:
        pattern = compiled(text)
    except PatternError:
        return

    assert covers(pattern, pattern)
    assert overlaps(pattern, pattern)
    assert covers(Pattern("/**"), pattern)
