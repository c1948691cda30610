import re
from pathlib import Path

from gateway.observe.families import FAMILIES, Kind


def test_names_labels_and_sentences_are_as_prometheus_and_people_like_them():
    for name, family in FAMILIES.items():
        assert re.fullmatch(r"[a-z]+(_[a-z]+)*", name)
        assert all(re.fullmatch(r"[a-z]+", label) for label in family.labels)
        assert family.help.endswith((".", "…"))
        assert ("_seconds" in name) == (family.kind is Kind.HISTOGRAM or "timestamp" in name or "cpu" in name)


def test_no_label_is_something_a_client_chooses_freely():
    """A path, a user or an address as label would let a client fill the memory of Prometheus."""
    labels = {label for family in FAMILIES.values() for label in family.labels}

    assert labels == {
        *("route", "method", "code", "upstream", "server", "result", "login", "cause", "stream", "scope", "worker"),
    }


def test_the_contract_names_are_all_there():
    assert FAMILIES.keys() >= {
        "requests_total",
        "request_duration_seconds",
        "upstream_request_duration_seconds",
        "upstream_up",
        "auth_total",
        "logins_total",
        "refreshes_total",
        "sessions_revoked_total",
        "store_up",
        "store_errors_total",
        "config_reloads_total",
        "config_last_reload_success",
    }


def test_the_manual_names_every_metric_with_its_labels():
    manual = Path(__file__).parents[3].joinpath("docs", "operations.md").read_text()

    for name, family in FAMILIES.items():
        labels = " ".join(f"`{label}`" for label in family.labels)
        assert f"| `gateway_{name}` | {labels} |".replace("|  |", "| |") in manual
