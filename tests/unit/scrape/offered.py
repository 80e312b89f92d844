"""Sources and a fetcher in memory, for tests of what goes on between them."""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from actorrec.artifacts.local import LocalStore
from actorrec.config import Config
from actorrec.errors import ItemError
from actorrec.manifests.dataset import Person
from actorrec.manifests.images import ListedPerson, ScrapedImage
from actorrec.rights.takedown import Takedown
from actorrec.scrape.journal import Decision, Journal
from actorrec.scrape.offers import Offers
from actorrec.scrape.older import OlderEdition
from actorrec.scrape.outage import Outage
from actorrec.scrape.protocols import Candidate, Download, Fetcher, ImageSource, Page
from actorrec.scrape.search import Tools
from actorrec.scrape.work import WorkFolder
from bad_pictures import encoded

Offer = str | Exception


def listed(person_id: str = "Q1", name: str = "Ann Lee", rank: int = 1) -> ListedPerson:
    """A person on a list."""
    return ListedPerson(
        person=Person(person_id=person_id, name=name), rank=rank, source="test", listed_at=datetime.now(UTC)
    )


def blots(seed: int, *, side_px: int = 120) -> bytes:
    """A JPEG unlike that of any other seed."""
    colours = np.random.default_rng(seed).integers(0, 256, (8, 8, 3), dtype=np.uint8)
    image = Image.fromarray(colours).resize((side_px, side_px), Image.Resampling.BICUBIC)
    return encoded(np.asarray(image), "JPEG", quality=90)


@dataclass
class ListedImages:
    """A source that offers addresses in order; an exception in their place is raised.

    Attributes:
        asked: How many offers were taken.
    """

    name: str
    offers: Sequence[Offer | Candidate]
    asked: int = 0

    async def candidates(self, listed: ListedPerson) -> AsyncIterator[Candidate]:
        del listed
        for offer in self.offers:
            if isinstance(offer, Exception):
                raise offer
            self.asked += 1
            yield offer if isinstance(offer, Candidate) else Candidate(self.name, offer)


@dataclass
class MemoryFetcher:
    """Answers from memory: bytes, or an error, each after its delay.

    Attributes:
        asked: Addresses, in order.
        most_at_once: How many downloads ran at once.
    """

    files: Mapping[str, bytes | Exception]
    delays_s: Mapping[str, float] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    running: int = 0
    most_at_once: int = 0

    async def page(self, url: str, **_: Any) -> Page:
        raise ItemError("http-404", url)

    async def download(self, url: str, to: Path, *, headers: Mapping[str, str] | None = None) -> Download:
        del headers
        self.asked.append(url)
        self.running += 1
        self.most_at_once = max(self.most_at_once, self.running)
        try:
            await asyncio.sleep(self.delays_s.get(url, 0))
        finally:
            self.running -= 1
        data = self.files.get(url, ItemError("http-404", url))
        if isinstance(data, Exception):
            raise data
        to.write_bytes(data)
        return Download(to, url, len(data), hashlib.sha256(data).hexdigest(), "image/jpeg", etag='"1"')

    async def stream_lines(self, url: str) -> AsyncIterator[bytes]:
        raise ItemError("http-404", url)
        yield b""


def gone(number: int, reason: str, *, source: str = "commons") -> Decision:
    """A candidate that was not taken."""
    return Decision(url=f"https://a.org/{number}", source=source, reason=reason)


def taken(number: int, *, source: str = "commons") -> Decision:
    """A candidate that was taken as the picture of that number."""
    image = ScrapedImage(
        file=f"Ann_Q1/Ann_{number:04d}.jpg",
        person_id="Q1",
        source=source,
        url=f"https://a.org/{number}",
        width_px=3,
        height_px=2,
        bytes=1,
        sha256=f"{number:064x}",
        source_sha256="0" * 64,
        phash="0" * 16,
        fetched_at=datetime(2026, 1, 1, tzinfo=UTC),
    )
    return Decision(url=image.url, source=source, image=image, colours="00" * 432)


@contextmanager
def tools_for(
    folder: Path, sources: Sequence[ImageSource], fetcher: Fetcher, *, asked: int, takedown: Takedown | None = None
) -> Iterator[Tools]:
    """What a search needs, in a folder."""
    (folder / "work").mkdir(exist_ok=True)
    outage = Outage()
    with ThreadPoolExecutor(1) as examiner:
        yield Tools(
            config=Config.model_validate({"scrape": {"images": asked}}),
            journal=Journal(LocalStore(folder / "store"), "images/abcd"),
            fetcher=fetcher,
            offers=Offers(sources, outage),
            takedown=takedown or Takedown(),
            older=OlderEdition(LocalStore(folder / "store"), None),
            work=WorkFolder(folder / "work"),
            examiner=examiner,
            outage=outage,
        )
