"""What a new data set holds, for people and as JSON."""

from collections import Counter
from typing import TYPE_CHECKING

from actorrec.cli.session import Session

if TYPE_CHECKING:
    from actorrec.manifests.dataset import DatasetManifest, ImageRecord


def tell_dataset(session: Session, manifest: "DatasetManifest") -> None:
    """People, outcomes, what to look at, and the one line or JSON document of the result."""
    outcomes = Counter((image.outcome, image.reason) for image in manifest.images)
    names = {person.person_id: person.name for person in manifest.people}
    faces = Counter((face.person_id, face.split) for face in manifest.faces)
    given = Counter(image.person_id for image in manifest.images)
    rows = [(names[person], given[person], faces[person, "train"], faces[person, "test"]) for person in sorted(names)]
    session.table("people", ("person", "photos given", "to learn from", "to test on"), rows)
    counted = [(outcome, reason, count) for (outcome, reason), count in sorted(outcomes.items())]
    session.table("what became of the photos", ("outcome", "why", "photos"), counted)
    without = sorted({_folder(image) for image in manifest.images if image.person_id not in {*names, ""}})
    if without:
        session.say("no face of them is left, so not in the set: " + ", ".join(without))
    meant = ("reviewed", "taken-down", "restricted-licence")
    lost = [(i.path, i.reason, i.detail) for i in manifest.images if i.outcome != "kept" and i.reason not in meant]
    session.table("look at these", ("photo", "why", "detail"), lost[:40])
    if len(lost) > 40:
        session.say(f"… and {len(lost) - 40} more in the manifest")
    if manifest.not_measured:
        session.say(
            "too few photos to be measured: " + ", ".join(names[p] for p in manifest.not_measured if p in names)
        )
    if manifest.decisions:
        session.say(f"photos that a reviewer decided on: {manifest.decisions}")
    kept = len(manifest.faces)
    summary = {
        "dataset": manifest.ref,
        "content_digest": manifest.content_digest(),
        "people": len(manifest.people),
        "photos": len(manifest.images),
        "faces": kept,
        "outcomes": [{"outcome": o, "reason": r, "count": c} for (o, r), c in sorted(outcomes.items())],
        "not_measured": manifest.not_measured,
        "decisions": manifest.decisions,
    }
    line = f"{manifest.ref}: {kept} faces of {len(manifest.people)} people from {len(manifest.images)} photos"
    session.result(summary, line)


def _folder(image: "ImageRecord") -> str:
    """As the user finds it: an id alone would say little."""
    return image.path.split("/")[0]
