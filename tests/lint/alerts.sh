#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The alerts of the chart, as rendered in tests/chart/golden/full.yaml: promtool understands them, tests/chart/alerts.yaml
# tells when they fire and when not, and each of them fires there at least once. promtool understands the expressions of
# the dashboard, too.
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
promtool=$("$repository/tests/chart/promtool.sh")

check() {
        local work out name
        work=$(mktemp -d)
        "${PYTHON:-/usr/bin/python3}" - "$work" <<'PY'
import json, pathlib, sys, yaml
documents = [d for d in yaml.safe_load_all(open("tests/chart/golden/full.yaml")) if d]
rules = [d for d in documents if d["kind"] == "PrometheusRule"]
dashboard = next(json.loads(d["data"]["migvet.json"]) for d in documents if "migvet.json" in d.get("data", {}))
panels = [{"record": f"panel:{panel['id']}:{target['refId']}",
           "expr": target["expr"].replace("$__rate_interval", "5m")}
          for panel in dashboard["panels"] for target in panel.get("targets", [])]
tests = yaml.safe_load(open("tests/chart/alerts.yaml"))
fired = {case["alertname"] for test in tests["tests"] for case in test["alert_rule_test"] if case.get("exp_alerts")}
named = [rule["alert"] for group in rules[0]["spec"]["groups"] for rule in group["rules"]]
directory = pathlib.Path(sys.argv[1])
(directory / "whole.yaml").write_text(yaml.safe_dump(rules[0]["spec"]))
(directory / "panels.yaml").write_text(yaml.safe_dump({"groups": [{"name": "dashboard", "rules": panels}]}))
for group in rules[0]["spec"]["groups"]:
    for rule in group["rules"]:
        del rule["annotations"]
        rule["labels"] = {"severity": rule["labels"]["severity"]}
(directory / "rules.yaml").write_text(yaml.safe_dump(rules[0]["spec"]))
(directory / "tests.yaml").write_text(yaml.safe_dump(tests))
(directory / "untested").write_text("".join(f"{name}\n" for name in named if name not in fired))
PY
        out=$("$promtool" check rules "$work/whole.yaml" 2>&1) || complain "$out"
        out=$("$promtool" check rules "$work/panels.yaml" 2>&1) || complain "dashboard: $out"
        out=$("$promtool" test rules "$work/tests.yaml" 2>&1) || complain "$out"
        while IFS= read -r name; do
                complain "tests/chart/alerts.yaml: no test in which $name fires"
        done <"$work/untested"
        rm -rf "$work"
}

if [ "${1:-}" = --self-test ]; then
        good() {
                fresh
                for file in tests/chart/golden/full.yaml tests/chart/alerts.yaml; do
                        sample "$file" <"$repository/$file"
                done
        }
        good
        accepts "the alerts as they are"
        sed -i 's/migvet_leader{/migvet_leader{{/' "$tree/tests/chart/golden/full.yaml"
        rejects "an expression that does not parse" 'parse error'
        good
        sed -i 's/"expr": "sum(/"expr": "sum((/' "$tree/tests/chart/golden/full.yaml"
        rejects "a panel whose expression does not parse" 'dashboard: .*'
        good
        sed -i 's/< 2 \* 86400/< 86400/' "$tree/tests/chart/golden/full.yaml"
        rejects "an alert that comes later than it should" 'MigvetCertificateExpiresSoon'
        good
        sed -i 's/< 2 \* 86400/< 20 * 86400/' "$tree/tests/chart/golden/full.yaml"
        rejects "an alert that comes when it should not" 'MigvetCertificateExpiresSoon'
        good
        sed -i 's/alert: MigvetNoLeader/alert: MigvetOther/' "$tree/tests/chart/golden/full.yaml"
        rejects "an alert without a test" 'in which MigvetOther fires'
        verdict
fi
check
verdict
