import json

from gateway.observe.audit import Audit


def test_an_event_is_one_json_line_without_empty_fields():
    lines = []
    audit = Audit(lines.append, lambda: 1_700_000_000.0)

    audit("login", user="GardenAdmin", login="native", result="ok", tenant="", client=None, sessions=0)

    assert lines == [
        b'{"ts":"2023-11-14T22:13:20.000Z","event":"login","user":"GardenAdmin","login":"native","result":"ok","sessions":0}\n'
    ]


def test_a_credential_handed_in_by_mistake_is_masked():
    lines = []
    audit = Audit(lines.append, lambda: 0.0)

    audit("refresh", refresh_token="abc", reason="Bearer SECRETxyz is spent")

    assert json.loads(lines[0])["refresh_token"] == "[redacted]"
    assert b"SECRET" not in lines[0]
