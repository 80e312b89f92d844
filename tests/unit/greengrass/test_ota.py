"""What is done next about models that landed: the order of ages, the checks against the live model, the canary."""

import math
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from actorrec.greengrass.ota import Live, Step, Verdict, next_step
from actorrec.greengrass.ota_state import OtaState, folded
from actorrec.manifests.bundle import CardScore
from actorrec.manifests.ota import (
    Claimed,
    Known,
    Landed,
    LandedModel,
    Promoted,
    Published,
    Refused,
    RolledBack,
    Started,
    Superseded,
    Trying,
)
from landed_models import START, landed, place, rate, score, sha

NOW = START + timedelta(days=30)
LIVE = Live(landed("live", 0), 1, 1)


def state_entries(*models: LandedModel) -> list[Any]:
    return [
        Landed(seq=number + 1, at=NOW, object=place(model.content), model=model) for number, model in enumerate(models)
    ]


def state_of(*models: LandedModel, **stages: str) -> OtaState:
    """Models that landed in that order; ``stages``: name → how far it came."""
    entries = state_entries(*models)
    kinds = {"claimed": (Claimed,), "published": (Claimed, Published), "trying": (Claimed, Published, Trying),
             "started": (Claimed, Published, Trying, Started), "rolled-back": (Claimed, Trying, RolledBack),
             "promoted": (Claimed, Trying, Promoted), "refused": (Refused,), "superseded": (Superseded,)}  # fmt: skip
    more = {Claimed: {"component": "c", "version": "1.0.1"}, Started: {"deployment_id": "d"},
            RolledBack: {"reason": "r"}, Refused: {"reason": "r"}, Superseded: {"by": sha("z")}}  # fmt: skip
    for name, stage in stages.items():
        for kind in kinds[stage]:
            entries.append(kind(seq=len(entries) + 1, at=NOW, content=sha(name), **more.get(kind, {})))
    return folded(entries)


def step(state: OtaState, live: Live = LIVE, **more: Any) -> Step | None:
    return next_step(state, live, margin=0.01, now=NOW, **more)


def done(found: Step | None) -> tuple[str, str] | None:
    return None if found is None else (found.do, found.candidate.model.content)


def test_nothing_landed_nothing_to_do() -> None:
    assert step(OtaState()) is None
    assert step(OtaState(), Live(lacks="nothing is live")) is None


def test_a_newer_and_better_model_is_claimed_published_started_and_judged() -> None:
    new = landed("new", 1)
    assert done(step(state_of(new))) == ("claim", new.content)
    assert done(step(state_of(new, new="claimed"))) == ("publish", new.content)
    assert done(step(state_of(new, new="published"))) == ("start", new.content)
    assert done(step(state_of(new, new="trying"))) == ("start", new.content)
    assert done(step(state_of(new, new="started"))) == ("judge", new.content)


def test_the_verdict_decides() -> None:
    state = state_of(landed("new", 1), new="started")
    for is_, do in (("open", "wait"), ("good", "promote"), ("bad", "roll-back")):
        found = step(state, verdict=Verdict(is_, "why"))  # type: ignore[arg-type]
        assert found is not None and (found.do, found.reason) == (do, "why")


def test_what_can_be_neither_begun_nor_judged_does_not_keep_others_waiting_for_ever() -> None:
    later = NOW + timedelta(days=7, seconds=1)
    for stage, do, verdict in (
        ("claimed", "refuse", None), ("published", "refuse", None), ("trying", "roll-back", None),
        ("started", "roll-back", Verdict("open", "50 more faces of 50")),
    ):  # fmt: skip
        state = state_of(landed("new", 1), new=stage)
        found = next_step(state, LIVE, margin=0.01, now=later, verdict=verdict)
        assert found is not None and (found.do, "in 7 days" in found.reason) == (do, True)
        assert next_step(state, LIVE, margin=0.01, now=NOW + timedelta(days=7), verdict=verdict) != found
    good = next_step(state, LIVE, margin=0.01, now=later, verdict=Verdict("good"))
    assert good is not None and good.do == "promote"


@pytest.mark.parametrize("day", [-1.0, 0.0])
def test_what_is_not_newer_than_the_live_model_is_out(day: float) -> None:
    found = step(state_of(landed("old", day)))
    assert done(found) == ("supersede", sha("old")) and found is not None and found.by == sha("live")


def test_what_is_not_newer_than_a_model_that_was_tried_is_out_whatever_became_of_that() -> None:
    models = landed("tried", 5), landed("late", 4)
    for stage in ("claimed", "published", "trying", "started", "rolled-back"):
        found = step(state_of(*models, tried=stage))
        assert done(found) == ("supersede", sha("late")) and found is not None and found.by == sha("tried")
    assert done(step(state_of(*models, tried="refused"))) == ("claim", sha("late"))


def test_of_several_the_newest_that_passes_is_taken() -> None:
    bad = landed("bad", 3, score=score(top1=0.5))
    models = landed("first", 1), bad, landed("second", 2)
    assert done(step(state_of(*models))) == ("refuse", bad.content)
    assert done(step(state_of(*models, bad="refused"))) == ("claim", sha("second"))
    assert done(step(state_of(*models, bad="refused", second="claimed"))) == ("supersede", sha("first"))


def test_a_newer_model_waits_until_the_canary_is_judged() -> None:
    models = landed("trial", 1), landed("newer", 2)
    assert done(step(state_of(*models, trial="started"))) == ("judge", sha("trial"))
    assert done(step(state_of(*models, trial="started"), verdict=Verdict("open"))) == ("wait", sha("trial"))
    assert done(step(state_of(*models, trial="rolled-back"))) == ("claim", sha("newer"))


def test_two_of_the_same_time_are_told_apart_the_same_way_in_any_order() -> None:
    one, two = landed("one", 1), landed("two", 1)
    first, second = done(step(state_of(one, two))), done(step(state_of(two, one)))
    assert first == second is not None
    taken = "one" if first[1] == one.content else "two"
    found = step(state_of(one, two, **{taken: "claimed"}))
    assert found is not None and found.do == "supersede"


def test_what_the_group_has_already_needs_nothing() -> None:
    live = landed("live", 0)
    assert done(step(state_of(live))) == ("settle", live.content)
    assert done(step(state_of(live, live="claimed"))) == ("settle", live.content)
    assert done(step(state_of(live, live="started"))) == ("promote", live.content)


def test_what_somebody_went_back_from_stays_the_newest() -> None:
    """A newer one was promoted, or deployed by hand; then somebody rolled back, and an older event came late."""
    late, gone = landed("late", 4), landed("gone", 5)
    promoted = state_of(gone, late, gone="promoted")
    by_hand = folded([*state_entries(late), Known(seq=9, at=NOW, model=gone)])
    again = folded([*state_entries(late, gone), Known(seq=9, at=NOW, model=gone)])
    for state, out in ((promoted, late), (by_hand, late), (again, gone)):
        assert done(step(state)) == ("supersede", out.content)
    newer = folded([*state_entries(landed("newer", 6)), Known(seq=9, at=NOW, model=gone)])
    assert done(step(newer)) == ("claim", sha("newer"))


def test_a_model_of_the_future_that_somebody_took_back_keeps_nobody_out() -> None:
    state = folded([*state_entries(landed("new", 1)), Known(seq=9, at=NOW, model=landed("future", 9999))])
    assert done(step(state)) == ("claim", sha("new"))


@pytest.mark.parametrize("day", [1, 9])
def test_somebody_deployed_a_newer_model_by_hand_meanwhile(day: int) -> None:
    newer = Live(landed("by hand", day), 1, 1)
    state = {stage: state_of(landed("new", 1), new=stage) for stage in ("claimed", "published", "trying", "started")}
    assert [done(step(state[stage], newer)) for stage in state] == [
        ("supersede", sha("new")), ("supersede", sha("new")), ("roll-back", sha("new")), ("roll-back", sha("new")),
    ]  # fmt: skip
    found = step(state["started"], newer, verdict=Verdict("good"))
    assert found is not None and found.do == "roll-back"


def test_what_is_live_is_compared_with_until_the_canary_has_the_new_one() -> None:
    better = Live(landed("better, and older", -1, score=score(top1=0.99)), 1, 1)
    other_program = Live(landed("live", 0), 2, 1)
    stages = {"claimed": "refuse", "published": "refuse", "trying": "roll-back", "started": "judge"}
    for live, said in ((better, "not 99.0% of 200"), (other_program, "on the devices reads 2")):
        for stage, do in stages.items():
            found = step(state_of(landed("new", 1), new=stage), live)
            assert found is not None and found.do == do and (said in found.reason or stage == "started")


def test_somebody_removed_everything_meanwhile() -> None:
    for gone in (Live(lacks="nothing is live"), Live(landed("live", 0), 1, 1, lacks="nobody knows what")):
        assert done(step(state_of(landed("new", 1)), gone)) == ("refuse", sha("new"))
        assert done(step(state_of(landed("new", 1), new="published"), gone)) == ("refuse", sha("new"))
        assert done(step(state_of(landed("new", 1), new="started"), gone)) == ("roll-back", sha("new"))


@pytest.mark.parametrize(
    ("changes", "live", "said"),
    [
        ({}, Live(lacks="publish and deploy by hand once"), "by hand once"),
        ({}, Live(), "by hand once"),
        ({"schema_version": 2}, LIVE, "schema version 2, the program on the devices reads 1"),
        ({"preprocess_version": 2}, LIVE, "preprocessing 2, the program on the devices does 1"),
        ({"score": None}, LIVE, "never measured"),
        ({}, Live(landed("live", 0, score=None), 1, 1), "the live model was never measured"),
        ({"score": score(set_digest=sha("other"))}, LIVE, "another evaluation set"),
        ({"score": score(top1=0.88)}, LIVE, "top1 88.0% of 200, not 90.0% of 200 (margin 1.0%)"),
        ({"score": score(tpir=0.78)}, LIVE, "tpir 78.0%"),
        ({"score": score(fpir=0.03)}, LIVE, "fpir 3.0% of 200, at most 2.0%"),
        ({"score": score(fpir=None)}, LIVE, "not measured on strangers"),
        ({"score": score(tpir=math.nan)}, LIVE, "tpir"),
        ({"score": score().model_copy(update={"fpir": rate(math.nan)})}, LIVE, "strangers"),
        ({"score": score().model_copy(update={"fpir": rate(0.0, 0)})}, LIVE, "not measured on strangers"),
        ({"score": score().model_copy(update={"top1": rate(0.99, 199)})}, LIVE, "top1 of 199 pictures, not 200"),
        ({"score": score().model_copy(update={"tpir": rate(0.99, 199)})}, LIVE, "tpir of 199 pictures, not 200"),
        ({"score": score(target_fpir=0.02)}, LIVE, "calibrated to name 2.0% of strangers, the live model 1.0%"),
        ({"score": score(target_fpir=0.005)}, LIVE, "calibrated to name 0.5%"),
        ({"score": score(target_fpir=math.nan)}, LIVE, "calibrated"),
        ({"created_at": NOW + timedelta(days=2)}, LIVE, "in the future"),
        ({"created_at": NOW + timedelta(hours=24, seconds=1)}, LIVE, "in the future"),
    ],
)  # fmt: skip
def test_what_is_not_fit_is_refused_with_its_reason(changes: dict[str, Any], live: Live, said: str) -> None:
    found = step(state_of(landed("new", 1, **changes)), live)
    assert found is not None and found.do == "refuse" and said in found.reason


@pytest.mark.parametrize(
    ("new", "live"),
    [
        (score(top1=0.891, tpir=0.791), score()),  # within the margin
        (score(top1=0.57, tpir=0.28), score(top1=0.58, tpir=0.29)),  # by exactly the margin, however that is rounded
        (score(fpir=0.019), score()),  # target and margin
        (score(fpir=0.058), score(fpir=0.05)),  # the live one names more already
        (score(fpir=None), score(fpir=None)),
        (score(top1=1, tpir=1, fpir=0), score()),
        (score(fpir=0.02), score(fpir=None)),
        (score(target_fpir=0.01 + 1e-12), score()),
        (score().model_copy(update={"top1": rate(0.9, 201), "tpir": rate(0.8, 201)}), score()),  # it knows more
    ],
)
def test_what_is_no_worse_by_more_than_the_margin_goes(new: CardScore, live: CardScore) -> None:
    found = step(state_of(landed("new", 1, score=new)), Live(landed("live", 0, score=live), 1, 1))
    assert found is not None and found.do == "claim"


def test_what_a_card_asks_for_itself_does_not_raise_what_is_allowed() -> None:
    found = step(state_of(landed("new", 1, score=score(target_fpir=0.5, fpir=0.4))))
    assert found is not None and found.do == "refuse" and "name 50.0% of strangers" in found.reason


def test_a_clock_that_is_a_day_fast_does_no_harm() -> None:
    new = landed("new", 0, created_at=NOW + timedelta(hours=24))
    assert done(step(state_of(new))) == ("claim", new.content)


def test_a_card_without_a_time_zone_is_utc() -> None:
    assert landed("new", 1, created_at=datetime(2026, 11, 2)).created_at == datetime(2026, 11, 2, tzinfo=UTC)
