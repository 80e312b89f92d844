"""Which of the chosen faces are fit for the set: quality, copies, wrong people, one face under two names."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from actorrec.dataset.agreement import judge_people
from actorrec.dataset.candidates import Candidate
from actorrec.dataset.copies import SURE_COPY, Copy
from actorrec.manifests.dataset import Outcome
from actorrec.sections import DatasetSection
from actorrec.types import FaceQuality


@dataclass(frozen=True, slots=True, eq=False)
class Pick:
    """The face that was chosen of one photo.

    Attributes:
        name: The photo's name, for people.
        sha256: Of the photo's bytes.
        face_index: Which face of the photo it is.
        keep: A reviewer said that it stays, whatever the checks say.
        is_them: A reviewer said that it is the person.
        called: The person, for people; empty where the id says it.
    """

    person_id: str
    name: str
    sha256: str
    face_index: int
    face: Candidate
    keep: bool = False
    is_them: bool = False
    called: str = ""

    @property
    def label(self) -> str:
        """The person, for people."""
        return self.called or self.person_id


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of a photo, a short slug why, and a sentence for a person."""

    outcome: Outcome
    reason: str
    detail: str


QUALITY_REASONS: Final = frozenset({"too-small", "cut-off", "turned-away", "blurred"})


def check_quality(quality: FaceQuality, settings: DatasetSection) -> Verdict | None:
    """The first limit a face fails, or None."""
    if quality.face_px < settings.min_face_px:
        return Verdict(
            "dropped", "too-small", f"the face is {quality.face_px:.0f} px, less than {settings.min_face_px:g}"
        )
    if quality.visible < settings.min_visible:
        return Verdict("dropped", "cut-off", f"{quality.visible:.0%} of the face is in the picture")
    if abs(quality.yaw) > settings.max_yaw:
        return Verdict("dropped", "turned-away", f"the head is turned away (yaw {abs(quality.yaw):.2f})")
    if quality.sharpness < settings.min_sharpness:
        return Verdict("dropped", "blurred", f"sharpness {quality.sharpness:.0f}, less than {settings.min_sharpness:g}")
    return None


def merit(pick: Pick) -> tuple[float, float, float, str]:
    """What the best of several copies has most of: how much is visible, size in steps of a fifth, then sharpness."""
    quality = pick.face.quality
    return (
        round(quality.visible, 1),
        float(np.floor(np.log(max(quality.face_px, 1.0)) / np.log(1.2))),
        quality.sharpness,
        pick.name,
    )


def drop_near_duplicates(picks: Sequence[Pick], copies: Sequence[Copy]) -> dict[int, Verdict]:
    """Of the copies of one photo in one person's folder, all but the best; what a reviewer keeps comes before it."""
    partners: dict[int, set[int]] = {}
    for first, second, likeness in copies:
        if likeness >= SURE_COPY and picks[first].person_id == picks[second].person_id:
            partners.setdefault(first, set()).add(second)
            partners.setdefault(second, set()).add(first)
    verdicts: dict[int, Verdict] = {}
    for row in sorted(partners, key=lambda row: (picks[row].keep, merit(picks[row])), reverse=True):
        if row in verdicts:
            continue
        for copy in sorted(partners[row] - verdicts.keys()):
            if picks[copy].keep:
                continue
            verdicts[copy] = Verdict("dropped", "near-duplicate", f"near-duplicate of {picks[row].name}")
    return verdicts


def find_wrong_people(picks: Sequence[Pick], rows: Sequence[int], action: str) -> dict[int, Verdict]:
    """Faces that disagree with the person's others.

    Args:
        picks: Every chosen face.
        rows: Those still in.
        action: ``drop`` or ``flag``.
    """
    labels = {picks[row].person_id: picks[row].label for row in rows}
    people = sorted(labels)
    number = {person: index for index, person in enumerate(people)}
    owners = np.array([number[picks[row].person_id] for row in rows], np.intp)
    vectors = np.array([picks[row].face.vector for row in rows], np.float32)
    outcome: Outcome = "dropped" if action == "drop" else "flagged"
    verdicts: dict[int, Verdict] = {}
    for doubt in judge_people(vectors, owners):
        row = rows[doubt.row]
        if picks[row].is_them:
            continue
        if doubt.nearer_to is not None:
            other = labels[people[doubt.nearer_to]]
            text = f"looks like {other} ({doubt.nearer_similarity:.2f}) rather than {picks[row].label}"
        else:
            text = f"looks unlike the other photos of {picks[row].label}"
        detail = f"{text} (agreement {doubt.agreement:.2f})"
        if doubt.unsure:
            verdicts[row] = Verdict("flagged", "no-agreement", f"the folder's photos do not agree; {detail}")
        else:
            verdicts[row] = Verdict(outcome, "wrong-person", detail)
    return verdicts


def find_two_names(
    picks: Sequence[Pick], copies: Sequence[Copy], settled: Mapping[int, Verdict], action: str
) -> dict[int, Verdict]:
    """One face under two names where neither folder says which is right: both go, by name."""
    outcome: Outcome = "dropped" if action == "drop" else "flagged"
    verdicts: dict[int, Verdict] = {}
    for first, second, likeness in copies:
        a, b = picks[first], picks[second]
        out = any(row in settled and settled[row].outcome == "dropped" for row in (first, second))
        if likeness < SURE_COPY or a.person_id == b.person_id or out:
            continue
        for row, mine, other in ((first, a, b), (second, b, a)):
            if mine.is_them:
                continue
            detail = f"the same face lies in {other.name} as {other.label}, here as {mine.label}"
            verdicts.setdefault(row, Verdict(outcome, "two-names", detail))
    return verdicts


def agreements(vectors: NDArray[np.float32], owners: Sequence[str]) -> list[float | None]:
    """Cosine of each face to the mean of the person's other faces; None for an only face."""
    found: list[float | None] = [None] * len(owners)
    for person in sorted(set(owners)):
        rows = [row for row, owner in enumerate(owners) if owner == person]
        if len(rows) < 2:
            continue
        others = vectors[rows].sum(axis=0, keepdims=True) - vectors[rows]
        lengths = np.maximum(np.linalg.norm(others, axis=1), 1e-12)
        for row, cosine in zip(rows, (vectors[rows] * others).sum(axis=1) / lengths, strict=True):
            found[row] = round(float(cosine), 4)
    return found
