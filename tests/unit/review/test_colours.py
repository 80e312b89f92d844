"""What the page writes can be read, in the light and in the dark: WCAG 2.2 asks for a contrast of 4.5."""

import re
from pathlib import Path

import pytest

import actorrec.review

STYLE = (Path(actorrec.review.__file__).parent / "static" / "review.css").read_text()
SCHEMES = [
    dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6})", block)) for block in re.findall(r":root \{(.*?)\}", STYLE, re.S)
]
PAIRS = [
    ("ink", "page"), ("ink", "card"), ("ink", "hover"), ("ink", "blue-soft"), ("ink", "odd-soft"), ("soft", "page"),
    ("soft", "card"), ("soft", "hover"), ("soft", "line"), ("soft", "blue-soft"), ("odd", "page"), ("odd", "odd-soft"),
    ("very", "page"), ("blue", "card"), ("on-blue", "blue"), ("card", "good"), ("card", "odd"), ("card", "very"),
    ("card", "out"), ("page", "ink"),
]  # fmt: skip


def luminance(colour: str) -> float:
    """Relative luminance as WCAG 2 defines it."""
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def test_there_is_a_light_and_a_dark_scheme_of_the_same_colours() -> None:
    assert len(SCHEMES) == 2 and SCHEMES[0].keys() == SCHEMES[1].keys()


@pytest.mark.parametrize("scheme", [0, 1], ids=["light", "dark"])
@pytest.mark.parametrize(("text", "ground"), PAIRS)
def test_text_can_be_read_on_its_ground(scheme: int, text: str, ground: str) -> None:
    lighter, darker = sorted((luminance(SCHEMES[scheme][each]) for each in (text, ground)), reverse=True)
    assert (lighter + 0.05) / (darker + 0.05) >= 4.5
