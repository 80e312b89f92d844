"""Which events of the log stand, what ``undo`` and ``redo`` mean now, and how the history reads."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from actorrec.manifests.review import ReviewEvent

_SAID: Final = {
    "keep": "kept",
    "drop": "dropped",
    "not-them": "called somebody else's the face in",
    "pick": "chose another face in",
}


def standing(events: Sequence[ReviewEvent]) -> set[int]:
    """Numbers of the events that no standing ``undo`` takes back; undos count as events."""
    undone: set[int] = set()
    stand: set[int] = set()
    for event in sorted(events, key=lambda event: -event.seq):
        if event.seq in undone:
            continue
        stand.add(event.seq)
        if event.action == "undo" and event.undoes is not None:
            undone.add(event.undoes)
    return stand


def undoable(events: Sequence[ReviewEvent]) -> int | None:
    """The newest change that stands; None where nothing is left to undo."""
    stand = standing(events)
    return max((event.seq for event in events if event.action != "undo" and event.seq in stand), default=None)


def redoable(events: Sequence[ReviewEvent]) -> int | None:
    """The ``undo`` that a redo takes back: of those since the newest change, the one of the oldest event.

    None where nothing was undone since.
    """
    stand = standing(events)
    changes = {event.seq for event in events if event.action != "undo"}
    newest = max(changes, default=0)
    undos = [e for e in events if e.action == "undo" and e.seq in stand and e.seq > newest and e.undoes in changes]
    return min(undos, key=lambda event: event.undoes or 0).seq if undos else None


def told(events: Sequence[ReviewEvent], names: Mapping[str, str], most: int = 200) -> list[dict[str, Any]]:
    """The changes, newest first, as the page lists them; an undone one carries the number of its undo.

    Args:
        names: person_id → name.
        most: At most so many.
    """
    stand = standing(events)
    undone_by = {e.undoes: e.seq for e in events if e.action == "undo" and e.seq in stand}
    changes = [event for event in events if event.action != "undo"]
    return [
        {
            "seq": event.seq,
            "at": event.at.isoformat(),
            "text": _sentence(event, names),
            "undone_by": undone_by.get(event.seq),
        }
        for event in changes[::-1][:most]
    ]


def _sentence(event: ReviewEvent, names: Mapping[str, str]) -> str:
    to = names.get(event.to or "", event.to or "")
    if event.action == "merge":
        return f"merged {names.get(event.person_id or '', event.person_id or '')} into {to}"
    count = len(event.pictures)
    owners = sorted({names.get(ref.given_person_id, ref.given_person_id) for ref in event.pictures})
    whose = owners[0] if len(owners) == 1 else f"{len(owners)} people"
    what = f"{count} picture{'' if count == 1 else 's'} of {whose}"
    return f"moved {what} to {to}" if event.action == "move" else f"{_SAID[event.action]} {what}"
