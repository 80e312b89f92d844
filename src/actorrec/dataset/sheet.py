"""One picture of a data set for people who would rather look than read: who was kept, who was left out, and why."""

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from actorrec.artifacts.store import ArtifactStore
from actorrec.dataset.workcache import WorkCache
from actorrec.manifests.base import FileRecord

SHEET_FILE: Final = "sheet.jpg"
_TILE_PX, _LABEL_PX, _NAME_PX, _COLUMNS = 96, 14, 20, 14
# A sheet of everybody in a large set would be too large to open; those with something left out come first.
_MOST_PEOPLE, _MOST_FACES = 60, 42
_BORDER: Final = {"kept": (60, 160, 80), "flagged": (230, 160, 20), "dropped": (200, 50, 50)}


@dataclass(frozen=True, slots=True)
class Shown:
    """A face on the sheet.

    Attributes:
        source: SHA-256 of the picture and which of its faces.
        label: A word or two under the face: the side it is on, or why it was left out.
    """

    person_id: str
    source: tuple[str, int]
    outcome: str
    label: str


def write_sheet(shown: Sequence[Shown], cache: WorkCache, store: ArtifactStore, artifact: str) -> FileRecord:
    """Draw and write the sheet: a row or more per person, those left out first, with the reason under each face.

    Raises:
        ArtifactError: If the store cannot be written.
    """
    people: dict[str, list[Shown]] = {}
    for each in shown:
        people.setdefault(each.person_id, []).append(each)
    ranked = sorted(people, key=lambda person: (all(f.outcome == "kept" for f in people[person]), person))
    rows = {
        person: sorted(people[person], key=lambda face: face.outcome == "kept")[:_MOST_FACES]
        for person in ranked[:_MOST_PEOPLE]
    }
    wanted = {face.source for faces in rows.values() for face in faces}
    tiles = {source: _tile(crop) for source, crop in cache.crops(wanted)}
    return store.put_bytes(f"{artifact}/{SHEET_FILE}", _draw(rows, tiles))


def _tile(crop: bytes) -> bytes:
    from PIL import Image

    with Image.open(io.BytesIO(crop), formats=["JPEG"]) as image:
        image.draft("RGB", (_TILE_PX, _TILE_PX))
        return image.convert("RGB").resize((_TILE_PX, _TILE_PX)).tobytes()


def _draw(rows: Mapping[str, Sequence[Shown]], tiles: Mapping[tuple[str, int], bytes]) -> bytes:
    from PIL import Image, ImageDraw

    cell = _TILE_PX + _LABEL_PX
    heights = {person: _NAME_PX + cell * -(-len(faces) // _COLUMNS) for person, faces in rows.items()}
    sheet = Image.new("RGB", (_COLUMNS * _TILE_PX, max(1, sum(heights.values()))), "white")
    draw = ImageDraw.Draw(sheet)
    top = 0
    for person, faces in rows.items():
        draw.text((4, top + 4), _plain(person.replace("_", " ")), fill="black")
        for index, face in enumerate(faces):
            x = index % _COLUMNS * _TILE_PX
            y = top + _NAME_PX + index // _COLUMNS * cell
            sheet.paste(Image.frombytes("RGB", (_TILE_PX, _TILE_PX), tiles[face.source]), (x, y))
            colour = _BORDER[face.outcome]
            draw.rectangle((x, y, x + _TILE_PX - 1, y + _TILE_PX - 1), outline=colour, width=3)
            draw.text((x + 3, y + _TILE_PX), face.label, fill=colour)
        top += heights[person]
    out = io.BytesIO()
    sheet.save(out, "JPEG", quality=85)
    return out.getvalue()


def _plain(name: str) -> str:
    """Letters that every build of Pillow can draw with the font it brings."""
    return name.encode("latin-1", "replace").decode("latin-1")
