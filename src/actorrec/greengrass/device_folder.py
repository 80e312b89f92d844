"""The folder with what one device needs: its key and certificate, and what belongs to them."""

import contextlib
import errno
import os
import secrets
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from pydantic import Field, ValidationError

from actorrec.artifacts.whole_file import ensure_writable, remove_left_behind, write_whole
from actorrec.errors import ArtifactError
from actorrec.manifests.base import Record

KEY_FILE: Final = "private.pem.key"
CERTIFICATE_FILE: Final = "device.pem.crt"
PUBLIC_KEY_FILE: Final = "public.pem.key"
RECORD_FILE: Final = "device.json"
_OF_CERTIFICATE: Final = (KEY_FILE, CERTIFICATE_FILE, PUBLIC_KEY_FILE, RECORD_FILE)
_SECRET_MODE: Final = 0o600
_FOLDER_MODE: Final = 0o700


class DeviceRecord(Record):
    """What a folder belongs to; it holds no secret.

    Attributes:
        certificate_id: 64 hex digits.
        created_at: When the certificate was made.
    """

    thing: str
    region: str
    group: str
    certificate_id: str = Field(pattern=r"^[0-9a-f]{64}$")
    certificate_arn: str
    policies: list[str]
    role_alias: str
    data_endpoint: str
    credential_endpoint: str
    created_at: datetime = Field(default_factory=lambda: datetime.now(UTC))


class DeviceFolder:
    """Reads and writes it.

    Args:
        path: Need not exist yet.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._new: list[Path] = []

    @property
    def has_key(self) -> bool:
        """Whether it holds a private key, or what is called one."""
        return os.path.lexists(self.path / KEY_FILE)

    def record(self) -> DeviceRecord | None:
        """What an earlier run left; None if there is nothing, or nothing that makes sense.

        Raises:
            ArtifactError: If the folder or the file in it cannot be read.
        """
        try:
            return DeviceRecord.model_validate_json((self.path / RECORD_FILE).read_bytes())
        except (FileNotFoundError, NotADirectoryError, ValidationError):
            return None
        except OSError as error:
            raise ArtifactError(
                f"cannot read {self.path / RECORD_FILE}: {error.strerror or error}", hint="--out names another folder"
            ) from None

    def prepare(self) -> None:
        """Make it, for nobody else to look into, and find out that it takes files.

        Raises:
            ArtifactError: If it does not.
        """
        try:
            if not self.path.exists():
                self._new.append(self.path)  # noted before it is there: a Ctrl-C may come in between
                self.path.mkdir(parents=True, mode=_FOLDER_MODE)
            if not self.path.is_dir():
                raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR))
        except OSError as error:
            raise ArtifactError(f"cannot write into {self.path}: {error.strerror or error}") from None
        ensure_writable(self.path / RECORD_FILE)

    def write_certificate(self, record: DeviceRecord, certificate: str, public_key: str, private_key: str) -> None:
        """Write all of a new certificate; the record goes first, so that a run that is cut off can be told of it.

        Raises:
            ArtifactError: If it cannot be written.
        """
        self.write(".gitignore", "*\n")  # a key that was committed is everybody's
        self.write(RECORD_FILE, record.model_dump_json(indent=2) + "\n")
        self.write(CERTIFICATE_FILE, certificate)
        self.write(PUBLIC_KEY_FILE, public_key)
        self.write(KEY_FILE, private_key, _SECRET_MODE)

    def remove_new(self) -> None:
        """Take away the files that were not there before, and the folder if it was not; what else is in it stays."""
        if self.path in self._new:
            remove_left_behind(self.path)  # a Ctrl-C may have come while a temporary file was taken away
        for path in reversed(self._new):
            with contextlib.suppress(OSError):
                path.rmdir() if path.is_dir() else path.unlink()

    def set_aside(self) -> Path | None:
        """Move the files of an earlier certificate into a folder of their own, as long as it may still be in use.

        Returns:
            That folder, for ``put_back``; None where there was nothing.

        Raises:
            ArtifactError: If they cannot be moved.
        """
        there = [name for name in _OF_CERTIFICATE if os.path.lexists(self.path / name)]
        if not there:
            return None
        record = self.record()
        aside = self.path / f"earlier-{record.certificate_id[:8] if record is not None else secrets.token_hex(4)}"
        try:
            aside.mkdir(mode=_FOLDER_MODE, exist_ok=True)
            for name in there:
                os.replace(self.path / name, aside / name)
        except OSError as error:
            raise ArtifactError(f"cannot write into {self.path}: {error.strerror or error}") from None
        return aside

    def put_back(self, aside: Path) -> None:
        """Undo ``set_aside``."""
        for name in _OF_CERTIFICATE:
            with contextlib.suppress(FileNotFoundError):
                os.replace(aside / name, self.path / name)
        with contextlib.suppress(OSError):
            aside.rmdir()

    def write(self, name: str, text: str, mode: int = 0o666) -> None:
        """Write a file; with another mode it may be a secret.

        Raises:
            ArtifactError: If it cannot be written.
        """
        path = self.path / name
        if not os.path.lexists(path):
            self._new.append(path)
        write_whole(path, text.encode(), mode)
