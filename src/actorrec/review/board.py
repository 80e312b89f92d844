"""A data set as the page shows it: the sheet that was built, and what was decided since."""

import hashlib
import re
import threading
from collections.abc import Sequence
from typing import Any, Final

from pydantic import ValidationError

from actorrec.artifacts.catalog import MANIFEST_NAME, file_name
from actorrec.artifacts.review_log import Decisions, ReviewLog, decisions
from actorrec.artifacts.store import ArtifactStore
from actorrec.errors import ArtifactError, DataError
from actorrec.manifests.dataset import DatasetManifest
from actorrec.manifests.review import SHEET_NAME, ReviewAction, ReviewEntry, ReviewEvent, ReviewSheet
from actorrec.review.changes import Change, Merge, Undo, references
from actorrec.review.history import redoable, told, undoable
from actorrec.review.state import State, same_face, state_of

LOOK_FROM: Final = 0.35
"""Suspicion from which the page asks for a look: faces unlike their person's others, nearly unlike or of low quality
(``dataset/suspicion.py``); not near-copies, and not pictures without a face, of which nothing can be decided."""


def load_sheet(store: ArtifactStore, manifest: DatasetManifest) -> ReviewSheet:
    """The sheet that ``build-dataset`` wrote beside the faces.

    Raises:
        ArtifactError: If an older version built the data set, or the sheet is damaged.
    """
    if SHEET_NAME not in manifest.digests:
        raise ArtifactError(
            f"{manifest.ref} was built by an older version, which kept nothing to review",
            hint="build it again: actorrec build-dataset with the same folders",
        )
    try:
        return ReviewSheet.model_validate_json(store.read_bytes(file_name(manifest, SHEET_NAME)))
    except ValidationError as error:
        raise ArtifactError(
            f"{file_name(manifest, SHEET_NAME)} is not a sheet this version understands: {error.errors()[0]['msg']}",
            hint="build the data set again",
        ) from None


class Board:
    """One data set under review. Several requests may use it at once.

    Args:
        store: Holds the data set and the log.
        manifest: The data set.

    Raises:
        ArtifactError: As ``load_sheet``.
    """

    def __init__(self, store: ArtifactStore, manifest: DatasetManifest) -> None:
        self._store, self._manifest = store, manifest
        sheet = load_sheet(store, manifest)
        self._names = sheet.people
        # By the name a person reads, not by an id such as Q38111; what stands in a path stays.
        ids = sorted((re.escape(each) for each, name in sheet.people.items() if each != name), key=len, reverse=True)
        self._ids = re.compile(rf"(?<![\w/])({'|'.join(ids)})(?![\w/])") if ids else None
        self.entries = sorted(sheet.entries, key=lambda entry: (-entry.suspicion, entry.person_id, entry.path))
        self._log = ReviewLog(store)
        self._writing = threading.Lock()
        self.made = 0

    @property
    def manifest(self) -> DatasetManifest:
        """The data set."""
        return self._manifest

    @property
    def apply_command(self) -> str:
        """What builds the data set again, with the changes."""
        scraped = [ref for ref in self._manifest.inputs if ref.startswith("images/")]
        # Of a picture that was taken down nothing is told, so not that it was scraped.
        own = any(entry.url is None and entry.reason != "taken-down" for entry in self.entries)
        return " ".join(["actorrec build-dataset", *scraped, *(["PHOTOS…"] if own or not scraped else [])])

    def everything(self) -> dict[str, Any]:
        """What the page starts with: people, a row for each picture, and the summary."""
        events = self._log.events()
        held = decisions(events)
        states = [state_of(entry, held) for entry in self.entries]
        return {
            "dataset": self._manifest.ref,
            "apply": self.apply_command,
            "rows": [_row(number, entry, self._why(entry)) for number, entry in enumerate(self.entries)],
            **self._standing(events, states),
        }

    def standing(self) -> dict[str, Any]:
        """How every picture stands now, and the summary."""
        events = self._log.events()
        held = decisions(events)
        return self._standing(events, [state_of(entry, held) for entry in self.entries])

    def history(self) -> list[dict[str, Any]]:
        """The changes, newest first."""
        return told(self._log.events(), self._names)

    def change(self, change: Change) -> dict[str, Any]:
        """Write an action down.

        Raises:
            DataError: If it makes no sense.
            ArtifactError: If the log cannot be written; nothing has changed then.
        """
        pictures = references(change, self.entries)
        return self._write(change.action, pictures=pictures, to=change.to)

    def merge(self, merge: Merge) -> dict[str, Any]:
        """Make two people one; errors as ``change``."""
        known = self._people(decisions(self._log.events()))
        for person_id in (merge.person_id, merge.to):
            if person_id not in known:
                raise DataError(f"there is nobody with the id '{person_id}'", hint="reload the page")
        return self._write("merge", person_id=merge.person_id, to=merge.to)

    def undo(self, undo: Undo) -> dict[str, Any]:
        """Take an event back, or an undo; errors as ``change``."""
        return self._write("undo", undoes=undo.seq)

    def changed(self) -> int:
        """How many pictures the data set does not show as they stand now."""
        held = decisions(self._log.events())
        return sum(state_of(entry, held).changed for entry in self.entries)

    def detail(self, number: int) -> dict[str, Any]:
        """Everything about one picture.

        Raises:
            IndexError: If there is no such picture.
        """
        entry = self._entry(number)
        state = state_of(entry, decisions(self._log.events()))
        known = self._names
        shown = {"path", "reason", "detail", "width_px", "height_px", "boxes", "score", "face_px", "sharpness"}
        shown |= {"agreement", "licence", "author", "suspicion"}
        return {
            **entry.model_dump(mode="json", include=shown),
            "id": number,
            "why": self._why(entry),
            "given": known.get(entry.given_person_id, entry.given_person_id),
            "nearer_to": known.get(entry.nearer_to, entry.nearer_to) if entry.nearer_to else None,
            "chosen": next((n for n, box in enumerate(entry.boxes) if same_face(box, state.box)), None),
            "preview": entry.preview is not None,
            "url": _web(entry.url),
            "page": _web(entry.page),
            "licence_url": _web(entry.licence_url),
        }

    def picture(self, number: int, *, whole: bool) -> bytes:
        """The JPEG of a picture's chosen face, or of the whole picture.

        Raises:
            IndexError: If there is none.
            ArtifactError: If it is gone from the store, or is not what was built.
        """
        entry = self._entry(number)
        name = entry.preview if whole else entry.thumb
        if name is None:
            raise IndexError(number)
        return _verified(self._store, self._manifest, name)

    def _write(self, action: ReviewAction, **about: Any) -> dict[str, Any]:
        manifest = f"{self._manifest.ref}/{MANIFEST_NAME}"
        with self._writing:
            if not self._store.exists(manifest):  # a log of its own would begin where nobody looks for it
                raise ArtifactError(
                    f"{self._store.uri} holds {self._manifest.ref} no more: was it moved, or its disk taken away?",
                    hint="put it back, or end the page and start it again",
                )
            self._log.append(action, **about)
            self.made += 1
        return self.standing()

    def _entry(self, number: int) -> ReviewEntry:
        if not 0 <= number < len(self.entries):
            raise IndexError(number)
        return self.entries[number]

    def _why(self, entry: ReviewEntry) -> list[str]:
        """What is odd about a picture, in words."""
        said = entry.why or ((entry.detail,) if entry.detail and entry.outcome != "kept" else ())
        return [self._ids.sub(lambda found: self._names[found[0]], each) if self._ids else each for each in said]

    def _standing(self, events: Sequence[ReviewEvent], states: Sequence[State]) -> dict[str, Any]:
        return {
            "people": self._people(decisions(events), states),
            "states": [[s.person_id, s.outcome, s.last, int(s.changed)] for s in states],
            "undo": undoable(events),
            "redo": redoable(events),
            "events": len(events),
        }

    def _people(self, held: Decisions, states: Sequence[State] = ()) -> dict[str, str]:
        """person_id → name of everybody the page lists: those of the sheet that were not merged away, and new ones."""
        there = {held.person(person_id) for person_id in self._names}
        there |= {state.person_id for state in states or [state_of(entry, held) for entry in self.entries]}
        return {person_id: self._names.get(person_id, person_id) for person_id in sorted(there)}


def _row(number: int, entry: ReviewEntry, why: list[str]) -> dict[str, Any]:
    return {
        "id": number,
        "file": entry.path,
        "suspicion": round(entry.suspicion, 4),
        "why": why,
        "look": entry.outcome == "flagged" or entry.suspicion >= LOOK_FROM,
        "nearer": entry.nearer_to,
        "thumb": entry.thumb is not None,
        "preview": entry.preview is not None,
        "face": entry.box is not None,
        "faces": len(entry.boxes),
    }


def _web(address: str | None) -> str | None:
    """The address if a browser may be sent there: nothing but the web, so no ``javascript:`` and no ``file:``."""
    return address if address is not None and address.lower().startswith(("https://", "http://")) else None


def _verified(store: ArtifactStore, manifest: DatasetManifest, name: str) -> bytes:
    data = store.read_bytes(file_name(manifest, name))
    if hashlib.sha256(data).hexdigest() != manifest.digests.get(name):
        raise ArtifactError(f"{file_name(manifest, name)} is not the picture that was built", hint="build it again")
    return data
