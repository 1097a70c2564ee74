#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# How long `migvet check` takes over 1,000 generated VirtualMachines, as a ratio to a program that only parses the
# same YAML (PyYAML on libyaml's C parser, and in pure Python). Both run on the same machine, in turn; the median of
# five runs counts. The ratio can be compared between machines, the times cannot.   tests/bench/run.sh PROGRAM
set -euo pipefail
program=$1
python=${PYTHON:-/usr/bin/python3}
directory=$(mktemp -d)
trap 'rm -rf "$directory"' EXIT

"$python" - "$directory/vms.yaml" <<'PY'
import sys
VM = """\
apiVersion: kubevirt.io/v1
kind: VirtualMachine
metadata:
  name: vm-{i}
  namespace: ns-{ns}
  labels: {{app: web, tier: "{ns}"}}
spec:
  runStrategy: Always
  template:
    metadata:
      labels: {{app: web}}
    spec:
      evictionStrategy: LiveMigrate
      domain:
        cpu: {{cores: 2, model: host-model}}
        memory: {{guest: 2Gi}}
        devices:
          disks:
          - name: root
            disk: {{bus: virtio}}
          interfaces:
          - name: default
            {binding}: {{}}
      networks:
      - name: default
        pod: {{}}
      volumes:
      - name: root
        persistentVolumeClaim: {{claimName: root-{i}}}
---
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {{name: root-{i}, namespace: ns-{ns}}}
spec:
  accessModes: [{mode}]
  volumeMode: Block
  resources: {{requests: {{storage: 10Gi}}}}
---
"""
with open(sys.argv[1], "w") as out:
    for i in range(1000):
        out.write(VM.format(i=i, ns=i % 20, binding="bridge" if i % 7 == 0 else "masquerade",
                            mode="ReadWriteOnce" if i % 5 == 0 else "ReadWriteMany"))
PY

cat >"$directory/time.py" <<'PY'
import json, statistics, subprocess, sys, time
program, manifests = sys.argv[1:]
parse = ("import sys, yaml\n"
         "for d in yaml.load_all(open(sys.argv[1]), Loader=getattr(yaml, sys.argv[2])): pass\n")
commands = {
    "migvet check": [program, "check", "-f", manifests, "-o", "json"],
    "PyYAML, C parser": [sys.executable, "-c", parse, manifests, "CSafeLoader"],
    "PyYAML, pure Python": [sys.executable, "-c", parse, manifests, "SafeLoader"],
}
times = {name: [] for name in commands}
for _ in range(5):
    for name, command in commands.items():
        begin = time.perf_counter()
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        times[name].append(time.perf_counter() - begin)
        if name.startswith("migvet"):
            items = json.loads(done.stdout).get("items", []) if done.returncode in (0, 1) else []
            if len(items) != 1000:
                sys.exit(f"{program} judged {len(items)} of 1000 (status {done.returncode}): "
                         + done.stderr.decode()[:500])
        elif done.returncode:
            sys.exit(done.stderr.decode())
median = {name: statistics.median(t) for name, t in times.items()}
for name, seconds in median.items():
    spread = (max(times[name]) - min(times[name])) / seconds
    print(f"{name:22} {seconds * 1000:8.1f} ms   (spread {spread:.0%})   "
          f"x {seconds / median['migvet check']:6.2f}")
PY
"$python" "$directory/time.py" "$program" "$directory/vms.yaml"
