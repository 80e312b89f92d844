"""The log of a group's updates over the air, and what it says: entries are added one at a time, never changed.

A writer adds the entry that follows from all entries before it; if another was faster, nothing is written and it has to
read and decide again. So every decision rests on all that was decided before, however many functions run at once.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Annotated, Final, Literal

from pydantic import Field, TypeAdapter, ValidationError

from actorrec.artifacts.bulk import in_parallel
from actorrec.artifacts.store import ArtifactStore
from actorrec.errors import ArtifactError
from actorrec.manifests.ota import (
    OTA_ENTRY,
    Claimed,
    Known,
    Landed,
    LandedModel,
    LandedObject,
    OtaEntry,
    Promoted,
    Published,
    Refused,
    RolledBack,
    Started,
    Superseded,
    Trying,
    Unusable,
)

OTA_FOLDER: Final = "ota"
_READERS: Final = 16
_MANY: Final = 200  # entries, of which each is a request of its own
Stage = Literal[
    "waiting", "claimed", "published", "trying", "started", "promoted", "rolled-back", "refused", "superseded"
]
UNDER_WAY: Final[tuple[Stage, ...]] = ("claimed", "published", "trying", "started")
_TRIED: Final[tuple[Stage, ...]] = (*UNDER_WAY, "promoted", "rolled-back")
_ENDED: Final[tuple[Stage, ...]] = ("promoted", "rolled-back", "refused", "superseded")


@dataclass(frozen=True, slots=True)
class Candidate:
    """A bundle that landed, and how far it came.

    Attributes:
        object: Where it lies.
        component, version: Set aside for it; empty before.
        deployment_id: Of its canary; None before.
        reason: Why it was refused or rolled back.
        since: When it came to its stage.
    """

    model: LandedModel
    object: LandedObject
    since: datetime
    stage: Stage = "waiting"
    component: str = ""
    version: str = ""
    deployment_id: str | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class OtaState:
    """What the entries say together.

    Attributes:
        seq: Number of the last entry; 0 without any.
        candidates: By content.
        models: Every model that is known, by content, also those that did not come over the air.
        by_hand: Those that were live without having come over the air, by content.
        objects: Those that were looked at, as ``LandedObject.one`` tells them.
    """

    seq: int = 0
    candidates: Mapping[str, Candidate] = field(default_factory=dict)
    models: Mapping[str, LandedModel] = field(default_factory=dict)
    by_hand: Mapping[str, LandedModel] = field(default_factory=dict)
    objects: frozenset[tuple[str, str]] = frozenset()

    @property
    def under_way(self) -> Candidate | None:
        """The one that is being published or tried; there is never more than one."""
        return next((each for each in self.candidates.values() if each.stage in UNDER_WAY), None)

    @property
    def waiting(self) -> tuple[Candidate, ...]:
        """Those of which nothing was decided yet, the newest first."""
        found = [each for each in self.candidates.values() if each.stage == "waiting"]
        return tuple(sorted(found, key=lambda each: (each.model.created_at, each.model.content), reverse=True))

    @property
    def idle(self) -> bool:
        """Whether nothing is under way and nothing waits."""
        return self.under_way is None and not self.waiting

    @property
    def tried(self) -> tuple[LandedModel, ...]:
        """Every model for which a version was set aside, or that was live, whatever became of it."""
        ours = (each.model for each in self.candidates.values() if each.stage in _TRIED)
        return (*ours, *self.by_hand.values())


def folded(entries: Iterable[OtaEntry]) -> OtaState:
    """What entries say together; they count in the order of their numbers, and what has ended stays as it ended."""
    candidates: dict[str, Candidate] = {}
    models: dict[str, LandedModel] = {}
    by_hand: dict[str, LandedModel] = {}
    objects: set[tuple[str, str]] = set()
    seq = 0
    for entry in sorted(entries, key=lambda each: each.seq):
        seq = entry.seq
        match entry:
            case Landed(object=seen, model=model):
                objects.add(seen.one)
                models.setdefault(model.content, model)
                candidates.setdefault(model.content, Candidate(model, seen, entry.at))
            case Unusable(object=seen):
                objects.add(seen.one)
            case Known(model=model):
                by_hand.setdefault(model.content, models.setdefault(model.content, model))
            case _:
                before = candidates.get(entry.content)
                if before is not None and before.stage not in _ENDED:
                    candidates[entry.content] = _moved(before, entry)
    return OtaState(seq, candidates, models, by_hand, frozenset(objects))


def _moved(
    earlier: Candidate, entry: Refused | Superseded | Claimed | Published | Trying | Started | Promoted | RolledBack
) -> Candidate:
    before = replace(earlier, since=entry.at)
    match entry:
        case Refused(reason=reason):
            return replace(before, stage="refused", reason=reason)
        case Superseded(by=by):
            return replace(before, stage="superseded", reason=f"not newer than {by[:16]}")
        case Claimed(component=component, version=version):
            return replace(before, stage="claimed", component=component, version=version)
        case Published():
            return replace(before, stage="published")
        case Trying():
            return replace(before, stage="trying")
        case Started(deployment_id=deployment_id):
            return replace(before, stage="started", deployment_id=deployment_id)
        case Promoted():
            return replace(before, stage="promoted")
        case RolledBack(reason=reason):
            return replace(before, stage="rolled-back", reason=reason)


_Read = tuple[str, datetime]  # an entry's name, and when it was written: a log may be begun anew
_AnyEntry = Annotated[OtaEntry, Field(discriminator="action")]
_TOGETHER: Final[TypeAdapter[list[tuple[_Read, OtaEntry]]]] = TypeAdapter(list[tuple[_Read, _AnyEntry]])


class OtaLog:
    """The log of a group.

    Entries are never changed. Once there are many, a copy of all is kept in one file beside them: a function that
    starts anew reads that and what came after. Without it, every entry is read.

    Args:
        store: Entries are ``ota/GROUP/log/00000001.json`` and so on.
        group: Name of the thing group.
    """

    def __init__(self, store: ArtifactStore, group: str) -> None:
        self._store = store
        self._folder, self._copy = f"{OTA_FOLDER}/{group}/log", f"{OTA_FOLDER}/{group}/together.json"
        self._read: dict[_Read, OtaEntry] = {}

    def state(self) -> OtaState:
        """What holds now, also what others added since the last call.

        Raises:
            ArtifactError: If an entry cannot be read or is damaged.
        """
        there = [(each.name, each.written_at) for each in self._store.entries(self._folder) if _is_entry(each.name)]
        if self._unread(there) > _MANY:
            self._read.update(self._copied())
        new = [each for each in there if each not in self._read]
        self._read.update(zip(new, in_parallel(self._parsed, (name for name, _ in new), _READERS), strict=True))
        # What is gone is forgotten: a log may be begun anew within one tick of the clock that dates its entries.
        self._read = {each: self._read[each] for each in there}
        if len(new) > _MANY:
            self._store.put_bytes(self._copy, _TOGETHER.dump_json(list(self._read.items())))
        return folded(self._read.values())

    def add(self, entry: OtaEntry) -> bool:
        """Add the entry that follows the state it was decided on.

        Args:
            entry: Its ``seq`` is one more than the state's.

        Returns:
            False, nothing written, where another entry of that number is there: read the state again.
        """
        name = f"{self._folder}/{entry.seq:08d}.json"
        return self._store.commit(name, entry.model_dump_json(indent=1).encode())

    def _unread(self, there: Iterable[_Read]) -> int:
        return sum(each not in self._read for each in there)

    def _copied(self) -> dict[_Read, OtaEntry]:
        """Entries that the copy has; none where there is none, or not one that this version understands."""
        try:
            found = dict(_TOGETHER.validate_json(self._store.read_bytes(self._copy)))
        except (ArtifactError, ValidationError):
            return {}
        return {read: entry for read, entry in found.items() if _is_named(entry, read[0])}

    def _parsed(self, name: str) -> OtaEntry:
        try:
            entry = OTA_ENTRY.validate_json(self._store.read_bytes(name))
            wrong = "" if _is_named(entry, name) else f"it says that it is number {entry.seq}"
        except ValidationError as error:
            wrong = error.errors()[0]["msg"]
        if wrong:
            raise ArtifactError(
                f"{self._store.uri}/{name} is no entry about updates that this version understands: {wrong}",
                hint="a newer version may have written it: update the function (`make lambda`)",
            )
        return entry


def _is_named(entry: OtaEntry, name: str) -> bool:
    return name.endswith(f"/{entry.seq:08d}.json")


def _is_entry(name: str) -> bool:
    stem = name.rpartition("/")[2].removesuffix(".json")
    return stem.isascii() and stem.isdigit() and name.endswith(".json")
