"""What can be saved of a queue's file that came to harm."""

import os
import sqlite3
from collections.abc import Generator, Iterator
from contextlib import closing
from itertools import chain, islice
from pathlib import Path
from typing import Final

from actorrec.inference.sending.courier import Message
from actorrec.inference.sending.spool_file import SpoolFile, sound

_SELECT: Final = "SELECT number, topic, payload, digest FROM waiting"
_AT_ONCE: Final = 64


def put_aside(path: Path) -> Path:
    """Give a file and its log another name, for people to look at; what was put aside before is replaced.

    Raises:
        OSError: If that cannot be.
    """
    aside = path.with_name(f"{path.name}.aside")
    Path(f"{aside}-wal").unlink(missing_ok=True)
    for end in ("-wal", ""):
        source = Path(f"{path}{end}")
        if source.exists():
            os.replace(source, f"{aside}{end}")
    return aside


def rescue(aside: Path, into: SpoolFile, *, after: int) -> int:
    """Copy each message that is still what was written.

    Args:
        aside: The file that came to harm.
        into: A new one.
        after: Messages up to this number have arrived.

    Returns:
        How many were copied.

    Raises:
        sqlite3.Error: If the new file does not take them.
    """
    count = 0
    with closing(_found(aside, after)) as found:
        while batch := list(islice(found, _AT_ONCE)):
            into.add([(message.topic, message.payload) for message in batch])
            count += len(batch)
    return count


def _found(aside: Path, after: int) -> Generator[Message, None, None]:
    """All that can be read: from the front to the first damage, then what is found from the end back to it."""
    try:
        db = sqlite3.connect(f"{aside.absolute().as_uri()}?mode=rw", uri=True, timeout=0, isolation_level=None)
    except sqlite3.Error:
        return
    with closing(db):
        db.text_factory = bytes
        last = after
        for message in _until_damage(db, f"{_SELECT} WHERE number > ? ORDER BY number", after):
            last = max(last, message.number)
            yield message
        behind = [m.number for m in _until_damage(db, f"{_SELECT} WHERE number > ? ORDER BY number DESC", last)]
        each = (_until_damage(db, f"{_SELECT} WHERE number = ?", number) for number in reversed(behind))
        yield from chain.from_iterable(each)


def _until_damage(db: sqlite3.Connection, statement: str, number: int) -> Iterator[Message]:
    try:
        for row in db.execute(statement, (number,)):
            if (message := sound(row)) is not None:
                yield message
    except (sqlite3.Error, MemoryError):
        return
