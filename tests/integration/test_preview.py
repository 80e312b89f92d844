"""The live page on a real socket: who gets in, what comes out, and that nobody who watches can hold it up."""

import io
import json
import shutil
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from datetime import UTC, datetime
from http.client import HTTPConnection, HTTPResponse
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import numpy as np
import pytest
from PIL import Image

from actorrec.errors import ConfigError
from actorrec.inference.preview.preview import Preview
from actorrec.inference.preview.server import Patience
from actorrec.inference.tracking.sighting import TrackedFace
from actorrec.manifests.events import CameraHealth, HealthEvent, RunningModel, StepTime
from actorrec.sections.device import PreviewSection
from actorrec.types import BoundingBox, Face, Landmarks, Prediction, RecognisedFace, UInt8Image
from held_ports import held_port
from patience import PATIENCE_S, eventually

TOKEN = "the-token-of-this-test"
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
NAMES = {"Q1": "Zoë <b>Łuk</b>", "Q2": "Bea"}
UNHURRIED = Patience(head_s=10 * PATIENCE_S, send_s=10 * PATIENCE_S)
"""A machine that stands still for some seconds is no watcher who is too slow."""


def picture(level: int = 90) -> UInt8Image:
    return np.full((360, 640, 3), level, np.uint8)


def tracked(person: str | None, *, decided: bool = True) -> TrackedFace:
    face = Face(BoundingBox(60, 60, 160, 190), Landmarks(np.zeros((5, 2), np.float32)), 0.9)
    return TrackedFace(1, face, decided, Prediction(person, 0.6, 0.97, person), (), 0.0, 0.0, 3)


def health(**changes: Any) -> HealthEvent:
    now = datetime.now(UTC)
    values: dict[str, Any] = {
        "id": "1", "device": "pi-1", "at": now, "model": RunningModel(model_id="m-1", bundle="ab" * 32),
        "version": "0.1.0", "started_at": now, "frames": 10, "unreadable": 0, "failures": 0,
        "steps": {"detect": StepTime(p50=31.0, p95=40.0)}, "temperature_c": 61.5,
        "camera": CameraHealth(source="door camera", connected=True, fps=9.9, captured=1234),
    }  # fmt: skip
    return HealthEvent(**(values | changes))


class Visitor:
    """Asks a page with exactly the headers that it is told."""

    def __init__(self, preview: Preview) -> None:
        address = urlsplit(preview.url)
        self.port, self.base, self.first = address.port or 0, address.path, f"{address.path}?{address.query}"
        self.cookie = ""

    def ask(self, target: str, method: str = "GET", **headers: str | None) -> tuple[HTTPResponse, bytes]:
        """A header of None is left out."""
        connection = HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE_S)
        try:
            connection.putrequest(method, target, skip_host=True, skip_accept_encoding=True)
            sent: dict[str, str | None] = {"Host": f"127.0.0.1:{self.port}", "Cookie": self.cookie or None, **headers}
            for name, value in sent.items():
                if value is not None:
                    connection.putheader(name, value)
            connection.endheaders()
            answer = connection.getresponse()
            return answer, answer.read()
        finally:
            connection.close()

    def get(self, name: str) -> tuple[HTTPResponse, bytes]:
        return self.ask(self.base + name)

    def enter(self) -> "Visitor":
        """The first visit."""
        answer, _ = self.ask(self.first)
        assert answer.status == 303
        self.cookie = str(answer.getheader("Set-Cookie")).partition(";")[0]
        return self

    def state(self) -> Any:
        return json.loads(self.get("state")[1])

    def stream(self) -> "Stream":
        return Stream(self)

    def raw(self, data: bytes) -> bytes:
        """Whatever comes back on bytes that no library would send."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=PATIENCE_S) as link:
            with suppress(ConnectionError):  # who reads no more is not sent the rest
                link.sendall(data)
            return all_of(link)


class Stream:
    """One watcher, reading pictures as they come."""

    def __init__(self, visitor: Visitor) -> None:
        self.link = socket.create_connection(("127.0.0.1", visitor.port), timeout=PATIENCE_S)
        head = f"GET {visitor.base}stream HTTP/1.1\r\nHost: localhost\r\nCookie: {visitor.cookie}\r\n\r\n"
        self.link.sendall(head.encode())
        self._received = b""
        self.head = self._until(b"\r\n\r\n")

    def __enter__(self) -> "Stream":
        return self

    def __exit__(self, *_: object) -> None:
        self.link.close()

    def next(self, after: bytes = b"") -> bytes:
        """The next picture; one that stands for long is sent again, and ``after`` passes over that."""
        while True:
            part = self._until(b"\xff\xd9\r\n--frame\r\n")
            shown = part[part.index(b"\xff\xd8") : -len(b"\r\n--frame\r\n")]
            if shown != after:
                return shown

    def _until(self, mark: bytes) -> bytes:
        while mark not in self._received:
            chunk = self.link.recv(65536)
            if not chunk:
                raise EOFError(self._received[:100])
            self._received += chunk
        found, _, self._received = self._received.partition(mark)
        return found + mark


def all_of(link: socket.socket) -> bytes:
    received = b""
    try:
        while chunk := link.recv(65536):
            received += chunk
    except ConnectionResetError:
        pass
    return received


def page(fps: float = 5.0, port: int = 0, **options: Any) -> Preview:
    return Preview(PreviewSection(fps=fps, port=port), patience=UNHURRIED, **options)


@pytest.fixture
def preview() -> Iterator[Preview]:
    with page(fps=30, token=TOKEN) as running:
        yield running


@pytest.fixture
def visitor(preview: Preview) -> Visitor:
    return Visitor(preview).enter()


@pytest.fixture(scope="module")
def at_rest() -> Iterator[Visitor]:
    """Inside a page that no test changes."""
    with page(token=TOKEN) as running:
        yield Visitor(running).enter()


def test_loopback_alone_listens(preview: Preview) -> None:
    port = Visitor(preview).port
    lines = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    listening = [fields[1] for fields in lines if fields[3] == "0A" and fields[1].endswith(f":{port:04X}")]
    assert listening == [f"0100007F:{port:04X}"]


def test_the_token_leaves_the_address_and_a_cookie_stays(preview: Preview) -> None:
    visitor = Visitor(preview)
    answer, body = visitor.ask(visitor.first)
    assert (answer.status, answer.getheader("Location"), body) == (303, visitor.base, b"")
    cookie = str(answer.getheader("Set-Cookie"))
    assert cookie.endswith(f"; Path={visitor.base}; HttpOnly; SameSite=Strict")
    assert TOKEN not in cookie + str(answer.getheader("Location"))
    assert visitor.get("")[0].status == 403, "the path alone opens nothing"
    assert visitor.enter().get("")[0].status == 200
    assert visitor.enter().get("")[0].status == 200, "the address serves a second browser, too"


def test_who_follows_a_link_of_another_page_is_led_on_by_a_page_of_ours(preview: Preview) -> None:
    visitor = Visitor(preview)
    answer, _ = visitor.ask(visitor.first, **{"Sec-Fetch-Site": "cross-site"})
    assert (answer.status, answer.getheader("Refresh")) == (200, f"0; url={visitor.base}")
    assert str(answer.getheader("Set-Cookie")).endswith("SameSite=Strict")


def test_everything_the_page_needs_carries_the_headers(visitor: Visitor) -> None:
    for name in ("", "preview.css", "preview.js", "icon.svg", "state", "health", "nothing"):
        answer, body = visitor.get(name)
        assert answer.status == (404 if name == "nothing" else 200), name
        assert str(answer.getheader("Content-Security-Policy")).startswith("default-src 'none'; ")
        assert "unsafe" not in str(answer.getheader("Content-Security-Policy"))
        assert answer.getheader("X-Content-Type-Options") == "nosniff"
        assert answer.getheader("Referrer-Policy") == "no-referrer"
        assert answer.getheader("Cache-Control") == "no-store"
        assert answer.getheader("Cross-Origin-Resource-Policy") == "same-origin"
        assert answer.getheader("Access-Control-Allow-Origin") is None
        assert answer.getheader("Server") is None
        assert TOKEN.encode() not in body
    page = visitor.get("")[1].decode()
    assert "//" not in page and "style=" not in page and "onclick" not in page


def test_without_the_token_every_answer_is_the_same(preview: Preview) -> None:
    visitor = Visitor(preview)
    targets = [
        "/",
        visitor.base,
        visitor.base + "stream",
        visitor.base + "state",
        visitor.base + "nothing",
        "/favicon.ico",
    ]
    targets += [f"{visitor.base}?token={wrong}" for wrong in ("", TOKEN[:-1], TOKEN + "x", TOKEN.upper(), "x" * 900)]
    targets += [f"/?token={TOKEN}", f"{visitor.base}state?token={TOKEN}", f"//{TOKEN}", f"{visitor.base}../"]
    answers = [visitor.ask(target) for target in targets]
    answers += [visitor.ask(visitor.base, Cookie="actorrec_preview=" + "A" * 43)]
    assert {(answer.status, body) for answer, body in answers} == {(403, b"403 Forbidden\n")}
    heads = {tuple(name for name, _ in answer.getheaders()) for answer, _ in answers}
    assert len(heads) == 1
    assert not any(answer.getheader("Set-Cookie") for answer, _ in answers)


@pytest.mark.parametrize(
    "host", ["evil.example", "127.0.0.1.evil.example", "[::1]:{port}", "0.0.0.0:{port}", "localhost.:{port}", "", None]
)
def test_another_name_for_this_address_is_refused(at_rest: Visitor, host: str | None) -> None:
    host = None if host is None else host.format(port=at_rest.port)
    assert at_rest.ask(at_rest.base + "state", Host=host)[0].status == 403
    assert at_rest.ask(at_rest.first, Host=host)[0].status == 403


@pytest.mark.parametrize("host", ["localhost:{port}", "127.0.0.1", "localhost:8000"])
def test_the_end_of_a_tunnel_has_another_port(at_rest: Visitor, host: str) -> None:
    assert at_rest.ask(at_rest.base + "state", Host=host.format(port=at_rest.port))[0].status == 200


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "HEAD", "OPTIONS", "TRACE", "CONNECT", "MOVE", "get"])
def test_other_methods_are_refused(at_rest: Visitor, method: str) -> None:
    answer, _ = at_rest.ask(at_rest.base + "state", method)
    assert (answer.status, answer.getheader("Allow")) == (405, "GET")


@pytest.mark.parametrize(
    ("data", "status"),
    [
        (b"GET /" + b"a" * 20_000 + b" HTTP/1.1\r\n", b"414"),
        (b"GET /" + b"a" * 2_000_000, b"414"),
        (b"GET / HTTP/1.1\r\nA: " + b"b" * 20_000 + b"\r\n\r\n", b"431"),
        (b"GET / HTTP/1.1\r\n" + b"A: b\r\n" * 5_000 + b"\r\n", b"431"),
        (b"GET / HTTP/1.1\r\n" + b"A: b\r\n" * 150 + b"\r\n", b"431"),
        (b"GET / HTTP/9.9\r\nHost: localhost\r\n\r\n", b"505"),
        (b"GET / HTTP/1.1\r\nHost: localhost\r\nHost: localhost\r\n\r\n", b"403"),
        (b"GET / HTTP/1.1\r\n Host: localhost\r\n\r\n", b"403"),
    ],
    ids=["line", "endless", "header", "headers", "many", "version", "hosts", "folded"],
)  # fmt: skip
def test_requests_that_are_too_long_or_odd(at_rest: Visitor, data: bytes, status: bytes) -> None:
    assert at_rest.raw(data).split(None, 2)[1] == status


@pytest.mark.parametrize(
    "data", [b"\r\n\r\n", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\n\n", b"GET\r\n\r\n", b"\x00" * 50 + b"\n\n"]
)
def test_what_is_no_request_is_not_answered_with_a_page(at_rest: Visitor, data: bytes) -> None:
    assert b"200" not in at_rest.raw(data)[:50]
    assert at_rest.get("state")[0].status == 200


def test_who_is_too_slow_to_ask_is_cut_off_and_others_are_served() -> None:
    with Preview(PreviewSection(), token=TOKEN, patience=Patience(head_s=0.5)) as hurried:
        visitor = Visitor(hurried)
        with socket.create_connection(("127.0.0.1", visitor.port), timeout=0.1) as silent:
            eventually(lambda: is_cut_off(silent))  # one letter after the other holds no connection open
        eventually(lambda: answers(visitor))


def is_cut_off(link: socket.socket) -> bool:
    """Whether the other side has closed it; sends a letter more."""
    try:
        link.sendall(b"G")
        return link.recv(1) == b""
    except TimeoutError:
        return False
    except OSError:
        return True


def test_too_many_connections_are_turned_away_until_some_end(visitor: Visitor) -> None:
    with ExitStack() as held:

        def turned_away() -> bool:
            for _ in range(16):
                held.enter_context(socket.create_connection(("127.0.0.1", visitor.port), timeout=PATIENCE_S))
            with socket.create_connection(("127.0.0.1", visitor.port), timeout=PATIENCE_S) as one_more:
                return all_of(one_more).startswith(b"HTTP/1.0 503 ")

        eventually(turned_away)
    eventually(lambda: answers(visitor))


def answers(visitor: Visitor) -> bool:
    try:
        return visitor.ask(visitor.first)[0].status == 303
    except OSError:
        return False


def test_before_the_first_picture(visitor: Visitor) -> None:
    assert json.loads(visitor.get("health")[1]) is None
    state = visitor.state()
    assert (state["signal"], state["lost"], state["faces"], state["health"]) == (False, False, [], None)
    assert visitor.get("frame.jpg")[0].status == 503


def test_what_is_shown(visitor: Visitor, preview: Preview) -> None:
    tracks = [tracked("Q1"), tracked(None), tracked("Q2", decided=False)]
    preview.offer(picture(), tracks, NAMES.__getitem__)
    event = health()
    preview.tell(event)
    assert HealthEvent.model_validate_json(visitor.get("health")[1]) == event
    state = visitor.state()
    assert state["signal"] is True
    assert state["size_wh"] == [640, 360]
    assert [(face["kind"], face["label"]) for face in state["faces"]] == [
        ("named", "Zoë <b>Łuk</b> 97%"),
        ("unknown", "unknown"),
        ("undecided", "…"),
    ]
    answer, jpeg = eventually(lambda: drawn(visitor))
    assert (answer.getheader("Content-Type"), jpeg[:2]) == ("image/jpeg", b"\xff\xd8")


def drawn(visitor: Visitor) -> tuple[HTTPResponse, bytes] | None:
    """The picture, where it was drawn in the time that the page gives it."""
    answer, jpeg = visitor.get("frame.jpg")
    return (answer, jpeg) if answer.status == 200 else None


def test_a_picture_of_a_folder_is_shown_too(visitor: Visitor, preview: Preview) -> None:
    face = tracked("Q2")
    assert face.prediction is not None
    found = RecognisedFace(face.face, face.prediction, np.zeros(4, np.float32))
    preview.offer_picture(picture(), [found], NAMES.__getitem__)
    assert visitor.state()["faces"] == [{"kind": "named", "label": "Bea 97%"}]


def test_a_camera_that_is_lost_and_comes_back() -> None:
    troubles = ["camera: the cable is out"]
    with page(troubles=lambda: troubles) as preview:
        visitor = Visitor(preview).enter()
        preview.offer(picture(), [tracked("Q1")], str)
        preview.tell(health(camera=CameraHealth(source="door camera", connected=False)))
        state = visitor.state()
        assert (state["signal"], state["lost"], state["faces"]) == (False, True, [])
        assert state["trouble"] == ["camera: the cable is out"]
        assert visitor.get("frame.jpg")[0].status == 503, "an old picture is not shown as if it were new"
        troubles.clear()
        preview.offer(picture(), [], str)
        state = visitor.state()
        assert (state["signal"], state["lost"], state["trouble"]) == (True, False, [])


def test_two_watchers_see_the_same_pictures(visitor: Visitor, preview: Preview) -> None:
    preview.offer(picture(10), [], str)
    with visitor.stream() as one, visitor.stream() as other:
        assert b" 200 OK\r\n" in one.head and b"multipart/x-mixed-replace; boundary=frame" in one.head
        first = one.next()
        assert other.next() == first
        preview.offer(picture(200), [tracked("Q1")], NAMES.__getitem__)
        assert one.next(after=first) == other.next(after=first)


def test_the_newest_picture_wins_over_those_that_nobody_had_time_for() -> None:
    with page(fps=4) as preview, Visitor(preview).enter().stream() as stream:
        for level in range(240):
            preview.offer(picture(level), [], str)
        levels = [level_of(stream.next())]
        while levels[-1] != 239:
            levels.append(level_of(stream.next()))
        assert len(levels) < 60
        assert levels == sorted(levels)


def level_of(jpeg: bytes) -> int:
    with Image.open(io.BytesIO(jpeg)) as opened:
        return int(np.asarray(opened.convert("L"))[0, 0])


def test_a_fifth_stream_has_to_wait_and_the_page_still_answers(visitor: Visitor, preview: Preview) -> None:
    preview.offer(picture(), [], str)
    with ExitStack() as held:
        streams = [held.enter_context(visitor.stream()) for _ in range(4)]
        assert all(stream.next() for stream in streams)
        with visitor.stream() as fifth:
            assert b" 503 " in fifth.head
        assert visitor.get("state")[0].status == 200
        streams[0].link.close()
        eventually(lambda: b" 200 " in look_in(visitor))


def look_in(visitor: Visitor) -> bytes:
    with visitor.stream() as stream:
        return stream.head


def test_who_goes_away_in_mid_stream_is_noticed_and_drawing_ends(visitor: Visitor, preview: Preview) -> None:
    asked: list[float] = []

    def shown_name(person_id: str) -> str:
        asked.append(time.monotonic())
        return person_id

    with visitor.stream() as stream:
        preview.offer(picture(), [tracked("Q1")], shown_name)
        stream.next()

    def still() -> bool:
        before = len(asked)
        preview.offer(picture(), [tracked("Q1")], shown_name)
        time.sleep(0.1)
        return len(asked) == before

    eventually(still)


def test_a_watcher_who_does_not_read_holds_up_nobody(visitor: Visitor, preview: Preview) -> None:
    noise = np.random.default_rng(1).integers(0, 255, (720, 960, 3)).astype(np.uint8)
    with visitor.stream(), visitor.stream() as reading:
        for level in range(40):
            preview.offer(np.roll(noise, level, axis=0), [], str)
            assert len(reading.next()) > 100_000


def test_the_loop_ends_at_once_while_somebody_watches() -> None:
    before = set(threading.enumerate())
    with ExitStack() as held:
        with page(fps=30) as preview:
            visitor = Visitor(preview).enter()
            noise = np.random.default_rng(1).integers(0, 255, (720, 960, 3)).astype(np.uint8)
            stream = held.enter_context(visitor.stream())
            held.enter_context(visitor.stream())  # who does not read, and whom sending bears with for very long
            held.enter_context(socket.create_connection(("127.0.0.1", visitor.port), timeout=PATIENCE_S))
            for level in range(30):  # more than the buffers between here and there hold
                preview.offer(np.roll(noise, level, axis=0), [], str)
                stream.next()
        eventually(lambda: set(threading.enumerate()) <= before)
        with pytest.raises(OSError):
            socket.create_connection(("127.0.0.1", visitor.port), timeout=PATIENCE_S)


def test_a_port_that_is_taken_is_told() -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(ConfigError, match=f"port {port} is taken") as caught, Preview(PreviewSection(port=port)):
            pass
        assert "0 takes a free one" in caught.value.hint


def test_the_same_port_serves_the_next_run(request: pytest.FixtureRequest) -> None:
    port = held_port(request)
    with page(port=port) as preview:
        visitor = Visitor(preview).enter()
    with page(port=port) as preview:
        assert visitor.get("")[0].status == 403, "the cookie of another run opens nothing"
        assert Visitor(preview).enter().get("")[0].status == 200


def test_nothing_is_logged(visitor: Visitor, capfd: pytest.CaptureFixture[str]) -> None:
    visitor.get("")
    visitor.get("nothing")
    visitor.raw(b"GET /" + b"a" * 30_000)
    with visitor.stream():
        pass
    assert capfd.readouterr() == ("", "")


@pytest.mark.skipif(CHROMIUM is None, reason="chromium is not installed (Debian: apt-get install chromium)")
def test_a_browser_shows_it_and_has_nothing_to_complain_of() -> None:
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    arguments = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"]
    troubles: list[str] = []
    with playwright.sync_playwright() as running:
        browser = running.chromium.launch(executable_path=CHROMIUM, args=arguments)
        tab = browser.new_page(viewport={"width": 390, "height": 800})
        tab.set_default_timeout(PATIENCE_S * 1000)
        complaints: list[str] = []
        hosts: set[str] = set()
        tab.on("console", lambda message: complaints.append(f"{message.type}: {message.text}"))
        tab.on("pageerror", lambda error: complaints.append(str(error)))
        tab.on("request", lambda asked: hosts.add(urlsplit(asked.url).netloc))
        with page(token=TOKEN, troubles=lambda: troubles) as preview:
            preview.offer(picture(), [tracked("Q1"), tracked(None, decided=False)], NAMES.__getitem__)
            preview.tell(health())
            tab.route("http://mail.example/", lambda route: route.fulfill(body=f'<a href="{preview.url}">look</a>'))
            tab.goto("http://mail.example/")
            tab.click("a")
            tab.wait_for_selector("body[data-ready]")
            hosts.discard("mail.example")
            assert TOKEN not in tab.url
            eventually(lambda: tab.evaluate("document.getElementById('picture').naturalWidth") == 640)
            tab.locator("#status", has_text="live").wait_for(timeout=PATIENCE_S * 1000)
            assert tab.locator("#faces li").all_inner_texts() == ["Zoë <b>Łuk</b> 97%", "… not sure yet"]
            assert "61.5 °C" in tab.locator("#health").inner_text()
            assert tab.evaluate("document.documentElement.scrollWidth") <= 390, "nothing is wider than a phone"
            troubles.append("camera: <i>gone</i>")
            preview.no_signal()
            tab.locator("#status", has_text="no signal").wait_for(timeout=PATIENCE_S * 1000)
            assert tab.locator("#trouble li").all_inner_texts() == ["camera: <i>gone</i>"]
            preview.offer(picture(), [], str)
            tab.locator("#status", has_text="live").wait_for(timeout=PATIENCE_S * 1000)
            assert (complaints, hosts) == ([], {f"127.0.0.1:{Visitor(preview).port}"})
        tab.locator("#status", has_text="ended").wait_for(timeout=PATIENCE_S * 1000)
        browser.close()
