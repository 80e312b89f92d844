"""Messages that wait: on disk as long as the disk works, in memory while it does not."""

import sqlite3
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Final, Self

from actorrec.inference.sending.courier import Message
from actorrec.inference.sending.memory_queue import FIRST_NUMBER, MemoryQueue
from actorrec.inference.sending.rescue import is_put_aside, put_aside, saved
from actorrec.inference.sending.spool_failures import (
    FAILURES,
    STILL_READABLE,
    failure_code,
    failure_in_words,
    is_damage,
)
from actorrec.inference.sending.spool_file import MAX_MESSAGE_BYTES, ForeignFileError, SpoolFile
from actorrec.inference.troubles import Troubles
from actorrec.manifests.events import QueueHealth
from actorrec.sections.device import SpoolSection

_MEMORY_BYTES: Final = 8 * 2**20
_RETRY_S: Final = 10.0
_AT_ONCE: Final = 1000
_DONE_AT_ONCE: Final = 100  # messages that have arrived before the disk is told of it by itself
_BYTES_BESIDE: Final = 8 * 4096  # pages of a file that hold no message


class Spool:
    """A bounded queue of messages to one place. Any thread may call; nothing here raises but what a caller did wrong.

    While the disk does not take messages, they wait in memory, bounded; what waits there goes to the disk once it works
    again. A damaged file is put aside (the one before it is replaced), and a new one is begun.

    That messages have arrived is written together with the next one that comes: cards wear out by being written to. A
    program that is killed before that has them delivered once more.

    Args:
        folder: Where the file is; None keeps everything in memory.
        name: Of the file, and of the troubles about it.
        settings: Bounds.
        troubles: Told when the disk does not take messages, and when it does again.
        clock: Seconds that only ever grow.
    """

    def __init__(
        self,
        folder: Path | None,
        name: str,
        settings: SpoolSection,
        troubles: Troubles,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._path = None if folder is None else folder / f"{name}.sqlite3"
        self._about, self._settings, self._troubles, self._clock = f"queue {name}", settings, troubles, clock
        self._lock = threading.Lock()
        self._memory = MemoryQueue(settings.max_messages, min(settings.max_bytes, _MEMORY_BYTES))
        self._file: SpoolFile | None = None
        self._works = False  # the disk takes messages
        self._broken = False
        self._retry_at_s = clock()
        self._damage: Exception | None = None
        self._done_through = 0  # arrived, but the disk was not told yet
        self._told_through = 0
        self._last = 0
        self._counted = (0, 0)  # dropped and refused as the file last knew them
        self._refused = 0  # that the file does not know of
        self._closed = False

    def __enter__(self) -> Self:
        with self._lock:
            self._mend()
        return self

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._mend(now=True)
            self._tell_done()
            self._closed = True
            self._let_go()

    def add(self, topic: str, payload: bytes) -> None:
        """Take a message; it is on the disk when this returns, unless the disk does not work.

        One that is longer than the whole queue may be is counted as refused.
        """
        topic = topic.encode("utf-8", "replace").decode()
        with self._lock:
            if self._closed:
                return
            if len(topic) + len(payload) > min(self._settings.max_bytes - _BYTES_BESIDE, MAX_MESSAGE_BYTES):
                self._too_long(len(payload))
                return
            self._mend()
            if self._works and self._try(lambda file: file.add([(topic, payload)], done=self._done_through)):
                self._told()
            else:
                self._memory.add(topic, payload)

    def head(self, limit: int) -> list[Message]:
        """The oldest messages, at most so many; they stay until they are done."""
        with self._lock:
            if self._closed:
                return []
            self._mend()
            return self._on_disk(limit) or self._memory.head(limit)

    def done(self, number: int) -> None:
        """Everything up to a number has arrived."""
        with self._lock:
            if self._closed:
                return
            if number >= FIRST_NUMBER:
                self._memory.done(number)
            else:
                self._done_through = max(self._done_through, number)
                if self._done_through - self._told_through >= _DONE_AT_ONCE:
                    self._tell_done()

    def refuse(self, number: int) -> None:
        """The place will never take a message."""
        with self._lock:
            if self._closed:
                return
            if number >= FIRST_NUMBER:
                self._refused += self._memory.done(number)
            elif not (self._works and self._try(lambda file: file.refuse(number))):
                self._done_through = max(self._done_through, number)
                self._refused += 1

    def health(self, name: str) -> QueueHealth:
        """How many wait, and what became of others.

        Args:
            name: Of the place, in words.
        """
        with self._lock:
            on_disk: list[int] = []
            self._try(lambda file: on_disk.append(max(0, file.waiting - file.through(self._done_through))))
            dropped, refused = self._counted
            return QueueHealth(
                name=name,
                waiting=sum(on_disk) + len(self._memory),
                dropped=dropped + self._memory.dropped,
                refused=refused + self._refused,
                durable=self._works,
            )

    def _tell_done(self) -> None:
        if self._works and self._done_through and self._try(lambda file: file.done(self._done_through)):
            self._told()

    def _told(self) -> None:
        """The disk knows what has arrived."""
        self._told_through, self._done_through = max(self._told_through, self._done_through), 0

    def _on_disk(self, limit: int) -> list[Message]:
        found: list[Message] = []
        harmed: list[int] = []

        def look(file: SpoolFile) -> None:
            messages, numbers = file.head(limit, after=self._done_through)
            found.extend(messages)
            harmed.extend(numbers)

        if not self._try(look) and self._damage is not None:
            self._mend()  # into a new file, with what can be saved
            self._try(look)
        if harmed:
            line = f"{self._about}: {len(harmed)} messages came to harm on the disk and are dropped"
            self._troubles.begin(f"{self._about}, harm", line)
            self._try(lambda file: file.drop(harmed))
        return found

    def _too_long(self, length_bytes: int) -> None:
        if not (self._works and self._try(lambda file: file.add([], refused=1))):
            self._refused += 1
        line = f"{self._about}: a message of {length_bytes} bytes is longer than the queue may be"
        self._troubles.begin(f"{self._about}, length", line)

    def _mend(self, *, now: bool = False) -> None:
        """Where the disk did not work: try it again, but not all the time."""
        if self._works and self._file is not None and self._file.removed:
            self._take_out(self._file)
        if self._path is None or self._closed or self._works or (self._clock() < self._retry_at_s and not now):
            return
        self._retry_at_s, self._broken = self._clock() + _RETRY_S, False
        if self._file is None and not self._open(self._path):
            return
        self._works = self._try(self._bring_up_to_date)
        if self._broken:  # a disk that was away and is back is another one to the file that was open
            self._let_go()
            self._open(self._path)
        if self._works:
            self._memory.clear()
            self._refused = 0
            self._troubles.end(self._about)

    def _take_out(self, file: SpoolFile) -> None:
        """What waits in a file that somebody removed waits in memory until there is a new one: soon."""
        found: list[Message] = []
        after = self._done_through
        with suppress(*FAILURES):
            while batch := file.head(_AT_ONCE, after=after)[0]:
                found += batch
                after = batch[-1].number
        dropped, refused = self._counted
        self._let_go()  # before there is a new one: SQLite removes its log by its name
        for message in found:
            self._memory.add(message.topic, message.payload)
        self._memory.dropped += dropped
        self._refused += refused
        self._counted, self._done_through, self._retry_at_s = (0, 0), 0, self._clock()
        line = f"{self._about}: its file was removed; {len(found)} messages that wait are written to a new one"
        self._troubles.begin(f"{self._about}, file", line)

    def _bring_up_to_date(self, file: SpoolFile) -> None:
        if self._done_through:
            file.done(self._done_through)
            self._done_through = 0
        if self._memory or self._memory.dropped or self._refused:
            file.add(self._memory.messages, dropped=self._memory.dropped, refused=self._refused)

    def _open(self, path: Path) -> bool:
        try:
            self._file = self._opened(path)
        except FAILURES as error:
            self._tell(error)
            return False
        self._know(self._file)
        return True

    def _opened(self, path: Path) -> SpoolFile:
        bounds = self._settings.max_messages, self._settings.max_bytes
        new = partial(SpoolFile, path, *bounds, after=self._last)
        said = "what is in it was being saved as the program ended"
        if not is_put_aside(path):
            try:
                if self._damage is not None:
                    raise self._damage
                return new()
            except (sqlite3.Error, ForeignFileError) as error:
                if not is_damage(error):
                    raise
                put_aside(path)
                self._damage, said = None, str(error)
        file, became = saved(path, new, after=self._done_through, counted=self._counted)
        self._done_through = 0
        line = f"{self._about}: its file was damaged ({said}) and {became}"
        self._troubles.begin(f"{self._about}, file", line)
        return file

    def _try(self, act: Callable[[SpoolFile], None]) -> bool:
        """Do something to the file; whether it worked."""
        if self._file is None:
            return False
        try:
            act(self._file)
        except FAILURES as error:
            self._failed(error)
            return False
        self._know(self._file)
        return True

    def _know(self, file: SpoolFile) -> None:
        self._last = max(self._last, file.last)
        self._counted = (file.dropped, file.refused)

    def _failed(self, error: Exception) -> None:
        self._works = False
        self._retry_at_s = self._clock() + _RETRY_S
        if is_damage(error):
            self._let_go()
            self._damage, self._retry_at_s = error, self._clock()
        elif failure_code(error) not in STILL_READABLE:
            self._let_go()
        self._broken = failure_code(error) == sqlite3.SQLITE_IOERR
        self._tell(error)

    def _let_go(self) -> None:
        file, self._file = self._file, None
        self._works = False
        if file is not None:
            try:
                file.close()
            except sqlite3.Error as error:
                self._tell(error)

    def _tell(self, error: Exception) -> None:
        line = (
            f"{self._about}: the disk takes no messages ({failure_in_words(error)}), they wait in memory ({self._path})"
        )
        self._troubles.begin(self._about, line)
