import json
import math

from gateway.admin.control import Health
from gateway.admin.replies import refusal, reply


def body(answer):
    return json.loads(answer.body)


def test_dataclasses_sets_and_infinity_have_a_json_form():
    value = {"health": Health(store_up=True, draining=False), "roles": frozenset({"b", "a"}), "expires": math.inf}

    assert body(reply(value)) == {
        "health": {"store_up": True, "draining": False, "listening": True, "config_stale": False, "upstreams": {}},
        "roles": ["a", "b"],
        "expires": None,
    }


def test_a_refusal_has_a_code_and_a_sentence_and_is_never_cached():
    answer = refusal(404, "not_found", "There is nothing at this address.", {"X-A": "1"})

    assert answer.status == 404
    assert body(answer) == {"error": "not_found", "error_description": "There is nothing at this address."}
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["X-A"] == "1"
