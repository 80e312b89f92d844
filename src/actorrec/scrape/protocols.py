"""The three seams of scraping: who lists people, who offers pictures, who fetches.

Everything that goes over a network goes through one ``Fetcher``; sources only parse.
"""

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from actorrec.manifests.images import ListedPerson


@dataclass(frozen=True, slots=True)
class Page:
    """An answer of a programming interface or a page, whole in memory.

    Attributes:
        url: Where it finally came from.
        headers: Lower-case names.
        body: Decoded (gzip undone), at most ``fetch.max_page_bytes``.
    """

    url: str
    status: int
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Download:
    """A file that was fetched.

    Attributes:
        sha256: Of the bytes on disk.
        etag: Validator, if the server gave one; so is ``last_modified``.
    """

    path: Path
    url: str
    bytes: int
    sha256: str
    content_type: str
    etag: str | None = None
    last_modified: str | None = None


class Fetcher(Protocol):
    """Polite, bounded requests; see ``scrape.fetch.client``."""

    async def page(
        self,
        url: str,
        *,
        params: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        json: Any = None,
        ok: frozenset[int] = frozenset({200}),
    ) -> Page:
        """Fetch a page or the answer of a programming interface; POST where ``json`` is given.

        Args:
            ok: Statuses that are answers; every other final status is an error. A source that must see a challenge
                (202, 403) names it here.

        Raises:
            ItemError: With a reason slug, when it cannot be had after all attempts.
        """
        ...

    async def download(self, url: str, to: Path, *, headers: Mapping[str, str] | None = None) -> Download:
        """Stream a file to disk, at most ``fetch.max_bytes``; nothing is left at ``to`` on failure.

        Raises:
            ItemError: With a reason slug, when it cannot be had after all attempts.
        """
        ...

    def stream_lines(self, url: str) -> AsyncIterator[bytes]:
        """Lines of a large text file, gunzipped on the way where its name ends in ``.gz``; never whole in memory.

        Raises:
            ItemError: With a reason slug.
        """
        ...


@dataclass(frozen=True, slots=True)
class Candidate:
    """A picture that a source offers; not fetched yet.

    Attributes:
        source: Name of the source.
        url: What to fetch; for a picture on this machine, its name in the user's folder, and ``path`` says where.
        licence: As the source calls it; see ``ScrapedImage``.
        width_px: What the source says of it, to pass over the wrong ones unfetched; None where it says nothing. The
            original's size where a smaller copy is fetched.
        by_name: A name alone says whom it shows; of no use where two people of the list share that name.
        path: A file of the user's own.
        headers: Extra request headers.
    """

    source: str
    url: str
    page: str | None = None
    licence: str = "unknown"
    licence_url: str | None = None
    author: str | None = None
    width_px: int | None = None
    height_px: int | None = None
    mime: str | None = None
    by_name: bool = False
    path: Path | None = None
    headers: Mapping[str, str] = field(default_factory=dict)


class PeopleSource(Protocol):
    """Lists actors."""

    name: str

    async def people(self, top: int) -> list[ListedPerson]:
        """The first ``top`` actors, ranked 1, 2, …; whole or not at all.

        Raises:
            SourceError: If the source answers in a shape that is not known, or refuses; names the source, the field
                and the alternatives.
            ConfigError: If a key, contact or file is missing or wrong.
        """
        ...


class ImageSource(Protocol):
    """Offers pictures of a person."""

    name: str

    def candidates(self, listed: ListedPerson) -> AsyncIterator[Candidate]:
        """Pictures of a person, best first, in an order that is the same in every run; more pages only on demand.

        Raises:
            SourceError: As ``PeopleSource.people``.
            ItemError: When one answer about this person cannot be had.
        """
        ...
