"""Galleries: what a prototype is, how people come and go, and the bytes."""

import io
import json
import zipfile
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from actorrec.errors import DataError, ModelContractError
from actorrec.recognition.gallery import (
    build_gallery,
    empty_gallery,
    gallery_from_bytes,
    gallery_to_bytes,
    merge_people,
    photo_counts,
    rename_person,
    with_person,
    without_person,
)
from actorrec.types import Gallery
from actorrec.vision.similarity import normalise
from explored import examples


def unit_rows(count: int, dim: int = 16, seed: int = 0) -> NDArray[np.float32]:
    rows = np.random.default_rng(seed).normal(size=(count, dim)).astype(np.float32)
    return normalise(rows)[0]


def small_gallery() -> Gallery:
    return build_gallery("net-1", unit_rows(5), ["Bo", "Ada", "Bo", "Cy", "Ada"], ["b1", "a1", "b2", "c1", "a2"])


def test_an_empty_gallery_is_valid_and_travels() -> None:
    gallery = empty_gallery("net-1", 128)
    back = gallery_from_bytes(gallery_to_bytes(gallery))
    assert back.person_ids == () and back.prototypes.shape == (0, 128) and back.photo_embeddings.shape == (0, 128)


def test_a_prototype_is_the_normalised_mean_by_hand() -> None:
    photos = np.array([[1, 0], [0, 1], [0, -1]], np.float32)
    gallery = build_gallery("net-1", photos, ["Zoe", "Zoe", "Al"], ["1", "2", "3"])
    assert gallery.person_ids == ("Al", "Zoe")
    np.testing.assert_allclose(gallery.prototypes, [[0, -1], [0.5**0.5, 0.5**0.5]], atol=1e-6)
    assert photo_counts(gallery).tolist() == [1, 2]


@pytest.mark.parametrize("bad", [np.nan, 2.0])
def test_vectors_that_are_no_unit_vectors_are_refused(bad: float) -> None:
    rows = unit_rows(2)
    rows[1] *= bad
    with pytest.raises(ValueError, match="unit length"):
        build_gallery("net-1", rows, ["A", "B"], ["a", "b"])


def test_bytes_come_back_the_same_and_are_repeatable() -> None:
    gallery = small_gallery()
    data = gallery_to_bytes(gallery)
    back = gallery_from_bytes(data)
    assert back.person_ids == gallery.person_ids and back.photo_sources == gallery.photo_sources
    np.testing.assert_array_equal(back.prototypes, gallery.prototypes)
    np.testing.assert_array_equal(back.photo_person, gallery.photo_person)
    assert np.sum(back.photo_embeddings * gallery.photo_embeddings, axis=1).min() > 0.9995
    assert gallery_to_bytes(back) == data


def test_a_hundred_people_of_a_hundred_photos_stay_small() -> None:
    gallery = build_gallery(
        "net-1", unit_rows(10_000, 128), [f"p{i % 100:03d}" for i in range(10_000)], [f"{i}.jpg" for i in range(10_000)]
    )
    assert len(gallery_to_bytes(gallery)) < 1_450_000


def test_names_in_any_script_survive() -> None:
    names = ["Zoë", "名前", "line\nbreak", "emoji 🎬", "half \udcff byte"]
    gallery = build_gallery("net-1", unit_rows(5), names, names)
    assert gallery_from_bytes(gallery_to_bytes(gallery)).person_ids == tuple(sorted(names))


def test_more_photos_of_a_known_person_move_the_prototype() -> None:
    gallery, more = small_gallery(), unit_rows(2, seed=9)
    grown = with_person(gallery, "Cy", more, ["c2", "c3"])
    assert photo_counts(grown).tolist() == [2, 2, 3]
    expected = normalise((gallery.photo_embeddings[3] + more.sum(axis=0))[None])[0][0]
    np.testing.assert_allclose(grown.prototypes[2], expected, atol=1e-5)


def test_the_same_photo_twice_counts_once_even_after_storage() -> None:
    gallery = gallery_from_bytes(gallery_to_bytes(small_gallery()))
    again = with_person(gallery, "Cy", small_gallery().photo_embeddings[3:4], ["copy"])
    assert photo_counts(again).tolist() == photo_counts(gallery).tolist()


def test_forgetting_leaves_nothing_of_a_person() -> None:
    gallery = without_person(small_gallery(), "Bo")
    assert gallery.person_ids == ("Ada", "Cy")
    assert gallery.photo_sources == ("a1", "c1", "a2")
    assert gallery.photo_person.tolist() == [0, 1, 0]
    assert b"Bo" not in zip_text(gallery_to_bytes(gallery))
    last = without_person(without_person(gallery, "Ada"), "Cy")
    assert last.person_ids == () and gallery_from_bytes(gallery_to_bytes(last)).prototypes.shape == (0, 16)


def zip_text(data: bytes) -> bytes:
    with zipfile.ZipFile(io.BytesIO(data)) as packed:
        return packed.read("meta.npy")


def test_rename_and_merge() -> None:
    renamed = rename_person(small_gallery(), "Ada", "Zed")
    assert renamed.person_ids == ("Bo", "Cy", "Zed")
    np.testing.assert_allclose(renamed.prototypes[2], small_gallery().prototypes[0], atol=1e-6)
    merged = merge_people(small_gallery(), "Ada", into="Cy")
    assert merged.person_ids == ("Bo", "Cy") and photo_counts(merged).tolist() == [2, 3]


def test_changing_people_who_are_not_there_or_are_in_the_way_is_an_error() -> None:
    gallery = small_gallery()
    with pytest.raises(DataError, match="nobody called 'Dee'"):
        without_person(gallery, "Dee")
    with pytest.raises(DataError, match="already in the gallery"):
        rename_person(gallery, "Ada", "Bo")
    with pytest.raises(DataError, match="merged into itself"):
        merge_people(gallery, "Ada", into="Ada")
    with pytest.raises(DataError, match="at least one photo"):
        with_person(gallery, "Dee", unit_rows(0), [])


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"person_ids": ("Bo", "Ada", "Cy")}, "sorted and unique"),
        ({"person_ids": ("Ada", "Ada", "Cy")}, "sorted and unique"),
        ({"person_ids": ("Ada", "Bo")}, "prototypes"),
        ({"photo_sources": ("x",)}, "names of photos"),
        ({"photo_person": np.array([0, 1, 2, 3, 0], np.int32)}, "without a person"),
        ({"photo_person": np.array([0, 1, 1, 1, 0], np.int32)}, "without a photo"),
        ({"prototypes": np.full((3, 16), np.nan, np.float32)}, "finite"),
        ({"photo_embeddings": np.zeros((5, 16), np.float32)}, "unit"),
    ],
)
def test_bytes_that_contradict_themselves_are_refused(change: dict[str, object], says: str) -> None:
    with pytest.raises(ModelContractError, match=says):
        gallery_from_bytes(gallery_to_bytes(replace(small_gallery(), **change)))  # type: ignore[arg-type]


def test_a_header_that_claims_more_than_there_is_reserves_nothing() -> None:
    data = io.BytesIO()
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(header, {"descr": "<f4", "fortran_order": False, "shape": (2**40, 128)})
    with zipfile.ZipFile(io.BytesIO(gallery_to_bytes(small_gallery()))) as source, zipfile.ZipFile(data, "w") as target:
        for entry in source.namelist():
            target.writestr(entry, header.getvalue() if entry == "prototypes.npy" else source.read(entry))
    with pytest.raises(ModelContractError, match="prototypes should hold"):
        gallery_from_bytes(data.getvalue())


def test_an_unknown_format_is_named() -> None:
    data = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(gallery_to_bytes(small_gallery()))) as source, zipfile.ZipFile(data, "w") as target:
        for entry in source.namelist():
            content = source.read(entry)
            if entry == "meta.npy":
                packed = io.BytesIO()
                np.save(packed, np.frombuffer(json.dumps({"format": 9}).encode(), np.uint8))
                content = packed.getvalue()
            target.writestr(entry, content)
    with pytest.raises(ModelContractError, match="format 9"):
        gallery_from_bytes(data.getvalue())


@settings(max_examples=examples(150), deadline=None)
@given(st.data())
def test_damaged_bytes_are_refused_or_change_nothing(data: st.DataObject) -> None:
    good = gallery_to_bytes(small_gallery())
    damaged = bytearray(good)
    for _ in range(data.draw(st.integers(1, 3))):
        damaged[data.draw(st.integers(0, len(good) - 1))] = data.draw(st.integers(0, 255))
    damaged = damaged[: data.draw(st.integers(0, len(good)))] if data.draw(st.booleans()) else damaged
    try:
        gallery = gallery_from_bytes(bytes(damaged))
    except ModelContractError:
        return
    assert gallery.person_ids == small_gallery().person_ids
