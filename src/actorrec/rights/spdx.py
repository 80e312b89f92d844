"""An attribution as an SPDX 2.3 document, for tools that collect licences."""

import re
from typing import Any, Final
from urllib.parse import quote

from actorrec.rights.attribution import Attribution

_CREATIVE_COMMONS: Final = re.compile(r"CC[ -]BY(-NC)?(-SA|-ND)?[ -](1\.0|2\.0|2\.5|3\.0|4\.0)", re.IGNORECASE)
_NOBODY_SAYS: Final = "NOASSERTION"


def spdx_document(found: Attribution) -> dict[str, Any]:
    """The document as JSON values: a package for the subject, each net and each picture (SPDX 2.3, clauses 6 to 11).

    Licences that SPDX has no identifier for become a ``LicenseRef`` with the text that was stated.
    """
    refs: dict[str, str] = {}
    things = [_package(net.name, net.licence, refs) for net in found.nets]
    for credit in found.pictures:
        author = " ".join((credit.author or "").split()).replace("(", "[").replace(")", "]")  # (…) would be an e-mail
        said = {"originator": f"Person: {author}"} if author else {}
        sums = [{"algorithm": "SHA256", "checksumValue": credit.sha256}] if credit.sha256 else []
        page = {"homepage": credit.page} if _on_the_web(credit.page) else {}
        picture = _package(credit.file, credit.licence, refs) | said | page | {"checksums": sums}
        where = credit.url if _on_the_web(credit.url) else _NOBODY_SAYS  # of a folder's picture it is a path
        things.append(picture | {"downloadLocation": where, "comment": f"shows {credit.person}"})
    packages = [_package(found.subject, "", refs), *things]
    packages = [{"SPDXID": f"SPDXRef-{index}", **each} for index, each in enumerate(packages)]
    return {
        "spdxVersion": "SPDX-2.3",
        "dataLicense": "CC0-1.0",
        "SPDXID": "SPDXRef-DOCUMENT",
        "name": found.subject,
        "documentNamespace": f"urn:actorrec:{quote(found.subject)}:{found.created_at:%Y%m%dT%H%M%S%fZ}",
        "creationInfo": {
            "created": f"{found.created_at:%Y-%m-%dT%H:%M:%SZ}",
            "creators": [f"Tool: {found.produced_by.replace(' ', '-')}"],
        },
        "documentDescribes": ["SPDXRef-0"],
        "packages": packages,
        "relationships": [
            {"spdxElementId": "SPDXRef-0", "relationshipType": "CONTAINS", "relatedSpdxElement": each["SPDXID"]}
            for each in packages[1:]
        ],
        "hasExtractedLicensingInfos": [
            {"licenseId": ref, "name": licence, "extractedText": licence} for licence, ref in refs.items()
        ],
    }


def _on_the_web(address: str | None) -> bool:
    return address is not None and re.match("https?://[^/]", address, re.IGNORECASE) is not None


def _package(name: str, licence: str, refs: dict[str, str]) -> dict[str, Any]:
    known = _CREATIVE_COMMONS.fullmatch(licence)
    if known:
        declared = re.sub(" ", "-", licence).upper()
    else:
        declared = refs.setdefault(licence, f"LicenseRef-{len(refs) + 1}") if licence else _NOBODY_SAYS
    facts = {"name": name, "downloadLocation": _NOBODY_SAYS, "filesAnalyzed": False, "copyrightText": _NOBODY_SAYS}
    return {**facts, "licenseDeclared": declared, "licenseConcluded": _NOBODY_SAYS}
