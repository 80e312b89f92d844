"""From what was typed to a person."""

import pytest

from actorrec.enrolment.naming import find_person, match_person, new_person
from actorrec.errors import DataError
from actorrec.manifests.dataset import Person

PEOPLE = [new_person("Will_Smith"), new_person("Emma Watson"), new_person("Zoë_Kravitz")]


def test_an_id_is_what_was_typed_and_a_name_has_no_underscores() -> None:
    assert new_person(" Will_Smith ") == Person(person_id="Will_Smith", name="Will Smith")
    assert new_person("Zoe\u0308").person_id == "Zo\u00eb"


@pytest.mark.parametrize("typed", ["", "  ", "x" * 201, "\udcff", "___"])
def test_what_is_no_name(typed: str) -> None:
    with pytest.raises(DataError, match="not a name"):
        new_person(typed)


@pytest.mark.parametrize("typed", ["Will_Smith", "Will Smith", "will smith", "WILL_SMITH"])
def test_a_person_is_found_by_id_or_name_in_any_case(typed: str) -> None:
    assert find_person(typed, PEOPLE).person_id == "Will_Smith"


def test_nobody_is_nobody_and_the_nearest_is_offered() -> None:
    assert match_person("Will", PEOPLE) is None
    assert match_person("anyone", []) is None
    with pytest.raises(DataError) as caught:
        find_person("Wil Smit", PEOPLE)
    assert caught.value.hint == "did you mean 'Will Smith'?"


def test_a_name_that_may_be_two_people_is_not_guessed() -> None:
    twice = [Person(person_id="A_B", name="A B"), Person(person_id="a_b", name="a b")]
    assert find_person("A_B", twice) is twice[0]
    assert find_person("a b", twice) is twice[1]
    with pytest.raises(DataError, match="may be any of A_B, a_b"):
        find_person("A b", twice)
