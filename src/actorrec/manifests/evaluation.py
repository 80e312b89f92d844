"""What an evaluation found: everything its report shows, as plain records."""

from datetime import UTC, datetime
from typing import Literal

from pydantic import Field

from actorrec.manifests.base import ProducedBy, Record, Sha256
from actorrec.manifests.model import Calibration, Rate

EVALUATION_SCHEMA_VERSION = 1

Miss = Literal["no-face", "unreadable", "another-person", "not-named"]


class PictureOutcome(Record):
    """One picture and what was said of its main face.

    Attributes:
        source: As the user would find it.
        actual: Who it shows; None for a stranger.
        best_id: The nearest person; None without a face or with an empty gallery.
        named: The name that was given; None for unknown.
        score: Decision score of the nearest person (what the threshold is compared with); None without a face.
        confidence: Probability that ``best_id`` is right; None without a face.
        problem: What kept the face from being found; empty where there is one.
    """

    source: str
    actual: str | None
    best_id: str | None = None
    named: str | None = None
    score: float | None = None
    confidence: float | None = None
    problem: Literal["", "no-face", "unreadable"] = ""

    @property
    def right(self) -> bool:
        """Whether the nearest person is the one shown."""
        return self.actual is not None and self.best_id == self.actual

    @property
    def miss(self) -> Miss | None:
        """Why a known person's picture did not get its name; None where it did, or shows a stranger."""
        if self.actual is None:
            return None
        if self.problem:
            return self.problem
        if not self.right:
            return "another-person"
        return "not-named" if self.named is None else None


class PersonRow(Record):
    """One person of the evaluation. Shares are closed-set (nearest person) unless named otherwise."""

    person_id: str
    photos: int
    right: int
    named_right: int
    no_face: int
    precision: float
    recall: float
    f1: float


class MacroF1(Record):
    """Mean F1 over people; its interval is a bootstrap over each person's pictures, as it is no proportion."""

    value: float
    people: int
    n: int
    low: float
    high: float


class ReliabilityRow(Record):
    """Faces whose confidence lay in one range."""

    count: int
    mean_confidence: float
    share_right: float


class EvaluationReport(Record):
    """How well a model or bundle names faces.

    Attributes:
        measured_on: What was evaluated, in words.
        set_digest: Of the pictures and who they show, as in a card's ``CardScore``; None where one cannot be opened.
        face_rule: Which face of a picture counts.
        top1: Pictures of known people whose nearest person is right; no face counts as wrong.
        tpir: Pictures of known people that were given their own name at the threshold.
        wrong_names: Pictures of known people that were given another's name.
        fpir: Pictures of strangers that were given any name; None without strangers.
        tpir_afterwards: What part of the known a threshold set afterwards, on these very strangers, would have named
            at the target rate: for comparison with figures that are made so; None without strangers.
        unknown_people: Folders of people that the gallery does not know; their pictures count as strangers.
        unlisted: Folders that could not be listed, and why; their pictures are not among those measured.
        restricted: Licence → number of pictures that what is measured was learned from though it is restricted or
            unknown.
        names: How a person is shown: by name, or by id where two share a name.
        calibration_error: Expected calibration error of the confidence, known and strangers weighted half and half;
            None without strangers.
        outcomes: One a picture.
    """

    schema_version: int = EVALUATION_SCHEMA_VERSION
    created_at: datetime = Field(default_factory=lambda: datetime.now(UTC))
    produced_by: ProducedBy = ProducedBy()
    measured_on: str
    set_digest: Sha256 | None = None
    face_rule: str
    model_id: str
    detector_id: str
    people_known: int
    calibration: Calibration
    top1: Rate
    macro_f1: MacroF1
    tpir: Rate
    wrong_names: Rate
    fpir: Rate | None
    tpir_afterwards: float | None
    unknown_people: list[str] = []
    unlisted: list[str] = []
    restricted: dict[str, int] = {}
    names: dict[str, str] = {}
    calibration_error: float | None = None
    reliability: list[ReliabilityRow] = []
    people: list[PersonRow]
    outcomes: list[PictureOutcome]

    def shown(self, person_id: str | None) -> str:
        """How to show a person; nothing for nobody."""
        return "" if person_id is None else self.names.get(person_id, person_id)

    @property
    def misses(self) -> list[PictureOutcome]:
        """Pictures of known people that did not get their name."""
        return [outcome for outcome in self.outcomes if outcome.miss is not None]

    @property
    def false_names(self) -> list[PictureOutcome]:
        """Pictures of strangers that got a name."""
        return [outcome for outcome in self.outcomes if outcome.actual is None and outcome.named is not None]
