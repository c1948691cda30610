"""A page of another origin in a real browser: it logs in, calls and reads, and a page that is not listed does not."""

from pathlib import Path

import pytest
from fakes.cors_site import cors_site, running_cors_site
from playwright.sync_api import sync_playwright

__all__ = ["cors_site", "running_cors_site"]

CHROMIUM = "/usr/bin/chromium"
FLAGS = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"]
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


@pytest.fixture
def page():
    assert Path(CHROMIUM).exists(), "install Debian's chromium: who may read what is decided in the browser"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser.new_page()
        browser.close()


def test_a_listed_page_logs_in_and_calls_with_the_cookie(page, cors_site):
    page.goto(f"{cors_site.origin}/page")

    def call(path):
        return page.evaluate(CALL, [cors_site.gateway.url + path, WHO])

    status, _ = call("/api/x")
    assert status == 401, "a refusal that the page can read"
    assert call("/web/session/authenticate")[0] == 200
    assert call("/api/x")[0] == 200
    assert cors_site.erp.last.one("X-Zone") == "inner"
    assert cors_site.erp.last.one("X-Auth-User") == "ada"
    assert call("/plain/x") == "TypeError", "no cors there, so the preflight is refused"


def test_a_page_that_is_not_listed_reads_nothing_and_sends_nothing(page, cors_site):
    page.goto(f"{cors_site.origin.replace('127.0.0.1', 'localhost')}/page")
    cors_site.erp.forget()

    assert page.evaluate(CALL, [f"{cors_site.gateway.url}/api/x", {}]) == "TypeError"
    asked = [seen for seen in cors_site.erp.seen if b" /favicon.ico " not in seen.head]  # the browser's own wish
    assert asked == []
