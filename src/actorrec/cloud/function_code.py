"""The code of the function that ships models over the air: a zip that `make lambda` builds."""

import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

from actorrec.artifacts.digest import file_sha256
from actorrec.artifacts.uri import open_store
from actorrec.aws.session import AwsSession
from actorrec.errors import ConfigError

HANDLER_FILE: Final = "actorrec/greengrass/lambda_handler.py"
_MAX_BYTES: Final = 250 << 20
"""What AWS lets a function unpack to."""


@dataclass(frozen=True, slots=True)
class FunctionCode:
    """A zip on this machine.

    Attributes:
        sha256: Of the file: the same code goes to the same place.
    """

    path: Path
    sha256: str
    bytes: int

    @classmethod
    def of(cls, path: Path) -> Self:
        """Look at a file.

        Raises:
            ConfigError: If it is not what `make lambda` builds.
        """
        hint = "`make lambda` builds one, or take the one of a release"
        try:
            with zipfile.ZipFile(path) as archive:
                names = {entry.filename: entry.file_size for entry in archive.infolist()}
            found = cls(path, file_sha256(path), path.stat().st_size)
        except (OSError, zipfile.BadZipFile) as error:
            reason = error.strerror if isinstance(error, OSError) else "no readable zip"
            raise ConfigError(f"cannot read the code of the function, {path}: {reason}", hint=hint) from None
        if HANDLER_FILE not in names:
            raise ConfigError(f"{path} is not the code of the function: it lacks {HANDLER_FILE}", hint=hint)
        if sum(names.values()) > _MAX_BYTES:
            raise ConfigError(
                f"{path} would unpack to more than {_MAX_BYTES >> 20} MiB, which is all AWS takes", hint=hint
            )
        return found

    @property
    def name(self) -> str:
        """Its place below the prefix of the store."""
        return f"lambda/{self.sha256[:16]}/actorrec-lambda.zip"

    def key(self, prefix: str) -> str:
        """Its place in the bucket."""
        return f"{prefix}/{self.name}"

    def send(self, aws: AwsSession, bucket: str, prefix: str) -> None:
        """Put it there, if it is not there already.

        Raises:
            ArtifactError: If the file changes meanwhile.
            RemoteError: If S3 refuses.
        """
        store = open_store(f"s3://{bucket}/{prefix}", aws.settings)
        if not store.holds(self.name, self.sha256):
            store.put_file(self.name, self.path)
