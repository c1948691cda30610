"""deploy/kubernetes: the chart rendered by Helm, fitted against the schemas of Kubernetes and of the custom resources."""

import base64
import subprocess
import sys

import pytest
import yaml
from fakes.chart import CHART, EVERYTHING, KUBERNETES, fits_custom, fits_kubernetes, lint, rendered, template
from fakes.deploy_tools import DEPLOY, said

from gateway import __version__

CUSTOM = {"HTTPRoute", "ServiceMonitor", "PrometheusRule"}
NAME = "shop-gateway"


@pytest.fixture(scope="module")
def plain():
    return rendered()


@pytest.fixture(scope="module")
def whole():
    return rendered(*EVERYTHING)


def pod(objects):
    return objects["Deployment", NAME]["spec"]["template"]


def container(objects):
    (only,) = pod(objects)["spec"]["containers"]
    return only


def environment(objects):
    return {entry["name"]: entry["value"] for entry in container(objects)["env"]}


def test_helm_finds_nothing_to_complain_of():
    assert "0 chart(s) failed" in lint()
    assert "0 chart(s) failed" in lint(*EVERYTHING)


def test_the_objects_are_those_that_are_asked_for(plain, whole):
    always = {"Deployment", "Service", "ServiceAccount", "ConfigMap", "HorizontalPodAutoscaler", "PodDisruptionBudget"}
    always |= {"NetworkPolicy"}
    off = [f"{part}.enabled=false" for part in ("autoscaling", "podDisruptionBudget", "networkPolicy")]

    assert {kind for kind, _ in plain} == always
    assert {kind for kind, _ in whole} == always | CUSTOM | {"Ingress", "Secret"}
    least = rendered(*off, "existingConfigMap=mine")
    assert {kind for kind, _ in least} == {"Deployment", "Service", "ServiceAccount"}
    assert least["Deployment", NAME]["spec"]["replicas"] == 2
    assert pod(least)["spec"]["volumes"][0]["configMap"]["name"] == "mine"


@pytest.mark.parametrize("version", KUBERNETES)
def test_objects_fit_the_schemas_of_kubernetes(plain, whole, version, tmp_path):
    for objects in (plain, whole):
        fits_kubernetes([found for (kind, _), found in objects.items() if kind not in CUSTOM], version, tmp_path)


@pytest.mark.parametrize("kind", sorted(CUSTOM))
def test_custom_resources_fit_their_definitions(whole, kind, tmp_path):
    fits_custom(whole[kind, NAME], tmp_path)


def test_what_the_chart_does_not_know_is_refused():
    for setting in ("replica=3", "image.digest=latest", "store.url=http://redis", "drainSeconds=soon"):
        code, output = template(setting)
        assert code != 0, setting
        assert "values don't meet the specifications of the schema" in output


def test_a_secret_that_would_lack_a_key_is_refused():
    keys = ["admin-token", "encryption-key", "signing-secret", "redis-password"]
    for missing in keys:
        given = [f"secret.data.{key}=a" for key in keys if key != missing]
        code, output = template("secret.create=true", *given)
        assert (code, f"secret.create needs secret.data.{missing}" in output) == (1, True)
    assert template("secret.create=true", "store.passwordKey=", *(f"secret.data.{key}=a" for key in keys[:3]))[0] == 0


def test_what_the_configuration_asks_for_besides_reaches_the_pod(whole):
    assert whole["Secret", NAME]["data"]["erp-token"] == base64.b64encode(b"e").decode()
    assert environment(whole)["ERP"] == "odoo"


def test_a_pod_is_given_time_to_leave_and_to_drain(plain):
    assert pod(plain)["spec"]["terminationGracePeriodSeconds"] == 5 + 30 + 10
    assert container(plain)["lifecycle"]["preStop"] == {"sleep": {"seconds": 5}}
    assert environment(plain)["GATEWAY_SERVER_TIMEOUTS_DRAIN"] == "30s"

    longer = rendered("drainSeconds=120", "preStopSeconds=15")
    assert pod(longer)["spec"]["terminationGracePeriodSeconds"] == 145
    assert environment(longer)["GATEWAY_SERVER_TIMEOUTS_DRAIN"] == "120s"


def test_a_pod_may_do_nothing_but_serve(plain):
    spec = pod(plain)["spec"]

    assert spec["securityContext"]["runAsNonRoot"] is True
    assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert container(plain)["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert spec["automountServiceAccountToken"] is spec["enableServiceLinks"] is False


def test_the_store_does_not_decide_whether_a_pod_lives(plain):
    found = container(plain)

    assert found["livenessProbe"]["httpGet"]["path"] == found["startupProbe"]["httpGet"]["path"] == "/healthz"
    assert found["readinessProbe"]["httpGet"]["path"] == "/readyz"


def test_ports_and_selectors_lead_to_the_pods(whole):
    ports = {port["name"]: port["containerPort"] for port in container(whole)["ports"]}
    labels = pod(whole)["metadata"]["labels"]
    services = [found for (kind, _), found in whole.items() if kind == "Service"]
    policy = whole["NetworkPolicy", NAME]["spec"]

    assert ports == {"http": 8080, "admin": 8081}
    assert environment(whole)["GATEWAY_SERVER_LISTEN"] == "0.0.0.0:8080"
    assert environment(whole)["GATEWAY_ADMIN_LISTEN"] == "0.0.0.0:8081"
    assert {port["targetPort"] for service in services for port in service["spec"]["ports"]} == set(ports)
    for selector in (
        *(service["spec"]["selector"] for service in services),
        whole["Deployment", NAME]["spec"]["selector"]["matchLabels"],
        whole["PodDisruptionBudget", NAME]["spec"]["selector"]["matchLabels"],
        policy["podSelector"]["matchLabels"],
    ):
        assert selector.items() <= labels.items()
    assert {port["port"] for rule in policy["ingress"] for port in rule["ports"]} == set(ports)
    backend = whole["HTTPRoute", NAME]["spec"]["rules"][0]["backendRefs"][0]
    assert (backend["name"], backend["port"]) == (NAME, whole["Service", NAME]["spec"]["ports"][0]["port"])
    monitored = whole["ServiceMonitor", NAME]["spec"]["selector"]["matchLabels"]
    assert [s["metadata"]["name"] for s in services if monitored.items() <= s["metadata"]["labels"].items()] == [
        f"{NAME}-admin"
    ]


def test_prometheus_calls_the_job_what_the_alerts_look_for():
    objects = rendered("serviceMonitor.enabled=true", "fullnameOverride=erp")
    label = objects["ServiceMonitor", "erp"]["spec"]["jobLabel"]

    job = objects["Service", "erp-admin"]["metadata"]["labels"][label]

    assert job == "gateway"
    assert 'up{job=~".*gateway.*"} == 0' in (DEPLOY / "prometheus" / "alerts.yaml").read_text()


def test_files_that_are_to_be_loaded_again_are_mounted_as_directories(plain):
    mounts = {mount["mountPath"]: mount for mount in container(plain)["volumeMounts"]}

    assert not [mount for mount in mounts.values() if "subPath" in mount]
    assert environment(plain)["GATEWAY_CONFIG"] == "/etc/gateway/config.yaml"
    assert {"/etc/gateway", "/run/secrets/gateway"} <= set(mounts)


def test_a_change_of_the_configuration_leaves_the_pods_alone_unless_told_otherwise(plain, whole):
    assert "annotations" not in pod(plain)["metadata"]
    assert "checksum/config" in pod(whole)["metadata"]["annotations"]


@pytest.mark.parametrize("host", ["0.0.0.0", "[::]"])
def test_a_pod_may_have_an_address_of_version_6(host):
    environ = environment(rendered(f"listenHost={host}"))

    assert environ["GATEWAY_SERVER_LISTEN"] == f"{host}:8080"
    assert environ["GATEWAY_ADMIN_LISTEN"] == f"{host}:8081"


def test_the_gateway_accepts_what_the_pod_is_given(whole, tmp_path):
    """The ConfigMap under the pod's environment, with the Secret's keys where they are mounted."""
    secrets = tmp_path / "secrets"
    secrets.mkdir()
    for name, value in whole["Secret", NAME]["data"].items():
        assert base64.b64decode(value)
        (secrets / name).write_text("0123456789abcdef" * 4)
    config = whole["ConfigMap", NAME]["data"]["config.yaml"].replace("/run/secrets/gateway", str(secrets))
    (tmp_path / "config.yaml").write_text(config)
    environ = {name: value.replace("/run/secrets/gateway", str(secrets)) for name, value in environment(whole).items()}

    done = subprocess.run(
        [sys.executable, "-m", "gateway", "check", "-c", tmp_path / "config.yaml"],
        env=environ,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )

    assert done.returncode == 0, done.stderr
    assert "sets nothing" not in done.stderr


def test_a_file_of_ones_own_goes_in_byte_for_byte():
    text = (DEPLOY.parent / "config.yaml").read_text()
    own = f"config={DEPLOY.parent / 'config.yaml'}"
    shown = said("helm", "template", "shop", CHART, "--kube-version", KUBERNETES[0], "--set-file", own)
    (found,) = [each for each in yaml.safe_load_all(shown) if each and each["kind"] == "ConfigMap"]
    assert found["data"]["config.yaml"] == text


def test_the_alerts_of_the_chart_are_the_alerts(whole):
    assert whole["PrometheusRule", NAME]["spec"] == yaml.safe_load((DEPLOY / "prometheus" / "alerts.yaml").read_text())


def test_the_chart_is_about_this_version():
    chart = yaml.safe_load((CHART / "Chart.yaml").read_text())

    assert chart["appVersion"] == __version__
    assert container(rendered())["image"] == f"erp-auth-gateway:{__version__}"
    assert container(rendered("image.digest=sha256:" + "a" * 64))["image"] == "erp-auth-gateway@sha256:" + "a" * 64
