import pytest
from fakes.admin import route

from gateway.errors import BadRequest

TOKEN = "gwa_0123456789abcdef"


async def test_routes_are_listed_in_file_order(operator):
    operator.gateway.routes.append(route("rest", methods=["GET", "PUT"], hosts=["erp.example"], public=True))

    page = await operator.go("/routes")

    assert page.rows[1:] == [
        ["orders", "/orders/**", "all", "all", "odoo", "bearer, api_key", "all", "-"],
        ["pictures", "/pictures/**", "all", "all", "odoo", "access_token", "all", "GET /open/**"],
        ["rest", "/rest/**", "GET, PUT", "erp.example", "odoo", "none is judged: public", "all", "-"],
    ]


async def test_names_that_hold_html_are_text(operator):
    operator.gateway.routes = [route("<script>", logins=["<b>"])]

    assert (await operator.go("/routes")).rows[1][0] == "<script>"
    assert "<script" not in operator.page.source


async def test_a_gateway_without_routes_says_so(operator):
    operator.gateway.routes = []

    assert "There are none" in (await operator.go("/routes")).text


async def test_a_decision_is_explained_and_no_credential_is_shown_again(operator):
    await operator.go("/explain")
    typed = {
        "method": "get",
        "target": f"/orders/7?access_token={TOKEN}",
        "headers": f"Authorization: Bearer {TOKEN}\r\n\r\nX-Empty:",
    }

    page = await operator.send("/explain", typed)

    asked = ("GET", f"/orders/7?access_token={TOKEN}", [("Authorization", f"Bearer {TOKEN}"), ("X-Empty", "")])
    assert operator.gateway.explained == [asked]
    assert page.place == "/explain"
    assert "The decision on GET /orders/7" in page.text
    assert "route first match outcome forwarded to by route orders" in page.text
    assert TOKEN not in page.source
    assert dict(page.form("/explain").fields)["target"] == "/orders/7"


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ({"target": ""}, "name a method and a path"),
        ({"method": ""}, "name a method and a path"),
        ({"headers": f"a: b\n{TOKEN}"}, "header 2 is not 'Name: value'"),
        ({"headers": f": {TOKEN}"}, "header 1 is not 'Name: value'"),
    ],
)
async def test_a_mistake_is_told_without_what_was_typed_into_the_headers(operator, typed, said):
    await operator.go("/explain")

    page = await operator.send("/explain", {"method": "GET", "target": "/x", "headers": ""} | typed)

    assert page.status == 400
    assert said in page.text
    assert TOKEN not in page.source
    assert operator.gateway.explained == []


async def test_what_the_gateway_cannot_read_is_told(operator):
    async def refuse(*_):
        raise BadRequest("no such <b>method")

    operator.gateway.explain = refuse
    await operator.go("/explain")

    page = await operator.send("/explain", {"target": "/x"})

    assert "Not done: no such <b>method." in page.text
    assert "<b>" not in page.source
