# SPDX-License-Identifier: Apache-2.0
"""The commands that README.md gives to install migvet on a cluster, so that the tests run these and no others."""
import re
import shlex

from harness import webhook


def commands():
    """The words of each line of the first block of shell commands under "Install on a cluster"."""
    text = (webhook.ROOT / "README.md").read_text(encoding="utf-8")
    block = re.search(r"^## Install on a cluster$.*?^```sh\n(.*?)^```$", text, re.MULTILINE | re.DOTALL).group(1)
    return [shlex.split(line, comments=True) for line in block.splitlines() if shlex.split(line, comments=True)]


def command(*begin, **names):
    """The one that begins like this, without these words; what it has in capitals is replaced by the names."""
    found = [words for words in commands() if words[:len(begin)] == list(begin)]
    assert len(found) == 1, f"README.md has no command {' '.join(begin)}"
    return [names.get(word, word) for word in found[0][len(begin):]]
