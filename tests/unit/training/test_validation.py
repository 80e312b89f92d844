from dataclasses import dataclass

import numpy as np

from actorrec.training.validation import MIN_GROUPS, validation_mask


@dataclass(frozen=True)
class Member:
    """As much of a face record as the split looks at."""

    person_id: str
    group: str


def mask_of(members: list[Member], seed: int = 0) -> np.ndarray:
    return validation_mask(members, seed)  # type: ignore[arg-type]


def test_nobody_gives_nothing() -> None:
    assert mask_of([]).tolist() == []


def test_no_group_lies_on_both_sides_and_about_a_fifth_is_set_aside() -> None:
    members = [Member(f"p{p}", f"p{p}-g{i // 3}") for p in range(20) for i in range(30)]
    mask = mask_of(members)
    apart = {m.group for m, out in zip(members, mask, strict=True) if out}
    kept = {m.group for m, out in zip(members, mask, strict=True) if not out}
    assert not apart & kept
    assert 0.15 <= mask.mean() <= 0.3
    assert {m.person_id for m, out in zip(members, mask, strict=True) if not out} == {f"p{p}" for p in range(20)}


def test_a_person_with_few_groups_keeps_them_all() -> None:
    members = [Member("few", f"g{i % (MIN_GROUPS - 1)}") for i in range(30)]
    assert not mask_of(members).any()


def test_a_huge_group_stays_on_the_learning_side() -> None:
    members = [Member("p", "film")] * 50 + [Member("p", f"g{i}") for i in range(5)]
    mask = mask_of(members)
    assert not mask[:50].any()
    assert mask[50:].any()


def test_a_group_of_two_people_is_never_set_aside() -> None:
    members = [Member(p, "premiere" if i == 0 else f"{p}{i}") for p in "abcdefgh" for i in range(6)]
    for seed in range(20):
        mask = mask_of(members, seed)
        assert not any(out for m, out in zip(members, mask, strict=True) if m.group == "premiere")


def test_the_choice_does_not_depend_on_the_order() -> None:
    members = [Member(f"p{i % 3}", f"g{i % 24}") for i in range(72)]
    chosen = {m.group for m, out in zip(members, mask_of(members), strict=True) if out}
    turned = members[::-1]
    assert {m.group for m, out in zip(turned, mask_of(turned), strict=True) if out} == chosen
    assert mask_of(members, 1).tolist() != mask_of(members, 0).tolist()
