from types import SimpleNamespace

import pytest

from gateway.admin.console.forms import Form
from gateway.admin.console.pages import Pages
from gateway.admin.console.sign_ins import SignIn
from gateway.admin.console.visit import Mistake, Visit


@pytest.fixture
def visit():
    request = SimpleNamespace(query={"user_id": " 101 "})
    return Visit(request, SignIn(0.0, 0.0), Form({}), Pages())


def test_what_was_done_is_told_on_the_page_that_it_leads_to(visit):
    answer = visit.done("/bans", "2 lifted.", "a", "b", failed=True)
    page = visit.show("error.html", title="t", text="x")

    assert (answer.status, answer.headers["Location"]) == (303, "/bans")
    assert b"2 lifted." in page.body
    assert b"<li>a</li><li>b</li>" in page.body
    assert b'role="alert"' in page.body


def test_the_address_is_read_without_white_space(visit):
    assert visit.query("user_id") == "101"
    assert visit.query("tenant") == ""


def test_no_mistake_has_nothing_typed():
    assert Mistake().typed.text("user") == ""
