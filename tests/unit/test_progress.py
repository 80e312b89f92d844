import re

from actorrec.manifests.jobs import METRIC_LINE, METRIC_NAMES
from actorrec.progress import LogProgress, SilentProgress, metric_line


def test_a_step_says_how_it_began_and_how_it_ended() -> None:
    lines: list[str] = []
    with LogProgress(lines.append).step("embedding faces", 300, "faces") as step:
        step.advance(100)
        step.advance(200)
    assert lines[0] == "embedding faces: 0/300 faces"
    assert re.fullmatch(r"embedding faces: 300/300 faces in [\d.]+ s, [\d.]+ faces/s", lines[1])
    assert len(lines) == 2


def test_lines_on_the_way_have_rate_and_time_left() -> None:
    lines: list[str] = []
    with LogProgress(lines.append, every_s=0).step("copying", 4, "files") as step:
        for _ in range(4):
            step.advance()
    assert len(lines) == 5  # the last of the four is the end's own
    assert re.fullmatch(r"copying: 1/4 files, [\d.]+ files/s, .+ left", lines[1])


def test_an_unknown_total_has_no_time_left() -> None:
    lines: list[str] = []
    with LogProgress(lines.append, every_s=0).step("recognising", None, "pictures") as step:
        step.advance(2)
    assert lines[0] == "recognising: 0 pictures"
    assert re.fullmatch(r"recognising: 2 pictures, [\d.]+ pictures/s", lines[1])


def test_measures_are_said_once_an_epoch() -> None:
    lines: list[str] = []
    with LogProgress(lines.append).step("training the head", 2, "epochs") as step:
        step.measure(epoch=1, loss=0.4123456789, accuracy=0.5, val_loss=1e-7)
        step.measure(epoch=1, loss=0.3)
        step.measure(epoch=2, loss=0.25)
        step.measure(faces_per_s=10)  # without an epoch: as seldom as other lines
    said = [line for line in lines if line.startswith(METRIC_LINE)]
    assert said == ["metrics: epoch=1 loss=0.412346 accuracy=0.5 val_loss=1e-07", "metrics: epoch=2 loss=0.25"]
    assert all(name.split("=")[0] in METRIC_NAMES for line in said for name in line.split()[1:])


def test_measures_without_epochs_are_said_now_and_then() -> None:
    lines: list[str] = []
    with LogProgress(lines.append, every_s=0).step("embedding faces", 2, "faces") as step:
        step.measure(faces_per_s=12.5)
    assert metric_line({"faces_per_s": 12.5}) in lines


def test_a_step_that_fails_does_not_say_that_it_ended() -> None:
    lines: list[str] = []
    try:
        with LogProgress(lines.append).step("copying", 3, "files"):
            raise KeyError
    except KeyError:
        pass
    assert lines == ["copying: 0/3 files"]


def test_silence() -> None:
    with SilentProgress().step("anything", 3) as step:
        step.advance()
        step.measure(epoch=1, loss=0.5)
