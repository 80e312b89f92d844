"""Kept unknown faces as the page lists them."""

from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from actorrec.artifacts.local import LocalStore
from actorrec.artifacts.unknowns import UnknownShelf
from actorrec.manifests.unknowns import UnknownFace
from actorrec.review.unknowns import UnknownsDesk
from actorrec.sections import UnknownsSection
from review_sets import sha


def test_the_largest_group_comes_first_whatever_net_its_faces_are_of(tmp_path: Path) -> None:
    shelf = UnknownShelf(LocalStore(tmp_path))

    def keep(number: int, model_id: str, cosine: float) -> None:
        vector = np.array([cosine, np.sqrt(1 - cosine**2)])
        face = UnknownFace(
            face_id=f"{number:016x}",
            seen_at=datetime(2026, 5, number, tzinfo=UTC),
            source=f"{number}.jpg",
            crop_sha256=sha("crop"),
            face_px=80,
            model_id=model_id,
            embedding=tuple(vector.tolist()),
        )
        assert shelf.add(face, b"crop", limits=UnknownsSection(keep=True)).kept

    keep(1, "a-net", 1.0)
    keep(2, "b-net", 1.0)
    keep(3, "b-net", 0.95)
    listed = UnknownsDesk(shelf, lambda name, face_ids: "", list, keeping=True).listed()
    assert [sorted(int(face["id"], 16) for face in group) for group in listed["groups"]] == [[2, 3], [1]]
