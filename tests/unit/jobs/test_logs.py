"""Lines of a log: every one once, whatever the pages look like."""

import random
from typing import Any

import pytest

from actorrec.jobs.logs import Cursor, measures

GROUP, STREAM = "/aws/sagemaker/TrainingJobs", "actorrec-x/algo-2-1700000000"


def page(token: str, *events: tuple[int, str]) -> dict[str, Any]:
    return {"events": [{"timestamp": at, "message": text} for at, text in events], "nextForwardToken": token}


def texts(cursor: Cursor) -> list[str]:
    found = [line.text for line in cursor.pending]
    cursor.pending.clear()
    return found


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("metrics: epoch=3 loss=0.41", {"epoch": 3.0, "loss": 0.41}),
        ("  metrics: epoch=1e-3  val_loss=-2\n", {"epoch": 0.001, "val_loss": -2.0}),
        ("metrics:", {}),
        ("metrics: epoch", {}), ("metrics: epoch=", {}), ("metrics: =3", {}), ("metrics: epoch=3 loss=high", {}),
        ("metrics: epoch=3, loss=2", {}), ("metrics: a b=3", {}), ("metrics: 3=3", {}),
        ("the metrics: epoch=3", {}), ("Metrics: epoch=3", {}), ("", {}), ("error: metrics: loss=1", {}),
    ],
)  # fmt: skip
def test_measures_are_read_off_their_lines_alone(line: str, found: dict[str, float]) -> None:
    assert measures(line) == found


def test_the_host_is_in_the_stream_s_name() -> None:
    assert Cursor(GROUP, STREAM).host == "algo-2"
    assert Cursor(GROUP, "actorrec-x/strange").host == "actorrec-x/strange"


def test_pages_are_read_until_the_token_stays() -> None:
    cursor = Cursor(GROUP, STREAM)
    first = {"logGroupName": GROUP, "logStreamName": STREAM, "startFromHead": True, "startTime": 0}
    assert cursor.request() == first
    assert cursor.take(page("f/2", (1, "a"), (1, "b")))
    assert cursor.request()["nextToken"] == "f/2" and "startTime" not in cursor.request()
    assert cursor.take(page("f/2~"))  # empty, and more behind it
    assert cursor.take(page("f/3", (2, "c")))
    assert not cursor.take(page("f/3"))
    assert texts(cursor) == ["a", "b", "c"]
    assert not cursor.take(page("f/3"))
    assert cursor.take(page("f/4", (2, "d"))) and texts(cursor) == ["d"]


def test_after_a_token_that_is_too_old_it_goes_on_from_the_last_moment() -> None:
    cursor = Cursor(GROUP, STREAM)
    cursor.take(page("f/3", (1, "a"), (7, "b"), (7, "c")))
    cursor.begin_again()
    assert cursor.request()["startTime"] == 7 and "nextToken" not in cursor.request()
    cursor.take(page("f/9", (7, "b"), (7, "c"), (7, "d"), (8, "e")))
    assert texts(cursor) == ["a", "b", "c", "d", "e"]
    cursor.begin_again()
    cursor.take(page("f/10", (8, "e"), (9, "f")))
    cursor.begin_again()  # and again at once
    cursor.begin_again()
    cursor.take(page("f/11", (9, "f")))
    cursor.take(page("f/12", (9, "g")))
    assert texts(cursor) == ["f", "g"]


@pytest.mark.parametrize("seed", range(20))
def test_every_line_once_whatever_happens(seed: int) -> None:
    rng = random.Random(seed)
    at = 0
    written = [(at := at + rng.choice([0, 0, 1, 5]), f"line {number}") for number in range(60)]
    cursor, position, there = Cursor(GROUP, STREAM), 0, 0
    while there < len(written) or position < there:
        there = min(len(written), there + rng.randrange(4))
        if rng.random() < 0.2:
            cursor.begin_again()
        asked = cursor.request()
        start = asked.get("nextToken")
        position = int(start) if start else sum(moment < asked["startTime"] for moment, _ in written)
        last = min(there, position + rng.randrange(1, 4))
        cursor.take(page(str(last), *written[position:last]))
        position = last
    assert texts(cursor) == [text for _, text in written]


def test_lines_come_without_secrets_and_with_their_indent() -> None:
    cursor = Cursor(GROUP, STREAM)
    cursor.take(page("f/1", (1, '    raise Error("x")\n'), (1, "AWS_SECRET_ACCESS_KEY=abcd \x1b[2J"), (1, "")))
    first, second, third = texts(cursor)
    assert first == '    raise Error("x")' and "abcd" not in second and "\x1b" not in second and third == ""
