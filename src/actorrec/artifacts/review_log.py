"""What reviewers said, one immutable file an event; and what holds once undone events are left out."""

import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Final, Literal

from pydantic import ValidationError

from actorrec.artifacts.store import ArtifactStore
from actorrec.errors import ArtifactError, DataError
from actorrec.manifests.base import digest_json
from actorrec.manifests.review import Box, PictureRef, ReviewAction, ReviewEvent

LOG_FOLDER: Final = "review/log"
_ABOUT_A_FACE: Final = frozenset({"not-them", "pick"})


class ReviewLog:
    """The log of a store: events are added, never changed and never taken out.

    Args:
        store: Events are ``review/log/00000001.json`` and so on.
    """

    def __init__(self, store: ArtifactStore) -> None:
        self._store = store
        self._read: dict[str, ReviewEvent] = {}

    def events(self) -> list[ReviewEvent]:
        """Every event, the oldest first, also those that another program added since the last call.

        Raises:
            ArtifactError: If one cannot be read or is damaged.
        """
        names = [name for name in self._store.names(LOG_FOLDER) if _is_event(name)]
        for name in names:
            if name not in self._read:
                self._read[name] = _parse(name, self._store)
        return sorted((self._read[name] for name in names), key=lambda event: event.seq)

    def append(
        self,
        action: ReviewAction,
        *,
        pictures: Iterable[PictureRef] = (),
        person_id: str | None = None,
        to: str | None = None,
        undoes: int | None = None,
    ) -> ReviewEvent:
        """Add an event; two writers never share a number.

        Args:
            action: With what it is about: ``keep``, ``drop``: ``pictures``. ``not-them``, ``pick``: ``pictures``, each
                with its box. ``move``: ``pictures`` and ``to``. ``merge``: ``person_id`` and ``to``. ``undo``:
                ``undoes``.
            pictures: See ``action``.
            person_id: Who vanishes into ``to``.
            to: Whose the pictures are from now on; may be somebody new.
            undoes: Number of the event that does not count any more.

        Raises:
            DataError: If what the action needs is missing, or what it does not take is there.
            ArtifactError: If the store cannot be written.
        """
        events = self.events()
        fields = {"pictures": tuple(pictures), "person_id": _plain(person_id), "to": _plain(to), "undoes": undoes}
        event = _valid({"seq": events[-1].seq + 1 if events else 1, "action": action, **fields})
        _check(event, {each.seq for each in events})
        while True:
            name = _name(event.seq)
            if self._store.commit(name, event.model_dump_json(indent=1).encode()):
                self._read[name] = event
                return event
            event = event.model_copy(update={"seq": event.seq + 1})  # somebody else took the number


Verdict = Literal["keep", "drop"]


@dataclass(frozen=True, slots=True)
class Decision:
    """What holds for one picture of one folder.

    Attributes:
        moved_to: Whose it is; None for the folder's.
        verdict: Whether it stays in or out whatever the checks say; None leaves it to them.
        picked: The face that is the person.
        not_them: Faces that are not the person.
        last: The last action that counts.
    """

    moved_to: str | None = None
    verdict: Verdict | None = None
    picked: Box | None = None
    not_them: frozenset[Box] = frozenset()
    last: ReviewAction | None = None


_NOTHING: Final = Decision()


@dataclass(frozen=True, slots=True)
class Decisions:
    """What holds once undone events are left out. Pictures are named by SHA-256 and the folder they were given in."""

    _pictures: Mapping[tuple[str, str], Decision] = field(default_factory=dict)
    _merges: Mapping[str, str] = field(default_factory=dict)

    def person(self, person_id: str) -> str:
        """The person itself, or whom it was merged into."""
        return _resolve(self._merges, person_id)

    def owner(self, sha256: str, given_person_id: str) -> str:
        """Whose picture it is: moves first, then merges."""
        return self.person(self._of(sha256, given_person_id).moved_to or given_person_id)

    def verdict(self, sha256: str, given_person_id: str) -> Verdict | None:
        """``keep`` or ``drop`` where a reviewer said so."""
        return self._of(sha256, given_person_id).verdict

    def picked(self, sha256: str, given_person_id: str) -> Box | None:
        """The face that a reviewer called the person."""
        return self._of(sha256, given_person_id).picked

    def not_them(self, sha256: str, given_person_id: str) -> tuple[Box, ...]:
        """The faces that a reviewer called somebody else, sorted."""
        return tuple(sorted(self._of(sha256, given_person_id).not_them))

    def last_action(self, sha256: str, given_person_id: str) -> ReviewAction | None:
        """The last action on the picture that counts."""
        return self._of(sha256, given_person_id).last

    def touching(self, pairs: Iterable[tuple[str, str]]) -> int:
        """How many of the pictures are decided on, moved or merged."""
        return len(self._touched(pairs))

    def digest(self, pairs: Iterable[tuple[str, str]]) -> str:
        """SHA-256 of what is decided on these pictures, whatever else the log holds.

        Args:
            pairs: (SHA-256, folder it was given in) of each; an empty SHA-256 for one that could not be read.
        """
        return digest_json(self._touched(pairs))

    def _of(self, sha256: str, given_person_id: str) -> Decision:
        return self._pictures.get((sha256, given_person_id), _NOTHING)

    def _touched(self, pairs: Iterable[tuple[str, str]]) -> list[list[object]]:
        touched: list[list[object]] = []
        for sha256, given in sorted(set(pairs)):
            held, owner = self._of(sha256, given), self.owner(sha256, given)
            if held != _NOTHING or owner != given:
                faces = [held.picked, sorted(held.not_them)]
                touched.append([sha256, given, owner, held.verdict, faces, held.last])
        return touched


def decisions(events: Sequence[ReviewEvent]) -> Decisions:
    """What holds: events count in the order of their numbers, and an undone one not at all.

    ``keep`` and ``drop`` replace each other. ``move`` is a fresh start: what was said of the picture before was about
    somebody else. A box named with ``keep`` or ``move`` is picked with it. ``pick`` brings a dropped picture back;
    ``not-them`` ends a ``keep``, which was about that face. Of merges that contradict each other the last holds.

    Args:
        events: In any order.
    """
    pictures: dict[tuple[str, str], Decision] = {}
    merges: dict[str, str] = {}
    for event in _counting(events):
        if event.action == "merge" and event.person_id and event.to:
            _merge(merges, event.person_id, event.to)
        for ref in event.pictures:
            at = ref.image_sha256, ref.given_person_id
            pictures[at] = _decide(pictures.get(at, _NOTHING), event, ref.box)
    return Decisions(pictures, merges)


def _counting(events: Sequence[ReviewEvent]) -> list[ReviewEvent]:
    """The events that are not undone, without the undos; from the last, so that an undone undo undoes nothing."""
    undone: set[int] = set()
    counting: list[ReviewEvent] = []
    for event in sorted(events, key=lambda event: -event.seq):
        if event.seq in undone:
            continue
        if event.action != "undo":
            counting.append(event)
        elif event.undoes is not None and event.undoes < event.seq:
            undone.add(event.undoes)
    return counting[::-1]


def _decide(held: Decision, event: ReviewEvent, box: Box | None) -> Decision:
    now = replace(held, last=event.action)
    without: frozenset[Box] = held.not_them - ({box} if box is not None else set())
    match event.action:
        case "keep":
            return replace(now, verdict="keep", picked=box or held.picked, not_them=without)
        case "drop":
            return replace(now, verdict="drop")
        case "move":
            return Decision(moved_to=event.to, picked=box, last="move")
        case "pick":
            return replace(now, verdict=_unless(held.verdict, "drop"), picked=box, not_them=without)
        case "not-them" if box is not None:
            picked = None if held.picked == box else held.picked
            return replace(now, verdict=_unless(held.verdict, "keep"), picked=picked, not_them=held.not_them | {box})
    return held


def _unless(verdict: Verdict | None, ended: Verdict) -> Verdict | None:
    return None if verdict == ended else verdict


def _merge(merges: dict[str, str], person_id: str, to: str) -> None:
    if _resolve(merges, to) == _resolve(merges, person_id):
        merges.pop(to, None)  # ``to`` had gone into ``person_id``: now it is the other way round
    if person_id != to:
        merges[person_id] = to


def _resolve(merges: Mapping[str, str], person_id: str) -> str:
    seen = {person_id}
    while (into := merges.get(person_id)) is not None and into not in seen:
        seen.add(into)
        person_id = into
    return person_id


def _valid(fields: Mapping[str, object]) -> ReviewEvent:
    try:
        return ReviewEvent.model_validate({**fields, "at": datetime.now(UTC)})
    except ValidationError as error:
        first = error.errors()[0]
        raise DataError(f"not a review event: {'.'.join(map(str, first['loc']))}: {first['msg']}") from None


def _check(event: ReviewEvent, known: set[int]) -> None:
    """Whether the event says all that its action needs, and nothing else."""
    action = event.action
    wanted = {
        "pictures": action not in ("merge", "undo"),
        "person_id": action == "merge",
        "to": action in ("move", "merge"),
        "undoes": action == "undo",
    }
    for name, needed in wanted.items():
        given = getattr(event, name) not in (None, ())
        if given != needed:
            raise DataError(f"the review action '{action}' {'needs' if needed else 'takes no'} '{name}'")
    if action in _ABOUT_A_FACE and any(ref.box is None for ref in event.pictures):
        raise DataError(f"the review action '{action}' needs the box of the face in each picture")
    if action == "merge" and event.person_id == event.to:
        raise DataError(f"'{event.to}' cannot be merged into itself")
    if action == "undo" and event.undoes not in known:
        raise DataError(f"there is no event {event.undoes} to undo")


def _plain(person_id: str | None) -> str | None:
    """As folders are named: normal form C, without blanks around."""
    return unicodedata.normalize("NFC", person_id).strip() or None if person_id is not None else None


def _name(seq: int) -> str:
    return f"{LOG_FOLDER}/{seq:08d}.json"


def _is_event(name: str) -> bool:
    stem = name.removeprefix(f"{LOG_FOLDER}/").removesuffix(".json")
    return stem.isascii() and stem.isdigit() and name.endswith(".json")


def _parse(name: str, store: ArtifactStore) -> ReviewEvent:
    try:
        event = ReviewEvent.model_validate_json(store.read_bytes(name))
        wrong = "" if name == _name(event.seq) else f"it says that it is number {event.seq}"
    except ValidationError as error:
        wrong = error.errors()[0]["msg"]
    if wrong:
        raise ArtifactError(
            f"{store.uri}/{name} is no review event that this version understands: {wrong}",
            hint="a newer version may have written it; if it is damaged, move it away: every other decision stays",
        )
    return event
