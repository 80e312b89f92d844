"""What comes and goes all the time is not told all the time."""

from actorrec.inference.troubles import Troubles


class Clock:
    now_s = 1000.0

    def __call__(self) -> float:
        return self.now_s


def test_a_camera_that_comes_and_goes_for_a_day_fills_no_log() -> None:
    clock, said = Clock(), list[str]()
    troubles = Troubles(said.append, clock=clock)
    for round_ in range(24 * 3600 // 12):
        troubles.begin("the camera", "door.lan: the camera has ended the stream; it is tried again in 1 s")
        assert len(troubles.lines) == 1, round_
        clock.now_s += 2
        troubles.end("the camera")
        assert troubles.lines == []
        clock.now_s += 10
    assert 300 < len(said) < 330
    assert sum("comes and goes" in line for line in said[:29]) == 0
    assert all("comes and goes" in line for line in said[31:])
    troubles.begin("the disk", "the disk: full")
    assert said[-1] == "the disk: full"
    clock.now_s += 86_400
    troubles.begin("the camera", "lost")
    assert said[-1] == "lost"


def test_things_without_number_take_no_memory() -> None:
    said = list[str]()
    troubles = Troubles(said.append)
    for index in range(2000):
        troubles.begin(f"thing {index}", "wrong")
        troubles.end(f"thing {index}")
    assert len(said) == 4000 and len(troubles._left) <= 256
