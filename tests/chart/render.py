#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Render the chart with each file of tests/chart/values and compare it with tests/chart/golden.

    tests/chart/render.py --tools DIRECTORY [--schemas DIRECTORY] [--update]

DIRECTORY of the tools holds helm and kubeconform (tests/e2e/tools/build.sh prints it). With --schemas (see
tests/chart/schemas.py) kubeconform holds each rendering against the API's own schemas. A first line "# helm: FLAGS" in a
values file gives flags of `helm template`. The last line is "N passed, N failed".
"""
import argparse
import difflib
import pathlib
import shlex
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
CHART = ROOT / "charts/migvet"
KUBERNETES = "1.36.0"
# What no Kubernetes has built in.
WITHOUT_SCHEMA = "ServiceMonitor,PrometheusRule,Certificate,Issuer"
# Values that must be refused, and what the refusal says.
WRONG = [
    (["replica=3"], "replica"), (["image.tags=1"], "tags"), (["webhooks.validating.failurePolicy=Closed"], "failurePolicy"),
    (["certificates.mode=none"], "mode"), (["certificates.mode=provided"], "certificates.provided.secretName is needed"),
    (["config.kind=Configuration"], "config"), (["replicas=many"], "replicas"), (["image.digest=sha256:12"], "digest"),
    (["metrics.prometheusRule.disabled={Down}"], "disabled"), (["webhooks.timeoutSeconds=31"], "timeoutSeconds"),
]


class Checks:
    def __init__(self):
        self.passed = self.failed = 0

    def say(self, name, fault):
        """fault is "" when it passed."""
        if fault:
            self.failed += 1
            print(f"FAIL  {name}\n      | " + fault.strip().replace("\n", "\n      | "))
        else:
            self.passed += 1
            print(f"ok    {name}")


def run(*command, stdin=""):
    return subprocess.run([str(word) for word in command], input=stdin, text=True, capture_output=True, check=False)


def helm_template(helm, *more):
    return run(helm, "template", "migvet", CHART, "--namespace", "migvet", "--kube-version", KUBERNETES, *more)


def flags_of(values):
    first = values.read_text().splitlines()[0]
    return shlex.split(first.removeprefix("# helm:")) if first.startswith("# helm:") else []


def trailing_space(text):
    return [str(number) for number, line in enumerate(text.splitlines(), 1) if line != line.rstrip()]


def compare(golden, text):
    if not golden.exists():
        return f"{golden.relative_to(ROOT)} is not there; `make chart` writes it"
    diff = difflib.unified_diff(golden.read_text().splitlines(), text.splitlines(), str(golden.relative_to(ROOT)),
                                "rendered now", lineterm="", n=2)
    diff = list(diff)[:60]
    return "\n".join([*diff, "`make chart` takes this as the new golden file"]) if diff else ""


def check_rendering(checks, args, values):
    name = values.stem
    done = helm_template(args.helm, "--values", values, *flags_of(values))
    checks.say(f"render {name}", "" if done.returncode == 0 else done.stderr or done.stdout)
    if done.returncode != 0:
        return
    spaces = trailing_space(done.stdout)
    checks.say(f"no trailing space {name}", f"lines {', '.join(spaces[:9])}" if spaces else "")
    golden = HERE / "golden" / values.name
    if args.update:
        golden.parent.mkdir(exist_ok=True)
        golden.write_text(done.stdout)
    checks.say(f"golden {name}", compare(golden, done.stdout))
    if args.schemas:
        done = run(args.kubeconform, "-strict", "-summary", "-schema-location",
                   f"{args.schemas}/{{{{.ResourceKind}}}}{{{{.KindSuffix}}}}.json", "-skip", WITHOUT_SCHEMA, stdin=done.stdout)
        nothing = "Valid: 0" in done.stdout
        checks.say(f"kubeconform {name}", done.stdout + done.stderr if done.returncode or nothing else "")


def check_lint(checks, args, values):
    done = run(args.helm, "lint", "--strict", "--kube-version", KUBERNETES, "--values", values, CHART)
    checks.say(f"helm lint {values.stem}", done.stdout + done.stderr if done.returncode else "")


def check_wrong(checks, args):
    for settings, said in WRONG:
        done = helm_template(args.helm, *[word for setting in settings for word in ("--set", setting)])
        fault = "it was accepted" if done.returncode == 0 else ""
        if not fault and said not in done.stderr:
            fault = f'it was refused without saying "{said}": {done.stderr}'
        checks.say(f"refuses {' '.join(settings)}", fault)
    done = run(args.helm, "template", "migvet", CHART, "--kube-version", "1.29.0")
    checks.say("refuses Kubernetes 1.29", "" if done.returncode and "kubeVersion" in done.stderr else done.stderr or "accepted")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tools", type=pathlib.Path, required=True)
    parser.add_argument("--schemas", type=pathlib.Path)
    parser.add_argument("--update", action="store_true", help="write the golden files")
    args = parser.parse_args()
    args.helm, args.kubeconform = args.tools / "helm", args.tools / "kubeconform"
    for tool in [args.helm, *([args.kubeconform] if args.schemas else [])]:
        if not tool.exists():
            sys.exit(f"{tool}: no such program")

    checks = Checks()
    found = sorted((HERE / "values").glob("*.yaml"))
    for values in found:
        check_lint(checks, args, values)
        check_rendering(checks, args, values)
    stale = {path.name for path in (HERE / "golden").glob("*.yaml")} - {path.name for path in found}
    checks.say("no golden file without values", ", ".join(sorted(stale)))
    check_wrong(checks, args)
    print(f"{checks.passed} passed, {checks.failed} failed")
    sys.exit(1 if checks.failed or not found else 0)


if __name__ == "__main__":
    main()
