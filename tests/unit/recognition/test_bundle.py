"""Opening and writing bundles: every part that can be wrong, wrong on its own."""

import io
import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from actorrec.errors import ArtifactError, ModelContractError
from actorrec.manifests.bundle import BundleCard
from actorrec.manifests.dataset import Person
from actorrec.recognition.bundle import CARD_NAME, open_bundle, write_bundle
from actorrec.recognition.bundle_zip import write_zip
from actorrec.recognition.gallery import gallery_to_bytes
from actorrec.recognition.recogniser import load_recogniser
from small_bundles import made_up_gallery, small_bundle, with_digests, write_small_bundle


def packed(card: BundleCard | bytes, files: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    write_zip(out, {CARD_NAME: card if isinstance(card, bytes) else card.model_dump_json().encode(), **files})
    return out.getvalue()


def test_a_bundle_comes_back_as_it_was_written(tmp_path: Path) -> None:
    card, files = small_bundle()
    written = write_bundle(tmp_path / "bundle.zip", card, files)
    bundle = open_bundle(tmp_path / "bundle.zip")
    assert bundle.card == written
    assert dict(bundle.files) == files
    assert bundle.gallery.person_ids == ("Ada", "Bea", "Cy")
    assert set(bundle.detector_files()) == set(card.detector.files)
    assert open_bundle((tmp_path / "bundle.zip").read_bytes()).card == written


def test_the_same_parts_give_the_same_bytes(tmp_path: Path) -> None:
    first, second = write_small_bundle(tmp_path / "a.zip"), write_small_bundle(tmp_path / "b.zip")
    assert first.read_bytes() == second.read_bytes()
    assert {entry.date_time for entry in zipfile.ZipFile(first).infolist()} == {(1980, 1, 1, 0, 0, 0)}


def test_a_bundle_can_name_a_picture_of_any_size(tmp_path: Path) -> None:
    recogniser = load_recogniser(open_bundle(write_small_bundle(tmp_path / "bundle.zip")), num_threads=1)
    assert recogniser.recognise(np.zeros((1, 1, 3), np.uint8))[0] == ()
    assert recogniser.recognise(np.full((90, 200, 3), 127, np.uint8))[0] == ()


def test_nothing_is_left_where_a_bundle_cannot_be_written(tmp_path: Path) -> None:
    card, files = small_bundle(people=[])
    with pytest.raises(ModelContractError, match="people that its gallery does not have"):
        write_bundle(tmp_path / "bundle.zip", card, files)
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(ArtifactError, match="cannot write"):
        write_bundle(tmp_path / "missing" / "bundle.zip", *small_bundle())


def test_wrong_digest_is_refused_and_named() -> None:
    card, files = small_bundle()
    card = with_digests(card, files)
    damaged = bytearray(files["rnet.tflite"])
    damaged[len(damaged) // 2] ^= 1
    with pytest.raises(ModelContractError, match=r"rnet\.tflite with the wrong digest"):
        open_bundle(packed(card, files | {"rnet.tflite": bytes(damaged)}))


def test_missing_and_unlisted_files_are_refused_and_named() -> None:
    card, files = small_bundle()
    card = with_digests(card, files)
    with pytest.raises(ModelContractError, match=r"lacks gallery\.npz"):
        open_bundle(packed(card, {name: data for name, data in files.items() if name != "gallery.npz"}))
    with pytest.raises(ModelContractError, match=r"holds unlisted extra\.bin"):
        open_bundle(packed(card, files | {"extra.bin": b"x"}))
    out = io.BytesIO()
    write_zip(out, files)
    with pytest.raises(ModelContractError, match=r"has no card\.json"):
        open_bundle(out.getvalue())


@pytest.mark.parametrize(
    ("card_bytes", "message"),
    [
        (b"", "says no schema version"),
        (b"\xff\xfe", "says no schema version"),
        (b"[1]", "says no schema version"),
        (b'{"schema_version": 99}', "schema version 99; this version reads 1"),
        (b'{"schema_version": "1"}', "schema version '1'"),
        (b'{"schema_version": 1, "surprise": 2}', r"wrong card\.json"),
        (b"[" * 200_000, "says no schema version"),
    ],
)
def test_cards_that_are_none(card_bytes: bytes, message: str) -> None:
    _, files = small_bundle()
    with pytest.raises(ModelContractError, match=message):
        open_bundle(packed(card_bytes, files))


def test_an_unknown_schema_version_says_what_to_do() -> None:
    with pytest.raises(ModelContractError) as caught:
        open_bundle(packed(b'{"schema_version": 2}', {}))
    assert "update actorrec" in caught.value.hint


def _other_preprocessing(card: BundleCard, files: dict[str, bytes]) -> tuple[dict[str, Any], dict[str, bytes]]:
    return {"embedder": card.embedder.model_copy(update={"preprocess_version": 2})}, files


def _one_person_less(card: BundleCard, files: dict[str, bytes]) -> tuple[dict[str, Any], dict[str, bytes]]:
    return {"people": card.people[:2]}, files


def _one_person_twice(card: BundleCard, files: dict[str, bytes]) -> tuple[dict[str, Any], dict[str, bytes]]:
    return {"people": [*card.people, Person(person_id="Ada", name="Another")]}, files


def _another_model(card: BundleCard, files: dict[str, bytes]) -> tuple[dict[str, Any], dict[str, bytes]]:
    return {}, files | {"gallery.npz": gallery_to_bytes(made_up_gallery(model_id="other-net"))}


def _another_width(card: BundleCard, files: dict[str, bytes]) -> tuple[dict[str, Any], dict[str, bytes]]:
    return {}, files | {"gallery.npz": gallery_to_bytes(made_up_gallery(dim=64))}


def _no_gallery(card: BundleCard, files: dict[str, bytes]) -> tuple[dict[str, Any], dict[str, bytes]]:
    return {}, files | {"gallery.npz": b"PK not a gallery"}


def _keras_embedder(card: BundleCard, files: dict[str, bytes]) -> tuple[dict[str, Any], dict[str, bytes]]:
    return {}, files | {"embedder.tflite": b"PK\x03\x04 a .keras file"}


def _labels_of_others(card: BundleCard, files: dict[str, bytes]) -> tuple[dict[str, Any], dict[str, bytes]]:
    return {"classes": ["Ada", "Bea", "Dee"]}, files


def _labels_without_an_output(card: BundleCard, files: dict[str, bytes]) -> tuple[dict[str, Any], dict[str, bytes]]:
    return {"classes": ["Cy", "Bea", "Ada"]}, files


def _absent_head(card: BundleCard, files: dict[str, bytes]) -> tuple[dict[str, Any], dict[str, bytes]]:
    return {"head_file": "head.tflite"}, files


def _two_detector_digests(card: BundleCard, files: dict[str, bytes]) -> tuple[dict[str, Any], dict[str, bytes]]:
    digests = dict.fromkeys(card.detector.files, "0" * 64)
    return {"detector": card.detector.model_copy(update={"files": digests})}, files


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (_other_preprocessing, "made for preprocessing 2"),
        (_one_person_less, "people that its gallery does not have"),
        (_one_person_twice, "lists a person twice"),
        (_another_model, "gallery made by other-net"),
        (_another_width, "gallery of width 64"),
        (_no_gallery, "gallery"),
        (_keras_embedder, r"no \.tflite or \.onnx net"),
        (_labels_of_others, "labels that are not its people"),
        (_labels_without_an_output, "no output named 'probabilities'"),
        (_absent_head, r"relies on head\.tflite"),
        (_two_detector_digests, "two digests"),
    ],
)
def test_parts_that_do_not_fit_each_other(
    change: Callable[[BundleCard, dict[str, bytes]], tuple[dict[str, Any], dict[str, bytes]]], message: str
) -> None:
    card, files = small_bundle()
    changes, files = change(card, files)
    card = with_digests(card.model_copy(update=changes), files)
    with pytest.raises(ModelContractError, match=message):
        open_bundle(packed(card, files))


def test_an_embedder_of_another_width_is_refused_when_it_runs(tmp_path: Path) -> None:
    card, files = small_bundle()
    files["gallery.npz"] = gallery_to_bytes(made_up_gallery(dim=64))
    card = with_digests(card.model_copy(update={"embedder": card.embedder.model_copy(update={"dim": 64})}), files)
    with pytest.raises(ModelContractError, match="64"):
        load_recogniser(open_bundle(packed(card, files)), num_threads=1).embedder.embed(
            np.zeros((1, 150, 150, 3), np.uint8)
        )


def test_a_file_that_is_no_net_is_refused() -> None:
    card, files = small_bundle()
    files["embedder.tflite"] = json.dumps({"not": "a net"}).encode()
    with pytest.raises(ModelContractError):
        load_recogniser(open_bundle(packed(with_digests(card, files), files)), num_threads=1)
