"""The documentation's JavaScript for browsers, run in one: it logs in, calls, and no other site can do so for it."""

import pytest
from fakes.odoo_site import running_odoo_site, site

__all__ = ["running_odoo_site", "site"]


PRINTED = """
// Session-based authentication
async function login(database, username, password) {
  const response = await fetch('/web/session/authenticate', {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    credentials: 'include',
    body: JSON.stringify({
      jsonrpc: '2.0',
      method: 'call',
      params: { db: database, login: username, password: password }
    })
  });
  return response.json();
}

// Make authenticated request
async function getPartners() {
  const response = await fetch('/web/dataset/call_kw', {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    credentials: 'include',
    body: JSON.stringify({
      jsonrpc: '2.0',
      method: 'call',
      params: {
        model: 'res.partner',
        method: 'search_read',
        args: [[['is_company', '=', true]]],
        kwargs: { fields: ['name', 'email'], limit: 10 }
      }
    })
  });
  return response.json();
}
"""
FOREIGN = """
async address => {
  const post = body => fetch(address, {method: 'POST', credentials: 'include', mode: 'no-cors', body});
  await post('{"jsonrpc":"2.0","params":{}}');
  const form = document.createElement('form');
  [form.method, form.action] = ['POST', address];
  document.body.append(form);
  form.submit();
}
"""


@pytest.fixture
def context(browser):
    """A browser without cookies."""
    context = browser.new_context()
    yield context
    context.close()


@pytest.fixture
def page(context, site):
    page = context.new_page()
    page.goto(f"{site.gateway.url}/web/login")
    page.add_script_tag(content=PRINTED)
    return page


def logged_in(page):
    return page.evaluate("login('odoo_production', 'username', 'password')")


def test_the_printed_functions_log_in_and_call(page):
    assert page.evaluate("getPartners()")["error"]["code"] == 100

    assert logged_in(page)["result"]["uid"] == 2

    told = page.evaluate("getPartners()")["result"]
    assert told["who"]["User"] == "username"
    assert told["params"]["kwargs"] == {"fields": ["name", "email"], "limit": 10}


def test_the_upstreams_own_cookie_does_not_replace_ours(page, context, site):
    session = logged_in(page)["result"]["session_id"]

    for _ in range(2):
        assert page.evaluate("getPartners()")["result"]["cookie"] is None

    (cookie,) = [each for each in context.cookies() if each["name"] == "session_id"]
    assert cookie["value"] == session
    assert (cookie["path"], cookie["httpOnly"], cookie["secure"]) == ("/", True, False)


def test_a_logout_is_a_page_and_the_session_is_over(page, context, site):
    before = logged_in(page)["result"]["session_id"]

    page.goto(f"{site.gateway.url}/web/session/logout?redirect=/web/login%3Fdb=odoo_production")

    assert page.url == f"{site.gateway.url}/web/login?db=odoo_production"
    (cookie,) = [each for each in context.cookies() if each["name"] == "session_id"]
    assert len(cookie["value"]) == 84
    assert cookie["value"] != before
    page.add_script_tag(content=PRINTED)
    assert page.evaluate("getPartners()")["error"]["code"] == 100


def test_a_page_of_another_site_cannot_act_for_the_user(page, context, site):
    """`localhost` and `127.0.0.1` are two sites to a browser; the cookie is made to follow it there all the same."""
    logged_in(page)
    (cookie,) = [each for each in context.cookies() if each["name"] == "session_id"]
    context.add_cookies([{**cookie, "secure": True, "sameSite": "None"}])
    other = context.new_page()
    other.goto(f"http://localhost:{site.gateway.port}/web/login")
    site.erp.asked.clear()

    with other.expect_navigation():
        other.evaluate(FOREIGN, f"{site.gateway.url}/web/dataset/call_kw")

    assert "403 Forbidden" in other.title(), "the cookie came along, and did not count"
    assert site.erp.asked_for("/web/dataset/call_kw") == []
