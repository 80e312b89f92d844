"""From what was said of each picture to the figures of a report."""

from collections import Counter
from collections.abc import Sequence

from actorrec.evaluation.metrics import (
    DetCurve,
    det_curve,
    macro_f1,
    macro_f1_interval,
    person_scores,
    reliability,
    tpir_at,
)
from actorrec.manifests.dataset import Person
from actorrec.manifests.evaluation import EvaluationReport, MacroF1, PersonRow, PictureOutcome, ReliabilityRow
from actorrec.recognition.outcomes import fpir_of, top1_of, tpir_of
from actorrec.recognition.rates import rate_of
from actorrec.recognition.recogniser import Recogniser
from actorrec.vision.main_face import FACE_RULE


def summarise(
    outcomes: Sequence[PictureOutcome],
    recogniser: Recogniser,
    *,
    measured_on: str,
    detector_id: str,
    unknown_people: Sequence[str] = (),
    unlisted: Sequence[str] = (),
) -> EvaluationReport:
    """Work out every figure.

    Args:
        outcomes: One a picture.
        recogniser: What gave the names.
        measured_on: What was evaluated, in words.
        detector_id: What found the faces.
        unknown_people: Folders of people that the recogniser does not know.
        unlisted: Folders that could not be listed.
    """
    calibration = recogniser.calibration
    known = [outcome for outcome in outcomes if outcome.actual is not None]
    strangers = [outcome for outcome in outcomes if outcome.actual is None]
    named_wrong = sum(outcome.named not in (None, outcome.actual) for outcome in known)
    bins, error = confidence_check(outcomes)
    both = bool(known and strangers)
    return EvaluationReport(
        measured_on=measured_on,
        face_rule=FACE_RULE,
        model_id=recogniser.model_id,
        detector_id=detector_id,
        people_known=len(recogniser.gallery.person_ids),
        calibration=calibration,
        top1=top1_of(outcomes),
        macro_f1=_macro(known),
        tpir=tpir_of(outcomes),
        wrong_names=rate_of(named_wrong, len(known)),
        fpir=fpir_of(outcomes),
        tpir_afterwards=tpir_at(trade_off(outcomes), calibration.target_fpir) if both else None,
        unknown_people=sorted(unknown_people),
        unlisted=list(unlisted),
        names=_shown_names(recogniser.people),
        calibration_error=error if both else None,
        reliability=bins if both else [],
        people=_person_rows(known),
        outcomes=list(outcomes),
    )


def _shown_names(people: Sequence[Person]) -> dict[str, str]:
    often = Counter(person.name for person in people)
    return {p.person_id: p.name if often[p.name] == 1 else p.person_id for p in people}


def trade_off(outcomes: Sequence[PictureOutcome]) -> DetCurve:
    """The detection error trade-off of some outcomes."""
    known = [outcome for outcome in outcomes if outcome.actual is not None]
    right = [outcome.score for outcome in known if outcome.right and outcome.score is not None]
    strange = [outcome.score for outcome in outcomes if outcome.actual is None and outcome.score is not None]
    return det_curve(right, len(known), strange, len(outcomes) - len(known))


def confidence_check(outcomes: Sequence[PictureOutcome]) -> tuple[list[ReliabilityRow], float]:
    """Reliability of the confidence, with known and strangers brought to half and half, as it is stated for."""
    faces = [outcome for outcome in outcomes if outcome.confidence is not None]
    known = sum(outcome.actual is not None for outcome in faces)
    if not 0 < known < len(faces):
        return [], 0.0
    weights = [0.5 / known if outcome.actual is not None else 0.5 / (len(faces) - known) for outcome in faces]
    bins, error = reliability(
        [outcome.confidence or 0.0 for outcome in faces], [outcome.right for outcome in faces], weights
    )
    rows = [
        ReliabilityRow(count=each.count, mean_confidence=each.mean_confidence, share_right=each.share_right)
        for each in bins
    ]
    return rows, error


def _macro(known: Sequence[PictureOutcome]) -> MacroF1:
    actual, nearest = [outcome.actual or "" for outcome in known], [outcome.best_id for outcome in known]
    low, high = macro_f1_interval(actual, nearest)
    people = len(set(actual))
    return MacroF1(value=macro_f1(actual, nearest), people=people, n=len(known), low=low, high=high)


def _person_rows(known: Sequence[PictureOutcome]) -> list[PersonRow]:
    scores = person_scores([outcome.actual or "" for outcome in known], [outcome.best_id for outcome in known])
    rows = []
    for person_id, score in scores.items():
        own = [outcome for outcome in known if outcome.actual == person_id]
        rows.append(
            PersonRow(
                person_id=person_id,
                photos=score.photos,
                right=score.right,
                named_right=sum(outcome.named == person_id for outcome in own),
                no_face=sum(bool(outcome.problem) for outcome in own),
                precision=score.precision,
                recall=score.recall,
                f1=score.f1,
            )
        )
    return rows
