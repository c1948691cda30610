"""deploy/prometheus and deploy/grafana name exactly the metrics that the gateway has, and Prometheus' own tool agrees."""

import json
import re

import pytest
import yaml
from fakes.deploy_tools import DEPLOY, said

from gateway.observe.exposition import PREFIX, render
from gateway.observe.families import FAMILIES, Kind
from gateway.observe.metrics import Metrics

PROMETHEUS = DEPLOY / "prometheus"
ALERTS = PROMETHEUS / "alerts.yaml"
FROM_PROMETHEUS = {"instance", "job"}
HISTOGRAM_PARTS = re.compile(r"_(bucket|sum|count)$")


def exposed():
    """Metric → label names, of everything that `/metrics` shows."""
    page, _ = render(Metrics().snapshot(), "1.0")
    names = re.findall(r"^# TYPE (\S+) ", page.decode(), re.MULTILINE)
    labels = {PREFIX + name: set(family.labels) for name, family in FAMILIES.items()}
    return {name: labels.get(name, {"version"} if name == "gateway_build_info" else set()) for name in names}


def rules():
    return [rule for group in yaml.safe_load(ALERTS.read_text())["groups"] for rule in group["rules"]]


def dashboard():
    return json.loads((DEPLOY / "grafana" / "dashboard.json").read_text())


def panels():
    return [panel for panel in dashboard()["panels"] if panel["type"] != "row"]


def expressions():
    """Every expression of the dashboard, its variables filled in."""
    found = [target["expr"] for panel in panels() for target in panel["targets"]]
    return [expr.replace("$__rate_interval", "5m").replace("$instance", ".*").replace("$job", ".*") for expr in found]


def used(expression):
    """Metric names in an expression, histograms by their own name."""
    names = set(re.findall(r"\b(?:gateway|process)_[a-z_]+", expression))
    histograms = {PREFIX + name for name, family in FAMILIES.items() if family.kind is Kind.HISTOGRAM}
    return {HISTOGRAM_PARTS.sub("", name) if HISTOGRAM_PARTS.sub("", name) in histograms else name for name in names}


def test_the_dashboard_shows_every_metric_and_no_other():
    shown = set().union(*map(used, expressions()))

    assert {name for name in exposed() if name.startswith(PREFIX)} == {
        name for name in shown if name.startswith(PREFIX)
    }
    assert shown <= set(exposed())


def test_alerts_are_about_metrics_that_exist():
    for rule in rules():
        assert used(rule["expr"]) <= set(exposed()), rule["alert"]


@pytest.mark.parametrize("expression", [*dict.fromkeys(expressions()), *(rule["expr"] for rule in rules())])
def test_labels_are_those_that_the_metric_has(expression):
    known = set().union(*(exposed()[name] for name in used(expression))) | FROM_PROMETHEUS | {"le"}
    asked = set(re.findall(r'(\w+)\s*(?:=~|!~|!=|=)\s*"', expression))
    for words in re.findall(r"\bby \(([^)]*)\)", expression):
        asked |= {word.strip() for word in words.split(",")}

    assert asked <= known


def test_legends_and_texts_name_labels_that_are_left():
    for panel in panels():
        for target in panel["targets"]:
            known = set().union(*(exposed()[name] for name in used(target["expr"]))) | FROM_PROMETHEUS
            assert set(re.findall(r"{{(\w+)}}", target["legendFormat"])) <= known


def test_prometheus_accepts_the_alerts_and_the_configuration():
    assert "SUCCESS" in said("promtool", "check", "rules", ALERTS)
    assert "SUCCESS" in said("promtool", "check", "config", PROMETHEUS / "prometheus.yaml")


def test_prometheus_accepts_every_expression_of_the_dashboard(tmp_path):
    recorded = [{"record": f"panel:{number}", "expr": expr} for number, expr in enumerate(expressions())]
    (tmp_path / "rules.yaml").write_text(yaml.safe_dump({"groups": [{"name": "dashboard", "rules": recorded}]}))

    assert f"{len(recorded)} rules found" in said("promtool", "check", "rules", tmp_path / "rules.yaml")


def test_every_alert_fires_for_its_reason_and_none_on_a_good_day():
    said("promtool", "test", "rules", "alerts.test.yaml", cwd=PROMETHEUS)

    tried = re.findall(r'alertname="(\w+)"', (PROMETHEUS / "alerts.test.yaml").read_text())
    assert sorted(tried) == sorted(rule["alert"] for rule in rules())


def test_alerts_say_what_happened_and_how_bad_it_is():
    for rule in rules():
        assert rule["labels"]["severity"] in {"critical", "warning", "info"}
        assert set(rule["annotations"]) == {"summary", "description"}


def test_panels_are_titled_and_do_not_overlap():
    taken = set()
    for panel in dashboard()["panels"]:
        place = panel["gridPos"]
        cells = {(place["x"] + x, place["y"] + y) for x in range(place["w"]) for y in range(place["h"])}
        assert panel["title"]
        assert place["x"] + place["w"] <= 24
        assert not cells & taken, panel["title"]
        taken |= cells


def test_the_chart_carries_the_same_alerts():
    assert (DEPLOY / "kubernetes" / "gateway" / "alerts.yaml").read_text() == ALERTS.read_text()


def test_the_manual_has_every_metric():
    """docs/operations.md is where an operator looks a metric up."""
    manual = (DEPLOY.parent / "docs" / "operations.md").read_text()

    assert not {name for name in exposed() if name.startswith(PREFIX) and f"`{name}`" not in manual}
