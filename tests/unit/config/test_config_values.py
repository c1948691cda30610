import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.config.values import (
    distinct,
    read_any_line,
    read_duration,
    read_end,
    read_flag,
    read_line,
    read_moment,
    read_name,
    read_size,
    read_whole,
    some,
    spell_duration,
    spell_size,
)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("500ms", 0.5),
        ("15s", 15),
        ("10m", 600),
        ("1h", 3600),
        ("30d", 2_592_000),
        ("0s", 0),
        ("1.5s", 1.5),
        ("0.25h", 900),
    ],
)
def test_a_duration_is_a_number_with_its_unit(text, seconds):
    assert read_duration(text) == seconds


@pytest.mark.parametrize(
    "text",
    [
        "",
        "15",
        "s",
        "-1s",
        "+1s",
        "1 s",
        " 1s",
        "1s ",
        "1S",
        "1h30m",
        "1e3s",
        "\u0661s",
        "1w",
        "1min",
        ".5s",
        "1.s",
        "inf",
        "nan",
        True,
    ],
)
def test_anything_else_is_no_duration(text):
    with pytest.raises(ValueError, match="must be"):
        read_duration(text)


def test_a_duration_beyond_a_century_is_a_typing_mistake():
    with pytest.raises(ValueError, match="hundred years"):
        read_duration("36501d")


@given(st.integers(0, 10**9))
def test_whole_milliseconds_survive_spelling_and_reading(milliseconds):
    assert read_duration(spell_duration(milliseconds / 1000)) == pytest.approx(milliseconds / 1000)


@given(st.integers(0, 999_999_999).map(str), st.sampled_from(["ms", "s", "m", "h"]))
def test_a_duration_is_read_or_refused_and_never_negative(number, unit):
    try:
        assert read_duration(number + unit) >= 0
    except ValueError as refusal:
        assert "hundred years" in str(refusal)  # noqa: PT017 - reading and refusing are both right here


@given(st.text(max_size=12))
def test_no_text_makes_the_readers_fail_in_another_way(text):
    for read in (read_duration, read_size, read_whole, read_flag, read_moment, read_line, read_any_line, read_name):
        try:
            read(text)
        except ValueError:
            continue


@pytest.mark.parametrize(
    ("text", "size"),
    [("0", 0), ("512", 512), ("1B", 1), ("64KiB", 65536), ("100MiB", 104_857_600), ("1GiB", 2**30), ("2TiB", 2**41)],
)
def test_a_size_is_bytes_or_a_number_with_a_binary_unit(text, size):
    assert read_size(text) == size


@pytest.mark.parametrize(
    "text", ["", "KiB", "1 KiB", "1KB", "1kib", "1K", "-1", "1.5MiB", "010", "0x10", "1_0", "1e3", True]
)
def test_anything_else_is_no_size(text):
    with pytest.raises(ValueError, match="must be"):
        read_size(text)


@given(st.integers(0, 2**45))
def test_a_size_survives_spelling_and_reading(size):
    assert read_size(spell_size(size)) == size


@pytest.mark.parametrize(("text", "number"), [("0", 0), ("7", 7), ("-7", -7), ("1000", 1000)])
def test_a_whole_number_is_plain_decimal_digits(text, number):
    assert read_whole(text) == number


@pytest.mark.parametrize(
    "text", ["", "010", "00", "+1", "1_0", "0x1", "0o1", "1.0", "1e3", "1:30", " 1", "\u0661", "9" * 30, True]
)
def test_what_yaml_versions_read_differently_is_no_whole_number(text):
    with pytest.raises(ValueError, match="must be"):
        read_whole(text)


@pytest.mark.parametrize(
    ("text", "flag"), [("true", True), ("True", True), ("false", False), ("FALSE", False), (True, True)]
)
def test_a_flag_is_true_or_false(text, flag):
    assert read_flag(text) is flag


@pytest.mark.parametrize("text", ["", "yes", "no", "on", "off", "y", "1", "0", "t", 1])
def test_what_yaml_versions_read_differently_is_no_flag(text):
    with pytest.raises(ValueError, match="must be"):
        read_flag(text)


@pytest.mark.parametrize(
    ("text", "epoch"),
    [
        ("2027-01-01", 1_798_761_600),
        ("2027-01-01T00:00:00Z", 1_798_761_600),
        ("2027-01-01T01:00:00+01:00", 1_798_761_600),
        ("2027-01-01 00:00:30", 1_798_761_630),
    ],
)
def test_a_moment_is_a_date_or_a_time_in_utc_unless_it_says_otherwise(text, epoch):
    assert read_moment(text) == epoch


@pytest.mark.parametrize("text", ["", "2027-13-01", "01.01.2027", "1798761600", "tomorrow", "never"])
def test_anything_else_is_no_moment(text):
    with pytest.raises(ValueError, match="must be a date"):
        read_moment(text)


@pytest.mark.parametrize("text", ["a\nb", "a\0", "\x1b[0m", "a\x85b", "a\u2028b", "a\r\nX-Admin: 1"])
def test_a_line_holds_no_control_characters(text):
    with pytest.raises(ValueError, match="control character"):
        read_any_line(text)


def test_a_line_is_empty_only_where_that_means_something():
    assert read_any_line("") == ""
    with pytest.raises(ValueError, match="is empty"):
        read_line("")


@pytest.mark.parametrize("name", ["", "-a", ".a", "a b", "a/b", "ä", "a" * 65, "a\n"])
def test_a_name_is_safe_in_logs_metrics_and_messages(name):
    with pytest.raises(ValueError, match="letters"):
        read_name(name)


def test_a_list_names_nothing_twice():
    assert distinct(("a", "b")) == ("a", "b")
    with pytest.raises(ValueError, match='lists "a" twice'):
        distinct(("a", "b", "a"))


def test_a_list_that_must_hold_something_is_not_empty():
    assert some(("a",)) == ("a",)
    with pytest.raises(ValueError, match="is empty"):
        some(())


def test_a_named_file_must_be_readable(refused):
    text = """\
        server: {tls: {certificate_file: cert.pem, private_key_file: key.pem}}
        upstreams: {a: {servers: [http://h]}}
        routes: [{path: /**, upstream: a}]
        """

    assert refused(text, files={"cert.pem": "x"}) == [
        "1:62: server.tls.private_key_file: cannot read key.pem: No such file or directory"
    ]


@pytest.mark.parametrize(
    ("text", "end"), [("90d", 1000.0 + 90 * 86400), ("1970-01-02", 86400.0), ("1970-01-01T00:00:01Z", 1.0)]
)
def test_an_end_is_a_date_a_time_or_so_long_from_now(text, end):
    assert read_end(text, 1000.0) == end


@pytest.mark.parametrize("text", ["", "soon", "90", "2027-13-01"])
def test_what_is_no_end_is_told_what_one_looks_like(text):
    with pytest.raises(ValueError, match="such as 90d"):
        read_end(text, 0.0)
