"""What can be saved of a queue's file that came to harm.

The file gets another name first, and a last one once all in it is saved: whatever ends the program, or fills the disk,
in between, it is done again from the beginning.
"""

import os
import sqlite3
from collections.abc import Callable, Generator, Iterator
from contextlib import ExitStack, closing
from itertools import chain, islice
from pathlib import Path
from typing import Final

from actorrec.inference.sending.courier import Message
from actorrec.inference.sending.spool_failures import is_of_the_moment
from actorrec.inference.sending.spool_file import SpoolFile, sound

_SELECT: Final = "SELECT number, topic, payload, digest FROM waiting"
_AT_ONCE: Final = 64


def put_aside(path: Path) -> None:
    """Give a file and its log the name of one that is to be saved.

    Raises:
        OSError: If that cannot be.
    """
    if path.exists():
        _log(_harmed(path)).unlink(missing_ok=True)
        os.replace(path, _harmed(path))
    _move_log(path, _harmed(path))


def is_put_aside(path: Path) -> bool:
    """Whether there is one that is to be saved: then what lies at the path holds a part of it, and nothing else."""
    return _harmed(path).exists()


def saved(path: Path, new: Callable[[], SpoolFile], *, after: int, counted: tuple[int, int]) -> tuple[SpoolFile, str]:
    """A new file, with each message that is still what was written.

    Args:
        path: Of the new file, and once of the one that was put aside.
        new: Makes it.
        after: Messages up to this number have arrived.
        counted: As dropped and as refused before.

    Returns:
        The file, and what became of the one that was put aside: people may look at it; the one before it is replaced.

    Raises:
        OSError: If the files cannot be moved.
        sqlite3.Error: If the new file does not take them, or the old one cannot be opened at the moment.
    """
    harmed, aside = _harmed(path), path.with_name(f"{path.name}.aside")
    if path.exists():
        for end in ("-wal", "-journal", ""):  # the file last: a log without a file is that of the one put aside
            Path(f"{path}{end}").unlink(missing_ok=True)
    _move_log(path, harmed)
    with ExitStack() as opened:
        file = opened.enter_context(new())
        file.add([], dropped=counted[0], refused=counted[1])
        count = rescue(harmed, file, after=after)
        _log(aside).unlink(missing_ok=True)
        _move_log(harmed, aside)
        if harmed.exists():
            os.replace(harmed, aside)
        opened.pop_all()
    return file, f"put aside as {aside}; {count} messages were saved"


def _harmed(path: Path) -> Path:
    return path.with_name(f"{path.name}.harmed")


def _log(path: Path) -> Path:
    return path.with_name(f"{path.name}-wal")


def _move_log(source: Path, target: Path) -> None:
    if _log(source).exists():
        os.replace(_log(source), _log(target))


def rescue(aside: Path, into: SpoolFile, *, after: int) -> int:
    """Copy each message that is still what was written.

    Args:
        aside: The file that came to harm.
        into: A new one.
        after: Messages up to this number have arrived.

    Returns:
        How many were copied.

    Raises:
        sqlite3.Error: If the new file does not take them, or the old one cannot be opened at the moment.
    """
    count = 0
    with closing(_found(aside, after)) as found:
        while batch := list(islice(found, _AT_ONCE)):
            into.add([(message.topic, message.payload) for message in batch])
            count += len(batch)
    return count


def _found(aside: Path, after: int) -> Generator[Message, None, None]:
    """All that can be read: from the front to the first damage, then what is found from the end back to it."""
    if not aside.exists():
        return
    with closing(sqlite3.connect(f"{aside.absolute().as_uri()}?mode=rw", uri=True, timeout=0)) as db:
        db.isolation_level, db.text_factory = None, bytes
        db.execute("PRAGMA locking_mode=EXCLUSIVE")  # else it wants a third file, for which there may be no room
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
    except (sqlite3.Error, MemoryError) as error:
        if is_of_the_moment(error):
            raise
