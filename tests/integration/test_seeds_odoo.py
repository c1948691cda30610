"""Odoo's web session as its users' documentation prints it: each request word for word, only the host is ours."""

import json
import subprocess
from pathlib import Path

from fakes.odoo_site import OdooSite

HOST = "https://{your-erp-domain}"

CURL_LOGIN = r"""curl -X POST "https://{your-erp-domain}/web/session/authenticate" \
  -H "Content-Type: application/json" \
  -c cookies.txt \
  -d '{
    "jsonrpc": "2.0",
    "method": "call",
    "params": {
      "db": "odoo_production",
      "login": "username",
      "password": "password"
    }
  }'
"""
CURL_CALL = r"""curl -X GET "https://{your-erp-domain}/web/dataset/call_kw" \
  -H "Content-Type: application/json" \
  -b cookies.txt \
  -d '{
    "jsonrpc": "2.0",
    "method": "call",
    "params": {
      "model": "res.partner",
      "method": "search_read",
      "args": [[["is_company", "=", true]]],
      "kwargs": {"fields": ["name", "email"], "limit": 10}
    }
  }'
"""
ASKED = {
    "model": "res.partner",
    "method": "search_read",
    "args": [[["is_company", "=", True]]],
    "kwargs": {"fields": ["name", "email"], "limit": 10},
}


def typed(site: OdooSite, printed: str, directory: Path):
    """What a shell answers in which this was typed."""
    shell = ["bash", "-euc", printed.replace(HOST, site.gateway.url)]
    return json.loads(subprocess.run(shell, cwd=directory, check=True, capture_output=True, timeout=60).stdout)


def test_the_curl_commands_log_in_and_call(site, tmp_path):
    answer = typed(site, CURL_LOGIN, tmp_path)

    assert list(answer) == ["jsonrpc", "id", "result"]
    assert answer["id"] is None
    result = answer["result"]
    assert (result["uid"], result["username"], result["company_id"]) == (2, "username", 1)
    assert len(result["session_id"]) == 84
    assert result["session_id"] in (tmp_path / "cookies.txt").read_text()

    called = typed(site, CURL_CALL, tmp_path)["result"]

    assert called["params"] == ASKED
    assert called["who"] == {"User": "username", "User-Id": "2", "Method": "cookie", "Login": "odoo"}
    assert site.erp.asked_for("/web/dataset/call_kw")[-1].method == "GET"


def test_without_the_cookie_the_same_call_says_that_the_session_has_expired(site, tmp_path):
    (tmp_path / "cookies.txt").touch()

    answer = typed(site, CURL_CALL, tmp_path)

    assert (answer["error"]["code"], answer["error"]["message"]) == (100, "Odoo Session Expired")
    assert site.erp.asked == []
