"""Pictures that may not simply be used: counted by licence, and refused until the user insists."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from actorrec.errors import DataError
from actorrec.manifests.dataset import DatasetManifest, ImageRecord
from actorrec.rights.licences import classify

_SHOWN: Final = 5
_LONGEST: Final = 60


def used_pictures(dataset: DatasetManifest) -> list[ImageRecord]:
    """The pictures of which a face is in the set, in the manifest's order."""
    return [image for image in dataset.images if image.outcome in ("kept", "flagged")]


def licence_counts(licences: Iterable[str]) -> dict[str, int]:
    """Licence → number of pictures, the most frequent first, then by name."""
    counted = Counter(licences)
    return dict(sorted(counted.items(), key=lambda item: (-item[1], item[0])))


def restricted_counts(counts: Mapping[str, int]) -> dict[str, int]:
    """Those of some licence counts whose class is ``restricted`` or ``unknown``."""
    return {licence: count for licence, count in counts.items() if is_restricted(licence)}


def is_restricted(licence: str) -> bool:
    """Whether a picture of this licence is refused until the user insists."""
    return classify(licence) in ("restricted", "unknown")


def refuse_restricted(counts: Mapping[str, int], *, allow: bool, what: str, people: Sequence[str] = ()) -> None:
    """Stop where something holds pictures whose licence is restricted or unknown, unless the user insists.

    Args:
        counts: Licence → number of pictures; free and user-supplied ones may be among them.
        allow: What ``rights.allow_restricted`` (``--allow-restricted``) says.
        what: What holds the pictures, for the message (``dataset/1234``).
        people: Names of people whom such pictures show, for the message.

    Raises:
        DataError: With the counts, and what to do instead.
    """
    refused = restricted_counts(counts)
    if allow or not refused:
        return
    total = sum(refused.values())
    named = [f"{count} × '{_short(licence)}'" for licence, count in list(refused.items())[:_SHOWN]]
    if len(refused) > _SHOWN:
        named.append(f"{len(refused) - _SHOWN} more licences")
    of_whom = f"; for example of {', '.join(people[:_SHOWN])}" if people else ""
    raise DataError(
        f"{what} holds {total} picture{'s' * (total != 1)} whose licence is restricted or unknown: "
        f"{', '.join(named)}{of_whom}",
        hint="do without them: actorrec build-dataset --free-only; or, if you may use them all the same, "
        "--allow-restricted, which is put on record. `actorrec sbom` lists them",
    )


def refuse_restricted_dataset(dataset: DatasetManifest, *, allow: bool) -> dict[str, int]:
    """``refuse_restricted`` for a data set that is about to be learned from.

    Returns:
        Licence → number of pictures, of every picture that is used.

    Raises:
        DataError: If some may not be used and the user does not insist.
    """
    used = used_pictures(dataset)
    counts = licence_counts(image.licence for image in used)
    names = {person.person_id: person.name for person in dataset.people}
    shown = dict.fromkeys(names.get(i.person_id, i.person_id) for i in used if is_restricted(i.licence))
    refuse_restricted(counts, allow=allow, what=dataset.ref, people=list(shown))
    return counts


def picture_licences(counts: Mapping[str, int]) -> list[str]:
    """Licence counts as the ``licences`` of a model or card name them: ``12 pictures: CC BY 2.0``."""
    return [f"{count} picture{'s' * (count != 1)}: {licence}" for licence, count in counts.items()]


def _short(licence: str) -> str:
    return licence if len(licence) <= _LONGEST else licence[: _LONGEST - 1] + "…"
