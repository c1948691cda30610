import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from jinja2 import UndefinedError

from gateway.admin.console import pages as module
from gateway.admin.console.pages import POLICY, Pages, listed, moment
from gateway.admin.console.sign_ins import Notice, SignIn

TEMPLATES = Path(module.__file__).parent / "templates"


@pytest.fixture(scope="module")
def pages():
    return Pages()


def test_every_answer_forbids_scripts_frames_guessing_and_keeping(pages):
    for answer in (pages.show("off.html"), pages.style(), pages.lead("/sessions")):
        assert answer.headers["Content-Security-Policy"] == POLICY
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Referrer-Policy"] == "same-origin"
        assert answer.headers["Cache-Control"] == "no-store"
    assert "default-src 'none'" in POLICY
    assert "script" not in POLICY


def test_what_a_value_holds_is_text(pages):
    answer = pages.show("error.html", title="<script>", text="<img src=x onerror=alert(1)>&\"'")

    assert b"<script" not in answer.body
    assert b"<img" not in answer.body
    assert b"&lt;img src=x onerror=alert(1)&gt;&amp;&#34;&#39;" in answer.body


def test_a_value_that_is_missing_is_an_error(pages):
    with pytest.raises(UndefinedError):
        pages.show("error.html", title="x")


def test_notices_are_told_once_and_escaped(pages):
    sign_in = SignIn(0.0, 0.0)
    sign_in.notices.append(Notice("<b>done</b>", ("<i>line</i>",), failed=True))

    first = pages.show("error.html", sign_in, title="a", text="b").body
    second = pages.show("error.html", sign_in, title="a", text="b").body

    assert b"&lt;b&gt;done" in first
    assert b"&lt;i&gt;line" in first
    assert b"done" not in second


def test_who_is_not_signed_in_sees_no_way_to_other_pages(pages):
    assert b"<nav" not in pages.show("off.html").body
    assert b"<nav" in pages.show("error.html", SignIn(0.0, 0.0), title="a", text="b").body


class Tags(HTMLParser):
    def __init__(self):
        super().__init__()
        self.found = []

    def handle_starttag(self, tag, attributes):
        self.found.append((tag, dict(attributes)))


@pytest.mark.parametrize("path", sorted(TEMPLATES.glob("*.html")), ids=lambda path: path.name)
def test_a_template_holds_no_script_and_no_style_of_its_own(path):
    tags = Tags()
    tags.feed(path.read_text())

    assert not {"script", "style", "iframe", "object"} & {tag for tag, _ in tags.found}
    for tag, attributes in tags.found:
        assert not [name for name in attributes if re.fullmatch("style|on[a-z]{3,}", name)], tag
        assert not [value for value in attributes.values() if value and "://" in value], tag
    assert "| safe" not in path.read_text()
    assert "autoescape" not in path.read_text()


@pytest.mark.parametrize("path", sorted(TEMPLATES.glob("*.html")), ids=lambda path: path.name)
def test_every_form_that_changes_something_carries_the_token(path):
    text = path.read_text()

    for form in text.split('<form method="post"')[1:]:
        assert "{{ token() }}" in form.split("</form>")[0] or path.name == "sign_in.html"


def test_moments_and_lists_are_spelled_for_people():
    assert moment(0.0) == "1970-01-01 00:00:00 UTC"
    assert moment(None) == "never"
    assert listed(["a", "b"]) == "a, b"
    assert listed([]) == "-"
    assert listed([], "all") == "all"
