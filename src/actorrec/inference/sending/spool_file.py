"""The file in which messages wait: SQLite, written so that a power cut loses nothing of what was taken."""

import hashlib
import os
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final, Self

from actorrec.inference.sending.courier import Message
from actorrec.inference.sending.memory_queue import FIRST_NUMBER

_APPLICATION_ID: Final = 0x41525350  # "ARSP": another program's file is not touched
_SCHEMA_VERSION: Final = 1
_SCHEMA: Final = (
    "CREATE TABLE waiting (number INTEGER PRIMARY KEY, topic BLOB NOT NULL, payload BLOB NOT NULL, "
    "digest BLOB NOT NULL)",
    # ``given`` is the highest number where the last message was taken out: SQLite's own would be written with each one.
    "CREATE TABLE counts (dropped INTEGER NOT NULL, refused INTEGER NOT NULL, given INTEGER NOT NULL)",
)
_SETTINGS: Final = (
    "locking_mode=EXCLUSIVE",  # two programs that deliver from one queue would deliver twice
    "auto_vacuum=INCREMENTAL",
    "journal_mode=WAL",
    "synchronous=FULL",
    "wal_autocheckpoint=256",
    f"journal_size_limit={2**20}",
    "trusted_schema=OFF",
    "cell_size_check=ON",
)
_SELECT: Final = "SELECT number, topic, payload, digest FROM waiting"
_LOCK_WAIT_S: Final = 0.5
MAX_MESSAGE_BYTES: Final = 2**23
"""Of topic and payload together; a longer one on disk is a length that came to harm."""
_HEAD_BYTES: Final = 2**20
_CHECKED_BYTES: Final = 2**28
_SPARE_PAGES: Final = 256  # fewer free pages than that are not worth the writes that give them back


class ForeignFileError(Exception):
    """What lies there is no queue of this version's program."""


class SpoolFile:
    """A queue on disk; for one thread at a time, and for one program.

    Args:
        path: The file, made where it is missing, for its owner alone.
        max_messages: The oldest give way to more.
        max_bytes: Of the file; the oldest give way to more. Its log beside it takes some 2 MiB.
        after: Numbers of a new file begin behind it.

    Attributes:
        last: The highest number given.
        waiting: Messages in it.
        dropped: Messages that gave way, or that came to harm on the disk, ever.
        refused: Messages that the place will never take, ever.

    Raises:
        OSError: If there is no making it.
        ForeignFileError: If it is another program's, or of a later version.
        sqlite3.Error: If it is damaged, in use, or cannot be written to; so do all methods.
    """

    def __init__(self, path: Path, max_messages: int, max_bytes: int, *, after: int = 0) -> None:
        self._path, self._max_messages, self._max_bytes = path, max_messages, max_bytes
        self.last = self.waiting = self.dropped = self.refused = 0
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        # SQLite gives its log the mode of the file.
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600))
        self._db = sqlite3.connect(path, timeout=_LOCK_WAIT_S, isolation_level=None, check_same_thread=False)
        try:
            self._open(after)
        except BaseException:
            self._db.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Let the file go."""
        self._db.close()

    @property
    def used_bytes(self) -> int:
        """What the file takes, pages that are free not counted."""
        pages, free = self._pragma("page_count"), self._pragma("freelist_count")
        return (pages - free) * self._page_bytes

    @property
    def removed(self) -> bool:
        """Whether the file has no name any more: all in it ends with the program."""
        try:
            self._path.lstat()
        except FileNotFoundError:
            return True
        except OSError:
            return False
        return False

    def add(self, messages: Sequence[tuple[str, bytes]], *, done: int = 0, dropped: int = 0, refused: int = 0) -> None:
        """Take messages, all or none; they are on the disk when it returns.

        Args:
            messages: Topic and payload of each.
            done: Everything up to this number has arrived; it costs less beside messages than alone.
            dropped: To be counted as dropped beside them.
            refused: To be counted as refused beside them.
        """
        number = self.last
        with self._transaction():
            over = self._delete_through(done) if done else 0
            for topic, payload in messages:
                number += 1
                row = (number, topic.encode(), payload, _digest(number, topic.encode(), payload))
                self._db.execute("INSERT INTO waiting VALUES (?, ?, ?, ?)", row)
            gone = self._shed(self.waiting - over + len(messages))
            self._count(dropped + gone, refused)
        self.last = number
        self.waiting = max(0, self.waiting - over) + len(messages) - gone
        if over and self.waiting == len(messages):
            self._give_back()

    def head(self, limit: int, *, after: int = 0) -> tuple[list[Message], list[int]]:
        """The oldest messages behind a number, as long as they make a mebibyte.

        Returns:
            Those messages, and the numbers of others before their end that came to harm on the disk.
        """
        rows = self._db.execute(f"{_SELECT} WHERE number > ? ORDER BY number", (after,))
        found: list[Message] = []
        harmed: list[int] = []
        size_bytes = 0
        for row in rows:
            if (message := sound(row)) is None:
                harmed.append(row[0])
                continue
            size_bytes += len(message.payload)
            if found and size_bytes > _HEAD_BYTES:
                break
            found.append(message)
            if len(found) == limit:
                break
        rows.close()
        if not found and not harmed:
            self.waiting = self.through(after)
        return found, harmed

    def through(self, number: int) -> int:
        """How many of those up to a number are still there."""
        (count,) = self._db.execute("SELECT count(*) FROM waiting WHERE number <= ?", (number,)).fetchone()
        return int(count)

    def drop(self, numbers: Sequence[int]) -> None:
        """Let messages go and count them as dropped."""
        with self._transaction():
            self._db.executemany("DELETE FROM waiting WHERE number = ?", [(number,) for number in numbers])
            self._count(len(numbers), 0)
            self._remember_last()
        self.waiting = max(0, self.waiting - len(numbers))

    def done(self, number: int) -> None:
        """Everything up to a number has arrived."""
        self._db.execute("PRAGMA synchronous=NORMAL")  # what a power cut brings back is delivered once more
        try:
            with self._transaction():
                gone = self._delete_through(number)
                self._remember_last()
        finally:
            self._db.execute("PRAGMA synchronous=FULL")
        self.waiting = max(0, self.waiting - gone)
        if self.waiting == 0:
            self._give_back()

    def refuse(self, number: int) -> None:
        """The place will never take a message."""
        with self._transaction():
            gone = self._db.execute("DELETE FROM waiting WHERE number = ?", (number,)).rowcount
            self._count(0, gone)
            self._remember_last()
        self.waiting = max(0, self.waiting - gone)

    def _open(self, after: int) -> None:
        self._db.text_factory = bytes  # what is text by a flipped bit need not be UTF-8
        self._db.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, 2 * MAX_MESSAGE_BYTES)
        for setting in _SETTINGS:
            self._db.execute(f"PRAGMA {setting}").fetchall()
        self._page_bytes = self._pragma("page_size")
        with self._transaction():
            self._know_or_make(after)
            self.dropped, self.refused, given, first, highest = self._figures()
            self.last = max(highest, given, after)
            self.waiting = highest - first + 1  # counting them would read the whole file
            gone = self._shed(self.waiting)
            if gone:
                self._count(gone, 0)
        self.waiting -= gone
        self._give_back()

    def _figures(self) -> Sequence[int]:
        """Dropped, refused, the highest number given, the first and the last that wait."""
        row: Sequence[object] | None = self._db.execute(
            "SELECT dropped, refused, given, "
            "(SELECT coalesce(min(number), 1) FROM waiting), (SELECT coalesce(max(number), 0) FROM waiting) FROM counts"
        ).fetchone()
        figures = [figure for figure in row or () if isinstance(figure, int) and 0 <= figure < FIRST_NUMBER]
        if len(figures) != 5:
            raise ForeignFileError("its figures came to harm")
        return figures

    def _know_or_make(self, after: int) -> None:
        if self.used_bytes <= _CHECKED_BYTES and self._db.execute("PRAGMA quick_check(1)").fetchone() != (b"ok",):
            raise ForeignFileError("its pages came to harm")  # what is added to such a file may not be found again
        rows = self._db.execute("SELECT sql FROM sqlite_master WHERE name NOT LIKE 'sqlite_%'")
        made = tuple(sql for (sql,) in rows)
        identity = (self._pragma("application_id"), self._pragma("user_version"))
        if not made and identity == (0, 0):
            for sql in _SCHEMA:
                self._db.execute(sql)
            self._db.execute("INSERT INTO counts VALUES (0, 0, ?)", (after,))
            self._db.execute(f"PRAGMA application_id={_APPLICATION_ID}")
            self._db.execute(f"PRAGMA user_version={_SCHEMA_VERSION}")
        elif identity == (_APPLICATION_ID, _SCHEMA_VERSION) and made == tuple(sql.encode() for sql in _SCHEMA):
            return
        elif identity[0] == _APPLICATION_ID and identity[1] > _SCHEMA_VERSION:
            raise ForeignFileError("a later version of the program made it")
        else:
            raise ForeignFileError("it is no queue of this program")

    def _shed(self, waiting: int) -> int:
        """Let the oldest give way until the bounds hold; how many."""
        gone = 0
        if waiting > self._max_messages:
            gone = self._drop_oldest(waiting - self._max_messages)
        while self.used_bytes > self._max_bytes and waiting - gone > 1:
            dropped = self._drop_oldest(1)
            if not dropped:
                break
            gone += dropped
        return gone

    def _drop_oldest(self, count: int) -> int:
        oldest = "SELECT number FROM waiting ORDER BY number LIMIT ?"
        return self._db.execute(f"DELETE FROM waiting WHERE number IN ({oldest})", (count,)).rowcount  # noqa: S608

    def _delete_through(self, number: int) -> int:
        return self._db.execute("DELETE FROM waiting WHERE number <= ?", (number,)).rowcount

    def _remember_last(self) -> None:
        """Numbers go on from here, also where nothing is left that has one."""
        self._db.execute("UPDATE counts SET given = ?", (self.last,))

    def _count(self, dropped: int, refused: int) -> None:
        if dropped or refused:
            counts = (self.dropped + dropped, self.refused + refused)
            self._db.execute("UPDATE counts SET dropped = ?, refused = ?", counts)
            self.dropped, self.refused = counts

    def _give_back(self) -> None:
        """Pages that an outage filled go back to the disk."""
        if self._pragma("freelist_count") > _SPARE_PAGES:
            self._db.executescript("PRAGMA incremental_vacuum;")  # other ways give back one page alone

    def _pragma(self, name: str) -> int:
        return int(self._db.execute(f"PRAGMA {name}").fetchone()[0])

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield
            self._db.execute("COMMIT")
        except BaseException:
            if self._db.in_transaction:
                self._db.execute("ROLLBACK")
            raise


def sound(row: tuple[int, object, object, object]) -> Message | None:
    """The message of a row of the file; None if it is not what was once written."""
    number, topic, payload, digest = row
    if not (isinstance(topic, bytes) and isinstance(payload, bytes)) or digest != _digest(number, topic, payload):
        return None
    return Message(number, topic.decode(), payload)


def _digest(number: int, topic: bytes, payload: bytes) -> bytes:
    """SQLite keeps no checksum of its pages, and cards that die flip bits."""
    head = number.to_bytes(8, "big", signed=True) + len(topic).to_bytes(4, "big") + topic
    return hashlib.blake2b(head + payload, digest_size=8).digest()
