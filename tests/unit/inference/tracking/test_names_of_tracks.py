"""Names that stand. Three people along the axes; the score of a look is its share along an axis, worked out by hand.

With threshold and midpoint 0.5, slope 20 and ``sure`` 0.97 a name takes 0.5 + ln(0.97 / 0.03) / 20 = 0.674, is kept
from 0.5 + ln(0.2 / 0.8) / 20 = 0.431 on, lost where the last three looks fall below 0.5 + ln(0.02 / 0.98) / 20 = 0.305,
and taken over by another face that is better by ln(10) / 20 = 0.115.
"""

import math
from collections.abc import Mapping, Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from actorrec.inference.tracking.evidence import Evidence
from actorrec.inference.tracking.name_bars import name_bars
from actorrec.inference.tracking.naming import Answer, Namer
from actorrec.manifests.model import Calibration
from actorrec.recognition.gallery import build_gallery, empty_gallery
from actorrec.sections.device import TrackingSection
from actorrec.types import Gallery

PEOPLE = ("A", "B", "C")
STRANGER = (0.0, 0.0, 0.0)


def gallery() -> Gallery:
    return build_gallery("net", np.eye(4, dtype=np.float32)[:3], PEOPLE, PEOPLE)


def calibration(**changes: float) -> Calibration:
    parameters = {"same": 0.9, "midpoint": 0.5, "slope": 20.0, "shift": 0.0, **changes}
    return Calibration(
        method="score-model", target_fpir=0.01, threshold=0.5, parameters=parameters, strangers_used=0, note=""
    )


def look(*scores: float) -> np.ndarray:
    """A unit vector with these cosines to A, B and C (less where they cannot be); the rest is nobody's."""
    longest = max(1.0, math.hypot(*scores))
    known = [score / longest for score in scores]
    return np.array([*known, math.sqrt(max(0.0, 1 - math.hypot(*known) ** 2))], np.float32)


def seen(*looks: Sequence[float]) -> Evidence:
    evidence = Evidence()
    for index, scores in enumerate(looks):
        evidence.add(look(*scores), 1.0, index / 5)
    return evidence


def namer(**settings: float) -> Namer:
    return Namer(gallery(), calibration(), TrackingSection(**settings))


def told(answer: Answer) -> str:
    """A person, ``unknown``, or ``undecided``."""
    if not answer.decided:
        return "undecided"
    return answer.prediction.person_id or "unknown"


def say(naming: Namer, evidence: Mapping[int, Evidence]) -> dict[int, str]:
    return {track: told(answer) for track, answer in naming.answers(evidence).items()}


def test_nothing_is_decided_before_there_were_enough_looks() -> None:
    naming = namer()
    said = [say(naming, {1: seen(*[(0.9, 0, 0)] * looks)}) for looks in (1, 2, 3)]
    assert said == [{1: "undecided"}, {1: "undecided"}, {1: "A"}]
    assert say(namer(), {2: seen(STRANGER, STRANGER)}) == {2: "undecided"}
    assert say(namer(), {2: seen(STRANGER, STRANGER, STRANGER)}) == {2: "unknown"}


def test_a_face_without_a_look_has_no_answer() -> None:
    assert namer().answers({1: Evidence()}) == {}


@pytest.mark.parametrize(("score", "expected"), [(0.67, "undecided"), (0.68, "A")], ids=["below", "above"])
def test_a_name_takes_more_than_a_photo_would(score: float, expected: str) -> None:
    assert say(namer(), {1: seen(*[(score, 0, 0)] * 3)}) == {1: expected}


def test_who_may_be_somebody_is_considered_then_said_to_be_unknown_for_good() -> None:
    naming, evidence = namer(), seen(*[(0.6, 0.4, 0)] * 3)
    answer = naming.answers({1: evidence})[1]
    assert told(answer) == "undecided"
    assert answer.prediction.person_id is None
    # 1 / (1 + e^(−20 · 0.1)) and 1 / (1 + e^(20 · 0.1))
    assert [(each.person_id, round(each.confidence, 3)) for each in answer.candidates] == [("A", 0.881), ("B", 0.119)]
    for expected in [*["undecided"] * 5, "unknown", "unknown"]:
        evidence.add(look(0.6, 0.4, 0), 1.0, 0.0)
        assert say(naming, {1: evidence}) == {1: expected}


def test_a_name_is_kept_by_less_than_it_takes() -> None:
    naming, evidence = namer(), seen(*[(0.7, 0, 0)] * 5)
    assert say(naming, {1: evidence}) == {1: "A"}
    for _ in range(30):  # the mean falls to about 0.48
        evidence.add(look(0.44, 0, 0), 1.0, 0.0)
        assert say(naming, {1: evidence}) == {1: "A"}


def test_a_name_that_looks_speak_against_is_lost() -> None:
    """After thirty good looks three that show a stranger are enough, though the mean is still near A."""
    naming, evidence = namer(), seen(*[(0.9, 0, 0)] * 30)
    said = []
    for _ in range(4):
        said.append(say(naming, {1: evidence})[1])
        evidence.add(look(0.05, 0, 0), 1.0, 0.0)
    # The last three are then two of A and a stranger at most; later two strangers and three.
    assert said[:2] == ["A", "A"]
    assert say(naming, {1: evidence})[1] != "A"


def test_a_name_is_held_through_a_gap_and_lost_where_new_looks_do_not_confirm_it() -> None:
    """Looks begin anew after a gap: 0.4 is more than 0.353, enough for half a second, and not after it (0.431)."""
    for score, expected in ((0.6, "AAAA"), (0.44, "AAAA"), (0.4, "AAA?"), (0.3, "????")):
        naming = namer()
        assert say(naming, {1: seen(*[(0.9, 0, 0)] * 5)}) == {1: "A"}
        answers = [naming.answers({1: seen(*[(score, 0, 0)] * looks)})[1] for looks in (1, 2, 3, 4)]
        assert "".join("A" if told(each) == "A" else "?" for each in answers) == expected
        assert [each.held for each in answers] == [score == 0.4 and told(each) == "A" for each in answers]


def test_nobody_known_stays_so_through_a_gap() -> None:
    naming = namer()
    assert say(naming, {1: seen(*[STRANGER] * 3)}) == {1: "unknown"}
    assert say(naming, {1: seen((0.4, 0, 0))}) == {1: "unknown"}


def test_another_person_takes_the_place_of_a_name() -> None:
    naming = namer()
    assert say(naming, {1: seen(*[(0.9, 0, 0)] * 3)}) == {1: "A"}
    assert say(naming, {1: seen(*[(0.0, 0.9, 0)] * 3)}) == {1: "B"}


def test_the_surest_of_two_faces_has_the_name_and_keeps_it() -> None:
    naming = namer()
    first, second = seen(*[(0.8, 0, 0)] * 3), seen(*[(0.75, 0, 0)] * 3)
    assert say(naming, {1: first, 2: second}) == {1: "A", 2: "undecided"}
    # Better by 0.05 and by 0.10 is not enough to take it over; by 0.15 it is.
    assert say(naming, {1: first, 2: seen(*[(0.9, 0, 0)] * 3)}) == {1: "A", 2: "undecided"}
    assert say(naming, {1: first, 2: seen(*[(0.95, 0, 0)] * 3)})[2] == "A"


def test_the_second_face_is_less_likely_to_be_the_person() -> None:
    answers = namer().answers({1: seen(*[(0.8, 0, 0)] * 3), 2: seen(*[(0.7, 0, 0)] * 3)})
    # 0.7 alone would be 1 / (1 + e^−4) = 0.982; beside 1 / (1 + e^−6) = 0.9975 it is
    # 0.982 · 0.0025 / (1 − 0.982 · 0.9975).
    assert answers[2].prediction.confidence == pytest.approx(0.1188, abs=1e-3)
    assert "A" not in [each.person_id for each in answers[2].candidates]


def test_a_track_that_left_has_no_claim_any_more() -> None:
    naming = namer()
    assert say(naming, {1: seen(*[(0.7, 0, 0)] * 3)}) == {1: "A"}
    naming.forget(1)
    naming.forget(7)
    assert say(naming, {1: seen(*[(0.6, 0, 0)] * 3)}) == {1: "undecided"}


def test_tracks_that_nobody_forgets_do_not_add_up() -> None:
    naming, evidence = namer(decide_looks=1), seen((0.9, 0, 0))
    for track in range(3000):
        naming.answers({track: evidence})
    assert len(naming._decided) <= 1025


def test_an_empty_gallery_names_nobody() -> None:
    naming = Namer(empty_gallery("net", 4), calibration(), TrackingSection())
    assert say(naming, {1: seen(STRANGER), 2: seen(*[STRANGER] * 3)}) == {1: "undecided", 2: "unknown"}


def test_a_curve_too_flat_for_the_bar_does_not_mean_that_nobody_is_named() -> None:
    bars = name_bars(calibration(slope=1.0), 0.97)
    assert bars.take == pytest.approx(0.7)  # half-way from 0.5 to 0.9; the curve asks for 3.98
    assert name_bars(calibration(slope=1.0, same=0.2), 0.97).take == 0.5


def test_bars_without_parameters_are_in_order() -> None:
    plain = calibration().model_copy(update={"parameters": {}})
    bars = name_bars(plain, 0.97)
    assert bars.drop < bars.keep <= plain.threshold < bars.take < 1


SCORES = st.tuples(*[st.floats(0, 0.57)] * 2, st.floats(0, 0.57)).map(lambda each: (each[0] + 0.25, each[1], each[2]))
LOOKS = st.lists(st.permutations([0, 1, 2]).flatmap(lambda o: SCORES.map(lambda s: tuple(s[i] for i in o))), max_size=6)


@settings(deadline=None)
@given(st.lists(LOOKS, max_size=4), st.randoms(use_true_random=False))
def test_answers_hold_whatever_is_seen(tracks: list[list[tuple[float, ...]]], random: object) -> None:
    """No name twice, none undecided, and the order of tracks does not matter, over several frames."""
    forward, shuffled = namer(decide_looks=2), namer(decide_looks=2)
    for frame in range(1, 7):
        evidence = {track: seen(*looks[:frame]) for track, looks in enumerate(tracks)}
        order = list(evidence)
        random.shuffle(order)  # type: ignore[attr-defined]
        answers = forward.answers(evidence)
        assert shuffled.answers({track: evidence[track] for track in order}) == answers
        names = [each.prediction.person_id for each in answers.values() if each.prediction.person_id is not None]
        assert len(set(names)) == len(names)
        assert all(each.decided or each.prediction.person_id is None for each in answers.values())
        assert all(len(each.candidates) <= 2 for each in answers.values())


@settings(deadline=None)
@given(LOOKS.filter(bool), st.integers(1, 20))
def test_looks_that_agree_never_take_a_name_away(looks: list[tuple[float, ...]], more: int) -> None:
    naming, evidence = namer(decide_looks=1), seen(*looks)
    before = say(naming, {1: evidence})[1]
    if before not in PEOPLE:
        return
    agreeing = [0.0, 0.0, 0.0]
    agreeing[PEOPLE.index(before)] = 1.0
    for _ in range(more):
        evidence.add(look(*agreeing), 1.0, 0.0)
        assert say(naming, {1: evidence}) == {1: before}
