"""The verdict on a trial, from executions and health messages alone."""

from datetime import UTC, datetime, timedelta

import pytest

from actorrec.greengrass.canary_judge import Bounds, DeviceTrial, Trial, judge
from actorrec.greengrass.health_counts import Counts, Heard, counts_of
from actorrec.manifests.events import HealthEvent, RunningModel, ShadowCount
from actorrec.sections.cloud import GreengrassSection

START = datetime(2026, 11, 23, 8, tzinfo=UTC)
NEW, OLD = "a" * 64, "b" * 64
BOUNDS = Bounds(time_s=1800, patience_s=1800, faces=50, disagreement=0.05, unreadable=0.05)


def after(minutes: float) -> datetime:
    return START + timedelta(minutes=minutes)


def heard(
    minutes: float, *, faces: int = 60, differ: int = 0, frames: int = 100, unreadable: int = 0, started: float = 1,
    shadow: str | None = OLD, device: str = "pi-1",
) -> Heard:  # fmt: skip
    count = None if shadow is None else ShadowCount(bundle=shadow, frames=frames, faces=faces, disagreements=differ)
    event = HealthEvent(
        id=f"{device}-{minutes}", device=device, at=after(minutes), model=RunningModel(model_id="m", bundle=NEW),
        version="1", started_at=after(started), frames=frames, unreadable=unreadable, failures=0, shadow=count,
    )  # fmt: skip
    return Heard(after(minutes), event)


def good(name: str = "pi-1", *messages: Heard) -> DeviceTrial:
    return DeviceTrial(name, "SUCCEEDED", after(1), heard=messages or (heard(30), heard(35)))


def trial(*devices: DeviceTrial, compared: str | None = OLD) -> Trial:
    return Trial(START, compared, devices)


def test_a_device_that_ran_long_enough_and_agrees_passes() -> None:
    verdict = judge(trial(good()), BOUNDS, after(36))
    assert (verdict.outcome, verdict.reasons, verdict.missing) == ("pass", (), ())
    assert (verdict.devices, verdict.counts.faces) == (1, 60)
    assert "0 of 60 faces" in verdict.told


@pytest.mark.parametrize("status", ["FAILED", "REJECTED", "TIMED_OUT", "CANCELED", "REMOVED"])
def test_an_execution_that_came_to_nothing_fails_at_once_with_its_reason(status: str) -> None:
    bad = DeviceTrial("pi-2", status, after(2), "no space left")
    verdict = judge(trial(good(), bad), BOUNDS, after(3))
    assert verdict.outcome == "fail"
    assert verdict.reasons[0].startswith("pi-2: ")
    assert verdict.reasons[0].endswith("no space left")


def test_a_device_that_is_off_has_failed_once_patience_is_over_counted_from_when_it_was_told() -> None:
    bounds, off = BOUNDS, "has not taken the deployment"
    for status, told in ((None, None), ("QUEUED", after(1))):
        device = DeviceTrial("pi-2", status, told)
        assert judge(trial(good(), device), bounds, after(29)).outcome == "wait"
        assert off in judge(trial(good(), device), bounds, after(32)).told
    late = DeviceTrial("pi-2", "QUEUED", after(31))
    assert judge(trial(good(), late), bounds, after(40)).outcome == "wait"
    assert off in judge(trial(good("pi-1", heard(30), heard(62)), late), bounds, after(62)).told


def test_what_is_missing_is_named() -> None:
    waiting = judge(
        trial(good("pi-1", heard(4, faces=10)), DeviceTrial("pi-2", "IN_PROGRESS", after(2))), BOUNDS, after(5)
    )
    assert waiting.outcome == "wait"
    assert waiting.missing == ("pi-2 is still to install it", "26 min more", "40 more faces of 50")


def test_a_pass_waits_for_every_device() -> None:
    late = DeviceTrial("pi-2", "SUCCEEDED", after(20), heard=(heard(35, device="pi-2"),))
    verdict = judge(trial(good(), late), BOUNDS, after(36))
    assert verdict.missing == ("14 min more",)


def test_no_health_at_all_fails_once_the_time_is_up_and_not_before() -> None:
    mute = DeviceTrial("pi-3", "SUCCEEDED", after(1))
    assert judge(trial(mute), BOUNDS, after(30)).outcome == "wait"
    verdict = judge(trial(mute), BOUNDS, after(32))
    assert (verdict.outcome, verdict.reasons) == ("fail", ("no health message from pi-3",))


def test_a_device_that_fell_silent_fails() -> None:
    verdict = judge(trial(good("pi-1", heard(5))), BOUNDS, after(40))
    assert verdict.reasons == ("no health message from pi-1 for 35 min",)


def test_a_device_that_is_off_fails_after_the_time() -> None:
    off = DeviceTrial("pi-4", "QUEUED", START)
    assert judge(trial(off), BOUNDS, after(29)).outcome == "wait"
    assert "pi-4: has not taken the deployment" in judge(trial(off), BOUNDS, after(31)).told
    assert judge(trial(DeviceTrial("pi-4", None)), BOUNDS, after(31)).outcome == "fail"


def test_a_slow_installation_is_waited_for() -> None:
    assert judge(trial(DeviceTrial("pi-4", "IN_PROGRESS", after(1))), BOUNDS, after(50)).outcome == "wait"


def test_disagreement_is_taken_over_all_devices() -> None:
    few = good("pi-2", heard(35, faces=2, differ=1, device="pi-2"))
    assert judge(trial(good(), few), BOUNDS, after(36)).outcome == "pass"  # 1 of 62
    verdict = judge(trial(good("pi-1", heard(35, differ=3)), few), BOUNDS, after(36))
    assert verdict.outcome == "fail"
    assert "differ on 4 of 62 faces (pi-1 3 of 60, pi-2 1 of 2)" in verdict.told


def test_it_fails_early_only_where_no_later_agreement_could_help() -> None:
    assert judge(trial(good("pi-1", heard(2, faces=4, differ=2))), BOUNDS, after(3)).outcome == "wait"
    assert judge(trial(good("pi-1", heard(2, faces=4, differ=3))), BOUNDS, after(3)).outcome == "fail"


def test_exactly_the_bound_passes() -> None:
    assert judge(trial(good("pi-1", heard(35, faces=60, differ=3))), BOUNDS, after(36)).outcome == "pass"
    assert judge(trial(good("pi-1", heard(35, faces=50))), BOUNDS, after(36)).outcome == "pass"
    assert judge(trial(good("pi-1", heard(35, frames=20, unreadable=1))), BOUNDS, after(36)).outcome == "pass"
    starts = [heard(35, started=minute, faces=20) for minute in range(1, 4)]
    assert judge(trial(good("pi-1", *starts)), BOUNDS, after(36)).outcome == "pass"


def test_a_reboot_an_hour_is_no_crash() -> None:
    daily = [heard(60 * hour + 5, started=60 * hour, faces=20) for hour in range(7)]
    assert judge(trial(good("pi-1", *daily)), BOUNDS, after(366)).outcome == "pass"


def test_without_an_earlier_model_no_faces_are_asked_for() -> None:
    alone = good("pi-1", heard(35, shadow=None))
    assert judge(trial(alone, compared=None), BOUNDS, after(36)).outcome == "pass"
    assert judge(trial(alone), BOUNDS, after(36)).missing == ("50 more faces of 50",)


def test_a_shadow_of_itself_or_of_a_third_model_proves_nothing() -> None:
    assert judge(trial(good("pi-1", heard(35, shadow=NEW))), BOUNDS, after(36)).outcome == "wait"
    verdict = judge(trial(good("pi-1", heard(35, differ=60, shadow="c" * 64))), BOUNDS, after(36))
    assert verdict.outcome == "wait"
    assert verdict.missing[1].startswith("pi-1 must compare with the model that the group has")


def test_one_device_that_says_it_saw_millions_does_not_outvote_another() -> None:
    loud = good("pi-1", heard(35, faces=10**9))
    quiet = good("pi-2", heard(35, differ=10, device="pi-2"))
    assert "pi-2 10 of 60" in judge(trial(loud, quiet), BOUNDS, after(36)).told


def test_numbers_that_cannot_be_shown_are_cut() -> None:
    verdict = judge(trial(good("pi-1", heard(35, faces=10**4299, frames=10**4299))), BOUNDS, after(36))
    assert verdict.outcome == "pass"
    assert len(verdict.told) < 200


def test_pictures_that_cannot_be_read_fail_once_there_are_enough() -> None:
    assert judge(trial(good("pi-1", heard(2, frames=10, unreadable=9))), BOUNDS, after(3)).outcome == "wait"
    verdict = judge(trial(good("pi-1", heard(2, frames=20, unreadable=2))), BOUNDS, after(3))
    assert verdict.reasons == ("pi-1: 2 of 20 pictures could not be read",)
    slow = good("pi-1", heard(35, frames=10, unreadable=9))
    assert judge(trial(slow), BOUNDS, after(36)).outcome == "fail"  # few, but the time is up


def test_a_program_that_starts_again_and_again_fails() -> None:
    crashing = good("pi-1", *(heard(minute, started=minute - 1, faces=1) for minute in range(3, 8)))
    assert "its program started 5 times" in judge(trial(crashing), BOUNDS, after(9)).told
    rebooted = good("pi-1", heard(3, started=1), heard(35, started=4))
    assert judge(trial(rebooted), BOUNDS, after(36)).outcome == "pass"


def test_a_trial_of_nobody_never_passes() -> None:
    assert judge(trial(compared=None), BOUNDS, after(99)).outcome == "wait"


def test_counts_begin_anew_with_each_start_and_late_messages_take_nothing_away() -> None:
    first, second = heard(5, frames=50, faces=20, differ=2), heard(9, frames=10, faces=4, started=6)
    earlier = heard(4, frames=40, faces=15, differ=1)
    assert counts_of([first, second, earlier]) == Counts(2, 60, 0, 0, 24, 2)
    assert counts_of([]) == Counts()
    assert counts_of([heard(5, shadow=NEW)]).faces == 0  # a model agrees with itself


def test_bounds_leave_time_for_health_messages_that_come_seldom() -> None:
    bounds = Bounds.of(GreengrassSection(canary_minutes=1, health_s=600))
    assert (bounds.time_s, bounds.patience_s) == (60, 1800)
