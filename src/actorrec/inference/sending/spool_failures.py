"""What a disk, or what is found on it, does to a queue's file."""

import sqlite3
from typing import Final

from actorrec.inference.sending.spool_file import ForeignFileError

FAILURES: Final = (sqlite3.Error, OSError, MemoryError, ForeignFileError)
"""What working with the file may raise."""
STILL_READABLE: Final = frozenset({sqlite3.SQLITE_FULL, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_IOERR})
"""Codes of failures after which what is in the file may still be read."""
_DAMAGED: Final = frozenset(
    {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_ERROR, sqlite3.SQLITE_TOOBIG}
)
_OF_THE_MOMENT: Final = frozenset(
    {sqlite3.SQLITE_FULL, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}
)
_NO_PAGE: Final = frozenset({sqlite3.SQLITE_IOERR_READ, sqlite3.SQLITE_IOERR_SHORT_READ})


def failure_code(error: Exception) -> int | None:
    """SQLite's code without its details; None where it is another's failure."""
    code = getattr(error, "sqlite_errorcode", None)
    return None if code is None else code & 0xFF


def is_damage(error: Exception) -> bool:
    """Whether the file is no queue, or none any more."""
    return isinstance(error, ForeignFileError) or failure_code(error) in _DAMAGED


def is_of_the_moment(error: Exception) -> bool:
    """Whether what could not be read now may be there to be read later: no page of it came to harm."""
    code = failure_code(error)
    if code == sqlite3.SQLITE_IOERR:
        return getattr(error, "sqlite_errorcode", None) not in _NO_PAGE
    return code in _OF_THE_MOMENT


def failure_in_words(error: Exception) -> str:
    """For people."""
    if failure_code(error) in {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}:
        return "another program uses the file"
    return error.strerror or str(error) if isinstance(error, OSError) else str(error) or type(error).__name__
