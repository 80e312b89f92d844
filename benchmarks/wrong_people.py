"""Who finds the photos that lie in the wrong folder: sets of 300 photos, 30 of them planted.

    python benchmarks/wrong_people.py [SETS [FIRST_SEED]]

Half of the planted photos are strangers, half are photos of other people of the same set that their own folder lacks.
People, photos and what is planted change with the seed; the folders are drawn by size, so that some get none and some
several. Seeds below 1000 are for looking into; the reported ones begin there.
"""

import sys
import tempfile
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from actorrec.artifacts.local import LocalStore
from actorrec.config import Config
from actorrec.dataset.build import build_dataset
from actorrec.manifests.dataset import ImageRecord
from actorrec.recognition.rates import rate_of
from rows import Row, percent, report, test_data

COMMAND = "python benchmarks/wrong_people.py"
SETS, FIRST_SEED = 12, 1000
PICTURES, PLANTED, MIN_PHOTOS = 300, 30, 7
WRONG = frozenset({"wrong-person", "two-names"})


@dataclass(frozen=True, slots=True)
class Counted:
    """What one set came to: planted photos and right ones, each with how many were flagged.

    Attributes:
        planted_inside: Planted photos that nothing kept out of the set and nobody is told of. A planted photo may
            also go because its face is too small or blurred, which is no flag but no harm.
    """

    planted: int
    planted_flagged: int
    planted_inside: int
    right: int
    right_flagged: int
    missed: tuple[str, ...]
    blamed: tuple[str, ...]


def flagged(image: ImageRecord) -> bool:
    """Whether a person is told that somebody else may be on the photo."""
    return image.outcome == "flagged" or image.reason in WRONG


def plant(data: Path, root: Path, seed: int, pictures: int = PICTURES, planted: int = PLANTED) -> None:
    """Make folders of links: right photos as ``right-…``, planted ones as ``stranger-…`` and ``other-…``."""
    rng = np.random.default_rng(seed)
    folders = sorted([*(data / "actors").iterdir(), *(data / "lfw_dev" / "people").iterdir()])
    photos = {path.name: sorted(path.glob("*.jpg")) for path in folders}
    able = [name for name, own in photos.items() if len(own) > MIN_PHOTOS]
    chosen: dict[str, list[Path]] = {}
    spare: list[tuple[str, Path]] = []
    left = pictures - planted
    for name in rng.permutation(able):
        own = [photos[name][at] for at in rng.permutation(len(photos[name]))]
        count = min(len(own) - 1, left)
        if 0 < left - count < MIN_PHOTOS:
            count = left - MIN_PHOTOS  # so that the next one is left enough to be judged
        if count < MIN_PHOTOS:
            continue
        chosen[str(name)], left = own[:count], left - count
        spare += [(str(name), path) for path in own[count:][:3]]
    strangers = sorted([*(data / "unknowns").glob("*.jpg"), *(data / "lfw_dev" / "strangers").glob("*.jpg")])
    wrong = [("", strangers[at]) for at in rng.permutation(len(strangers))[: planted - planted // 2]]
    wrong += [spare[at] for at in rng.permutation(len(spare))[: planted // 2]]
    _link(root, chosen, wrong, rng)


def _link(root: Path, chosen: dict[str, list[Path]], wrong: list[tuple[str, Path]], rng: np.random.Generator) -> None:
    for name, own in chosen.items():
        (root / name).mkdir(parents=True)
        for path in own:
            (root / name / f"right-{path.name}").symlink_to(path)
    names = sorted(chosen)
    sizes = np.array([len(chosen[name]) for name in names], float)
    for owner, path in wrong:
        weights = sizes * [name != owner for name in names]
        folder = str(rng.choice(names, p=weights / weights.sum()))
        (root / folder / f"{'other' if owner else 'stranger'}-{path.name}").symlink_to(path)


def count(data: Path, seed: int) -> Counted:
    """Build one planted set and count."""
    with tempfile.TemporaryDirectory() as work:
        plant(data, Path(work, "photos"), seed)
        manifest = build_dataset([Path(work, "photos")], Config(), store=LocalStore(Path(work, "store")))
    right = [image for image in manifest.images if Path(image.path).name.startswith("right-")]
    planted = [image for image in manifest.images if not Path(image.path).name.startswith("right-")]
    return Counted(
        len(planted),
        sum(map(flagged, planted)),
        sum(image.outcome == "kept" for image in planted),
        len(right),
        sum(map(flagged, right)),
        tuple(f"{image.path} {image.reason} {image.detail}" for image in planted if not flagged(image)),
        tuple(f"{image.path} {image.reason} {image.detail}" for image in right if flagged(image)),
    )


def main() -> None:
    """Measure and save."""
    data = test_data()
    if data is None:
        raise SystemExit("set ACTORREC_TEST_DATA to the folder of real photos")
    sets, first = (int(sys.argv[1]) if sys.argv[1:] else SETS), (int(sys.argv[2]) if sys.argv[2:] else FIRST_SEED)
    total: Counter[str] = Counter()
    for seed in range(first, first + sets):
        one = count(data, seed)
        print(
            f"seed {seed}: {one.planted_flagged}/{one.planted} planted, {one.right_flagged}/{one.right} right flagged"
        )
        for line in (*one.missed, *one.blamed):
            print(f"    {line}")
        total.update(hit=one.planted_flagged, planted=one.planted, inside=one.planted_inside)
        total.update(blamed=one.right_flagged, right=one.right)
    found, blamed = rate_of(total["hit"], total["planted"]), rate_of(total["blamed"], total["right"])
    inside = rate_of(total["inside"], total["planted"])
    report(
        "wrong_people",
        [
            Row(f"planted wrong people flagged, {sets} sets of {PICTURES} photos with {PLANTED} planted", "≥ 90 %",
                percent(found.value, found.n, found.low, found.high), found.value >= 0.9, COMMAND),
            Row("planted photos that stay in those sets unflagged", "",
                percent(inside.value, inside.n, inside.low, inside.high), None, COMMAND),
            Row("right photos of those sets flagged", "≤ 3 %",
                percent(blamed.value, blamed.n, blamed.low, blamed.high), blamed.value <= 0.03, COMMAND),
        ],
    )  # fmt: skip


if __name__ == "__main__":
    main()
