"""Where pictures come from, what may be done with them, and who looks at them."""

from pathlib import Path
from typing import Literal

from pydantic import Field, SecretStr

from actorrec.sections.base import Section


class ScrapeSection(Section):
    """Who and what ``scrape`` brings.

    ``people`` and ``images_from`` name sources: ``wikidata``, ``imdb``, ``imdb-datasets``, ``tmdb``, ``file``; and
    ``commons``, ``tmdb``, ``ddgs``, ``folder``, ``urls``. What a source reads is written behind a colon
    (``file:names.txt``, ``folder:photos``, ``urls:pictures.csv``, ``imdb:chart.html``).
    """

    top: int = Field(default=100, ge=1, le=10_000)
    images: int = Field(default=100, ge=1, le=10_000)
    people: str = "wikidata"
    cast_of: str | None = None
    images_from: tuple[str, ...] = ("commons",)
    types: tuple[Literal["jpg", "png", "webp", "gif", "bmp", "tiff", "avif"], ...] = (
        "jpg",
        "png",
        "webp",
        "gif",
        "bmp",
        "tiff",
        "avif",
    )
    size: Literal["any", "small", "medium", "large"] = "any"
    aspect: Literal["any", "tall", "square", "wide", "panoramic"] = "any"
    min_side_px: int = Field(default=100, ge=1)
    near_duplicate_bits: int = Field(default=6, ge=0, le=32)


class FetchSection(Section):
    """Manners and limits of every request.

    ``contact`` (an address or page of yours) stands in the User-Agent. ``host_rates`` are ``host=requests per second``;
    other hosts get ``rate_per_s``. ``allow_addresses`` are networks that may be reached though they are not public.
    ``robots_exempt`` are beginnings of addresses of documented programming interfaces, whose own terms, not
    robots.txt, say who may ask.
    """

    contact: str = ""
    rate_per_s: float = Field(default=5.0, gt=0)
    host_rates: tuple[str, ...] = ()
    connections: int = Field(default=16, ge=1, le=256)
    connections_per_host: int = Field(default=4, ge=1, le=64)
    timeout_s: float = Field(default=60.0, gt=0)  # Wikidata may think for so long before it begins to answer
    deadline_s: float = Field(default=120.0, gt=0)
    attempts: int = Field(default=5, ge=1, le=20)
    max_wait_s: float = Field(default=120.0, ge=0)
    max_redirects: int = Field(default=5, ge=0, le=20)
    max_bytes: int = Field(default=32 * 2**20, ge=1024)
    max_page_bytes: int = Field(default=16 * 2**20, ge=1024)
    max_pixels: int = Field(default=80_000_000, ge=1)
    allow_addresses: tuple[str, ...] = ()
    robots_exempt: tuple[str, ...] = (
        "https://query.wikidata.org/sparql",
        "https://www.wikidata.org/w/api.php",
        "https://commons.wikimedia.org/w/api.php",
        "https://api.themoviedb.org/3/",
    )
    cache_dir: Path | None = None
    ca_file: Path | None = None


class SourcesSection(Section):
    """Where the sources live, so that a move of theirs is a change of settings; and keys."""

    wikidata_sparql_url: str = "https://query.wikidata.org/sparql"
    wikidata_api_url: str = "https://www.wikidata.org/w/api.php"
    commons_api_url: str = "https://commons.wikimedia.org/w/api.php"
    commons_width_px: Literal[330, 500, 960, 1280, 1920] = 960
    tmdb_url: str = "https://api.themoviedb.org/3"
    tmdb_key: SecretStr = SecretStr("")
    imdb_graphql_url: str = "https://api.graphql.imdb.com/"
    imdb_url: str = "https://www.imdb.com"
    imdb_chart_path: str = "/chart/starmeter/"
    imdb_search_path: str = "/search/name/"
    imdb_datasets_url: str = "https://datasets.imdbws.com"


class RightsSection(Section):
    """What may be used. ``takedown`` is a file of people, addresses and digests that are left out everywhere."""

    allow_restricted: bool = False
    takedown: Path | None = None


class UnknownsSection(Section):
    """Whether ``infer`` keeps the faces it does not know, for ``review`` to show; bounded, oldest dropped first."""

    keep: bool = False
    max_faces: int = Field(default=500, ge=1, le=100_000)
    max_age_days: float = Field(default=30.0, gt=0)
    min_face_px: float = Field(default=40.0, ge=12)


class ReviewSection(Section):
    """The page. Port 0 takes a free one."""

    port: int = Field(default=0, ge=0, le=65535)
