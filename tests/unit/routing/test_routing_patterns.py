"""A table of (pattern, path, expected): what a pattern matches, and what it does not."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.routing.patterns import AnonymousRules, Pattern, PatternError


@pytest.mark.parametrize(
    ("pattern", "path", "expected"),
    [
        ("/", "/", True),
        ("/", "/x", False),
        ("/x", "/x", True),
        ("/x", "/x/", False),
        ("/x", "/X", False),
        ("/x", "/xy", False),
        ("/x", "/y/x", False),
        ("/x/", "/x/", True),
        ("/x/", "/x", False),
        ("/x.y", "/x.y", True),
        ("/x.y", "/xzy", False),
        ("/x/**", "/x", True),
        ("/x/**", "/x/", True),
        ("/x/**", "/x/y", True),
        ("/x/**", "/x/y/z/", True),
        ("/x/**", "/xy", False),
        ("/x/**", "/x.y", False),
        ("/x/**", "/X/y", False),
        ("/x/**", "/", False),
        ("/public/**", "/public../secret", False),  # nginx alias off by a slash
        ("/**", "/", True),
        ("/**", "/x/y", True),
        ("/x/*", "/x/y", True),
        ("/x/*", "/x/", False),
        ("/x/*", "/x", False),
        ("/x/*", "/x/y/", False),
        ("/x/*", "/x/y/z", False),
        ("/x/*/z", "/x/y/z", True),
        ("/x/*/z", "/x//z", False),
        ("/x/*/**", "/x/y", True),
        ("/x/*/**", "/x/y/z", True),
        ("/x/*/**", "/x", False),
        ("/x/*.png", "/x/1.png", True),
        ("/x/*.png", "/x/.png", True),
        ("/x/*.png", "/x/1.png.exe", False),
        ("/x/*.png", "/x/y/1.png", False),
        ("/x/a*", "/x/a", True),
        ("/x/a*", "/x/abc", True),
        ("/x/a*c*e", "/x/ace", True),
        ("/x/a*c*e", "/x/abcccdee", True),
        ("/x/a*c*e", "/x/aec", False),
        ("/x/a*c*e", "/x/ac/e", False),
        ("/x/*ab*ab", "/x/abab", True),
        ("/x/*ab*ab", "/x/ab", False),
        ("/x/*ab*ab", "/x/aabxab", True),
        ("/x/*?b?*", "/x/abc", True),
        ("/x/*?b?*", "/x/bc", False),
        ("/x?", "/xy", True),
        ("/x?", "/x", False),
        ("/x?", "/x/", False),
        ("/x?y", "/x/y", False),
        ("/?", "/é", True),
        ("/?", "/日", True),
        ("/?", "/🙂", True),
        ("/?", "/éé", False),
        ("/??", "/éa", True),
        ("/{id}", "/7", True),
        ("/{id}", "/", False),
        ("/{id}", "/7/", False),
        ("/{id}", "/é", True),
        ("/v{major}.{minor}", "/v1.20", True),
        ("/v{major}.{minor}", "/v1.", False),
        ("/{id}.png", "/1.png", True),
        ("/{id}.png", "/.png", False),
        ("/{a}/{b}/**", "/x/y", True),
        ("/{a}/{b}/**", "/x", False),
        ("/odata/$metadata", "/odata/$metadata", True),
        ("/odata/%24metadata", "/odata/$metadata", True),
        ("/partners(1)", "/partners(1)", True),
        ("/partners(1)", "/partners1", False),
        ("/café", "/café", True),
        ("/caf%C3%A9", "/café", True),
        ("/a%20b", "/a b", True),
        ("/a%2e%2e/b", "/a../b", True),
        ("/a+b", "/a+b", True),
        ("/a+b", "/aab", False),
        ("/a%2Ab", "/a*b", True),
        ("/a%2Ab", "/axb", False),
        ("/x", "/x\n", False),
        ("/x/**", "/x\n/y", False),
        ("/v1/items:batch", "/v1/items:batch", True),
    ],
)
def test_a_pattern_matches_the_whole_path(pattern, path, expected):
    assert bool(Pattern(pattern).matches(path.encode())) is expected


@pytest.mark.parametrize(
    ("text", "first"),
    [
        ("/", b""),
        ("/x", b"x"),
        ("/x/**", b"x"),
        ("/x/{a}", b"x"),
        ("/caf%C3%A9/y", "café".encode()),
        ("/**", None),
        ("/x*", None),
        ("/{a}/b", None),
        ("/?", None),
    ],
)
def test_a_literal_first_segment_is_known(text, first):
    assert Pattern(text).first == first


def test_patterns_that_mean_the_same_are_equal():
    assert Pattern("/caf%C3%A9/{a}") == Pattern("/café/*")
    assert len({Pattern("/x/{a}"), Pattern("/x/{b}"), Pattern("/x")}) == 2
    assert Pattern("/x") != "/x"
    assert repr(Pattern("/x/**")) == "Pattern('/x/**')"


def test_many_wildcards_cost_linear_time():
    """A regular expression that tries again would need 32 KiB to the sixth power here."""
    pattern = Pattern("/*a*a*a*a*a*b")

    assert not pattern.matches(b"/" + b"a" * 32 * 1024)


SEGMENTS = st.lists(st.sampled_from(["a", "b", "?", "*", "{v}", ".", "é"]), min_size=1, max_size=4).map("".join)
TEXTS = st.tuples(st.lists(SEGMENTS, max_size=3), st.booleans()).map(
    lambda parts: "".join("/" + segment for segment in parts[0]) + ("/**" if parts[1] or not parts[0] else "")
)
PATHS = st.text("ab.é/", max_size=8).map("/".__add__)


@given(TEXTS, PATHS)
def test_the_matcher_agrees_with_a_plain_backtracking_regex(text, path):
    try:
        pattern = Pattern(text)
    except PatternError:
        return
    simple = re.escape(text).replace(r"/\*\*", "(?:/.*)?").replace(r"\{v\}", "[^/]+").replace(r"\?", "[^/]")
    simple = re.sub(r"(?<=/)\\\*(?=/|\(|$)", "[^/]+", simple).replace(r"\*", "[^/]*")

    assert bool(pattern.matches(path.encode())) == bool(re.fullmatch(simple, path, re.DOTALL))


@pytest.mark.parametrize(
    ("entries", "method", "path", "expected"),
    [
        ([], "GET", "/x", False),
        (["/x"], "GET", "/x", True),
        (["/x"], "DELETE", "/x", True),
        (["GET /x/**"], "GET", "/x/y", True),
        (["GET /x/**"], "POST", "/x/y", False),
        (["GET /x/**"], "HEAD", "/x/y", False),
        (["GET /x", "POST /y"], "POST", "/y", True),
        (["GET   /x"], "GET", "/x", True),
    ],
)
def test_an_anonymous_entry_frees_its_method_and_path_only(entries, method, path, expected):
    rules = AnonymousRules(entries)

    assert rules.allow(method, path.encode()) is expected
    assert bool(rules) is bool(entries)


@pytest.mark.parametrize(
    ("entry", "column"),
    [
        ("", 1),
        ("x", 1),
        ("get /x", 1),
        ("GET", 1),
        ("GET,POST /x", 1),
        ("GET /x/**/y", 9),
        ("/x y", 3),
        ("GET  /:id", 7),
    ],
)
def test_an_anonymous_entry_that_is_no_rule_is_refused_with_its_column(entry, column):
    with pytest.raises(PatternError) as refusal:
        AnonymousRules([entry])

    assert refusal.value.column == column
