"""A page of another origin in a real browser: it logs in, calls and reads, and a page that is not listed does not."""

import pytest
from fakes.cors_site import cors_site, running_cors_site

__all__ = ["cors_site", "running_cors_site"]

CALL = """
async ([address, params]) => {
  const headers = {'Content-Type': 'application/json', 'X-Zone': 'inner'};
  const body = JSON.stringify({jsonrpc: '2.0', params});
  try {
    const answer = await fetch(address, {method: 'POST', credentials: 'include', headers, body});
    return [answer.status, await answer.text()];
  } catch (error) {
    return error.name;
  }
}
"""
WHO = {"db": "erp", "login": "ada", "password": "password"}


def calls(erp):
    """Those of the page, not what a browser asks for when it likes: the page itself, an icon."""
    return [seen for seen in erp.seen if b" /api/" in seen.head]


@pytest.fixture
def page(browser):
    """In a context of its own: no cookie of another test's is there."""
    page = browser.new_page()
    yield page
    page.close()


def test_a_listed_page_logs_in_and_calls_with_the_cookie(page, cors_site):
    page.goto(f"{cors_site.origin}/page")

    def call(path):
        return page.evaluate(CALL, [cors_site.gateway.url + path, WHO])

    status, _ = call("/api/x")
    assert status == 401, "a refusal that the page can read"
    assert call("/web/session/authenticate")[0] == 200
    assert call("/api/x")[0] == 200
    (called,) = calls(cors_site.erp)
    assert (called.one("X-Zone"), called.one("X-Auth-User")) == ("inner", "ada")
    assert call("/plain/x") == "TypeError", "no cors there, so the preflight is refused"


def test_a_page_that_is_not_listed_reads_nothing_and_sends_nothing(page, cors_site):
    page.goto(f"{cors_site.origin.replace('127.0.0.1', 'localhost')}/page")
    cors_site.erp.forget()

    assert page.evaluate(CALL, [f"{cors_site.gateway.url}/api/x", {}]) == "TypeError"
    assert calls(cors_site.erp) == []
