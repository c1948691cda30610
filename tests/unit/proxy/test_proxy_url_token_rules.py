import pytest
from fakes.wired_gate import Wired

from gateway.errors import CredentialsRejected, SeveralCredentials
from gateway.model import CredentialReading
from gateway.proxy.url_token_rules import read_url_token

HEADER_WINS = CredentialReading(header_wins=True)
FORM = b"Content-Type: application/x-www-form-urlencoded\r\n"


class Asked:
    """What the rules read and change."""

    def __init__(self, query=b"", method="GET", referer=None, authorization=None):
        self.query = query
        self.method = method
        self.referer = referer
        self.url_token = None
        self.authorization = authorization


@pytest.fixture
def route():
    return lambda **fields: Wired().route(**{"credentials": ("bearer", "access_token"), **fields})


def read(route, *asked, **fields):
    made = Asked(*asked, **fields)
    read_url_token(made, route)
    return made


def test_ours_is_read_and_cut(route):
    asked = read(route(), b"a=1&access_token=warm&b")

    assert (asked.url_token, asked.query) == (b"warm", b"a=1&b")


@pytest.mark.parametrize(
    ("fields", "method"), [({}, "POST"), ({"credentials": ("bearer",)}, "GET"), ({"public": True}, "GET")]
)
def test_where_it_does_not_count_it_is_cut_all_the_same(route, fields, method):
    asked = read(route(**fields), b"access_token=warm&access_token=theirs", method)

    assert (asked.url_token, asked.query) == (None, b"access_token=theirs")


def test_a_foreign_one_is_refused_or_left_to_the_erp(route):
    with pytest.raises(CredentialsRejected):
        read(route(), b"access_token=theirs")

    asked = read(route(foreign_url_tokens_pass=True), b"access_token=theirs")
    assert (asked.url_token, asked.query) == (None, b"access_token=theirs")


@pytest.mark.parametrize("method", ["GET", "POST", "DELETE", "PATCH"])
def test_it_may_count_with_every_method(route, method):
    assert read(route(url_token_methods=None), b"access_token=warm", method).url_token == b"warm"


@pytest.mark.parametrize(
    ("sent", "left"), [(b"a=1&access_token=warm", b"a=1"), (b"access_token=theirs", b"access_token=theirs")]
)
def test_where_the_header_wins_the_parameter_is_no_second_credential(route, sent, left):
    asked = read(route(reading=HEADER_WINS), sent, authorization=b"Bearer other")

    assert (asked.url_token, asked.query) == (None, left)


def test_the_refused_text_is_kept_where_the_answer_is_made_of_it(route):
    with pytest.raises(CredentialsRejected) as refused:
        read(route(reading=CredentialReading(tells_token=True)), b"access_token=the%2Birs")

    assert refused.value.presented == "the+irs"


@pytest.mark.parametrize("passes", [False, True])
@pytest.mark.parametrize("query", [b"access_token=warm&access_token=warm", b"access_token=x&%61ccess_token=y"])
def test_two_are_refused(route, query, passes):
    with pytest.raises(SeveralCredentials):
        read(route(foreign_url_tokens_pass=passes), query)


def test_the_referer_is_cut_on_every_route(route):
    for fields in ({}, {"credentials": ("bearer",)}, {"public": True}):
        assert read(route(**fields), referer=b"http://h/?access_token=warm").referer == b"http://h/"


def post(body, *, chunked=False):
    framing = b"Transfer-Encoding: chunked\r\n" if chunked else b"Content-Length: %d\r\n" % len(body)
    sent = b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body) if chunked else body
    return b"POST /orders/x HTTP/1.1\r\nHost: h\r\n" + FORM + framing + b"\r\n" + sent


@pytest.fixture
def forms():
    return Wired(
        [{"credentials": ("access_token",), "form_tokens": True, "url_token_methods": frozenset({"GET", "POST"})}]
    )


async def answer_of(wired, client, raw):
    client.says(raw)
    serving = client.connection._serving
    if serving is not None and serving.task is not None:
        await serving.task
    return client.hears()


@pytest.mark.parametrize("chunked", [False, True])
async def test_a_form_is_forwarded_without_it_and_with_its_new_length(forms, chunked):
    client = forms.client()

    await answer_of(forms, client, post(b"a=%C3&access_token=warm&b=2", chunked=chunked))

    sent = forms.erp.take()
    assert sent.endswith(b"\r\n\r\na=%C3&b=2")
    assert b"Content-Length: 9\r\n" in sent
    assert b"Transfer-Encoding" not in sent


async def test_a_form_with_nothing_but_it_is_forwarded_empty(forms):
    await answer_of(forms, forms.client(), post(b"access_token=warm"))

    assert forms.erp.take().endswith(b"Content-Length: 0\r\n\r\n")


async def test_where_the_header_wins_the_form_is_cut_all_the_same():
    wired = Wired(
        [{"credentials": ("bearer", "access_token"), "form_tokens": True, "reading": HEADER_WINS}],
    )
    sent = post(b"a=1&access_token=warm").replace(b"Host: h\r\n", b"Host: h\r\nAuthorization: Bearer warm\r\n")

    await answer_of(wired, wired.client(), sent)

    forwarded = wired.erp.take()
    assert forwarded.endswith(b"\r\n\r\na=1")
    assert b"X-Auth-Method: bearer\r\n" in forwarded


@pytest.mark.parametrize(
    ("target", "body", "status"),
    [
        (b"/orders/x?access_token=warm", b"access_token=warm", b"400"),
        (b"/orders/x", b"access_token=warm&access_token=warm", b"400"),
        (b"/orders/x", b"access_token=theirs", b"401"),
        (b"/orders/x", b"a=1", b"401"),
    ],
)
async def test_a_form_that_is_no_good_is_refused(forms, target, body, status):
    heard = await answer_of(forms, forms.client(), post(body).replace(b"/orders/x", target))

    assert heard.startswith(b"HTTP/1.1 " + status)
    assert forms.erp.take() == b""
