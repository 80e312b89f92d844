"""The split: whole groups, by person, the same for the same seed, nothing on both sides."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from actorrec.dataset.split import Groups, hash_neighbours, near_vectors, same_value, split_groups


def test_groups_join_transitively() -> None:
    groups = Groups(5)
    groups.join([(3, 4), (4, 1)])
    assert groups.roots() == [0, 1, 2, 1, 1]
    assert Groups(0).roots() == []


def test_hash_neighbours_see_mirrors_too() -> None:
    plain, mirrored = [0b1111, 0b1110, 2**63, 0xFF00], [2**40, 2**41, 0xFF00, 2**63]
    pairs = {frozenset(pair) for pair in hash_neighbours(plain, mirrored, 1)}
    assert pairs == {frozenset({0, 1}), frozenset({2, 3})}
    assert hash_neighbours([], [], 3) == []


def test_pages_group_and_none_does_not() -> None:
    groups = Groups(4)
    groups.join(same_value(["a", None, "a", None]))
    assert groups.roots() == [0, 1, 0, 3]


def test_near_vectors_pair_one_person_only() -> None:
    vectors = np.array([[1, 0], [1, 0], [1, 0], [0, 1]], np.float32)
    assert near_vectors(vectors, ["a", "b", "a", "a"], 0.99) == [(0, 2)]


def test_shares_are_met_by_person() -> None:
    groups = [f"g{row}" for row in range(30)]
    owners = ["a"] * 20 + ["b"] * 10
    sides = split_groups(groups, owners, 0.3, 0)
    assert (sides[:20].count("test"), sides[20:].count("test")) == (6, 3)
    assert sides == split_groups(groups, owners, 0.3, 0)
    assert sides != split_groups(groups, owners, 0.3, 1)


def test_few_photos_and_single_groups_are_learned_from() -> None:
    owners = ["one", "two", "two", "same", "same", "same", "same"]
    groups = ["a", "b", "c", "d", "d", "d", "d"]
    assert set(split_groups(groups, owners, 0.5, 0)) == {"train"}


def test_groups_too_large_for_the_share_give_up_the_smallest_unless_that_is_most_of_a_person() -> None:
    assert split_groups(list("xxxyyyy"), ["a"] * 7, 0.2, 0) == ["test"] * 3 + ["train"] * 4
    shared = ["x", "x", "x", "both"]  # "both" shows somebody else too, so only x is free
    assert split_groups([*shared, "both"], [*"aaaab"], 0.25, 0) == ["train"] * 5


def test_a_group_of_two_people_is_learned_from() -> None:
    groups = ["shared", "a1", "a2", "shared", "b1", "b2"]
    for seed in range(20):
        sides = split_groups(groups, ["a"] * 3 + ["b"] * 3, 0.4, seed)
        assert sides[0] == sides[3] == "train"
        assert sides[:3].count("test") == sides[3:].count("test") == 1


def test_a_share_of_nothing_tests_nothing() -> None:
    assert set(split_groups(["a", "b", "c", "d"], ["p"] * 4, 0.0, 0)) == {"train"}


@given(
    groups=st.lists(st.integers(0, 12), min_size=1, max_size=60),
    share=st.floats(0.05, 0.8),
    seed=st.integers(0, 99),
)
def test_no_group_lies_on_both_sides_and_everybody_is_learned(groups: list[int], share: float, seed: int) -> None:
    owners = [f"p{group % 4}" for group in groups]
    names = [f"g{group}" for group in groups]
    sides = split_groups(names, owners, share, seed)
    assert not {g for g, s in zip(names, sides, strict=True) if s == "test"} & {
        g for g, s in zip(names, sides, strict=True) if s == "train"
    }
    assert {o for o, s in zip(owners, sides, strict=True) if s == "train"} == set(owners)
