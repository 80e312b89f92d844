"""A composed film of known truth: names frame by frame, against names of faces that are followed.

    python benchmarks/stream_truth.py [--strangers N] [--seed N]

Photos that nobody learned from, moved as before a camera (tests/composed_stream.py), 640×360 at 10 fps, one or two
faces at once, cuts and empty stretches. Everybody appears once, for 3 to 8 s, a known person in one to four photos. The
actors by their split, and that half of LFW's people and strangers on which the bar of a name was not chosen; galleries
of many photos and of one photo a person. A change of name: on one true face, what is said after the first answer
differs from what was said before (no name counts as unknown; frames in which the face is not found count for nothing).
"""

import argparse
import json
import os
import statistics
import sys
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from itertools import pairwise
from pathlib import Path

from rows import ONE_THREAD, ROOT, Row, percent, report, test_data

os.environ.update(ONE_THREAD)
sys.path.insert(0, str(ROOT / "tests"))

from dataclasses import replace

import numpy as np

from actorrec.artifacts.uri import open_store
from actorrec.config import Config
from actorrec.enrolment.draft import open_stored
from actorrec.enrolment.enrol import enrol
from actorrec.faces.protocols import FaceDetector
from actorrec.inference.tracking.watcher import FaceWatcher
from actorrec.progress import SilentProgress
from actorrec.recognition.rates import rate_of
from actorrec.recognition.recogniser import Recogniser, load_recogniser
from actorrec.types import BoundingBox, Face, UInt8Image
from actorrec.vision.boxes import overlaps
from composed_stream import Appearance, ComposedStream, PhotoCuts, Truth, play

COMMAND = "python benchmarks/stream_truth.py"
FPS = 10.0
UNDECIDED = "not decided yet"
MATCH_IOU = 0.3

Said = str | None
"""A person's id, None for unknown, or ``UNDECIDED``."""


class SameFrameOnce:
    """A detector that two readers of the same frame share."""

    def __init__(self, detector: FaceDetector) -> None:
        self._detector = detector
        self._last: tuple[UInt8Image, list[Face]] | None = None

    def detect(self, pixels: UInt8Image) -> list[Face]:
        """Faces, looked for once a frame."""
        if self._last is None or self._last[0] is not pixels:
            self._last = (pixels, list(self._detector.detect(pixels)))
        return list(self._last[1])


@dataclass(slots=True)
class Record:
    """What was said of one appearance, by frame; None of the frames in which its face was not found."""

    person_id: str | None
    said: list[tuple[float, Said] | None] = field(default_factory=list)

    @property
    def answers(self) -> list[Said]:
        """What stood as an answer in each frame from the first answer on; taken back counts as unknown."""
        found = [each[1] for each in self.said if each is not None]
        first = next((index for index, each in enumerate(found) if each != UNDECIDED), len(found))
        return [None if each == UNDECIDED else each for each in found[first:]]

    @property
    def changes(self) -> int:
        """How often the answer changed."""
        answers = self.answers
        return sum(before != after for before, after in pairwise(answers))

    @property
    def first_answers(self) -> int:
        """1 where an answer followed frames without one."""
        found = [each[1] for each in self.said if each is not None]
        return int(bool(found) and found[0] == UNDECIDED and any(each != UNDECIDED for each in found))

    @property
    def longest_wrong_s(self) -> float:
        """The longest time that it was called by a name not its own; frames without the face do not end it."""
        longest = run = 0
        for each in self.said:
            if each is not None:
                run = run + 1 if each[1] not in (None, UNDECIDED, self.person_id) else 0
            elif run:
                run += 1
            longest = max(longest, run)
        return longest / FPS

    @property
    def named_after_s(self) -> float | None:
        """Time until its own name was said first."""
        return next((each[0] for each in self.said if each is not None and each[1] == self.person_id), None)

    @property
    def named_share(self) -> float:
        """Part of its frames with its own name."""
        return sum(each is not None and each[1] == self.person_id for each in self.said) / max(len(self.said), 1)


class Tally:
    """Everything that one way of naming said about one film."""

    def __init__(self, appearances: Sequence[Appearance]) -> None:
        self.records = [Record(each.person_id) for each in appearances]
        self._starts = [each.start_s for each in appearances]
        self.names_of_nothing = 0

    def frame(self, time_s: float, truth: Sequence[Truth], said: Sequence[tuple[BoundingBox, Said]]) -> None:
        """Take in what was said of a frame."""
        shares = overlaps(_rows(each.box for each in truth), _rows(box for box, _ in said))
        free = set(range(len(said)))
        for row, each in enumerate(truth):
            best = max(free, key=lambda column: shares[row, column], default=None)
            hit = best is not None and shares[row, best] >= MATCH_IOU
            after_s = time_s - self._starts[each.appearance]
            self.records[each.appearance].said.append((after_s, said[best][1]) if hit and best is not None else None)
            if hit:
                free.discard(best)  # type: ignore[arg-type]
        self.names_of_nothing += sum(said[column][1] not in (None, UNDECIDED) for column in free)

    @property
    def known(self) -> list[Record]:
        return [each for each in self.records if each.person_id is not None]

    @property
    def strangers(self) -> list[Record]:
        return [each for each in self.records if each.person_id is None]

    def flicker_per_minute(self, records: Sequence[Record]) -> float:
        """Changes of name a minute of presence."""
        minutes = sum(len(each.said) for each in records) / FPS / 60
        return sum(each.changes for each in records) / max(minutes, 1e-9)


def watch(recogniser: Recogniser, config: Config, stream: ComposedStream) -> tuple[Tally, Tally]:
    """What frame-by-frame naming and following say about a film."""
    recogniser = replace(recogniser, detector=SameFrameOnce(recogniser.detector))
    single, followed = Tally(stream.appearances), Tally(stream.appearances)
    watcher = FaceWatcher(recogniser, config.tracking)
    for frame, truth in stream:
        found, _ = recogniser.recognise(frame.pixels)
        single.frame(frame.time_s, truth, [(each.face.box, each.prediction.person_id) for each in found])
        tracks = watcher.look(frame).tracks
        said = [
            (each.face.box, each.prediction.person_id if each.decided and each.prediction else UNDECIDED)
            for each in tracks
        ]
        followed.frame(frame.time_s, truth, said)
    return single, followed


def upper_half(name: str) -> bool:
    """Whether a person or stranger is of the half on which the bar was not chosen."""
    return bool(sha256(name.encode()).digest()[0] & 1)


def sets(data: Path) -> dict[str, tuple[dict[str, list[Path]], dict[str, list[Path]]]]:
    """Photos to learn from and photos to show, by set and person."""
    splits = json.loads((data / "splits.json").read_text())
    sides = [
        {person: [data / "actors" / person / Path(name).name for name in of[side]] for person, of in splits.items()}
        for side in ("train", "test")
    ]
    learn, show = {}, {}
    for folder in sorted((data / "lfw_dev/people").iterdir()):
        if upper_half(folder.name):
            photos = sorted(folder.iterdir())
            learn[folder.name] = [photo for index, photo in enumerate(photos) if index % 3 != 2]
            show[folder.name] = photos[2::3]
    return {"actors": (sides[0], sides[1]), "LFW people": (learn, show)}


def strangers_of(data: Path, people: Iterable[str], most: int) -> list[Path]:
    """Photos of people who are in no gallery here: of the untuned half, one each."""
    photos = [*(data / "unknowns").glob("*.jpg"), *(data / "lfw_dev/strangers").rglob("*.jpg")]
    known = set(people)
    fresh = sorted(each for each in photos if upper_half(each.name) and each.stem.rpartition("_")[0] not in known)
    order = np.random.default_rng(6).permutation(len(fresh))
    return [fresh[index] for index in order[:most]]


def rows_of(label: str, single: Tally, followed: Tally) -> list[Row]:
    """The rows of one film and gallery."""
    before = single.flicker_per_minute(single.records)
    after = followed.flicker_per_minute(followed.records)
    longest = max((each.longest_wrong_s for each in followed.strangers), default=0.0)
    alone = max((each.longest_wrong_s for each in single.strangers), default=0.0)
    firsts = sum(each.first_answers for each in followed.records)
    wrong = sum(each.longest_wrong_s > 1 for each in followed.known)
    flicker = f"{after:.2f} a minute, frame by frame {before:.2f}; {_changes(followed, single)}"
    nothing = f"{followed.names_of_nothing} (frame by frame {single.names_of_nothing})"
    found = [
        ("changes of name on one face", "≤ 1/10 of frame by frame", flicker, after <= before / 10),
        ("longest time a stranger has a name", "≤ 1 s", f"{longest:.1f} s; frame by frame {alone:.1f} s", longest <= 1),
        ("strangers named for more than 1 s", "", _share(followed.strangers, single.strangers), None),
        ("known people who got their name", "", _named(followed, single), None),
        ("time to the name, median", "", f"{_wait(followed)}; {firsts} faces waited for a first answer", None),
        ("known people called somebody else for more than 1 s", "", f"{wrong} of {len(followed.known)}", None),
        ("frames with a name where nobody is", "", nothing, None),
    ]
    return [Row(f"{label}: {what}", target, measured, reached, COMMAND) for what, target, measured, reached in found]


def _wait(tally: Tally) -> str:
    waits = [each.named_after_s for each in tally.known if each.named_after_s is not None]
    return f"{statistics.median(waits):.1f} s" if waits else "nobody was named"


def _changes(followed: Tally, single: Tally) -> str:
    parts = [
        f"{who} {sum(each.changes for each in of)} against {sum(each.changes for each in before)}"
        for who, of, before in (
            ("known", followed.known, single.known),
            ("strangers", followed.strangers, single.strangers),
        )
    ]
    return ", ".join(parts)


def _rate(hits: int, n: int) -> str:
    rate = rate_of(hits, n)
    return percent(rate.value, n, rate.low, rate.high)


def _share(followed: Sequence[Record], single: Sequence[Record]) -> str:
    counts = [sum(each.longest_wrong_s > 1 for each in records) for records in (followed, single)]
    return f"{_rate(counts[0], len(followed))}; frame by frame {counts[1]}"


def _named(followed: Tally, single: Tally) -> str:
    ever = [sum(each.named_after_s is not None for each in tally.known) for tally in (followed, single)]
    frames = [statistics.mean(each.named_share for each in tally.known) for tally in (followed, single)]
    n = len(followed.known)
    return (
        f"{_rate(ever[0], n)}, in {frames[0]:.0%} of their frames; frame by frame {ever[1]} of {n} at least once, "
        f"in {frames[1]:.0%} of their frames"
    )


def _rows(boxes: Iterable[BoundingBox]) -> np.ndarray:
    return np.array([(box.x1, box.y1, box.x2, box.y2) for box in boxes], np.float32).reshape(-1, 4)


def enrolled(people: Mapping[str, Sequence[Path]], store: Path, config: Config) -> Recogniser:
    """The default nets, with these people known."""
    done = enrol(open_store(str(store)), config, people, progress=SilentProgress())
    return load_recogniser(open_stored(open_store(str(store)), done.manifest), num_threads=1)


def main() -> None:
    """Measure and save."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--strangers", type=int, default=40, help="how many of them appear in each film")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", default="", help="measure the films whose label has this in it")
    options = parser.parse_args()
    data = test_data()
    if data is None:
        raise SystemExit("set ACTORREC_TEST_DATA to the folder of real photos")
    rows: list[Row] = []
    with tempfile.TemporaryDirectory() as folder:
        for name, (learn, show) in sets(data).items():
            for most, kind in ((12, "many photos a person"), (1, "one photo a person")):
                label = f"{name}, {kind}"
                if options.only not in label:
                    continue
                config = Config()
                few = {person: photos[:most] for person, photos in learn.items()}
                recogniser = enrolled(few, Path(folder) / f"{name}-{most}", config)
                cuts = PhotoCuts(recogniser.detector)
                strangers = strangers_of(data, show, options.strangers)
                plot = play(show, strangers, seed=options.seed, usable=cuts.usable)
                single, followed = watch(recogniser, config, ComposedStream(plot, cuts, seed=options.seed))
                rows += rows_of(label, single, followed)
                for row in rows[-7:]:
                    print(f"{row.what}: {row.measured}", flush=True)
    report("stream_truth", rows)


if __name__ == "__main__":
    main()
