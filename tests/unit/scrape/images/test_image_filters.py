from dataclasses import dataclass

import pytest

from actorrec.scrape.images.filters import passes
from actorrec.scrape.protocols import Candidate
from actorrec.sections import ScrapeSection


@dataclass(frozen=True)
class Decoded:
    width_px: int
    height_px: int
    type: str = "jpg"


def offered(width: int | None = None, height: int | None = None, mime: str | None = None) -> Candidate:
    return Candidate(source="s", url="https://x.org/a", width_px=width, height_px=height, mime=mime)


def settings(**wanted: object) -> ScrapeSection:
    return ScrapeSection.model_validate({"min_side_px": 50, **wanted})


def test_what_a_source_does_not_say_passes() -> None:
    assert passes(offered(), settings(size="large", aspect="tall", types=("png",))) == ""
    assert passes(offered(width=900), settings(size="small", aspect="tall")) == ""
    assert passes(offered(0, 0), settings(size="large")) == ""  # some write 0 for unknown


@pytest.mark.parametrize(
    ("mime", "types", "reason"),
    [
        ("image/jpeg", ("jpg",), ""),
        ("image/pjpeg", ("jpg",), ""),
        ("IMAGE/JPEG; charset=binary", ("jpg",), ""),
        ("image/x-ms-bmp", ("bmp",), ""),
        ("image/tiff", ("jpg", "png"), "wrong-type"),
        ("image/svg+xml", ("jpg",), "wrong-type"),
        ("application/pdf", ("jpg",), "wrong-type"),
        ("text/html", ("jpg",), "wrong-type"),
    ],
)
def test_types_of_candidates(mime: str, types: tuple[str, ...], reason: str) -> None:
    assert passes(offered(mime=mime), settings(types=types)) == reason


def test_types_of_decoded_pictures() -> None:
    assert passes(Decoded(600, 500, "webp"), settings(types=("jpg",))) == "wrong-type"
    assert passes(Decoded(600, 500, "heic"), settings()) == "wrong-type"
    assert passes(Decoded(600, 500, "avif"), settings()) == ""


@pytest.mark.parametrize(("width", "height"), [(49, 600), (600, 49), (49, None), (None, 49)])
def test_too_small(width: int | None, height: int | None) -> None:
    assert passes(offered(width, height), settings()) == "too-small"
    assert passes(offered(width and width + 1, height and height + 1), settings()) == ""


@pytest.mark.parametrize(
    ("longer", "size"), [(399, "small"), (400, "medium"), (1024, "medium"), (1025, "large"), (9000, "large")]
)
def test_sizes_go_by_the_longer_side(longer: int, size: str) -> None:
    for other in ("small", "medium", "large"):
        expected = "" if other == size else "wrong-size"
        assert passes(Decoded(longer, 60), settings(size=other)) == expected
        assert passes(Decoded(60, longer), settings(size=other)) == expected


@pytest.mark.parametrize(
    ("width", "aspect"),
    [(799, "tall"), (800, "square"), (1199, "square"), (1200, "wide"), (1999, "wide"), (2000, "panoramic")],
)
def test_aspects_include_their_lower_limit(width: int, aspect: str) -> None:
    for other in ("tall", "square", "wide", "panoramic"):
        assert passes(Decoded(width, 1000), settings(aspect=other)) == ("" if other == aspect else "wrong-aspect")


def test_type_comes_before_size_and_size_before_aspect() -> None:
    wanted = settings(types=("png",), size="large", aspect="tall")
    assert passes(Decoded(10, 10, "jpg"), wanted) == "wrong-type"
    assert passes(Decoded(10, 10, "png"), wanted) == "too-small"
    assert passes(Decoded(100, 100, "png"), wanted) == "wrong-size"
    assert passes(Decoded(2000, 2000, "png"), wanted) == "wrong-aspect"
    assert passes(Decoded(1000, 2000, "png"), wanted) == ""
