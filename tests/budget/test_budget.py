# SPDX-License-Identifier: Apache-2.0
"""What the answer to a review may cost, and telling receivers of it: instructions, calls of malloc, and bytes of the arena.

The figures are exact, so they do not depend on the machine's speed or on what else it does. budgets.json has what was
measured last; instructions may exceed it by MARGIN, since another release of the compiler or the C library changes them a
little, and nothing else may. Whoever makes something cheaper lowers the budgets: run as a program, this file writes what it
measures into budgets.json.
"""
import json
import os
import pathlib
import re
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
PROGRAM = ROOT / "build" / "release" / "tests" / "bench" / "review"
BUDGETS = pathlib.Path(__file__).with_name("budgets.json")
MARGIN = 1.03
# Far below the budget, the budget guards nothing any more.
SLACK = 0.90
NODES, VMS, RUNNING = 200, 500, 200


def measure(directory):
    """Figures by review, and by what is told of it."""
    subprocess.run([sys.executable, ROOT / "tests" / "bench" / "cluster.py", directory, "--nodes", str(NODES), "--vms", str(VMS),
                    "--running", str(RUNNING)], check=True)
    # The C library chooses its functions by what the processor has: let it have the same everywhere.
    environment = {**os.environ, "GLIBC_TUNABLES": "glibc.cpu.hwcaps=-AVX2,-AVX_Fast_Unaligned_Load,-ERMS,-FSRM,-BMI2,-MOVBE"}
    done = subprocess.run(["valgrind", "--tool=callgrind", "--toggle-collect=measured", "--dump-after=measured",
                           f"--callgrind-out-file={directory}/callgrind", PROGRAM, directory], env=environment,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False)
    assert done.returncode == 0, done.stderr
    figures = json.loads(done.stdout)
    dumps = [pathlib.Path(f"{directory}/callgrind.{number + 1}") for number in range(len(figures))]
    assert not pathlib.Path(f"{directory}/callgrind.{len(figures) + 1}").exists()
    for figure, dump in zip(figures.values(), dumps):
        figure["instructions"] = int(re.search(r"^totals: (\d+)$", dump.read_text(), re.MULTILINE)[1])
    return figures


@pytest.fixture(scope="module", name="figures")
def figures_fixture(tmp_path_factory):
    figures = measure(tmp_path_factory.mktemp("budget"))
    print("\n".join(f"{name}: {json.dumps(figure)}" for name, figure in figures.items()))
    return figures


@pytest.fixture(scope="module", name="budgets")
def budgets_fixture():
    return json.loads(BUDGETS.read_text())


def names():
    return list(json.loads(BUDGETS.read_text()))


def test_every_review_has_a_budget(figures, budgets):
    assert sorted(figures) == sorted(budgets)


@pytest.mark.parametrize("name", names())
def test_answer(name, figures, budgets):
    assert figures[name].get("allowed") is budgets[name].get("allowed")


@pytest.mark.parametrize("name", names())
def test_instructions(name, figures, budgets):
    spent, budget = figures[name]["instructions"], budgets[name]["instructions"]
    assert spent <= budget * MARGIN, f"{spent} instructions instead of {budget}"
    assert spent >= budget * SLACK, f"{spent} instructions: lower the budget, which is {budget}"


@pytest.mark.parametrize("name", names())
def test_memory(name, figures, budgets):
    assert figures[name]["mallocs"] <= budgets[name]["mallocs"]
    assert figures[name]["arenaBytes"] <= budgets[name]["arenaBytes"]


if __name__ == "__main__":
    import tempfile
    with tempfile.TemporaryDirectory() as place:
        lines = ",\n".join(f'"{name}": {json.dumps(figure)}' for name, figure in measure(pathlib.Path(place)).items())
        BUDGETS.write_text(f"{{\n{lines}\n}}\n")
