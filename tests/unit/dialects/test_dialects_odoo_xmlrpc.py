from xmlrpc.client import Fault, loads

import pytest

from gateway.dialects.odoo_xmlrpc import answered, failed
from gateway.errors import Banned, BodyTooLarge, Forbidden, LoginRejected, MethodNotAllowed, StoreUnavailable


def test_a_login_that_failed_is_false():
    reply = answered(value=False)

    assert (reply.status, loads(reply.body)[0]) == (200, (False,))
    assert (b"Content-Type", b"text/xml; charset=utf-8") in reply.headers


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (LoginRejected("x"), 200, 3),
        (Banned("x", retry_after=9), 200, 3),
        (Forbidden("x"), 200, 4),
        (BodyTooLarge("x"), 413, 1),
        (StoreUnavailable("x"), 503, 1),
    ],
)
def test_a_failure_is_a_fault_under_odoos_number(error, status, code):
    reply = failed(error)

    with pytest.raises(Fault) as fault:
        loads(reply.body)
    assert (reply.status, fault.value.faultCode) == (status, code)


@pytest.mark.parametrize(
    ("error", "code", "text"),
    [
        (LoginRejected("x"), "AccessDenied", "Access Denied"),
        (Forbidden("x"), "warning -- AccessError\n\nThe credential does not give access to this resource.", ""),
    ],
)
def test_below_the_old_path_a_fault_has_words_for_a_number(error, code, text):
    with pytest.raises(Fault) as fault:
        loads(failed(error, in_words=True).body)

    assert (fault.value.faultCode, fault.value.faultString) == (code, text)


def test_headers_say_when_and_how_to_try_again():
    assert (b"Retry-After", b"9") in failed(Banned("x", retry_after=9)).headers
    assert (b"Allow", b"POST") in failed(MethodNotAllowed("x", allow=("POST",))).headers
