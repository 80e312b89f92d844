"""Planted sets, smaller than those of ``benchmarks/wrong_people.py``: what lies in the wrong folder is found."""

import sys
from pathlib import Path

from actorrec.artifacts.local import LocalStore
from actorrec.config import Config
from actorrec.dataset.build import build_dataset

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "benchmarks"))
from wrong_people import flagged, plant


def test_planted_photos_are_flagged_and_right_ones_are_not(test_data: Path, tmp_path: Path) -> None:
    missed: list[str] = []
    blamed: list[str] = []
    for seed in (1, 2):
        plant(test_data, tmp_path / f"photos-{seed}", seed, pictures=120, planted=12)
        manifest = build_dataset([tmp_path / f"photos-{seed}"], Config(), store=LocalStore(tmp_path / "store"))
        right = {image.path: flagged(image) for image in manifest.images if "/right-" in image.path}
        planted = {image.path: flagged(image) for image in manifest.images if "/right-" not in image.path}
        assert (len(right), len(planted)) == (108, 12)
        missed += [path for path, found in planted.items() if not found]
        blamed += [path for path, found in right.items() if found]
    assert len(missed) <= 0.1 * 24, missed
    assert len(blamed) <= 0.03 * 216, blamed
