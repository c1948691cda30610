"""Every text that a back end may make of a path is known, or the path is refused."""

import pytest

from gateway.errors import UnsafePath
from gateway.routing.paths import canonical
from gateway.routing.readings import readings


@pytest.mark.parametrize(
    ("raw", "encoded", "readings"),
    [
        (b"/a%2fb", {"slash"}, [b"/a%2Fb", b"/a/b"]),
        (b"/a%25b", {"percent"}, [b"/a%25b", b"/a%b"]),
        (b"/a%2541", {"percent"}, [b"/a%2541", b"/a%41", b"/aA"]),
        (b"/a%3bb/c", {"semicolon"}, [b"/a%3Bb/c", b"/a;b/c", b"/a/c"]),
        (b"/a;b/c", {"semicolon"}, [b"/a;b/c", b"/a/c"]),
        (b"/a;x%2Fy/b", {"semicolon", "slash"}, [b"/a;x%2Fy/b", b"/a;x/y/b", b"/a/b", b"/a/y/b"]),
        (b"/u/http:%2F%2Fx", {"slash"}, [b"/u/http:%2F%2Fx", b"/u/http://x", b"/u/http:/x"]),
        (b"/a%3Fb", set(), [b"/a?b", b"/a"]),
        (b"/a%23b", set(), [b"/a#b", b"/a"]),
        (b"/caf%c3%a9", set(), ["/café".encode()]),
        (b"/cafe%cc%81", set(), ["/cafe\u0301".encode(), "/café".encode()]),
        (b"/a%ef%bc%8fb", set(), ["/a\uff0fb".encode(), b"/a/b"]),
        (b"/a%E2%88%96b", set(), ["/a\u2216b".encode(), b"/a/b"]),
    ],
)
def test_every_reading_of_a_path_is_known(raw, encoded, readings):
    spelling = canonical(raw)

    assert spelling.encoded == encoded
    assert list(spelling.readings) == readings


def test_a_path_with_nothing_ambiguous_is_read_in_one_way():
    assert readings(b"/a%20b/%24c") == (b"/a b/$c",)


def test_layers_of_escapes_beyond_reason_are_refused():
    few, many = b"/a%" + b"25" * 4 + b"41", b"/a%" + b"25" * 40 + b"41"

    assert readings(few)[-1] == b"/aA"
    with pytest.raises(UnsafePath, match="too many ways"):
        readings(many)


def test_a_path_of_combining_marks_is_refused_before_they_are_sorted():
    """A request of 32 KiB would take a tenth of a second."""
    with pytest.raises(UnsafePath, match="longer than any real one"):
        readings(b"/a" + b"%CC%81%CC%96" * 2000)
    assert readings(b"/" + b"a" * 10_000 + b"%3F")[-1] == b"/" + b"a" * 10_000


@pytest.mark.parametrize("path", [b"/a/%252e%252e", b"/x;/../y", b"/a%25c0%25af", b"/a%2500", b"/%2Fhost/a"])
def test_a_later_reading_is_judged_as_strictly_as_the_first(path):
    with pytest.raises(UnsafePath):
        readings(path)
