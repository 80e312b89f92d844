"""The parts of TMDB's version 3 that have to do with pictures of people, with invented ones."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from sites.server import Asked, Reply, Site, as_json

PER_PAGE = 20
V3_KEY = "0123456789abcdef0123456789abcdef"
V4_TOKEN = "eyJhbGciOiJIUzI1NiJ9.invented.signature"


@dataclass(frozen=True, slots=True)
class TmdbPerson:
    """Somebody with so many portraits and marked pictures."""

    number: int
    name: str
    imdb: str = ""
    profiles: int = 0
    tagged: int = 0


@dataclass
class TmdbImagesSite:
    """Answers below ``/3/``.

    Attributes:
        edit: Changes every good answer before it is sent.
        tagged_pictures: False: as if that part had been taken away.
    """

    people: list[TmdbPerson] = field(default_factory=list)
    base: str = ""
    tagged_pictures: bool = True
    edit: Callable[[dict[str, Any]], None] = lambda answer: None

    def join(self, site: Site) -> None:
        """Answer on a site."""
        self.base = site.url
        site.routes["/3/*"] = self.answer

    def answer(self, asked: Asked) -> Reply:
        """Answer one request."""
        token = asked.headers.get("authorization")
        if asked.query.get("api_key") != V3_KEY and token != f"Bearer {V4_TOKEN}":
            refused = "Invalid API key: You must be granted a valid key."
            return as_json({"status_code": 7, "status_message": refused, "success": False}, 401)
        good = self._good(asked, asked.path.removeprefix("/3/").split("/"))
        if good is None:
            gone = "The resource you requested could not be found."
            return as_json({"success": False, "status_code": 34, "status_message": gone}, 404)
        self.edit(good)
        return as_json(good)

    def _good(self, asked: Asked, parts: list[str]) -> dict[str, Any] | None:
        match parts:
            case ["configuration"]:
                sizes = ["w45", "w185", "h632", "original"]
                base = f"{self.base}/t/p/"
                return {
                    "images": {"base_url": base, "secure_base_url": base, "profile_sizes": sizes},
                    "change_keys": [],
                }
            case ["find", imdb]:
                assert asked.query["external_source"] == "imdb_id"
                found = [_shown(person) for person in self.people if person.imdb == imdb]
                return {"movie_results": [], "person_results": found, "tv_results": []}
            case ["search", "person"]:
                query = asked.query["query"].casefold()
                found = [_shown(person) for person in self.people if query in person.name.casefold()]
                return {"page": 1, "results": found, "total_pages": 1, "total_results": len(found)}
        person = next((p for p in self.people if str(p.number) == parts[1]), None)
        if person is None:
            return None
        if parts[2] == "images":
            return {"id": person.number, "profiles": [_picture("p", person, n) for n in range(person.profiles)]}
        return self._tagged(person, int(asked.query.get("page", "1"))) if self.tagged_pictures else None

    def _tagged(self, person: TmdbPerson, page: int) -> dict[str, Any]:
        here = range((page - 1) * PER_PAGE, min(page * PER_PAGE, person.tagged))
        results = [
            _picture("t", person, n)
            | {"image_type": "backdrop", "media_type": "movie", "media": {"id": 1, "title": "X"}}
            for n in here
        ]
        pages = max(1, -(-person.tagged // PER_PAGE))
        return {
            "id": person.number,
            "page": page,
            "results": results,
            "total_pages": pages,
            "total_results": person.tagged,
        }


def _shown(person: TmdbPerson) -> dict[str, Any]:
    return {
        "adult": False,
        "gender": 1,
        "id": person.number,
        "name": person.name,
        "known_for": [],
        "known_for_department": "Acting",
        "popularity": 12.3,
    }


def _picture(kind: str, person: TmdbPerson, number: int) -> dict[str, Any]:
    return {
        "aspect_ratio": 0.667,
        "height": 1500,
        "width": 1000,
        "iso_639_1": None,
        "file_path": f"/{kind}{person.number}x{number}.jpg",
        "vote_average": 5.3,
        "vote_count": 4,
    }
