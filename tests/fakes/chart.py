"""The Helm chart as Helm renders it, and the schemas that its objects must fit."""

import json

import yaml
from fakes.deploy_tools import DEPLOY, TOOLS, run, said

CHART = DEPLOY / "kubernetes" / "gateway"
KUBERNETES = ("1.30", "1.37")
"""The oldest that the chart supports, and the newest whose schemas are known here."""

EVERYTHING = (
    "ingress.enabled=true", "ingress.className=nginx", "ingress.tlsSecret=erp-tls", "httpRoute.enabled=true",
    "serviceMonitor.enabled=true", "serviceMonitor.labels.release=prometheus", "prometheusRule.enabled=true",
    "secret.create=true", "secret.data.admin-token=a", "secret.data.encryption-key=b",
    "secret.data.signing-secret=c", "secret.data.redis-password=d", "secret.data.erp-token=e", "env[0].name=ERP", "env[0].value=odoo", "restartOnConfigChange=true",
    "podAnnotations.a=b", "nodeSelector.disk=ssd", "image.pullSecrets[0].name=registry",
)  # fmt: skip


def _words(settings):
    return [word for setting in settings for word in ("--set", setting)]


def template(*settings):
    """Exit code and output of `helm template`."""
    return run("helm", "template", "shop", CHART, "--kube-version", KUBERNETES[0], *_words(settings))


def rendered(*settings):
    """The objects, by kind and name."""
    code, output = template(*settings)
    assert code == 0, output
    return {(found["kind"], found["metadata"]["name"]): found for found in yaml.safe_load_all(output) if found}


def lint(*settings):
    return said("helm", "lint", "--strict", CHART, "--kube-version", KUBERNETES[0], *_words(settings))


def refuse_unknown(schema):
    """A custom resource's schema as JSON Schema, in which a key that it does not name is an error."""
    if isinstance(schema, list):
        return [refuse_unknown(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    if schema.get("x-kubernetes-int-or-string"):
        return {"type": ["integer", "string"]}
    changed = {key: refuse_unknown(value) for key, value in schema.items()}
    if "(?i)" in str(schema.get("pattern")):  # Go's regular expressions; JSON Schema's know no such flag
        del changed["pattern"]
    if isinstance(schema.get("properties"), dict) and "type" in schema and "additionalProperties" not in schema:
        changed["additionalProperties"] = False
    return changed


def custom_schema(kind, version):
    """The schema of a custom resource, from the definition that its project publishes."""
    for path in (TOOLS / "crds").glob("*.yaml"):
        definition = yaml.safe_load(path.read_text())["spec"]
        if definition["names"]["kind"] == kind:
            (found,) = [each for each in definition["versions"] if each["name"] == version]
            schema = found["schema"]["openAPIV3Schema"]
            schema["properties"]["metadata"] = {"type": "object"}
            return refuse_unknown(schema)
    raise AssertionError(f"no definition of {kind}: `make test` installs it")


def fits_custom(found, directory):
    """Check one custom resource against its definition."""
    schema = custom_schema(found["kind"], found["apiVersion"].rpartition("/")[2])
    (directory / "schema.json").write_text(json.dumps(schema))
    (directory / "found.json").write_text(json.dumps(found))
    said("check-jsonschema", "--schemafile", directory / "schema.json", directory / "found.json")


def fits_kubernetes(objects, version, directory):
    """Check objects of Kubernetes itself against its own schemas, unknown keys included."""
    file = directory / f"objects-{version}.yaml"
    file.write_text(yaml.safe_dump_all(objects))
    said("kubernetes-validate", "--strict", "--quiet", "--no-warn", "-k", version, file)
