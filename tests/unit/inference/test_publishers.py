"""A publisher that fails harms nobody, is told of once, and its losses are counted."""

import errno
import io
import sys
from typing import Self

import pytest

from actorrec.errors import RemoteError
from actorrec.inference.publishers import FanOut, StdoutPublisher
from actorrec.inference.troubles import Troubles


class Recording:
    """Keeps what it is handed, or fails as it is told to."""

    def __init__(self, name: str = "a recording") -> None:
        self.name, self.taken, self.opened = name, list[tuple[str, bytes]](), 0
        self.failing: Exception | None = None

    def __enter__(self) -> Self:
        self.opened += 1
        return self

    def __exit__(self, *_: object) -> None:
        self.opened -= 1

    def publish(self, topic: str, payload: bytes) -> None:
        if self.failing is not None:
            raise self.failing
        self.taken.append((topic, payload))


@pytest.fixture
def said() -> list[str]:
    return []


def test_no_publisher_at_all(said: list[str]) -> None:
    with FanOut([], Troubles(said.append)) as out:
        out.publish("a", b"{}")
    assert said == []


def test_every_message_goes_to_every_publisher_and_they_are_let_go(said: list[str]) -> None:
    one, two = Recording("one"), Recording("two")
    with FanOut([one, two], Troubles(said.append)) as out:
        out.publish("a/b", b"{}")
        assert (one.opened, two.opened) == (1, 1)
    assert one.taken == two.taken == [("a/b", b"{}")]
    assert (one.opened, two.opened, out.lost, said) == (0, 0, 0, [])


@pytest.mark.parametrize("failure", [RemoteError("gone", hint="wait"), OSError(errno.ENOSPC, "No space left")])
def test_a_failure_is_told_when_it_begins_and_when_it_ends_and_the_others_get_all(
    failure: Exception, said: list[str]
) -> None:
    bad, good = Recording("the bad one"), Recording()
    troubles = Troubles(said.append)
    with FanOut([bad, good], troubles) as out:
        out.publish("a", b"1")
        bad.failing = failure
        for _ in range(3):
            out.publish("a", b"2")
        assert len(said) == len(troubles.lines) == 1
        assert "the bad one: messages are lost: " in said[0]
        bad.failing = None
        out.publish("a", b"3")
    assert (out.lost, len(good.taken), bad.taken) == (3, 5, [("a", b"1"), ("a", b"3")])
    assert said[1:] == ["the bad one: in order again"]
    assert troubles.lines == []


class OnlySome(Recording):
    """Refuses some topics, and names the one in the reason, as a nucleus does."""

    def __init__(self, *refused: str) -> None:
        super().__init__("some topics")
        self.refused = refused

    def publish(self, topic: str, payload: bytes) -> None:
        if topic in self.refused:
            raise RemoteError(f"refused to publish to {topic}")


@pytest.mark.parametrize(
    ("refused", "told"),
    [(("a", "a/health"), "a"), (("a",), "a"), (("a/health",), "a/health"), (("a/model",), "a/model")],
    ids=["both", "detections", "health", "model"],
)
def test_a_place_that_refuses_some_topics_is_told_of_once(refused: tuple[str, ...], told: str, said: list[str]) -> None:
    place = OnlySome(*refused)
    with FanOut([place], Troubles(said.append)) as out:
        out.publish("a/model", b"1")
        for _ in range(5):
            out.publish("a", b"1")
            out.publish("a/health", b"1")
        assert said[0] == f"some topics: messages are lost: refused to publish to {told}"
        assert said[1:] == (["some topics: in order again"] if told == "a/model" else [])
        place.refused = ()
        out.publish("elsewhere", b"1")
        out.publish("elsewhere/health", b"1")
    assert said[1:] == ["some topics: in order again"]


def test_a_mistake_of_a_library_is_a_lost_message(said: list[str]) -> None:
    one, two = Recording("one"), Recording("two")
    one.failing = ValueError("embedded null byte")
    with FanOut([one, two], Troubles(said.append)) as out:
        out.publish("a", b"{}")
    assert (out.lost, two.taken) == (1, [("a", b"{}")])
    assert said == ["one: messages are lost: ValueError: embedded null byte"]


def test_nobody_reading_any_more_is_an_end(said: list[str]) -> None:
    gone = Recording()
    gone.failing = BrokenPipeError()
    with FanOut([gone], Troubles(said.append)) as out, pytest.raises(BrokenPipeError):
        out.publish("a", b"{}")


def test_standard_output_gets_one_line_each(capsys: pytest.CaptureFixture[str]) -> None:
    with StdoutPublisher() as out:
        out.publish("a", '{"name":"Zoë"}'.encode())
        out.publish("b", b"{}")
    assert capsys.readouterr().out == '{"name":"Zoë"}\n{}\n'


def test_troubles_are_few_and_short(said: list[str]) -> None:
    troubles = Troubles(said.append)
    for index in range(50):
        troubles.begin(f"thing {index}", "xä" * 5000 + "\udce9")
    assert len(troubles.lines) == 10
    assert max(len(line.encode()) for line in troubles.lines) == 300


def test_what_a_publisher_tells_of_its_place_by_itself_stays_until_it_says_otherwise(said: list[str]) -> None:
    troubles = Troubles(said.append)
    with FanOut([Recording("the broker")], troubles) as out:
        troubles.begin("the broker", "the broker: away; messages wait")
        out.publish("a", b"1")
    assert troubles.lines == ["the broker: away; messages wait"]
    assert said == ["the broker: away; messages wait"]


def test_standard_output_is_utf_8_whatever_the_locale_says(monkeypatch: pytest.MonkeyPatch) -> None:
    written = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(written, encoding="ascii"))
    with StdoutPublisher() as out:
        out.publish("a", '{"name": "Gödel…"}'.encode())
    assert written.getvalue().decode() == '{"name": "Gödel…"}\n'
