"""What a run has decided so far, kept in the store so that a killed run goes on where it was.

Under ``<artifact>/unfinished/``: ``people.json``, and a folder per person with ``0001.jsonl``, ``0002.jsonl``, …
(decisions in order) and ``finished.json``. Every file is written whole; a picture is in the store before its decision.
"""

import logging
from typing import Final

from pydantic import Field, TypeAdapter, ValidationError

from actorrec.artifacts.store import ArtifactStore
from actorrec.manifests.base import FileRecord, Record
from actorrec.manifests.images import ListedPerson, PersonTally, ScrapedImage

logger = logging.getLogger(__name__)
# A file is written anew with each decision until it holds this many: few files to read, little to write again.
_PER_FILE: Final = 32
_PEOPLE: Final = TypeAdapter(list[ListedPerson])


class Decision(Record):
    """What became of one candidate.

    Attributes:
        reason: Why it was not taken; empty where it was.
        image: What was taken; so are ``colours`` (see ``repeats.Look``), in hex.
    """

    url: str
    source: str
    reason: str = ""
    image: ScrapedImage | None = None
    colours: str = Field(default="", pattern=r"^[0-9a-f]*$")

    @property
    def file(self) -> FileRecord | None:
        """The picture as a file of the artifact."""
        if self.image is None:
            return None
        return FileRecord(name=self.image.file, sha256=self.image.sha256, bytes=self.image.bytes)


class Finished(Record):
    """A person whose search is over; ``recovered`` is what of the run's count was not written down before."""

    tally: PersonTally
    recovered: dict[str, int] = {}


class Journal:
    """The journal of one artifact; one writer at a time.

    Args:
        artifact: ``kind/key``.
    """

    def __init__(self, store: ArtifactStore, artifact: str) -> None:
        self.store, self.artifact = store, artifact
        self._prefix = f"{artifact}/unfinished"

    @property
    def begun(self) -> bool:
        """Whether there is anything in it."""
        return any(True for _ in self.store.names(self._prefix))

    def holds(self, name: str) -> bool:
        """Whether a name of the store is one of its files."""
        return name.startswith(f"{self._prefix}/")

    def people(self) -> list[ListedPerson] | None:
        """The list that an earlier run began with."""
        name = f"{self._prefix}/people.json"
        if not self.store.exists(name):
            return None
        try:
            return _PEOPLE.validate_json(self.store.read_bytes(name))
        except ValidationError:
            logger.warning("%s is damaged; the people are listed again", name)
            return None

    def keep_people(self, people: list[ListedPerson]) -> None:
        """Keep the list; whole or not at all."""
        self.store.put_bytes(f"{self._prefix}/people.json", _PEOPLE.dump_json(people))

    def person(self, folder: str) -> "PersonJournal":
        """What was decided about a person."""
        return PersonJournal(self.store, self.artifact, folder)

    def clear(self) -> None:
        """Forget everything."""
        for name in list(self.store.names(self._prefix)):
            self.store.delete(name)


class PersonJournal:
    """Decisions about one person's candidates, in order.

    Attributes:
        decisions: Those that are written and those that wait for the next ``write``.
        finished: Set once the search is over.
    """

    def __init__(self, store: ArtifactStore, artifact: str, folder: str) -> None:
        self._store, self._artifact, self._folder = store, artifact, folder
        self._prefix = f"{artifact}/unfinished/{folder}"
        self.decisions: list[Decision] = []
        self.finished: Finished | None = None
        self._written = 0
        self._load()

    def add(self, decision: Decision) -> None:
        """Append a decision; it counts from the next ``write``."""
        self.decisions.append(decision)

    def write(self) -> None:
        """Write what was added since the last time."""
        while self._written < len(self.decisions):
            number, begun = divmod(self._written, _PER_FILE)
            page = self.decisions[number * _PER_FILE : (number + 1) * _PER_FILE]
            lines = "".join(decision.model_dump_json(exclude_defaults=True) + "\n" for decision in page)
            self._store.put_bytes(f"{self._prefix}/{number + 1:04d}.jsonl", lines.encode())
            self._written += len(page) - begun

    def finish(self, finished: Finished) -> None:
        """Write what is left and that the search is over."""
        self.write()
        self._store.put_bytes(f"{self._prefix}/finished.json", finished.model_dump_json().encode())
        self.finished = finished

    def _load(self) -> None:
        names = list(self._store.names(self._prefix))
        if not names:
            return
        pages = [name for name in names if name.endswith(".jsonl")]
        if self._read(pages):
            self._written = len(self.decisions)
            self.finished = self._read_finished(names)
            return
        whole = len(self.decisions) // _PER_FILE
        for name in (*pages[whole:], f"{self._prefix}/finished.json"):
            self._store.delete(name)
        self._written = whole * _PER_FILE

    def _read(self, pages: list[str]) -> bool:
        """Read decisions as far as they are whole; False if they are not to the end."""
        there = set(self._store.names(f"{self._artifact}/{self._folder}"))
        for name in pages:
            try:
                page = [Decision.model_validate_json(line) for line in self._store.read_bytes(name).splitlines()]
            except ValidationError:
                logger.warning("%s is damaged; what it held is decided again", name)
                return False
            for decision in page:
                if decision.image is not None and f"{self._artifact}/{decision.image.file}" not in there:
                    logger.warning("%s is gone from the store; the search goes on before it", decision.image.file)
                    return False
                self.decisions.append(decision)
        return True

    def _read_finished(self, names: list[str]) -> Finished | None:
        name = f"{self._prefix}/finished.json"
        if name not in names:
            return None
        try:
            return Finished.model_validate_json(self._store.read_bytes(name))
        except ValidationError:
            return None  # the search goes on, and finds that it is over
