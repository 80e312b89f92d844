"""What a camera sees, as events: what is considered and what is decided are never mixed up, and nothing is too long."""

import base64
import io
import json
import math
from typing import Any

import numpy as np
import pytest
from PIL import Image

from actorrec.inference.event_bounds import cut, within
from actorrec.inference.event_faces import crop_base64, embedding_base64
from actorrec.inference.event_writer import MAX_MESSAGE_BYTES, EventWriter
from actorrec.inference.tracking.sighting import Candidate, Sighting, TrackedFace
from actorrec.manifests.events import DetectionEvent, RunningModel
from actorrec.types import BoundingBox, Face, Frame, Landmarks, Prediction, RecognisedFace
from personal_data import personal_data

MODEL = RunningModel(model_id="m-1", bundle="ab" * 32)
FRAME = Frame(np.random.default_rng(3).integers(0, 255, (360, 640, 3)).astype(np.uint8), "cam 1", 7, 1.5)
CONSIDERED = (Candidate("Q1", 0.7), Candidate("Q2", 0.2), Candidate("Q3", 0.1))


def tracked(number: int, person: str | None = None, *, decided: bool = True, **changes: Any) -> TrackedFace:
    face = Face(BoundingBox(40.123, 30.0, 140.0, 160.0), Landmarks(np.zeros((5, 2), np.float32)), 0.9)
    prediction = Prediction(person, 0.61234, 0.91234, person or "Q9")
    embedded = RecognisedFace(face, prediction, np.arange(128, dtype=np.float32))
    values: dict[str, Any] = {
        "track_id": number, "face": face, "decided": decided, "prediction": prediction,
        "candidates": () if decided else CONSIDERED, "first_s": 0.0, "last_s": 1.0, "looks": 3, "latest": embedded,
    }  # fmt: skip
    return TrackedFace(**(values | changes))


def named(person_id: str) -> str:
    return f"Näme of {person_id}"


def said(*tracks: TrackedFace, max_bytes: int | None = None, include: Any = (), frame: Frame = FRAME) -> DetectionEvent:
    writer = EventWriter("pi-1", MODEL, max_bytes=max_bytes)
    event = writer.sighting(Sighting(tracks), frame, "change", named, include=include)
    assert DetectionEvent.model_validate_json(event.model_dump_json()) == event
    return event


def test_nobody() -> None:
    event = said()
    assert (event.source, event.width, event.height, event.faces, event.reason) == ("cam 1", 640, 360, [], "change")


def test_names_first_then_strangers_then_those_who_are_not_decided() -> None:
    event = said(tracked(1, decided=False), tracked(2), tracked(3, "Q1"), tracked(4, decided=False), tracked(5, "Q2"))
    assert [face.track for face in event.faces] == [3, 5, 2, 1, 4]
    assert [face.name for face in event.faces] == ["Näme of Q1", "Näme of Q2", None, None, None]
    assert [face.decided for face in event.faces] == [True, True, True, False, False]


def test_who_is_considered_is_no_name() -> None:
    (face,) = said(tracked(1, "Q1", decided=False)).faces
    assert (face.person_id, face.name, face.decided) == (None, None, False)
    assert [(each.person_id, each.name, each.confidence) for each in face.considered] == [
        ("Q1", "Näme of Q1", 0.7),
        ("Q2", "Näme of Q2", 0.2),
    ]


def test_of_who_is_decided_nobody_else_is_considered() -> None:
    event = said(tracked(1, "Q1", candidates=CONSIDERED), tracked(2, candidates=CONSIDERED))
    assert [face.considered for face in event.faces] == [[], []]
    assert "considered" not in event.model_dump_json()


def test_a_face_that_nobody_looked_at_yet() -> None:
    (face,) = said(tracked(1, decided=False, prediction=None, candidates=(), latest=None, looks=0)).faces
    assert (face.confidence, face.similarity, face.considered) == (0.0, 0.0, [])


def test_numbers_are_rounded_and_what_is_no_number_is_none() -> None:
    (face,) = said(tracked(1, "Q1")).faces
    assert (face.box, face.confidence, face.similarity) == ((40.12, 30.0, 140.0, 160.0), 0.9123, 0.6123)
    strange = tracked(1, prediction=Prediction(None, math.nan, math.inf, None))
    assert (said(strange).faces[0].similarity, said(strange).faces[0].confidence) == (0.0, 0.0)


def test_neither_pixels_nor_embeddings_leave_unless_configured() -> None:
    (face,) = json.loads(said(tracked(1, "Q1")).model_dump_json())["faces"]
    assert set(face) == {"box", "score", "person_id", "name", "confidence", "similarity", "decided", "track"}


def test_crops_and_embeddings_where_they_are_configured() -> None:
    (face,) = said(tracked(1, "Q1"), include=("crops", "embeddings")).faces
    with Image.open(io.BytesIO(base64.b64decode(face.crop or ""))) as crop:
        assert crop.format == "JPEG"
        assert max(crop.size) == 96
    sent = np.frombuffer(base64.b64decode(face.embedding or ""), "<f4")
    assert sent.tolist() == list(range(128))


def test_a_face_that_was_not_embedded_in_this_frame_has_no_embedding() -> None:
    (face,) = said(tracked(1, "Q1", latest=None), include=("crops", "embeddings")).faces
    assert face.embedding is None
    assert face.crop is not None, "it is cut from this very frame"


@pytest.mark.parametrize(
    "box",
    [
        (700, 10, 800, 90),
        (-90, 10, -70, 60),
        (10, 10, 10, 10),
        (50, 50, 20, 20),
        (math.nan, 0, 9, 9),
        (0, 0, math.inf, 9),
    ],
)
def test_a_box_without_pixels_has_no_crop(box: tuple[float, float, float, float]) -> None:
    crop = crop_base64(FRAME.pixels, BoundingBox(*box))
    if box[0] == 10:
        assert crop is None or len(crop) > 100
    else:
        assert crop is None


def test_the_crop_of_a_face_at_the_edge_stays_inside() -> None:
    crop = crop_base64(FRAME.pixels, BoundingBox(-20, -20, 30, 40))
    with Image.open(io.BytesIO(base64.b64decode(crop or ""))) as picture:
        assert picture.size == (39, 49)  # 30 and 40 px, and a margin of 15 % of 60


def test_an_embedding_is_little_endian_on_every_machine() -> None:
    assert base64.b64decode(embedding_base64(np.array([1.0], ">f4"))) == b"\x00\x00\x80\x3f"


def crowd(people: int, *, strangers: int = 0, undecided: int = 0) -> list[TrackedFace]:
    kinds = [{"person": f"Q{number}"} for number in range(people)] + [{}] * strangers
    known: list[TrackedFace] = [tracked(number, **kind) for number, kind in enumerate(kinds, 1)]
    return known + [tracked(1000 + number, decided=False) for number in range(undecided)]


def test_first_crops_are_left_out_then_embeddings_then_the_considered_then_faces() -> None:
    tracks, include = crowd(4, strangers=2, undecided=2), ("crops", "embeddings")
    whole = said(*tracks, include=include)
    before = None
    for max_bytes in range(len(whole.model_dump_json().encode()), 700, -150):
        event = said(*tracks, include=include, max_bytes=max_bytes)
        assert len(event.model_dump_json().encode()) <= max_bytes
        crops, embeddings, considered = (
            sum(bool(getattr(face, kind)) for face in event.faces) for kind in ("crop", "embedding", "considered")
        )
        if event.left_out:
            assert considered == 0
        if considered < 2:
            assert embeddings == 0
        if embeddings < 8:
            assert crops == 0
        state = (crops, embeddings, considered, len(event.faces))
        assert before is None or all(now <= then for now, then in zip(state, before, strict=True))
        before = state
    assert before is not None and before[3] < 4


def test_not_one_byte_too_many_whatever_is_left_out() -> None:
    whole = said(*crowd(2, strangers=110))
    for max_bytes in range(1000, 1130):
        event = within(whole, max_bytes)
        assert len(event.model_dump_json().encode()) <= max_bytes
        assert event.left_out + len(event.faces) == 112


def test_who_has_a_name_stays_longest_and_keeps_the_crop_longest() -> None:
    event = said(*crowd(2, strangers=40, undecided=40), max_bytes=MAX_MESSAGE_BYTES)
    assert [face.person_id for face in event.faces[:2]] == ["Q0", "Q1"]
    assert event.left_out == 82 - len(event.faces) > 30
    event = said(*crowd(1, strangers=1), include=("crops",), max_bytes=MAX_MESSAGE_BYTES)
    assert event.faces[1].crop is None


def test_a_crowd_with_everything_fits_quickly_enough_for_a_loop() -> None:
    event = said(*crowd(60, strangers=60, undecided=60), include=("crops", "embeddings"), max_bytes=MAX_MESSAGE_BYTES)
    assert len(event.model_dump_json().encode()) <= MAX_MESSAGE_BYTES
    assert all(face.crop is None and face.embedding is None for face in event.faces)
    assert len(event.faces) + event.left_out == 180


@pytest.mark.parametrize("letter", ["x", "ä", "\x01"])
def test_a_source_of_any_letters_fits(letter: str) -> None:
    frame = Frame(FRAME.pixels, letter * 3000 + "end", 0, 0.0)
    event = said(*crowd(3), frame=frame, max_bytes=MAX_MESSAGE_BYTES)
    assert len(event.model_dump_json().encode()) <= MAX_MESSAGE_BYTES
    assert event.source.endswith("end")


@pytest.mark.parametrize("text", ["", "abc", "ä" * 100, "\x00" * 100, '"\\' * 50, "😀" * 50])
@pytest.mark.parametrize("room", [10, 60, 1000])
def test_a_text_is_cut_to_its_length_in_json(text: str, room: int) -> None:
    short = cut(text, room)
    assert len(json.dumps(short, ensure_ascii=False).encode()) - 2 <= room
    assert short == text or short.endswith("…")


def test_pictures_and_embeddings_are_in_an_event_only_where_that_is_configured() -> None:
    for include, found in (((), set()), (("crops",), {"picture", "base64"}), (("embeddings",), {"base64"})):
        event = said(tracked(1), include=include)
        assert personal_data(event.model_dump_json().encode()) == found
        crop = event.faces[0].crop
        assert "picture" in personal_data(base64.b64decode(crop)) if crop else "crops" not in include
    numbers = json.dumps(np.linspace(-1, 1, 128).round(6).tolist())
    assert personal_data(numbers.encode()) == {"numbers"}
