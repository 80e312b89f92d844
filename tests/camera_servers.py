"""Cameras on the loopback address and as programs: MJPEG over HTTP, RTSP, a Raspberry Pi's, and films."""

import contextlib
import os
import socket
import struct
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np

from actorrec.types import UInt8Image
from held_ports import held_port

RED, GREEN, BLUE = (230, 20, 20), (20, 210, 20), (20, 20, 230)
BOUNDARY = b"frame"
HEADERS = b"HTTP/1.0 200 OK\r\nContent-Type: multipart/x-mixed-replace; boundary=frame\r\n\r\n"


def scene(colour: tuple[int, int, int], width_px: int = 64, height_px: int = 48) -> UInt8Image:
    """A picture of one colour, its left half dark."""
    pixels = np.full((height_px, width_px, 3), colour, np.uint8)
    pixels[:, : width_px // 2] //= 4
    return pixels


def jpeg(pixels: UInt8Image) -> bytes:
    """RGB as a baseline JPEG, 4:2:0."""
    return bytes(cv2.imencode(".jpg", cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR))[1])


def part(picture: bytes, *, with_length: bool = True) -> bytes:
    """A part of the stream."""
    length = b"Content-Length: %d\r\n" % len(picture) if with_length else b""
    return b"--" + BOUNDARY + b"\r\nContent-Type: image/jpeg\r\n" + length + b"\r\n" + picture + b"\r\n"


def is_colour(pixels: UInt8Image, colour: tuple[int, int, int]) -> bool:
    """Whether the right half is of that colour, as codecs leave it, and the left one darker."""
    right = pixels[:, pixels.shape[1] * 3 // 4].mean(axis=0)
    left = pixels[:, pixels.shape[1] // 4].mean(axis=0)
    return bool(np.abs(right - np.array(colour)).max() < 25 and left.sum() < right.sum() / 2)


@dataclass
class Wire:
    """One connection to a camera.

    Attributes:
        count: Of connections so far, this one included.
        request: Its request lines and headers, as they came.
    """

    socket: socket.socket
    count: int
    stopped: threading.Event
    request: bytes = b""

    def send(self, data: bytes) -> None:
        """Raw bytes."""
        self.socket.sendall(data)

    def wait(self, seconds: float) -> None:
        """Wait, or end where the camera is switched off."""
        if self.stopped.wait(seconds):
            raise ConnectionAbortedError

    def hang(self) -> None:
        """Send nothing any more, until the camera is switched off."""
        self.wait(3600)

    def read_request(self) -> bytes:
        """Up to the empty line; empty where the client has gone."""
        request = b""
        while not request.endswith(b"\r\n\r\n"):
            data = self.socket.recv(1)
            if not data:
                return b""
            request += data
        self.request = request
        return request

    def stream(self, pictures: Sequence[bytes], *, every_s: float = 0.02, times: int = 10_000) -> None:
        """Send pictures, again and again."""
        for _ in range(times):
            for each in pictures:
                self.send(part(each))
                self.wait(every_s)


Play = Callable[[Wire], None]


@dataclass
class CameraServer:
    """A camera on the loopback address, which can be switched off and on.

    Attributes:
        play: What it does with a connection.
        requests: First lines and headers of what it was asked.
    """

    play: Play
    scheme: str = "http"
    port: int = 0
    requests: list[bytes] = field(default_factory=list)
    connections: int = 0
    _listener: socket.socket | None = None
    _stopped: threading.Event = field(default_factory=threading.Event)
    _threads: list[threading.Thread] = field(default_factory=list)
    _open: list[socket.socket] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"{self.scheme}://127.0.0.1:{self.port}/live"

    def on(self) -> None:
        """Listen; on the port that it had before."""
        self._stopped = threading.Event()
        self.port = self.port or held_port(self)
        self._listener = socket.create_server(("127.0.0.1", self.port))
        self._run(self._accept, self._listener, self._stopped)

    def off(self) -> None:
        """All connections end, and nothing listens."""
        self._stopped.set()
        if self._listener is not None:
            with contextlib.suppress(OSError):
                self._listener.shutdown(socket.SHUT_RDWR)
            self._listener.close()
        for each in self._open:
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(10)
        self._threads.clear()
        self._open.clear()

    def _run(self, work: Callable[..., None], *given: object) -> None:
        thread = threading.Thread(target=work, args=given, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self, listener: socket.socket, stopped: threading.Event) -> None:
        with contextlib.suppress(OSError):
            while not stopped.is_set():
                connection, _ = listener.accept()
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                self._open.append(connection)
                self.connections += 1
                self._run(self._serve, Wire(connection, self.connections, stopped))

    def _serve(self, wire: Wire) -> None:
        with wire.socket, contextlib.suppress(OSError):
            if self.scheme == "http":
                self.requests.append(wire.read_request())
            self.play(wire)


@contextmanager
def camera_server(play: Play, scheme: str = "http") -> Iterator[CameraServer]:
    """A camera that is on."""
    server = CameraServer(play, scheme)
    server.on()
    try:
        yield server
    finally:
        server.off()


def mjpeg(*pictures: UInt8Image, every_s: float = 0.02) -> Play:
    """Sends pictures for ever."""
    encoded = [jpeg(each) for each in pictures]

    def play(wire: Wire) -> None:
        wire.send(HEADERS)
        wire.stream(encoded, every_s=every_s)

    return play


def rtsp(*pictures: UInt8Image, every_s: float = 0.02, then: Play = Wire.hang, times: int = 10_000) -> Play:
    """RTSP (RFC 2326) over one connection, with JPEG by RTP (RFC 2435)."""
    encoded = [jpeg(each) for each in pictures]

    def play(wire: Wire) -> None:
        while request := wire.read_request():
            method, sequence = request.split(b" ")[0], _header(request, b"CSeq")
            wire.send(_rtsp_reply(method, sequence, request.split(b" ")[1]))
            if method == b"PLAY":
                break
        index = 0
        for _ in range(times if wire.request else 0):
            for picture in encoded:
                index += 1
                for packet in _rtp_packets(picture, index, every_s):
                    wire.send(packet)
                wire.wait(every_s)
        then(wire)

    return play


def _header(request: bytes, name: bytes) -> bytes:
    return next((line.split(b":", 1)[1].strip() for line in request.split(b"\r\n") if line.startswith(name)), b"")


def _rtsp_reply(method: bytes, sequence: bytes, url: bytes) -> bytes:
    head = b"RTSP/1.0 200 OK\r\nCSeq: " + sequence + b"\r\n"
    if method == b"OPTIONS":
        return head + b"Public: DESCRIBE, SETUP, PLAY, TEARDOWN\r\n\r\n"
    if method == b"DESCRIBE":
        body = b"v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=x\r\nt=0 0\r\nm=video 0 RTP/AVP 26\r\na=control:track1\r\n"
        length = b"%d" % len(body)
        return head + b"Content-Type: application/sdp\r\nContent-Length: " + length + b"\r\n\r\n" + body
    if method == b"SETUP":
        return head + b"Transport: RTP/AVP/TCP;unicast;interleaved=0-1\r\nSession: 1\r\n\r\n"
    return head + b"Session: 1\r\n\r\n"


def _rtp_packets(picture: bytes, index: int, every_s: float) -> Iterator[bytes]:
    """One picture as RTP packets in the frames of an RTSP connection (RFC 2326, section 10.12)."""
    tables, width, height, scan = _jpeg_parts(picture)
    stamp = int(index * max(every_s, 0.01) * 90_000)
    for offset in range(0, len(scan), 1200):
        chunk = scan[offset : offset + 1200]
        last = offset + len(chunk) == len(scan)
        header = struct.pack("!B3sBBBB", 0, offset.to_bytes(3, "big"), 1, 255, width // 8, height // 8)
        if offset == 0:
            header += struct.pack("!BBH", 0, 0, len(tables)) + tables
        sequence = (index * 100 + offset // 1200) & 0xFFFF
        rtp = struct.pack("!BBHII", 0x80, 26 | (0x80 if last else 0), sequence, stamp & 0xFFFFFFFF, 1)
        body = rtp + header + chunk
        yield b"$\x00" + struct.pack("!H", len(body)) + body


def _jpeg_parts(picture: bytes) -> tuple[bytes, int, int, bytes]:
    """Quantisation tables, width, height and the scan of a baseline JPEG."""
    at, tables, width, height = 2, b"", 0, 0
    while True:
        marker, length = picture[at + 1], int.from_bytes(picture[at + 2 : at + 4], "big")
        body = picture[at + 4 : at + 2 + length]
        if marker == 0xDB:
            tables += b"".join(body[start + 1 : start + 65] for start in range(0, len(body), 65))
        if marker == 0xC0:
            height, width = struct.unpack("!HH", body[1:5])
        at += 2 + length
        if marker == 0xDA:
            return tables, width, height, picture[at:-2]


def write_film(path: Path, pictures: Sequence[UInt8Image], fps: float = 25.0, codec: str = "MJPG") -> Path:
    """A film of pictures of one size."""
    height, width = pictures[0].shape[:2]
    writer = cv2.VideoWriter(str(path), cv2.CAP_FFMPEG, cv2.VideoWriter.fourcc(*codec), fps, (width, height))
    assert writer.isOpened()
    for each in pictures:
        writer.write(cv2.cvtColor(each, cv2.COLOR_RGB2BGR))
    writer.release()
    return path


_FAKE_RPICAM = r'''#!{python}
"""What rpicam-vid writes, without a camera."""
import json, os, sys, time
from pathlib import Path

plan = json.loads(Path({plan!r}).read_text())
runs = Path({runs!r})
run = len(runs.read_text().splitlines()) if runs.exists() else 0
with runs.open("a") as file:
    file.write(json.dumps([os.getpid(), sys.argv[1:]]) + "\n")
plan = plan[min(run, len(plan) - 1)]
sys.stderr.write(plan.get("stderr", ""))
sys.stderr.flush()
if plan.get("ignore_sigterm"):
    import signal
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
width, height = plan.get("size") or [int(sys.argv[sys.argv.index(each) + 1]) for each in ("--width", "--height")]
def plane(value, left, width, height):
    return (bytes([left]) * (width // 2) + bytes([value]) * (width - width // 2)) * height
frame = plane(plan["y"], 10, width, height)
frame += plane(plan["u"], 128, width // 2, height // 2) + plane(plan["v"], 128, width // 2, height // 2)
for _ in range(plan.get("frames", 100000)):
    sys.stdout.buffer.write(frame)
    sys.stdout.buffer.flush()
    time.sleep(plan.get("every_s", 0.02))
sys.stdout.buffer.write(frame[: plan.get("rest", 0)])
sys.stdout.buffer.flush()
if plan.get("hang"):
    time.sleep(3600)
sys.exit(plan.get("exit", 0))
'''
# Of RED and BLUE, as JPEG has them: BT.601, all of 0 to 255.
RED_YUV, BLUE_YUV = {"y": 83, "u": 93, "v": 233}, {"y": 44, "u": 233, "v": 111}
ACQUIRE_FAILED = (
    "[0:19:06.419783286] [2746]  INFO Camera camera.cpp:839 Pipeline handler in use by another process\n"
    "ERROR: *** failed to acquire camera /base/soc/i2c0mux/i2c@1/ov5647@36 ***\n"
)
NO_CAMERAS = "ERROR: *** no cameras available ***\n"


def plan_rpicam(folder: Path, plans: Sequence[Mapping[str, object]]) -> Path:
    """Have the program act otherwise from its next run on; the file of the plans."""
    import json

    plan, beside = folder / "plan.json", folder / "plan.new"
    beside.write_text(json.dumps([{**RED_YUV, **each} for each in plans]))
    return beside.replace(plan)


def fake_rpicam(folder: Path, plans: Sequence[Mapping[str, object]], program: str = "rpicam-vid") -> Path:
    """A program that acts as rpicam-vid, once for each plan and then as the last one says; the file of its runs.

    A plan: frames, every_s, y, u, v, size, stderr, rest (bytes of a last frame), hang, exit, ignore_sigterm.
    """
    import sys

    folder.mkdir(exist_ok=True)
    plan, runs = plan_rpicam(folder, plans), folder / "runs.jsonl"
    script = folder / program
    script.write_text(_FAKE_RPICAM.format(python=sys.executable, plan=str(plan), runs=str(runs)))
    script.chmod(0o755)
    return runs


def is_running(pid: int) -> bool:
    """Whether there is a process of this number, zombies included."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True
