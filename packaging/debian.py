# SPDX-License-Identifier: Apache-2.0
"""What dpkg and the copyright files know about the packages that libraries come from."""
import os
import pathlib
import re
import subprocess
import sys

# Short names of Debian's machine-readable copyright files, as SPDX spells them.
SPDX = {
    "apache-2.0": "Apache-2.0", "bsd-2-clause": "BSD-2-Clause", "bsd-3-clause": "BSD-3-Clause",
    "expat": "MIT", "mit": "MIT", "isc": "ISC", "zlib": "Zlib", "curl": "curl",
    "gpl-2": "GPL-2.0-only", "gpl-2+": "GPL-2.0-or-later", "gpl-2.0+": "GPL-2.0-or-later",
    "gpl-3": "GPL-3.0-only", "gpl-3+": "GPL-3.0-or-later", "gplv3+": "GPL-3.0-or-later",
    "lgpl-2": "LGPL-2.0-only", "lgpl-2+": "LGPL-2.0-or-later", "lgpl-2.0+": "LGPL-2.0-or-later",
    "lgpl-2.1": "LGPL-2.1-only", "lgpl-2.1+": "LGPL-2.1-or-later", "lgpl2.1+": "LGPL-2.1-or-later",
    "lgpl-3": "LGPL-3.0-only", "lgpl-3+": "LGPL-3.0-or-later", "lgplv3+": "LGPL-3.0-or-later",
}


def query(*arguments):
    """What dpkg-query prints, in English."""
    try:
        return subprocess.run(["dpkg-query", *arguments], check=True, capture_output=True, text=True,
                              env={**os.environ, "LC_ALL": "C.UTF-8"}).stdout
    except FileNotFoundError:
        sys.exit("dpkg-query is missing: the image takes its libraries from Debian packages")
    except subprocess.CalledProcessError as error:
        sys.exit(f"dpkg-query {' '.join(arguments)}: {error.stderr.strip()}")


def owner(path):
    """The package that brought the file. dpkg knows it by the path before or after /usr was merged."""
    real = os.path.realpath(path)
    names = [path, real, real.removeprefix("/usr"), "/usr" + path]
    for name in dict.fromkeys(names):
        done = subprocess.run(["dpkg-query", "-S", name], capture_output=True, text=True)
        if done.returncode == 0:
            return done.stdout.split(": ")[0].split(":")[0]
    sys.exit(f"{path}: no Debian package brought this library, so nothing is known of its origin")


def packages_of(paths):
    """The packages of these libraries, sorted by name."""
    found = {}
    for path in paths:
        name = owner(path)
        if name not in found:
            form = "${Version}\\t${Architecture}\\t${source:Package}\\t${source:Version}\\t${Homepage}\\n"
            version, arch, source, source_version, homepage = \
                query("-W", "-f", form, name).splitlines()[0].split("\t")
            declared, raw = licences(name)
            found[name] = {"name": name, "version": version, "architecture": arch, "source": source,
                           "source_version": source_version, "homepage": homepage, "licence": declared,
                           "licence_as_written": raw, "files": []}
        found[name]["files"].append(path)
    return [found[name] for name in sorted(found)]


def copyright_of(package):
    """The copyright file, or None."""
    path = pathlib.Path("/usr/share/doc", package, "copyright")
    return path.read_bytes() if path.is_file() else None


def licences(package):
    """(an SPDX expression, or NOASSERTION where the files differ or the name is not known; all names as written)."""
    text = (copyright_of(package) or b"").decode("utf-8", "replace")
    if not re.match(r"Format(-Specification)?:", text):
        return "NOASSERTION", ""
    names = []
    for stanza in re.split(r"\n[ \t]*\n", text):
        files = re.search(r"^Files:\s*(\S.*)", stanza, re.M)
        name = re.search(r"^License:[ \t]*(\S.*)$", stanza, re.M)
        # What the packagers added is not in the library.
        if files and name and not files[1].startswith("debian/") and name[1].strip() not in names:
            names.append(name[1].strip())
    words = re.split(r"\s+(or|and)\s+", names[0]) if len(names) == 1 else [""]
    mapped = [word.upper() if word in ("or", "and") else SPDX.get(word.strip("(),").lower()) for word in words]
    return " ".join(mapped) if all(mapped) else "NOASSERTION", "; ".join(names)
