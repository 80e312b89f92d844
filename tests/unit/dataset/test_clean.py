"""The gate, copies and one face under two names."""

from dataclasses import replace

import pytest
from made_faces import GOOD, candidate, person_vectors, pick

from actorrec.dataset.clean import Verdict, agreements, check_quality, drop_near_duplicates, find_two_names
from actorrec.sections import DatasetSection

SETTINGS = DatasetSection()
VECTORS = person_vectors(4, 0)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"face_px": 20.0}, "too-small"),
        ({"visible": 0.1}, "cut-off"),
        ({"yaw": -2.0}, "turned-away"),
        ({"sharpness": 1.0}, "blurred"),
    ],
)
def test_the_gate_says_why(change: dict[str, float], reason: str) -> None:
    verdict = check_quality(replace(GOOD, **change), SETTINGS)
    assert verdict is not None
    assert (verdict.outcome, verdict.reason) == ("dropped", reason)


def test_good_faces_pass_the_gate() -> None:
    assert check_quality(GOOD, SETTINGS) is None


def test_the_best_of_the_copies_stays() -> None:
    picks = [
        pick("a", "small.jpg", candidate(VECTORS[0], 60)),
        pick("a", "large.jpg", candidate(VECTORS[1], 200)),
        pick("a", "soft.jpg", candidate(VECTORS[2], 200, sharpness=20)),
        pick("a", "other.jpg", candidate(VECTORS[3], 90)),
    ]
    verdicts = drop_near_duplicates(picks, [(0, 1, 0.99), (1, 2, 0.95), (2, 3, 0.75)])
    assert set(verdicts) == {0, 2}
    assert verdicts[0].detail == "near-duplicate of large.jpg"


def test_copies_across_people_are_no_near_duplicates_but_two_names() -> None:
    picks = [pick("a", "a/1.jpg", candidate(VECTORS[0])), pick("b", "b/1.jpg", candidate(VECTORS[0]))]
    copies = [(0, 1, 1.1)]
    assert drop_near_duplicates(picks, copies) == {}
    verdicts = find_two_names(picks, copies, {}, "drop")
    assert {verdict.reason for verdict in verdicts.values()} == {"two-names"}
    assert "b/1.jpg as b" in verdicts[0].detail
    assert {v.outcome for v in find_two_names(picks, copies, {}, "flag").values()} == {"flagged"}
    settled = {1: Verdict("dropped", "wrong-person", "")}
    assert find_two_names(picks, copies, settled, "drop") == {}  # one of them is already known to be wrong


def test_agreement_leaves_the_face_itself_out() -> None:
    found = agreements(VECTORS[:3], ["a", "a", "b"])
    assert found[0] == found[1] == pytest.approx(float(VECTORS[0] @ VECTORS[1]), abs=1e-3)
    assert found[2] is None
