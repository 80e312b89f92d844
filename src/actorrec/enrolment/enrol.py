"""Teach a bundle people from their photos: from one photo up, without training."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from actorrec.artifacts.store import ArtifactStore
from actorrec.config import Config
from actorrec.enrolment.choosing import choose_faces
from actorrec.enrolment.draft import Draft, commit_draft, open_draft
from actorrec.enrolment.naming import match_person, new_person
from actorrec.enrolment.photos import Candidate, ReadPhoto, quality_warnings, read_photo
from actorrec.enrolment.resemblance import resemblance_warnings
from actorrec.errors import DataError, ItemError
from actorrec.manifests.bundle import BundleManifest
from actorrec.manifests.dataset import Person
from actorrec.manifests.enrolment import PhotoReport
from actorrec.manifests.model import Calibration
from actorrec.progress import Progress, Step
from actorrec.recognition.gallery import SAME_PHOTO_COSINE, with_person
from actorrec.recognition.recogniser import Recogniser, load_recogniser
from actorrec.recognition.stored_bundle import LOCK
from actorrec.vision.similarity import cosine_similarity


@dataclass(frozen=True, slots=True)
class EnrolReport:
    """What ``enrol`` did.

    Attributes:
        manifest: The bundle that knows everybody now; the old one where nothing was new.
        photos: One report for each photo that was given.
        started: Whether the store had no bundle before.
        changed: Whether a new bundle was made.
    """

    manifest: BundleManifest
    photos: tuple[PhotoReport, ...]
    started: bool
    changed: bool


def enrol(
    store: ArtifactStore,
    config: Config,
    people: Mapping[str, Sequence[Path]],
    *,
    base: BundleManifest | None = None,
    progress: Progress,
) -> EnrolReport:
    """Add people, or more photos of people, to a bundle. The result is a new bundle; the old one stays as it is.

    Args:
        store: Where bundles live.
        config: Detector and embedder count only where a bundle is started.
        people: Name as typed → photos.
        base: The bundle to add to; None for the store's newest, or a new one where there is none.
        progress: One step for each photo.

    Raises:
        DataError: If a name is none, or no photo of anybody could be used.
        ModelContractError: If the bundle is damaged.
    """
    if not any(people.values()):
        raise DataError("no photos were given", hint="actorrec enroll NAME PHOTO…, or actorrec enroll --from FOLDER")
    with store.lock(LOCK):
        draft = open_draft(store, config, base, progress=progress)
        learner = _Learner(load_recogniser(draft.bundle, num_threads=config.inference.threads), config, draft)
        with progress.step("enrolling", sum(map(len, people.values())), "photos") as step:
            for typed, photos in people.items():
                learner.add(typed, photos, step)
        if all(report.outcome == "skipped" for report in learner.reports):
            raise _nothing_usable(learner.reports)
        changed = bool(learner.new_rows)
        manifest = draft.base
        if changed or manifest is None:
            manifest = commit_draft(store, config, draft, learner.gallery, learner.people)
    reports = _with_resemblance(learner, manifest.card.calibration)
    return EnrolReport(manifest, tuple(reports), draft.base is None, changed)


class _Learner:
    """A gallery that grows photo by photo, and what became of each photo."""

    def __init__(self, recogniser: Recogniser, config: Config, draft: Draft) -> None:
        self._recogniser, self._config = recogniser, config
        self.gallery = draft.bundle.gallery
        self.people = list(draft.bundle.card.people)
        self.reports: list[PhotoReport] = []
        self.new_rows: dict[int, int] = {}  # index of the report → row of the gallery's photos

    def add(self, typed: str, photos: Sequence[Path], step: Step) -> None:
        """Add photos of one person."""
        person = match_person(typed, self.people) or new_person(typed)
        mine = self._photos_of(person)
        read: list[ReadPhoto] = []
        for path in photos:
            try:
                read.append(read_photo(path, self._recogniser, self._config))
            except ItemError as error:
                self.reports.append(_skipped(path, person, error))
            step.advance()
        vectors = [np.stack([candidate.vector for candidate in photo.candidates]) for photo in read]
        for photo, index in zip(read, choose_faces(vectors, mine), strict=True):
            self._take(person, photo, photo.candidates[index])

    def _take(self, person: Person, photo: ReadPhoto, face: Candidate) -> None:
        vector = face.vector[None]
        again = float(cosine_similarity(vector, self._photos_of(person)).max(initial=-1.0)) >= SAME_PHOTO_COSINE
        if not again:
            self.gallery = with_person(self.gallery, person.person_id, vector, [source_name(photo.path)])
            self.new_rows[len(self.reports)] = len(self.gallery.photo_person) - 1
            if person not in self.people:
                self.people.append(person)
        self.reports.append(_report(photo, face, person, self._config, again=again))

    def _photos_of(self, person: Person) -> NDArray[np.float32]:
        if person.person_id not in self.gallery.person_ids:
            return self.gallery.photo_embeddings[:0]
        row = self.gallery.person_ids.index(person.person_id)
        mine = np.flatnonzero(self.gallery.photo_person == row)
        return self.gallery.photo_embeddings.take(mine, axis=0)


def _with_resemblance(learner: _Learner, calibration: Calibration) -> list[PhotoReport]:
    found = resemblance_warnings(learner.gallery, list(learner.new_rows.values()), calibration, learner.people)
    reports = list(learner.reports)
    for index, warnings in zip(learner.new_rows, found, strict=True):
        reports[index] = reports[index].model_copy(update={"warnings": [*reports[index].warnings, *warnings]})
    return reports


def source_name(path: Path) -> str:
    """How a gallery remembers a picture: its own name and its folder's, so that no home folder travels."""
    return "/".join(_shown(path.absolute()).split("/")[-2:])


def _report(photo: ReadPhoto, face: Candidate, person: Person, config: Config, *, again: bool) -> PhotoReport:
    box = face.face.box
    warnings = quality_warnings(face.quality, config.dataset)
    return PhotoReport(
        path=_shown(photo.path),
        person_id=person.person_id,
        outcome="already-known" if again else "enrolled",
        reason="same-photo" if again else "",
        detail="this very photo is known already" if again else "",
        warnings=warnings,
        faces_found=photo.faces_found,
        face_box=(round(box.x1, 2), round(box.y1, 2), round(box.x2, 2), round(box.y2, 2)),
    )


def _skipped(path: Path, person: Person, error: ItemError) -> PhotoReport:
    return PhotoReport(
        path=_shown(path),
        person_id=person.person_id,
        outcome="skipped",
        reason=error.reason,
        detail=error.in_full,
    )


def _nothing_usable(reports: Sequence[PhotoReport]) -> DataError:
    told = "; ".join(f"{report.path}: {report.detail}" for report in reports[:3])
    more = f"; and {len(reports) - 3} more" if len(reports) > 3 else ""
    return DataError(f"none of the photos can be used: {told}{more}", hint="use photos that show one clear face")


def _shown(path: Path) -> str:
    """A path as text: a name that is no valid UTF-8 is spelled out."""
    return str(path).encode("utf-8", "backslashreplace").decode()
