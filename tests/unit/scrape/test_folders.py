"""A folder for each person: readable, bounded, never shared."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actorrec.manifests.base import FileRecord
from actorrec.manifests.dataset import Person
from actorrec.scrape.folders import places


def folders(*people: tuple[str, str]) -> list[str]:
    listed = [Person(person_id=person_id, name=name) for person_id, name in people]
    found = places(listed)
    return [found[person.person_id].folder for person in listed]


@pytest.mark.parametrize(
    ("person_id", "name", "folder", "label"),
    [
        ("Q38111", "Leonardo DiCaprio", "Leonardo_DiCaprio_Q38111", "Leonardo_DiCaprio"),
        ("Zoë Kravitz", "Zoë Kravitz", "Zoë_Kravitz", "Zoë_Kravitz"),
        ("Q1", "李小龙", "李小龙_Q1", "李小龙"),
        ("Q2", "श्रीदेवी कपूर", "श्रीदेवी_कपूर_Q2", "श्रीदेवी_कपूर"),
        ("Q3", "Robert Downey Jr.", "Robert_Downey_Jr_Q3", "Robert_Downey_Jr"),
        ("Q4", "../../etc/passwd", "etc_passwd_Q4", "etc_passwd"),
        ("Q5", 'a<b>:"|?*\\c', "a_b_c_Q5", "a_b_c"),
        ("Q6", "🎬", "person_Q6", "person"),
        ("tmdb-6193", "Ann", "Ann_tmdb-6193", "Ann"),
    ],
)
def test_names(person_id: str, name: str, folder: str, label: str) -> None:
    place = places([Person(person_id=person_id, name=name)])[person_id]
    assert (place.folder, place.label) == (folder, label)
    assert place.picture(7, "jpg") == f"{folder}/{label}_0007.jpg"


def test_two_people_of_one_name_are_told_apart_by_their_ids() -> None:
    assert folders(("nm1", "Ann Lee"), ("nm2", "Ann Lee")) == ["Ann_Lee_nm1", "Ann_Lee_nm2"]


@pytest.mark.parametrize(
    "others", [("ann lee", "Ann Lee"), ("A/B", "A B"), ("manifest.json", "x"), ("unfinished", "x")]
)
def test_what_would_be_one_folder_is_told_apart(others: tuple[str, str]) -> None:
    found = folders(*((name, name) for name in others))
    assert len({folder.casefold() for folder in found}) == 2
    assert not {"manifest.json", "unfinished"} & set(found)


def test_a_composed_and_a_decomposed_name_look_alike_on_disk() -> None:
    composed, decomposed = "Zoë", unicodedata.normalize("NFD", "Zoë")
    assert folders(("Q1", composed)) == folders(("Q1", decomposed))


@given(st.lists(st.text(min_size=1, max_size=200), min_size=1, max_size=5, unique=True))
def test_any_names_make_names_of_files(names: list[str]) -> None:
    people = [Person(person_id=name, name=name) for name in names]
    found = places(people)
    assert len({place.folder.casefold() for place in found.values()}) == len(people)
    for place in found.values():
        assert len(place.folder.encode()) <= 200
        assert not place.folder.startswith(".")
        FileRecord(name=place.picture(1, "jpg"), sha256="0" * 64, bytes=1)
