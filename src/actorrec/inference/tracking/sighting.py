"""What a look at one frame of a camera gives."""

from dataclasses import dataclass, field

from actorrec.types import Face, Prediction, RecognisedFace


@dataclass(frozen=True, slots=True)
class Candidate:
    """Somebody whom a face may be: a person and a calibrated probability in [0, 1]."""

    person_id: str
    confidence: float


@dataclass(frozen=True, slots=True, eq=False)
class TrackedFace:
    """A face that is in view.

    Attributes:
        track_id: Its number while it stays in view, from 1.
        face: Where it is in this frame: found, or followed from the last time that it was found.
        decided: Whether ``prediction`` is an answer; until then nothing may be said of who it is.
        prediction: Over all looks so far; ``person_id`` is None while nothing is decided, and for strangers. None
            before the first look.
        candidates: The nearest people, nearest first; at most two.
        first_s, last_s: When it was first seen, and last, on the frames' clock.
        looks: How often it was embedded.
        latest: The face as it was embedded in this very frame, with its embedding; None where it was not.
    """

    track_id: int
    face: Face
    decided: bool
    prediction: Prediction | None
    candidates: tuple[Candidate, ...]
    first_s: float
    last_s: float
    looks: int
    latest: RecognisedFace | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Sighting:
    """One look.

    Attributes:
        tracks: Faces that are seen in this frame, the oldest first.
        left: Faces that left since the look before.
        lost: Faces that are not seen in this frame but have not left: they may be back in the next one.
        more: Faces that the last search found beside ``tracks``: too many to be followed.
        changed: Whether anything in the frame had changed since the last look that found a change.
        detected: Whether faces were searched for in the whole frame.
        steps_ms: Milliseconds by step: change, follow, detect, align, embed, match; only steps that were taken.
    """

    tracks: tuple[TrackedFace, ...]
    left: tuple[TrackedFace, ...] = ()
    lost: tuple[TrackedFace, ...] = ()
    more: int = 0
    changed: bool = True
    detected: bool = False
    steps_ms: dict[str, float] = field(default_factory=dict)
