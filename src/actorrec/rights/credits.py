"""An attribution as text: what needs care first, then credits to paste."""

from collections.abc import Sequence
from itertools import groupby

from actorrec.rights.attribution import Attribution, LicenceCount, PictureCredit
from actorrec.rights.restricted import is_restricted


def credits_text(found: Attribution) -> list[str]:
    """The attribution as lines for people."""
    people = len({credit.person_id for credit in found.pictures})
    lines = [f"{found.subject}: {len(found.pictures)} pictures of {people} people"]
    if found.missing and not found.pictures:
        lines = [f"{found.subject}: what it was made from is not in this store"]
    if found.made_from:
        lines.append(f"made from {', '.join(found.made_from)}")
    if found.missing:
        lines.append(f"NOT COMPLETE: this store lacks {', '.join(found.missing)}, so their pictures are not listed")
        lines += [f"  it states {stated}" for stated in found.stated]
    care = [credit for credit in found.pictures if is_restricted(credit.licence)]
    if care:
        many = "1 picture that may need" if len(care) == 1 else f"{len(care)} pictures that may need"
        lines += ["", f"RESTRICTED OR UNKNOWN: {many} permission to be used or shown"]
        lines += [f"  {credit.person}: {_credit(credit)}" for credit in care]
    elif found.restricted:
        told = ", ".join(f"{count} × '{licence}'" for licence, count in found.restricted.items())
        lines += ["", f"RESTRICTED OR UNKNOWN: it states that it was made with pictures of such licences: {told}"]
    if found.licences:
        lines += ["", "Licences"]
        lines += [f"  {each.pictures} × {_counted(each)}" for each in found.licences]
    if found.nets:
        lines += ["", "Nets", *(f"  {net.name} ({net.role}) — {net.licence}" for net in found.nets)]
    if found.pictures:
        lines += ["", "Pictures", *_pictures(found.pictures)]
    return lines


def _pictures(pictures: Sequence[PictureCredit]) -> list[str]:
    lines: list[str] = []
    for (person, _), group in groupby(pictures, key=lambda credit: (credit.person, credit.person_id)):
        theirs = list(group)
        credited = [credit for credit in theirs if credit.licence_class != "user-supplied"]
        lines += [person, *(f"  {_credit(credit)}" for credit in credited)]
        if len(credited) < len(theirs):
            lines.append(f"  {len(theirs) - len(credited)} of the user's own")
    return lines


def _credit(credit: PictureCredit) -> str:
    return f"{credit.page or credit.url or credit.file} — {credit.author or 'author unknown'} — {_licence(credit)}"


def _licence(each: PictureCredit | LicenceCount) -> str:
    return f"{each.licence} ({each.licence_url})" if each.licence_url else each.licence


def _counted(each: LicenceCount) -> str:
    told = _licence(each)
    return told if each.licence == each.licence_class else f"{told}: {each.licence_class}"
