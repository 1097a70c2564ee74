# SPDX-License-Identifier: Apache-2.0
"""The bill of materials of an image, as SPDX 2.3 JSON."""
import datetime
import hashlib
import re
import urllib.parse


def timestamp(seconds):
    return datetime.datetime.fromtimestamp(seconds, datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def identifier(name):
    return "SPDXRef-Package-" + re.sub(r"[^A-Za-z0-9.-]", "-", name)


def _debian(package):
    quoted = urllib.parse.quote
    purl = (f"pkg:deb/debian/{quoted(package['name'])}@{quoted(package['version'], safe='')}"
            f"?arch={package['architecture']}")
    entry = {
        "SPDXID": identifier(package["name"]),
        "name": package["name"],
        "versionInfo": package["version"],
        "supplier": "Organization: Debian",
        "downloadLocation": "NOASSERTION",
        "filesAnalyzed": False,
        "sourceInfo": f"source package {package['source']} {package['source_version']}; "
                      f"in the image: {', '.join(package['files'])}",
        "licenseConcluded": "NOASSERTION",
        "licenseDeclared": package["licence"],
        "copyrightText": "NOASSERTION",
        "primaryPackagePurpose": "LIBRARY",
        "externalRefs": [{"referenceCategory": "PACKAGE-MANAGER", "referenceType": "purl",
                          "referenceLocator": purl}],
    }
    if package["homepage"]:
        entry["homepage"] = package["homepage"]
    if package["licence_as_written"]:
        entry["licenseComments"] = f"Debian's copyright file names: {package['licence_as_written']}"
    return entry


def document(reference, version, layer_digest, program, packages, created):
    """packages as packaging/debian.py has them; program is the bytes of the program in the image."""
    image, own = "SPDXRef-Image", identifier("migvet")
    about = {"downloadLocation": "NOASSERTION", "filesAnalyzed": False, "copyrightText": "NOASSERTION",
             "versionInfo": version, "licenseConcluded": "NOASSERTION"}

    def relation(a, kind, b):
        return {"spdxElementId": a, "relationshipType": kind, "relatedSpdxElement": b}

    return {
        "spdxVersion": "SPDX-2.3",
        "dataLicense": "CC0-1.0",
        "SPDXID": "SPDXRef-DOCUMENT",
        "name": reference,
        # Unique for what is described: the same image has the same one.
        "documentNamespace": f"https://migvet.io/spdx/{urllib.parse.quote(reference, safe='')}/"
                             f"{layer_digest.split(':')[1]}",
        "creationInfo": {"created": created, "creators": [f"Tool: migvet-packaging-image-{version}"]},
        "packages": [
            {"SPDXID": image, "name": reference, **about, "licenseDeclared": "NOASSERTION",
             "primaryPackagePurpose": "CONTAINER",
             "checksums": [{"algorithm": "SHA256", "checksumValue": layer_digest.split(":")[1]}]},
            {"SPDXID": own, "name": "migvet", **about, "licenseDeclared": "Apache-2.0",
             "primaryPackagePurpose": "APPLICATION",
             "checksums": [{"algorithm": "SHA256", "checksumValue": hashlib.sha256(program).hexdigest()}]},
            *[_debian(package) for package in packages],
        ],
        "relationships": [
            relation("SPDXRef-DOCUMENT", "DESCRIBES", image),
            relation(image, "CONTAINS", own),
            *[relation(image, "CONTAINS", identifier(package["name"])) for package in packages],
            *[relation(own, "DYNAMIC_LINK", identifier(package["name"])) for package in packages],
        ],
    }
