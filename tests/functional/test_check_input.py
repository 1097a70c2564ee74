# SPDX-License-Identifier: Apache-2.0
"""An input that has nothing to judge, or is no text; and fixes that ask for what the input lacks."""
import json
import shutil

import pytest
import yaml

from support import instance_spec, machine


def as_json(*objects):
    return json.dumps({"apiVersion": "v1", "kind": "List", "items": list(objects)})


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be", "utf-32", "utf-32-le", "utf-32-be"])
def test_other_encodings(migvet, tmp_path, encoding):
    """Text in UTF-8 is read, and in UTF-16 with a byte order mark; of others it is said what is wrong."""
    (tmp_path / "a.yaml").write_bytes(yaml.safe_dump(machine()).encode(encoding))
    process = migvet("check", "-f", tmp_path, expect=(2,))
    assert process.stderr == f"migvet check: {tmp_path / 'a.yaml'}:1:1: is not UTF-8\n"
    (tmp_path / "a.yaml").write_bytes(yaml.safe_dump(machine()).encode("utf-16"))
    assert migvet("check", "-f", tmp_path, expect=(0,)).stdout


def test_other_kinds(migvet):
    """What was passed over is said, or a misspelt kind would look like success."""
    objects = [{**machine(), "kind": "VirtualMachin"}, {**machine(name="n"), "kind": "VirtualMachin"},
               {**machine(), "apiVersion": "v1"},
               {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}}]
    words = "nothing to judge: the input has 4 objects of other kinds: VirtualMachin, VirtualMachine of v1, ConfigMap\n"
    assert migvet("check", "-f", "-", stdin=as_json(*objects), expect=(0,)).stdout == words
    process = migvet("check", "-f", "-", "-o", "json", stdin=as_json(*objects), expect=(0,))
    assert json.loads(process.stdout)["items"] == [] and process.stderr == f"migvet check: note: {words}"
    many = [{"apiVersion": "v1", "kind": f"Kind{i}"} for i in range(20)]
    text = migvet("check", "-f", "-", stdin=as_json(*many), expect=(0,)).stdout
    assert "has 20 objects" in text and text.endswith("Kind14, Kind15, ...\n")
    assert "the input has no object" in migvet("check", "-f", "-", stdin=as_json(), expect=(0,)).stdout


@pytest.mark.parametrize("text", ["", "\n", "---\n---\n", "# nothing\n"])
@pytest.mark.parametrize("command", ["check", "nodes", "policy"])
def test_no_object(migvet, files, command, text):
    """A build that looks at nothing must not be green."""
    process = migvet(command, "-f", "-", stdin=text, expect=(2,))
    assert process.stderr == f"migvet {command}: <stdin>: no Kubernetes object is there\n" and not process.stdout
    path = files({"a.yaml": text}) / "a.yaml"
    assert f": {path}: no" in migvet(command, "-f", path, expect=(2,)).stderr


def test_no_object_in_directories(migvet, files):
    tree = files({"README.md": "# Manifests\n", "shop/vm.yaml": [machine()]})
    assert f"migvet check: {tree}: no Kubernetes object is there; add -R" in \
        migvet("check", "-f", tree, expect=(2,)).stderr
    assert migvet("check", "-f", tree, "-R", expect=(0,)).stdout
    shutil.rmtree(tree / "shop")
    assert "-R" not in migvet("check", "-f", tree, expect=(2,)).stderr
    assert migvet("check", "-f", tree, "-f", "-", stdin=as_json(machine()), expect=(0,)).stdout


def fixes(migvet, rule, *objects):
    return [f["fix"] for verdict in migvet.verdicts("-f", "-", stdin=as_json(*objects))
            for f in verdict["findings"] if f["rule"] == rule]


def test_fix_of_access_modes(migvet):
    """It does not ask for what is there."""
    spec = instance_spec()
    spec["volumes"] = [{"name": "data", "dataVolume": {"name": "d"}}]
    template = {"metadata": {"name": "d"}, "spec": {"storage": {"storageClassName": "one"}}}
    vm = machine(spec=spec)
    vm["spec"]["dataVolumeTemplates"] = [template]
    storage = {"apiVersion": "storage.k8s.io/v1", "kind": "StorageClass", "metadata": {"name": "one"}}
    profile = {"apiVersion": "cdi.kubevirt.io/v1beta1", "kind": "StorageProfile", "metadata": {"name": "one"}}
    assert fixes(migvet, "pvc-access-mode", vm, storage) == \
        ["give migvet StorageProfile one too, or name accessModes in the DataVolume"]
    assert fixes(migvet, "pvc-access-mode", vm, storage, profile) == \
        ["name accessModes in spec.claimPropertySets of StorageProfile one, or in the DataVolume"]
    template["spec"] = {}
    assert fixes(migvet, "pvc-access-mode", vm)[0].startswith("add storage with accessModes: [ReadWriteMany]")
    template["spec"] = {"pvc": {}}
    assert fixes(migvet, "pvc-access-mode", vm)[0].startswith("give migvet PersistentVolumeClaim shop/d")


@pytest.mark.parametrize("volume, words", [
    ({"containerDisk": {"image": "x"}}, "ReadWriteMany"), ({"emptyDisk": {"capacity": "1Gi"}}, "a smaller one"),
    ({"ephemeral": {"persistentVolumeClaim": {"claimName": "x"}}}, "ReadWriteMany"),
    ({"memoryDump": {"claimName": "x"}}, "virtctl memory-dump remove"),
    ({"cloudInitNoCloud": {"userData": "x"}}, "CD-ROM")])
def test_fix_of_copied_volumes(migvet, volume, words):
    fix, = fixes(migvet, "volume-block-migration", machine(spec=instance_spec(volumes=[{"name": "v", **volume}])))
    assert words in fix and ("CD-ROM" in fix) == ("cloudInitNoCloud" in volume)


def test_many(migvet, files):
    """Several threads read and judge; what is printed is as if one had."""
    names = [f"m-{number:03}" for number in range(150)]
    machines = {name: machine(name, spec=instance_spec("bridge" if number % 3 else "masquerade"))
                for number, name in enumerate(names)}
    tree = files({f"{name}.yaml": [obj] for name, obj in machines.items()})
    process = migvet("check", "-f", tree, "-o", "json", expect=(1,))
    items = json.loads(process.stdout)["items"]
    assert [item["subject"]["name"] for item in items] == names
    for number in (0, 1, 149):
        alone = migvet("check", "-f", tree / f"{names[number]}.yaml", "-o", "json", expect=(1 if number % 3 else 0,))
        assert json.loads(alone.stdout)["items"] == [items[number]]
    broken = tree / f"{names[70]}.yaml"
    broken.write_text("a: ]\n")
    (tree / f"{names[90]}.yaml").write_text("b: ]\n")
    assert migvet("check", "-f", tree, expect=(2,)).stderr.startswith(f"migvet check: {broken}:1:4: ")
