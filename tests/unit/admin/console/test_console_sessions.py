import pytest

from gateway.admin.console.sessions import CONFIRMATION, PAGE_SIZE
from gateway.admin.control import SessionView
from gateway.errors import BadRequest, NotFound

LIST = "/sessions?provider=staff&user_id=101"


def view(number, *, user="ada", tenant=""):
    return SessionView(f"s{number}", "native", "staff", "101", user, tenant, float(number), None)


async def test_nothing_is_listed_until_a_user_is_named(operator):
    page = await operator.go("/sessions")

    assert page.rows == []
    assert dict(page.form("/sessions").fields) == {"provider": "staff", "user_id": "", "tenant": ""}


async def test_a_users_sessions_are_listed(operator):
    page = await operator.go("/sessions?user_id=101")

    assert page.rows[1][:6] == ["GardenAdmin", "native", "-", "1970-01-01 00:00:01 UTC", "never", "s1"]
    assert "1 live of user 101" in page.text


async def test_a_tenant_narrows_the_list(operator):
    operator.gateway.live = {str(n): view(n, tenant=tenant) for n, tenant in enumerate(["HQ", "Store", "HQ"])}

    page = await operator.go(f"{LIST}&tenant=HQ")

    assert [row[5] for row in page.rows[1:]] == ["s0", "s2"]
    assert (await operator.go(f"{LIST}&tenant=none")).rows == []
    assert "No live session in that tenant" in operator.page.text


async def test_a_long_list_has_pages(operator):
    operator.gateway.live = {str(n): view(n) for n in range(PAGE_SIZE + 3)}

    first = await operator.go(LIST)
    (later,) = [link for link in first.links if "page=2" in link]
    second = await operator.go(later)

    assert len(first.rows) == PAGE_SIZE + 1
    assert [row[5] for row in second.rows[1:]] == ["s50", "s51", "s52"]
    assert [link for link in second.links if "page=1" in link]
    for odd in ("0", "-1", "99", "x", "9" * 5000, "\u00b2"):
        assert (await operator.go(f"{LIST}&page={odd}")).rows


async def test_with_several_identity_providers_one_has_to_be_chosen(operator):
    operator.gateway.providers = ["staff", "odoo"]

    page = await operator.go("/sessions?user_id=101&tenant=HQ")

    assert page.status == 400
    assert "choose the identity provider" in page.text
    assert dict(page.form("/sessions").fields) == {"provider": "", "user_id": "101", "tenant": "HQ"}
    assert len((await operator.go(LIST)).rows) == 2


async def test_one_session_is_ended_and_the_list_is_shown_again(operator):
    await operator.go(f"{LIST}&tenant=")
    page = await operator.send("/sessions/end", which="one")

    assert page.place == LIST
    assert operator.gateway.live == {}
    assert "The session is ended" in page.text
    assert "No live session." in page.text


async def test_a_session_that_was_over_is_told(operator):
    await operator.go(LIST)
    operator.gateway.live.clear()

    assert "That session was over already." in (await operator.send("/sessions/end", which="one")).text


async def test_all_sessions_of_the_listed_user_are_ended(operator):
    await operator.go(LIST)
    page = await operator.send("/sessions/end", which="listed")

    assert operator.gateway.revoked == [("staff", "101")]
    assert "All sessions of this user are ended." in page.text


async def test_a_users_sessions_are_ended_by_name(operator):
    await operator.go("/sessions")
    page = await operator.send("/sessions/end", {"user": " GardenAdmin "}, which="user")

    assert operator.gateway.revoked == [("GardenAdmin", "staff")]
    assert (page.place, "All sessions of GardenAdmin are ended." in page.text) == ("/sessions", True)


async def test_a_tenants_sessions_are_ended(operator):
    await operator.go("/sessions")
    await operator.send("/sessions/end", {"of_tenant": "HQ"}, which="tenant")

    assert operator.gateway.revoked == ["HQ"]


async def test_everybodys_sessions_are_ended_only_when_it_is_typed(operator):
    ended = []

    async def revoke_all():
        ended.append("all")

    operator.gateway.revoke_all = revoke_all
    await operator.go("/sessions")

    page = await operator.send("/sessions/end", {"confirmation": "yes"}, which="all")
    assert (page.status, ended) == (400, [])
    assert dict(page.form("/sessions/end", which="all").fields)["confirmation"] == "yes"
    page = await operator.send("/sessions/end", {"confirmation": CONFIRMATION}, which="all")

    assert ended == ["all"]
    assert "Every session is ended." in page.text


@pytest.mark.parametrize(("error", "status"), [(NotFound("no such user"), 404), (BadRequest("name it"), 400)])
async def test_a_mistake_is_told_at_its_form_and_what_was_typed_is_kept(operator, error, status):
    async def refuse(*_):
        raise error

    operator.gateway.revoke_named = refuse
    await operator.go(LIST)

    page = await operator.send("/sessions/end", {"user": "<b>ada"}, which="user")

    assert page.status == status
    assert f"Not done: {error}." in page.text
    assert dict(page.form("/sessions/end", which="user").fields)["user"] == "<b>ada"
    assert len(page.rows) == 2
    assert "<b>" not in page.source


@pytest.mark.parametrize("which", ["one", "listed", "user", "tenant", "all", "", "other"])
async def test_a_form_that_names_nobody_ends_nothing(operator, which):
    await operator.go("/sessions")
    token = dict(operator.page.form("/sessions/end", which="all").fields)["form_token"]

    page = await operator.post("/sessions/end", [("form_token", token), ("which", which)])

    assert page.status == 400
    assert operator.gateway.revoked == []
    assert len(operator.gateway.live) == 1


async def test_names_that_hold_html_are_text(operator):
    operator.gateway.live = {"1": view(1, user="<script>alert(1)</script>", tenant='"><img src=x>')}

    page = await operator.go(LIST)

    assert page.rows[1][0] == "<script>alert(1)</script>"
    assert page.rows[1][2] == '"><img src=x>'
    assert "<script" not in page.source
    assert "<img" not in page.source
