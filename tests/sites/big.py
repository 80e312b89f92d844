"""A site of many people and pictures, with faults, manners of its own and a log; a process of its own.

    python -m sites.big '{"people": 6, "wanted": 12}' REQUESTS_PER_S

It prints its address. What comes faster than allowed is answered 429.
``/log`` gives every request; pictures are made on demand, always the same ones.
"""

import argparse
import asyncio
import io
import json
import os
import subprocess
import sys
import time
import urllib.request
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from patience import PATIENCE_S
from sites.faults import Plan

NAMES = ("Zoë Krauß", "李小龙", "Фёдор Шаляпин", "श्रीदेवी कपूर", "Ann O'Neill", "Peter Smith", "nguyễn thị ánh", "Nil")
SECRET_NOTE = "52.5200 N, 13.4050 E"
TESTS = Path(__file__).resolve().parents[1]


# -- what tests and benchmarks call ------------------------------------------------------------------------------------


@dataclass
class BigSite:
    """A running big site."""

    url: str
    plan: Plan
    rate_per_s: float

    def log(self) -> dict[str, Any]:
        """``requests``: time_s, path and status of each, in order; ``trapped``: connections that should not be."""
        direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with direct.open(f"{self.url}/log", timeout=PATIENCE_S) as answer:
            found: dict[str, Any] = json.load(answer)
        return found

    def hold_after(self, requests: int | None) -> None:
        """Answer so many more requests and let the others wait; None: answer all, those that wait too."""
        direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        direct.open(f"{self.url}/hold/{-1 if requests is None else requests}", timeout=PATIENCE_S).close()

    def settings(self, folder: Path) -> dict[str, dict[str, Any]]:
        """Settings that scrape all of this site; writes the lists that they name into a folder."""
        people, *images_from = self._write_lists(folder)
        plan = self.plan
        return {
            "scrape": {"people": people, "images_from": images_from, "top": plan.people, "images": plan.wanted},
            "fetch": {
                "allow_addresses": ["127.0.0.1/32"],
                "rate_per_s": self.rate_per_s,
                "cache_dir": str(folder / "cache"),
            },
        }

    def _write_lists(self, folder: Path) -> tuple[str, str, str]:
        """A source of people and two of pictures: every third person's run out in the first and go on in the second."""
        names = "".join(f"{person_name(person)},p{person:03d}\n" for person in range(self.plan.people))
        (folder / "names.csv").write_text("name,id\n" + names, encoding="utf-8")
        lists = {"first": ["person,url,page,licence,author"], "second": ["person,url,page,licence,author"]}
        for person in range(self.plan.people):
            for index in range(self.plan.offered):
                late = person % 3 == 0 and index >= self.plan.wanted // 2
                path = self.plan.path(person, index)
                row = f"p{person:03d},{self.url}{path},{self.url}/page/{person}/{index // 2},CC BY 4.0,Somebody"
                lists["second" if late else "first"].append(row)
        for name, rows in lists.items():
            (folder / f"{name}.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")
        return f"file:{folder / 'names.csv'}", f"urls:{folder / 'first.csv'}", f"urls:{folder / 'second.csv'}"


@contextmanager
def big_site(plan: Plan, *, rate_per_s: float) -> Iterator[BigSite]:
    """Run the site until the block ends."""
    command = [sys.executable, "-m", "sites.big", json.dumps(asdict(plan)), str(rate_per_s)]
    environ = {**os.environ, "PYTHONPATH": str(TESTS)}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environ) as process:
        try:
            assert process.stdout is not None
            yield BigSite(process.stdout.readline().strip(), plan, rate_per_s)
        finally:
            process.kill()


def person_name(person: int) -> str:
    """Of any script; two people may share one."""
    return NAMES[person % len(NAMES)]


# -- the process -------------------------------------------------------------------------------------------------------


def picture(plan: Plan, person: int, index: int, *, scale: float = 1.0) -> bytes:
    """The file of a candidate: soft blots of colour, different for each; some carry notes, some lie on their side."""
    import numpy as np
    from PIL import Image

    dice = np.random.default_rng([plan.seed, person, index])
    blots = Image.fromarray(dice.integers(0, 256, (9, 9, 3), dtype=np.uint8))
    width, height = (200 + int(dice.integers(0, 120)), 160 + int(dice.integers(0, 120)))
    image = blots.resize((int(width * scale), int(height * scale)), Image.Resampling.BICUBIC)
    out = io.BytesIO()
    if index % 20 == 7 and scale == 1:
        image.save(out, "PNG", compress_level=1)
        return out.getvalue()
    notes = Image.Exif()
    if index % 10 == 3:
        notes[0x010E] = SECRET_NOTE
    if index % 25 == 4:
        notes[0x0112] = 6
        image = image.transpose(Image.Transpose.ROTATE_90)
    image.save(out, "JPEG", quality=60 if scale != 1 else 85, **({"exif": notes} if notes else {}))
    return out.getvalue()


@dataclass
class _Reply:
    status: int
    body: bytes
    headers: dict[str, str] = field(default_factory=dict)
    announced: int | None = None


class _Server:
    def __init__(self, plan: Plan, rate_per_s: float) -> None:
        self._plan, self._rate_per_s = plan, rate_per_s
        self._by_path = {plan.path(p, i): (p, i) for p in range(plan.people) for i in range(plan.offered)}
        self._asked: set[str] = set()
        self._recent: deque[float] = deque()
        self._requests: list[tuple[float, str, int]] = []
        self._trapped = 0
        self._left = -1  # to be answered; below 0, all
        self._answering = asyncio.Event()
        self._answering.set()
        self.trap_port = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while (head := await reader.readuntil(b"\r\n\r\n")) and await self._answer(head, writer):
                pass
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    async def trap(self, _reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._trapped += 1
        writer.close()

    async def _answer(self, head: bytes, writer: asyncio.StreamWriter) -> bool:
        path = head.split(b" ", 2)[1].decode()
        if path == "/log":
            reply = _Reply(200, json.dumps({"requests": self._requests, "trapped": self._trapped}).encode())
        elif path.startswith("/hold/"):
            reply = self._hold(int(path.removeprefix("/hold/")))
        else:
            reply = self._reply(path)
            self._requests.append((time.time(), path, reply.status))
            await self._answering.wait()
            if self._left > 0:
                self._left -= 1
                self._hold(self._left)
        length = len(reply.body) if reply.announced is None else reply.announced
        lines = [f"HTTP/1.1 {reply.status} -", f"Content-Length: {length}", *map(": ".join, reply.headers.items())]
        writer.write("\r\n".join(lines).encode() + b"\r\n\r\n" + reply.body)
        await writer.drain()
        return reply.announced is None

    def _hold(self, left: int) -> _Reply:
        self._left = left
        (self._answering.clear if left == 0 else self._answering.set)()
        return _Reply(200, b"")

    def _reply(self, path: str) -> _Reply:
        now = time.monotonic()
        while self._recent and now - self._recent[0] >= 1:
            self._recent.popleft()
        if len(self._recent) >= self._rate_per_s:
            return _Reply(429, b"too fast", {"Retry-After": "1"})
        self._recent.append(now)
        if path == "/robots.txt":
            return _Reply(200, b"User-agent: *\nDisallow: /private/\n", {"Content-Type": "text/plain"})
        if path not in self._by_path:
            return _Reply(404, b"no such page")
        return self._candidate(path)

    def _candidate(self, path: str) -> _Reply:
        person, index = self._by_path[path]
        kind = self._plan.kind(person, index)
        first = path not in self._asked
        self._asked.add(path)
        image = {"Content-Type": "image/jpeg", "ETag": f'"{person}-{index}"'}
        match kind:
            case "busy" if first:
                return _Reply(429, b"busy", {"Retry-After": "1"})
            case "failing" if first:
                return _Reply(503, b"failing")
            case "gone":
                return _Reply(404, b"gone")
            case "html":
                return _Reply(200, b"<!DOCTYPE html><title>Log in</title>" * 40, image)
            case "private":
                hosts = ("169.254.169.254", "10.0.0.1", f"127.0.0.2:{self.trap_port}")
                return _Reply(302, b"", {"Location": f"http://{hosts[index % 3]}/latest/{person}/{index}.jpg"})
            case "copy":
                return _Reply(200, picture(self._plan, person, self._plan.original(person, index)), image)
            case "resized":
                small = picture(self._plan, person, self._plan.original(person, index), scale=0.7)
                return _Reply(200, small, image)
        body = picture(self._plan, person, index)
        if kind == "cut":
            return _Reply(200, body[: len(body) // 2], image)
        return _Reply(200, body, image) if kind != "broken-off" else _Reply(200, body[:500], image, len(body))


async def main() -> None:
    """Serve until killed."""
    parser = argparse.ArgumentParser()
    parser.add_argument("plan", type=json.loads)
    parser.add_argument("rate_per_s", type=float)
    given = parser.parse_args()
    server = _Server(Plan(**given.plan), given.rate_per_s)
    trap = await asyncio.start_server(server.trap, "127.0.0.2", 0)
    server.trap_port = trap.sockets[0].getsockname()[1]
    site = await asyncio.start_server(server.serve, "127.0.0.1", 0)
    print(f"http://127.0.0.1:{site.sockets[0].getsockname()[1]}", flush=True)
    async with trap, site:
        await site.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())
