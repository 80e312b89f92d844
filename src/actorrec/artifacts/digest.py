"""SHA-256 of files, streamed."""

import hashlib
from pathlib import Path


def file_sha256(path: Path) -> str:
    """SHA-256 hex of a file.

    Raises:
        OSError: If it cannot be read.
    """
    with path.open("rb") as source:
        return hashlib.file_digest(source, "sha256").hexdigest()
