# SPDX-License-Identifier: Apache-2.0
"""The commands that README.md gives for a cluster, so that the tests run these and no others."""
import re
import shlex

from harness import webhook


def text():
    return (webhook.ROOT / "README.md").read_text(encoding="utf-8").replace("\\\n", "")


def kinds():
    """What the two `kubectl get` that write files for -f ask for."""
    found = re.findall(r"^kubectl get -A -o yaml (\S+)", text(), re.MULTILINE)
    assert len(found) == 2
    return ",".join(found)


def commands():
    """The words of each line of the first block of shell commands under "Install on a cluster"."""
    block = re.search(r"^## Install on a cluster$.*?^```sh\n(.*?)^```$", text(), re.MULTILINE | re.DOTALL).group(1)
    return [shlex.split(line, comments=True) for line in block.splitlines() if shlex.split(line, comments=True)]


def command(*begin, **names):
    """The one that begins like this, without these words; what it has in capitals is replaced by the names."""
    found = [words for words in commands() if words[:len(begin)] == list(begin)]
    assert len(found) == 1, f"README.md has no command {' '.join(begin)}"
    return [names.get(word, word) for word in found[0][len(begin):]]
