import time

import pytest
from fakes.admin import DECLARED

from gateway.errors import BadRequest

TYPED = {"id": "k2", "user": "scanner", "roles": "warehouse\r\nGardenWorld Admin", "scopes": "", "route": ["orders"]}


async def test_made_and_declared_keys_are_listed(operator):
    operator.gateway.declared = [DECLARED, DECLARED | {"id": "old", "blocked": True, "routes": ["orders"]}]

    page = await operator.go("/keys")

    assert page.rows[1][:7] == ["scanner-1", "scanner", "warehouse", "-", "orders", "1970-01-01 00:01:00 UTC", "never"]
    assert ["scales", "weigher", "-", "-", "all", "never"] in page.rows
    assert ["old", "weigher", "-", "-", "orders", "blocked"] in page.rows


async def test_without_any_keys_the_page_says_so(operator):
    operator.gateway.made, operator.gateway.declared = [], []

    assert (await operator.go("/keys")).text.count("None.") == 2


async def test_a_key_is_made_and_shown_once(operator):
    await operator.go("/keys")
    before = time.time()

    page = await operator.send("/keys/make", TYPED | {"expires": "90d"})

    made = operator.gateway.made[-1]
    assert page.status == 201
    assert "gwk_k2_secret" in page.text
    assert (made.id, made.user, made.roles, made.scopes, made.routes) == (
        "k2",
        "scanner",
        ("warehouse", "GardenWorld Admin"),
        (),
        ("orders",),
    )
    assert before + 90 * 86400 <= made.expires <= time.time() + 90 * 86400
    assert "gwk_" not in (await operator.go("/keys")).source
    assert "gwk_" not in page.place


async def test_a_key_may_have_no_end(operator):
    await operator.go("/keys")
    await operator.send("/keys/make", TYPED | {"expires": ""})

    assert operator.gateway.made[-1].expires is None


async def test_only_routes_that_take_keys_can_be_ticked(operator):
    page = await operator.go("/keys")

    assert [values["value"] for tag, values in page.tags if values.get("type") == "checkbox"] == ["orders"]


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ({"id": ""}, "id is missing"),
        ({"user": " "}, "user is missing"),
        ({"expires": "soon"}, "expires must be a date such as 2027-01-01"),
    ],
)
async def test_a_mistake_is_told_and_what_was_typed_is_kept(operator, typed, said):
    await operator.go("/keys")

    page = await operator.send("/keys/make", TYPED | typed)

    assert page.status == 400
    assert said in page.text
    kept = dict(page.form("/keys/make").fields)
    assert {name: kept[name] for name in ("roles", "route")} == {
        "roles": "warehouse\nGardenWorld Admin",
        "route": "orders",
    }
    assert len(operator.gateway.made) == 1


async def test_what_the_gateway_refuses_is_told_and_escaped(operator):
    async def refuse(_):
        raise BadRequest('there is a key "<b>", or there was one')

    operator.gateway.make_key = refuse
    await operator.go("/keys")

    page = await operator.send("/keys/make", TYPED | {"roles": "</textarea><script>"})

    assert 'Not done: there is a key "<b>"' in page.text
    assert "<b>" not in page.source
    assert "<script" not in page.source


async def test_a_key_is_ended(operator):
    await operator.go("/keys")

    page = await operator.send("/keys/end")

    assert "The key scanner-1 is ended on every gateway." in page.text


async def test_a_key_that_is_not_there_is_told(operator):
    await operator.go("/keys")

    page = await operator.send("/keys/end", {"id": "<b>other"})

    assert "There is no live key <b>other" in page.text
    assert "<b>" not in page.source
