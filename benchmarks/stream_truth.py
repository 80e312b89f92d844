"""A composed film of known truth: names frame by frame, against names of faces that are followed.

    python benchmarks/stream_truth.py [--strangers N] [--seed N] [--only PART]

Photos that nobody learned from, moved as before a camera (tests/composed_stream.py), 640×360 at 10 fps, one or two
faces at once, cuts and empty stretches. Everybody appears once, for 3 to 8 s, a known person in one to four photos. The
actors by their split, and that half of LFW's people and strangers on which the bar of a name was not chosen; each film
with a gallery of many photos and of one photo a person. A change of name: on one true face, what is said after the
first answer differs from what was said before (no name counts as unknown; frames in which the face is not found count
for nothing). Twice: of the faces followed, in each frame, and of the events, each believed until the next.
"""

import argparse
import json
import os
import statistics
import sys
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

from rows import ONE_THREAD, ROOT, Row, percent, report, test_data

os.environ.update(ONE_THREAD)
sys.path.insert(0, str(ROOT / "tests"))

import numpy as np

from actorrec.artifacts.uri import open_store
from actorrec.config import Config
from actorrec.enrolment.draft import open_stored
from actorrec.enrolment.enrol import enrol
from actorrec.faces.protocols import Embedder, FaceDetector
from actorrec.inference.reporting import Reporter
from actorrec.inference.tracking.sighting import TrackedFace
from actorrec.inference.tracking.watcher import FaceWatcher
from actorrec.progress import SilentProgress
from actorrec.recognition.rates import rate_of
from actorrec.recognition.recogniser import Recogniser, load_recogniser
from actorrec.types import BoundingBox, Face, Frame, UInt8Image
from composed_stream import Appearance, ComposedStream, PhotoCuts, Truth, play
from name_tally import UNDECIDED, Record, Said, Tally

COMMAND = "python benchmarks/stream_truth.py"
GALLERIES = ((12, "many photos a person"), (1, "one photo a person"))
TENTH = "≤ 1/10 of frame by frame"


class SameFrameOnce:
    """A detector that the readers of one frame share."""

    def __init__(self, detector: FaceDetector) -> None:
        self._detector = detector
        self._last: tuple[UInt8Image, list[Face]] | None = None

    def detect(self, pixels: UInt8Image) -> list[Face]:
        """Faces, looked for once a frame."""
        if self._last is None or self._last[0] is not pixels:
            self._last = (pixels, list(self._detector.detect(pixels)))
        return list(self._last[1])


class SameCropOnce:
    """An embedder that the readers of one film share; it remembers the last crops."""

    def __init__(self, embedder: Embedder) -> None:
        self._embedder, self.spec = embedder, embedder.spec
        self._known: dict[bytes, np.ndarray] = {}

    def embed(self, crops: UInt8Image) -> np.ndarray:
        """One vector a crop."""
        keys = [sha256(crop.tobytes()).digest() for crop in crops]
        new = [index for index, key in enumerate(keys) if key not in self._known]
        if new:
            self._known.update(zip((keys[index] for index in new), self._embedder.embed(crops[new]), strict=True))
        vectors = np.stack([self._known[key] for key in keys])
        while len(self._known) > 64:
            del self._known[next(iter(self._known))]
        return vectors


class Tallies(NamedTuple):
    """What was said: by each frame for itself, of the faces followed, and by events."""

    single: Tally
    followed: Tally
    told: Tally


class Reader:
    """Names one film with one gallery, in three ways."""

    def __init__(self, recogniser: Recogniser, config: Config, plot: Sequence[Appearance]) -> None:
        self.tallies = Tallies(*(Tally(plot) for _ in range(3)))
        self._recogniser, self._watcher = recogniser, FaceWatcher(recogniser, config.tracking)
        self._reporter, self._believed = Reporter(config.events), list[tuple[BoundingBox, Said]]()

    def read(self, frame: Frame, truth: Sequence[Truth]) -> None:
        """Take in the next frame."""
        found, _ = self._recogniser.recognise(frame.pixels)
        alone = [(each.face.box, each.prediction.person_id) for each in found]
        sighting = self._watcher.look(frame)
        said = [(each.face.box, _said(each)) for each in sighting.tracks]
        if self._reporter.due(sighting, frame.time_s):
            self._believed = said
        for tally, names in zip(self.tallies, (alone, said, self._believed), strict=True):
            tally.frame(frame.time_s, truth, names)


def _said(track: TrackedFace) -> Said:
    return track.prediction.person_id if track.decided and track.prediction else UNDECIDED


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


def rows_of(label: str, tallies: Tallies) -> list[Row]:
    """The rows of one film and gallery."""
    single, followed, told = tallies
    longest, alone = _longest_s(followed), _longest_s(single)
    firsts = sum(each.first_answers for each in followed.records)
    wrong = sum(each.longest_wrong_s > 1 for each in followed.known)
    nothing = f"{followed.names_of_nothing} (frame by frame {single.names_of_nothing})"
    wait = f"{followed.median_wait_s:.1f} s ({told.median_wait_s:.1f} s by events); {firsts} faces waited for an answer"
    stranger = f"{longest:.1f} s ({_longest_s(told):.1f} s by events); frame by frame {alone:.1f} s"
    found = [
        ("changes of name on one face", "", _changes(tallies), None),
        ("longest time a stranger has a name", "≤ 1 s", stranger, max(longest, _longest_s(told)) <= 1),
        ("strangers named for more than 1 s", "", _share(followed.strangers, single.strangers), None),
        ("known people who got their name", "", _named(followed, single), None),
        ("time to the name, median", "", wait, None),
        ("known people called somebody else for more than 1 s", "", f"{wrong} of {len(followed.known)}", None),
        ("frames with a name where nobody is", "", nothing, None),
    ]
    return [Row(f"{label}: {what}", target, measured, reached, COMMAND) for what, target, measured, reached in found]


def pooled(films: Sequence[Tallies]) -> list[Row]:
    """Flicker over all films: one alone has too few changes frame by frame to take a tenth of."""
    minutes = sum(film.single.minutes for film in films)
    single, followed, told = (sum(tallies.changes for tallies in way) for way in zip(*films, strict=True))
    rows = []
    for way, count in (("faces that are followed", followed), ("events, each believed until the next", told)):
        measured = (
            f"{count / minutes:.2f} a minute of a face, frame by frame {single / minutes:.2f}; {count} changes against "
            f"{single} in {minutes:.0f} minutes of faces"
        )
        rows.append(
            Row(f"changes of name on one face, all films: {way}", TENTH, measured, count <= single / 10, COMMAND)
        )
    return rows


def _longest_s(tally: Tally) -> float:
    return max((each.longest_wrong_s for each in tally.strangers), default=0.0)


def _changes(tallies: Tallies) -> str:
    single, followed, told = (
        f"{tally.changes} (strangers {sum(each.changes for each in tally.strangers)})" for tally in tallies
    )
    return f"{followed}, by events {told}, frame by frame {single}; in {tallies.single.minutes:.1f} minutes of faces"


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


def enrolled(people: Mapping[str, Sequence[Path]], store: Path, config: Config) -> Recogniser:
    """The default nets, with these people known."""
    done = enrol(open_store(str(store)), config, people, progress=SilentProgress())
    return load_recogniser(open_stored(open_store(str(store)), done.manifest), num_threads=1)


def measure(name: str, folder: Path, data: Path, options: argparse.Namespace) -> dict[str, Tallies]:
    """One film, read with each gallery; by label."""
    config = Config()
    learn, show = sets(data)[name]
    recognisers = {}
    for most, kind in GALLERIES:
        if options.only in f"{name}, {kind}":
            few = {person: photos[:most] for person, photos in learn.items()}
            recognisers[f"{name}, {kind}"] = enrolled(few, folder / f"{name}-{most}", config)
    if not recognisers:
        return {}
    nets = next(iter(recognisers.values()))
    cuts, detector, embedder = PhotoCuts(nets.detector), SameFrameOnce(nets.detector), SameCropOnce(nets.embedder)
    plot = play(show, strangers_of(data, show, options.strangers), seed=options.seed, usable=cuts.usable)
    readers = {
        label: Reader(replace(each, detector=detector, embedder=embedder), config, plot)
        for label, each in recognisers.items()
    }
    for frame, truth in ComposedStream(plot, cuts, seed=options.seed):
        for reader in readers.values():
            reader.read(frame, truth)
    return {label: reader.tallies for label, reader in readers.items()}


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
    films: dict[str, Tallies] = {}
    with tempfile.TemporaryDirectory() as folder:
        for name in sets(data):
            films |= measure(name, Path(folder), data, options)
    if not films:
        raise SystemExit(f"no film's label has {options.only!r} in it")
    rows = pooled(list(films.values()))
    for label, tallies in films.items():
        rows += rows_of(label, tallies)
    report("stream_truth", rows)


if __name__ == "__main__":
    main()
