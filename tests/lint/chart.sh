#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The chart agrees with the program, and with itself: versions, values and their schema, RBAC and the kinds of
# policy/snapshot/kind.c, the resources of webhooks, the metrics of alerts and dashboard, alerts and runbooks. It looks at the
# renderings in tests/chart/golden, so it needs no helm.
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"

check() {
        local fault
        while IFS= read -r fault; do
                complain "$fault"
        done < <("${PYTHON:-/usr/bin/python3}" -B "$repository/tests/lint/chart.py" 2>&1)
}

if [ "${1:-}" = --self-test ]; then
        good() {
                fresh
                (cd "$repository" && tar -cf - Makefile charts policy/snapshot/kind.c webhook cli cluster docs/runbooks.md \
                        tests/chart/golden) | tar -xf - -C "$tree"
        }
        edit() { # FILE, sed script: it must change something
                cp "$tree/$1" "$tree/before"
                sed -i "$2" "$tree/$1"
                ! cmp -s "$tree/before" "$tree/$1" || complain "self-test: $2 changes nothing in $1"
        }
        good
        accepts "the chart as it is"
        edit charts/migvet/Chart.yaml 's/^appVersion: .*/appVersion: 0.0.1/'
        rejects "an older appVersion" 'appVersion is 0.0.1'
        good
        edit charts/migvet/values.yaml 's/^replicas: 2/replica: 2/'
        rejects "a value without schema" 'replica is not in values.schema.json'
        rejects "a schema without value" 'replicas is not in values.yaml'
        good
        edit charts/migvet/values.yaml '/^# replicas;/d'
        rejects "a value without description" 'no comment says what replicas is'
        good
        edit charts/migvet/values.schema.json '0,/"additionalProperties": false,/s///'
        rejects "a schema that takes any name" 'additionalProperties'
        good
        edit tests/chart/golden/default.yaml 's/persistentvolumes, pods/persistentvolumes/'
        rejects "a kind that may not be read" 'may not read pods of ""'
        good
        edit tests/chart/golden/default.yaml 's/persistentvolumes, pods/persistentvolumes, pods, secrets/'
        rejects "Secrets of all namespaces" 'may read secrets of ""'
        good
        edit tests/chart/golden/default.yaml '/resourceNames: \[kubevirt-config/d'
        rejects "all ConfigMaps" 'configmaps'
        good
        edit tests/chart/golden/default.yaml '0,/verbs: \[get, list, watch\]/s//verbs: [get, list, watch, update]/'
        rejects "a right to write" 'may update'
        good
        edit tests/chart/golden/default.yaml '0,/verbs: \[get, list, watch\]/s//verbs: ["*"]/'
        rejects "a right to everything" '\*'
        good
        edit tests/chart/golden/default.yaml 's/resources: \[nodemaintenances\]/resources: [nodemaintenance]/'
        rejects "a webhook for what nobody counts" 'nodemaintenance'
        good
        edit charts/migvet/files/alerts.yaml 's/migvet_leader/migvet_leading/'
        rejects "an alert on a metric that is not there" 'migvet_leading'
        good
        edit charts/migvet/files/dashboard.json 's/migvet_snapshot_bytes/migvet_snapshot_byte/'
        rejects "a panel on a metric that is not there" 'migvet_snapshot_byte is'
        good
        edit charts/migvet/files/alerts.yaml 's/lost|outdated/lost|stale/'
        rejects "an alert on a state that nobody tells of" 'stale is no state'
        good
        edit docs/runbooks.md 's/^## MigvetDown/## MigvetUp/'
        rejects "an alert without runbook" 'no section MigvetDown'
        rejects "a runbook without alert" 'section MigvetUp is of no alert'
        verdict
fi
check
verdict
