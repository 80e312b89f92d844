"""Requests from a network: what is none is counted, and nothing outside the folder is looked at."""

import json
import os
import socket
import threading
from pathlib import Path

import pytest

from actorrec.errors import ItemError
from actorrec.inference.sending.requests import MAX_REQUEST_BYTES, Requests
from actorrec.inference.troubles import Troubles
from actorrec.vision.decode import read_bytes

TOPIC = "a/request"


@pytest.fixture
def said() -> list[str]:
    return []


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with pictures, beside one that nobody may ask for."""
    (tmp_path / "shared" / "door").mkdir(parents=True)
    (tmp_path / "shared" / "door" / "1.jpg").write_bytes(b"picture")
    (tmp_path / "secret").mkdir()
    (tmp_path / "secret" / "2.jpg").write_bytes(b"picture")
    return tmp_path / "shared"


def message(picture: object, **more: object) -> bytes:
    return json.dumps({"picture": picture, **more}).encode()


def test_nothing_is_due_before_anything_came(folder: Path, said: list[str]) -> None:
    assert Requests(folder, Troubles(said.append)).due() == []


def test_a_picture_of_the_folder_is_due_once(folder: Path, said: list[str]) -> None:
    requests = Requests(folder, Troubles(said.append))
    requests.take(TOPIC, message("door/1.jpg", request="7"))
    requests.take(TOPIC, message("door/1.jpg"))
    requests.take(TOPIC, message("door/1.jpg", request="7"))  # a broker brought it twice
    (first,) = requests.due()
    (second,) = requests.due()
    assert (first.request, second.request) == ("7", "")
    assert first.picture.path == (folder / "door" / "1.jpg").resolve()
    assert (first.picture.name, first.picture.error) == ("door/1.jpg", "")
    assert requests.due() == []
    assert said == []


def test_what_is_no_file_of_the_folder_is_answered_with_the_reason(folder: Path, said: list[str]) -> None:
    (folder / "out").symlink_to(folder.parent / "secret")
    (folder / "out.jpg").symlink_to(folder.parent / "secret" / "2.jpg")
    (folder / "loop.jpg").symlink_to("loop.jpg")
    (folder / "in.jpg").symlink_to("door/1.jpg")
    os.mkfifo(folder / "pipe.jpg")
    requests = Requests(folder, Troubles(said.append))
    with socket.socket(socket.AF_UNIX) as bound:
        bound.bind(str(folder / "s.jpg"))
    (folder / "dangling.jpg").symlink_to(folder.parent / "secret" / "gone.jpg")
    names = [
        "out/2.jpg",
        "out.jpg",
        "out/gone.jpg",
        "dangling.jpg",
        "loop.jpg",
        "pipe.jpg",
        "s.jpg",
        "door",
        "gone.jpg",
        "door/1.jpg/x",
    ]
    names += ["a" * 300, "a\x00b", "in.jpg"]
    for name in names:
        requests.take(TOPIC, message(name))
    *bad, good = requests.due(99)
    assert [asked.picture.name for asked in bad] == names[:-1]
    assert [asked.picture.path for asked in bad] == [None] * len(bad)
    outside = "leads out of the folder that pictures may be asked for in"
    assert [asked.picture.error for asked in bad[:4]] == [outside] * 4
    assert [asked.picture.error for asked in bad[5:8]] == ["is not a file"] * 3
    assert all(asked.picture.error for asked in bad)
    assert not any(str(folder.parent) in asked.picture.error for asked in bad)
    assert good.picture.path == (folder / "door" / "1.jpg").resolve()


@pytest.mark.parametrize("swapped", ["door/1.jpg", "door"])
def test_what_becomes_a_link_before_it_is_read_is_not_followed(folder: Path, swapped: str, said: list[str]) -> None:
    requests = Requests(folder, Troubles(said.append))
    requests.take(TOPIC, message("door/1.jpg"))
    (asked,) = requests.due()
    picture = asked.picture
    assert picture.path is not None
    assert read_bytes(picture.path, max_bytes=99, beneath=picture.beneath) == b"picture"
    (folder.parent / "secret" / "1.jpg").write_bytes(b"secret")
    (folder / swapped).rename(folder.parent / "aside")
    (folder / swapped).symlink_to(folder.parent / "secret" / ("1.jpg" if "." in swapped else ""))
    with pytest.raises(ItemError) as caught:
        read_bytes(picture.path, max_bytes=99, beneath=picture.beneath)
    assert caught.value.reason == "unreadable"


def test_a_folder_that_is_gone_is_a_reason_and_one_that_is_a_link_serves(folder: Path, said: list[str]) -> None:
    link = folder.parent / "link"
    link.symlink_to(folder)
    for where, found in ((link, True), (folder.parent / "gone", False)):
        requests = Requests(where, Troubles(said.append))
        requests.take(TOPIC, message("door/1.jpg"))
        (asked,) = requests.due()
        assert (asked.picture.path is not None) == found


NO_REQUESTS = [
    b"", b"door/1.jpg", b"[]", b"{}", b"{", b"\xff", b"[" * 4000, message(""), message(None),
    message("/etc/passwd"), message("../secret/2.jpg"), message("door/../../secret/2.jpg"), message("./door"),
    message("door\\1.jpg"), message("door/1.jpg", request="x" * 65), message("door/1.jpg", request=7),
    message("door/1.jpg", extra=1), message("x" * 401), b'{"picture": "\\ud800.jpg"}', message("a" * 4096),
    b'{"picture": "door/1.jpg", "request": "' + b" " * MAX_REQUEST_BYTES + b'"}',
]  # fmt: skip


@pytest.mark.parametrize("payload", NO_REQUESTS, ids=[str(number) for number in range(len(NO_REQUESTS))])
def test_what_is_no_request_is_counted(payload: bytes, folder: Path, said: list[str]) -> None:
    requests = Requests(folder, Troubles(said.append))
    requests.take(TOPIC, payload)
    assert requests.due() == []
    assert requests.refused == 1
    assert said == ["requests on a/request: 1 were none, 0 gave way to newer ones"]


def test_a_flood_is_bounded_told_once_a_minute_and_over_after_one(folder: Path, said: list[str]) -> None:
    now_s = 0.0
    requests = Requests(folder, Troubles(said.append), max_waiting=3, clock=lambda: now_s)

    def flood() -> None:
        for number in range(1000):
            requests.take(TOPIC, b"nonsense" if number % 2 else message("door/1.jpg", request=str(number)))

    threads = [threading.Thread(target=flood) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(said) == 1
    assert requests.refused == 1000
    due = [asked.request for asked in requests.due(99)]
    assert len(due) == 3
    assert due[-1] == "998"
    assert requests.dropped > 400
    now_s = 59.0
    requests.due()
    requests.take(TOPIC, b"nonsense")
    assert len(said) == 1
    now_s = 61.0
    requests.take(TOPIC, b"nonsense")
    assert "1002 were none" in said[1]
    now_s = 120.0
    requests.due()
    assert len(said) == 2
    now_s = 121.0
    requests.due()
    requests.due()
    assert said[2:] == ["requests: in order again"]
