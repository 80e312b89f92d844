"""A bundle whose card says how well it did: the same nets and people, with the score of an evaluation."""

from actorrec.artifacts.store import ArtifactStore
from actorrec.config import Config, provenance
from actorrec.errors import DataError
from actorrec.manifests.bundle import BundleManifest, CardScore
from actorrec.manifests.evaluation import EvaluationReport
from actorrec.recognition.bundle import Bundle
from actorrec.recognition.card_score import card_score
from actorrec.recognition.stored_bundle import LOCK, commit_bundle


def score_of(report: EvaluationReport) -> CardScore:
    """What a report says, as a card says it.

    Raises:
        DataError: If a part of the set could not be read, or it shows nobody that the bundle knows: a score of that
            could not be compared with another.
    """
    if report.set_digest is None:
        closed = f" ({', '.join(report.unlisted[:3])})" if report.unlisted else ""
        raise DataError(
            f"a part of the evaluation set cannot be opened{closed}, so no score goes into the card",
            hint="let every folder and picture of the set be read, and evaluate again",
        )
    if not report.top1.n:
        raise DataError(
            "the evaluation set shows nobody that the bundle knows, so no score goes into the card",
            hint="folders are called by person id or name: actorrec people ls",
        )
    return card_score(
        report.outcomes,
        digest=report.set_digest,
        measured_on=report.measured_on,
        target_fpir=report.calibration.target_fpir,
    )


def with_score(
    bundle: Bundle, base: BundleManifest | None, score: CardScore, *, store: ArtifactStore, config: Config
) -> BundleManifest:
    """Commit a copy of a bundle whose card holds the score; the old one stays as it is.

    The card keeps the day on which its nets and people were made: measuring them again makes no newer model.

    Args:
        bundle: What was measured.
        base: The artifact that it is; None for a file of elsewhere, whose card then still says what it came from.
        score: Goes into the card, in place of one that is there.
        store: Receives the copy.
        config: For the record of who made it.

    Returns:
        The new artifact; the one that was there where this very score is in its card already.
    """
    inputs = bundle.card.inputs if base is None else {base.ref: base.content_digest()}
    if base is not None and base.card.evaluation == score:
        return base
    changes = {"evaluation": score, "inputs": inputs, "produced_by": provenance(config)}
    with store.lock(LOCK):
        return commit_bundle(store, bundle.card.model_copy(update=changes), dict(bundle.files))
