"""The score that travels in a bundle's card: by it two bundles are compared without a photo or a net at hand."""

from collections.abc import Sequence
from typing import Final

from actorrec.artifacts.store import ArtifactStore
from actorrec.manifests.bundle import CardScore
from actorrec.manifests.dataset import DatasetManifest
from actorrec.manifests.evaluation import PictureOutcome
from actorrec.progress import Progress
from actorrec.recognition.bundle import Bundle
from actorrec.recognition.evaluation_set import held_back_faces, held_back_words, set_digest, shown_by_faces
from actorrec.recognition.outcomes import crop_outcome, fpir_of, top1_of, tpir_of
from actorrec.recognition.recogniser import load_recogniser

_THREADS: Final = 1  # sums of several threads may round otherwise: the same bundle must have the same score everywhere


def card_score(outcomes: Sequence[PictureOutcome], *, digest: str, measured_on: str, target_fpir: float) -> CardScore:
    """Work the score out.

    Args:
        outcomes: One a picture of the set.
        digest: ``set_digest`` of the set.
        measured_on: What the set is, in words.
        target_fpir: What the bundle was calibrated to.
    """
    return CardScore(
        set_digest=digest,
        measured_on=measured_on,
        target_fpir=target_fpir,
        top1=top1_of(outcomes),
        tpir=tpir_of(outcomes),
        fpir=fpir_of(outcomes),
    )


def score_on_test_side(
    bundle: Bundle, dataset: DatasetManifest, *, store: ArtifactStore, progress: Progress
) -> CardScore | None:
    """Measure a bundle's own nets, gallery and threshold on the faces that its data set kept back.

    The same bundle and data set give the same score. Each face costs one or more runs of the embedder, on one thread.

    Returns:
        The score; None where nothing was kept back of anybody the bundle knows.

    Raises:
        ArtifactError: If a crop is missing, or is not the one that was built.
    """
    faces, known = held_back_faces(dataset), set(bundle.gallery.person_ids)
    if not any(face.person_id in known for face in faces):
        return None
    recogniser = load_recogniser(bundle, num_threads=_THREADS)
    outcomes = []
    with progress.step("scoring", len(faces), "faces") as step:
        for face in faces:
            outcomes.append(crop_outcome(recogniser, (store, dataset), face, known))
            step.advance()
    return card_score(
        outcomes,
        digest=set_digest(shown_by_faces(dataset, faces)),
        measured_on=held_back_words(dataset, faces),
        target_fpir=bundle.card.calibration.target_fpir,
    )
