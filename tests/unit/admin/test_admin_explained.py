import pytest

from gateway.admin.explained import spell

STEPS = [{"part": "path", "verdict": "judged and sent as /x"}]


@pytest.mark.parametrize(
    ("found", "last"),
    [
        ({"outcome": "forward", "upstream": "erp", "route": "all"}, "forwarded to erp by route all"),
        ({"outcome": "endpoint"}, "answered by the gateway itself"),
        ({"outcome": "refuse", "status": 401}, "refused with 401"),
    ],
)
def test_the_outcome_comes_last(found, last):
    empty = {"upstream": "", "route": "", "status": 0, "identity": {}, "steps": STEPS}

    assert spell(empty | found) == [("path", "judged and sent as /x"), ("outcome", last)]


def test_of_an_identity_only_what_is_known_is_told():
    found = {"outcome": "endpoint", "upstream": "", "route": "", "status": 0, "steps": []}

    assert spell(found | {"identity": {"user": "ada", "tenant": "", "roles": []}})[0] == ("identity", "user ada")
