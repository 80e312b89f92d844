"""Which pictures are refused until the user insists, and what is said of them."""

import pytest

from actorrec.errors import DataError
from actorrec.manifests.dataset import DatasetManifest, ImageRecord, Outcome, Person
from actorrec.manifests.nets import TemplateRecord
from actorrec.rights.restricted import (
    licence_counts,
    picture_licences,
    refuse_restricted,
    refuse_restricted_dataset,
    restricted_counts,
)


def data_set(*pictures: tuple[str, str, Outcome]) -> DatasetManifest:
    """A data set of (person, licence, outcome)."""
    images = [
        ImageRecord(path=f"{person}/{index}.jpg", person_id=person, licence=licence, outcome=outcome)
        for index, (person, licence, outcome) in enumerate(pictures)
    ]
    points = tuple((float(i), float(i)) for i in range(5))
    return DatasetManifest(
        key="some",
        template=TemplateRecord.model_validate({"name": "t", "size_px": 112, "points_px": points}),
        detector_id="d",
        embedder_id="e",
        people=[Person(person_id="Q1", name="Ada Lovelace"), Person(person_id="Q2", name="Bea")],
        images=images,
        faces=[],
    )


def test_nothing_is_refused_where_there_is_nothing() -> None:
    refuse_restricted({}, allow=False, what="dataset/none")
    assert refuse_restricted_dataset(data_set(), allow=False) == {}


def test_free_and_user_supplied_pictures_pass() -> None:
    pictures = data_set(("Q1", "CC BY-SA 4.0", "kept"), ("Q1", "user-supplied", "flagged"), ("Q2", "CC0", "kept"))
    counts = refuse_restricted_dataset(pictures, allow=False)
    assert counts == {"CC BY-SA 4.0": 1, "CC0": 1, "user-supplied": 1}
    assert restricted_counts(counts) == {}


def test_a_refusal_counts_by_licence_names_people_and_says_what_to_do() -> None:
    pictures = data_set(
        ("Q1", "CC BY-NC 2.0", "kept"),
        ("Q2", "unknown", "flagged"),
        ("Q2", "unknown", "kept"),
        ("Q2", "CC0", "kept"),
        ("Q3", "all rights reserved", "dropped"),
    )
    with pytest.raises(DataError) as caught:
        refuse_restricted_dataset(pictures, allow=False)
    assert caught.value.message == (
        "dataset/some holds 3 pictures whose licence is restricted or unknown: 2 × 'unknown', 1 × 'CC BY-NC 2.0'; "
        "for example of Ada Lovelace, Bea"
    )
    assert "--allow-restricted" in caught.value.hint and "--free-only" in caught.value.hint
    assert restricted_counts(refuse_restricted_dataset(pictures, allow=True)) == {"unknown": 2, "CC BY-NC 2.0": 1}


@pytest.mark.parametrize("outcome", ["dropped", "failed"])
def test_pictures_that_are_not_in_the_set_do_not_count(outcome: Outcome) -> None:
    assert refuse_restricted_dataset(data_set(("Q1", "unknown", outcome)), allow=False) == {}


def test_many_long_licences_still_make_one_short_line() -> None:
    counts = {f"{index} {'no derivatives ' * 40}": 1 for index in range(50)}
    with pytest.raises(DataError) as caught:
        refuse_restricted(counts, allow=False, what="model/m")
    assert "45 more licences" in caught.value.message and len(caught.value.message) < 500


def test_counts_are_in_order_and_spelled_for_people() -> None:
    counts = licence_counts(["b", "a", "c", "c"])
    assert list(counts.items()) == [("c", 2), ("a", 1), ("b", 1)]
    assert picture_licences(counts) == ["2 pictures: c", "1 picture: a", "1 picture: b"]
