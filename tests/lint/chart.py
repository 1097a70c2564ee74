#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The checks of tests/lint/chart.sh, on the tree in the working directory. Each line that it prints is a fault."""
import json
import pathlib
import re
import traceback

import yaml

CHART = pathlib.Path("charts/migvet")
# Of Secrets migvet needs just its own; the two ConfigMaps that configure KubeVirt and CDI are read by name.
BY_NAME = {("", "configmaps"): {"kubevirt-config", "kubevirt-storage-class-defaults"}}
NOT_READ = {("", "secrets")}
READ = {"get", "list", "watch"}
# All that may be written: kind of role, group, resource -> verbs.
WRITTEN = {
    ("ClusterRole", "events.k8s.io", "events"): {"create", "patch"},
    ("ClusterRole", "admissionregistration.k8s.io", "validatingwebhookconfigurations"): {"patch"},
    ("ClusterRole", "admissionregistration.k8s.io", "mutatingwebhookconfigurations"): {"patch"},
    ("ClusterRole", "openreports.io", "reports"): {"create", "patch", "delete"},
    ("ClusterRole", "wgpolicyk8s.io", "policyreports"): {"create", "patch", "delete"},
    ("Role", "coordination.k8s.io", "leases"): {"create", "update", "patch"},
    ("Role", "", "secrets"): {"create", "update", "patch"},
}


def documents(name):
    return [d for d in yaml.safe_load_all(pathlib.Path("tests/chart/golden", name).read_text()) if d]


def versions():
    wanted = re.search(r"^VERSION := (\S+)$", pathlib.Path("Makefile").read_text(), re.M)[1]
    chart = yaml.safe_load((CHART / "Chart.yaml").read_text())
    for key in ("version", "appVersion"):
        if chart[key] != wanted:
            yield f"Chart.yaml: {key} is {chart[key]}, and VERSION of the Makefile {wanted}"
    for image in yaml.safe_load(chart["annotations"]["artifacthub.io/images"]):
        if not image["image"].endswith(f":{wanted}"):
            yield f"Chart.yaml: the image is {image['image']}, and VERSION of the Makefile {wanted}"


def compare_values(schema, values, text, path=""):
    """Names of both, and a comment for each value that the schema does not split further."""
    if schema.get("additionalProperties", True) is not False:
        yield f"values.schema.json: {path or 'the top'} has properties, but no additionalProperties: false"
    named = set(schema["properties"]) - ({"global"} if not path else set())
    for name in sorted(named | set(values)):
        full = f"{path}.{name}" if path else name
        if name not in values:
            # What is free to be left out: {} stands for it.
            if values:
                yield f"{full} is not in values.yaml"
            continue
        if name not in named:
            yield f"{full} is not in values.schema.json"
            continue
        inner = schema["properties"][name]
        if "properties" in inner and isinstance(values[name], dict) and values[name]:
            yield from compare_values(inner, values[name], text, full)
        elif not re.search(rf"^ *# {re.escape(name)}\b", text, re.M):
            yield f"values.yaml: no comment says what {full} is"


def values_and_schema():
    text = (CHART / "values.yaml").read_text()
    schema = json.loads((CHART / "values.schema.json").read_text())
    # resources of a container are Kubernetes' own.
    schema["properties"]["resources"]["properties"].pop("claims")
    yield from compare_values(schema, yaml.safe_load(text), text)


def kinds():
    """(group, plural) of policy/snapshot/kind.c."""
    text = pathlib.Path("policy/snapshot/kind.c").read_text()
    found = set()
    for arguments in re.findall(r"KIND(?:_[A-Z]+)?\(\s*((?:\"[^\"]*\",\s*){4})", text):
        group, _, _, plural = re.findall(r'"([^"]*)"', arguments)
        found.add((group, plural))
    return found


def rights(name):
    """(kind of role, group, resource) -> verbs, and the names they are limited to."""
    for role in documents(name):
        if role["kind"] in ("ClusterRole", "Role"):
            for rule in role["rules"]:
                for group in rule["apiGroups"]:
                    for resource in rule["resources"]:
                        yield (role["kind"], group, resource), set(rule["verbs"]), set(rule.get("resourceNames", []))


def rbac():
    wanted = kinds() - NOT_READ
    if len(wanted) < 20:
        yield f"policy/snapshot/kind.c: only {len(wanted)} kinds were found, is its form another one now?"
    for name in ("default.yaml", "full.yaml"):
        readable = set()
        for (role, group, resource), verbs, names in rights(name):
            if "*" in (group, resource) or "*" in verbs:
                yield f'{name}: {role} may do * with {resource} of "{group}"'
                continue
            for verb in sorted(verbs - READ - WRITTEN.get((role, group, resource), set())):
                yield f'{name}: {role} may {verb} {resource} of "{group}"'
            if verbs - READ and "create" not in verbs and not names:
                yield f'{name}: {role} may write any of {resource} of "{group}", without resourceNames'
            if role == "ClusterRole" and verbs & READ and not names & {"migvet"} and not verbs - READ:
                readable.add((group, resource))
                if names != BY_NAME.get((group, resource), set()):
                    yield f'{name}: {resource} of "{group}" may be read by the names {sorted(names)}'
                if not READ <= verbs:
                    yield f'{name}: {resource} of "{group}" may not be watched'
        for group, resource in sorted(wanted - readable):
            yield f'{name}: {group}: may not read {resource} of "{group}", which policy/snapshot/kind.c has'
        for group, resource in sorted(readable - wanted):
            yield f'{name}: may read {resource} of "{group}", which nobody needs'


def webhooks():
    """Each resource that is registered has its own counter, and is asked about on the right path."""
    text = pathlib.Path("webhook/metrics.c").read_text()
    counted = set(re.findall(r'"([a-z]+)"', re.search(r"resources\[\] = \{(.*?)\};", text, re.S)[1]))
    for name in ("default.yaml", "fail.yaml"):
        for configuration in documents(name):
            path = {"ValidatingWebhookConfiguration": "/validate",
                    "MutatingWebhookConfiguration": "/mutate"}.get(configuration["kind"])
            for webhook in configuration["webhooks"] if path else []:
                if webhook["clientConfig"]["service"]["path"] != path:
                    yield f"{name}: {webhook['name']} is on another path than {path}"
                if webhook["failurePolicy"] != "Ignore" and webhook["name"] != "create.validate.migvet.io":
                    yield f"{name}: {webhook['name']} has failurePolicy {webhook['failurePolicy']}"
                if "caBundle" in webhook["clientConfig"]:
                    yield f"{name}: {webhook['name']} names the caBundle, which helm would overwrite"
                for rule in webhook["rules"]:
                    if "*" in rule["resources"] + rule["operations"] + rule["apiGroups"]:
                        yield f"{name}: {webhook['name']} asks about *"
                    for resource in sorted(set(rule["resources"]) - counted):
                        yield f"{name}: {webhook['name']} asks about {resource}, which webhook/metrics.c does not count"


def exposed():
    files = [path for directory in ("webhook", "cli", "cluster", "certs") for path in pathlib.Path(directory).rglob("*.c")]
    return {name for path in files for name in re.findall(r'"(migvet_[a-z0-9_]+)', path.read_text())}


def metrics():
    """Alerts and dashboard ask for metrics that the program exposes, and for states that it tells of."""
    there = exposed()
    tables = {"cli/serve_cluster.c": r"\bstate_words\[\]", "webhook/deliver/peer.c": r"\bmv_sender_state_names\[\d*\]"}
    states = {state for path, name in tables.items() for state in re.findall(r'"([a-z]+)"', re.search(
        name + r" = \{(.*?)\};", pathlib.Path(path).read_text(), re.DOTALL).group(1))}
    for file in ("alerts.yaml", "dashboard.json"):
        text = (CHART / "files" / file).read_text()
        for name in sorted(set(re.findall(r"\bmigvet_[a-z0-9_]+", text))):
            base = re.sub(r"_(bucket|sum|count)$", "", name)
            if not {name, base} & there:
                yield f"{file}: {name} is no metric that migvet exposes"
        for value in re.findall(r'\bstate=~?\\?"([a-z|]+)\\?"', text):
            for state in value.split("|"):
                if state not in states:
                    yield f"{file}: {state} is no state that migvet tells of"


def runbooks():
    alerts = set(yaml.safe_load((CHART / "files/alerts.yaml").read_text()))
    sections = re.findall(r"^## (Migvet\w+)$", pathlib.Path("docs/runbooks.md").read_text(), re.M)
    for name in sorted(alerts - set(sections)):
        yield f"docs/runbooks.md: no section {name}"
    for name in sorted(set(sections) - alerts):
        yield f"docs/runbooks.md: section {name} is of no alert"


if __name__ == "__main__":
    for check in (versions, values_and_schema, rbac, webhooks, metrics, runbooks):
        try:
            for fault in check():
                print(fault)
        except Exception:  # pylint: disable=broad-except
            # What cannot be checked is a fault, too: one line, since each line is one.
            print(f"{check.__name__}: {traceback.format_exc().strip().splitlines()[-1]}")
