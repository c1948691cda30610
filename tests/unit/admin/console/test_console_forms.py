import pytest
from aiohttp.test_utils import make_mocked_request

from gateway.admin.console.forms import Form, is_ours
from gateway.errors import BadRequest

HERE = "http://127.0.0.1:8081"


def request(**headers):
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return make_mocked_request("POST", "/keys/make", {"Host": "127.0.0.1:8081", **named})


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec_Fetch_Site": "same-origin"},
        {"Sec_Fetch_Site": "same-origin", "Origin": HERE},
        {"Sec_Fetch_Site": "same-origin", "Origin": "null"},
        {"Origin": HERE},
        {"Origin": "https://127.0.0.1:8081"},
    ],
)
def test_a_page_of_ours_is_known(headers):
    assert is_ours(request(**headers))


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Origin": "null"},
        {"Origin": ""},
        {"Origin": "http://127.0.0.1:8080"},
        {"Origin": "http://evil.example"},
        {"Origin": "http://127.0.0.1:8081.evil.example"},
        {"Sec_Fetch_Site": "cross-site"},
        {"Sec_Fetch_Site": "same-site"},
        {"Sec_Fetch_Site": "none"},
        {"Sec_Fetch_Site": ""},
        {"Sec_Fetch_Site": "same-origin", "Origin": "http://evil.example"},
        {"Sec_Fetch_Site": "cross-site", "Origin": HERE},
    ],
)
def test_another_sites_page_is_not_and_neither_is_what_does_not_say(headers):
    assert not is_ours(request(**headers))


def test_a_field_that_was_not_sent_is_empty_and_white_space_around_one_is_not_meant():
    form = Form({"user": ["  ada \n"], "roles": ["sales\r\n\r\n GardenWorld Admin \r\n"], "route": ["a", "b"]})

    assert (form.text("user"), form.text("id")) == ("ada", "")
    assert form.lines("roles") == ("sales", "GardenWorld Admin")
    assert form.all("route") == ("a", "b")
    assert form.all("scopes") == form.lines("scopes") == ()


def test_a_field_that_means_two_things_is_refused():
    with pytest.raises(BadRequest, match="user was sent twice"):
        Form({"user": ["ada", "bob"]}).text("user")


@pytest.mark.parametrize(
    ("body", "content_type", "status"),
    [
        (b"{}", "application/json", 415),
        (b"form_token=x", "text/plain", 415),
        (b"form_token=x", "multipart/form-data; boundary=x", 415),
        (b"form_token=\xff", "application/x-www-form-urlencoded", 400),
        (b"form_token=%ff", "application/x-www-form-urlencoded", 400),
        (b"a=b&" * 300, "application/x-www-form-urlencoded", 400),
        (b"a=" + b"b" * 70_000, "application/x-www-form-urlencoded", 413),
        (b"form_token=wrong", "application/x-www-form-urlencoded", 403),
        (b"form_token=%C3%A4", "application/x-www-form-urlencoded", 403),
        (b"", "application/x-www-form-urlencoded", 403),
    ],
)
async def test_what_is_no_form_of_this_sign_in_does_nothing(operator, body, content_type, status):
    own = {"Sec-Fetch-Site": "same-origin", "Content-Type": content_type}

    async with operator.session.post(f"{operator.url}/keys/make", data=body, headers=own) as answer:
        assert answer.status == status
        assert answer.content_type == "text/html"

    assert len(operator.gateway.made) == 1


async def test_the_token_of_another_sign_in_does_not_count(operator, browse):
    other = browse(operator.url)
    await other.sign_in()
    await other.go("/keys")
    token = dict(other.page.form("/keys/make").fields)["form_token"]

    await operator.go("/keys")
    page = await operator.send("/keys/make", {"id": "a", "user": "b", "form_token": token})

    assert page.status == 403
    assert len(operator.gateway.made) == 1
