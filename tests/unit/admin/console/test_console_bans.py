import pytest

from gateway.admin.control import BanView, Lifting


async def test_bans_are_listed_with_who_and_from_where(operator):
    page = await operator.go("/bans")

    assert [row[:3] for row in page.rows[1:]] == [
        ["192.0.2.7", "staff user 101", "1970-01-01 00:01:00 UTC"],
        ["192.0.2.8", "staff: a name that nobody has logged in by", "1970-01-01 00:01:01 UTC"],
        ["2001:db8::", "everybody", "1970-01-01 00:01:02 UTC"],
    ]


async def test_nobody_is_banned(operator):
    operator.gateway.banned = []

    assert "Nobody is banned." in (await operator.go("/bans")).text


@pytest.mark.parametrize(
    ("address", "which"),
    [
        ("192.0.2.7", Lifting("101", "staff", "192.0.2.7")),
        ("192.0.2.8", Lifting("", "", "192.0.2.8")),
        ("2001:db8::", Lifting("", "", "2001:db8::")),
    ],
)
async def test_the_button_of_a_ban_lifts_that_one(operator, address, which):
    await operator.go("/bans")

    page = await operator.send("/bans/lift", address=address)

    assert operator.gateway.lifted == [which]
    assert (page.place, "3 lifted." in page.text) == ("/bans", True)


@pytest.mark.parametrize(
    ("typed", "which"),
    [
        ({"user": "ada"}, Lifting("ada", "", "")),
        ({"user": "ada", "provider": "staff"}, Lifting("ada", "staff", "")),
        ({"address": "192.0.2.7"}, Lifting("", "", "192.0.2.7")),
    ],
)
async def test_bans_are_lifted_by_name_or_address(operator, typed, which):
    await operator.go("/bans")

    await operator.send("/bans/lift", typed, user="", provider="")

    assert operator.gateway.lifted == [which]


async def test_every_ban_is_lifted_when_the_box_is_ticked(operator):
    await operator.go("/bans")
    token = dict(operator.page.form("/bans/lift").fields)["form_token"]

    await operator.post("/bans/lift", [("form_token", token), ("all", "all")])

    assert operator.gateway.lifted == [Lifting()]


@pytest.mark.parametrize(
    "typed",
    [
        {},
        {"provider": "staff"},
        {"user": " "},
        {"provider": "staff", "address": "192.0.2.7"},
        {"all": "all", "user": "<b>ada"},
    ],
)
async def test_a_form_that_means_nobody_or_two_things_lifts_nothing_and_keeps_what_was_typed(operator, typed):
    await operator.go("/bans")

    page = await operator.send("/bans/lift", typed, user="", provider="")

    assert page.status == 400
    assert "Not done:" in page.text
    assert operator.gateway.lifted == []
    kept = dict(page.form("/bans/lift", user=typed.get("user", "").strip()).fields)
    assert kept["address"] == typed.get("address", "")
    assert "<b>" not in page.source


async def test_a_ban_that_was_over_is_told(operator):
    await operator.go("/bans")
    operator.gateway.banned = []

    page = await operator.send("/bans/lift", address="192.0.2.7")

    assert "No such ban was in force." in page.text


async def test_ids_that_hold_html_are_text(operator):
    operator.gateway.banned = [BanView("account", "staff", '"><script>', "192.0.2.7", 60.0)]

    page = await operator.go("/bans")

    assert page.rows[1][1] == 'staff user "><script>'
    assert "<script" not in page.source
