"""What a running loop counts, in memory that does not grow."""

from actorrec.inference.health import Health
from actorrec.manifests.events import StepTime
from actorrec.manifests.results import Timings


def test_nothing_has_happened_yet() -> None:
    health = Health()
    assert (health.frames, health.percentile_ms(50), health.percentile_ms(95), health.steps) == (0, None, None, {})


def test_each_step_has_the_times_that_it_was_taken() -> None:
    health = Health()
    for ms in range(1, 21):
        health.looked_frame({"change": 0.5, "detect": float(ms)})
    health.looked_frame({"change": 0.5, "follow": 2.0}, detected=False)
    assert health.steps == {
        "change": StepTime(p50=0.5, p95=0.5),
        "detect": StepTime(p50=10.0, p95=19.0),  # nearest rank of 1 … 20
        "follow": StepTime(p50=2.0, p95=2.0),
    }
    assert (health.frames, health.detections, health.unchanged) == (21, 20, 0)
    assert list(health.steps) == ["change", "follow", "detect"], "in the order of a look"


def test_a_step_that_was_not_taken_has_no_time() -> None:
    health = Health()
    health.looked(Timings(decode=4.0, detect=6.0))
    assert set(health.steps) == {"decode", "detect"}
    assert health.percentile_ms(50) == 10.0


def test_frames_in_which_there_was_nothing_to_do_hide_no_look() -> None:
    health = Health()
    for _ in range(300):
        health.looked_frame({"change": 0.2}, changed=False, detected=False)
    health.looked_frame({"change": 0.2, "detect": 40.0, "embed": 20.0}, changed=False, detected=True)
    health.looked_frame({"change": 0.2, "follow": 1.0}, changed=True, detected=False)
    assert (health.frames, health.unchanged, health.detections) == (302, 301, 1)
    assert (health.percentile_ms(50), health.percentile_ms(95)) == (1.2, 60.2)


def test_only_the_last_pictures_count_for_the_times() -> None:
    health = Health()
    for _ in range(10_000):
        health.looked(Timings(decode=9.0))
    for _ in range(600):
        health.looked(Timings(decode=1.0))
    assert (health.frames, health.percentile_ms(95), len(health.last_ms)) == (10_600, 1.0, 512)
    assert health.steps == {"decode": StepTime(p50=1.0, p95=1.0)}


def test_names_of_steps_that_are_made_up_do_not_fill_the_memory() -> None:
    health = Health()
    for number in range(1000):
        health.looked_frame({f"step {number}": 1.0})
    assert len(health.steps) == 12


def test_what_could_not_be_read_has_no_time() -> None:
    health = Health()
    health.could_not_read()
    assert (health.frames, health.unreadable, health.percentile_ms(50)) == (1, 1, None)
