"""Every error a user can meet, in one tree.

ActorRecError                 exit code 1
├── ConfigError               2   a setting, flag or file of settings is wrong
│   └── MissingExtraError     2   a command needs packages that are not installed
├── DataError                 1   the photos or the data set cannot serve
│   └── ItemError             1   one picture, one face or one download failed; the only one caught in loops
├── TrainingError             1   training cannot start or came to nothing
├── ParityError               1   a converted model does not agree with its source
├── ModelContractError        1   a model or bundle is not what it says it is
├── FrameSourceError          1   a picture, film or camera cannot be read
├── RemoteError               3   a service far away failed or refused
│   ├── SourceError           3   a site answered in a shape that is not known, or refused
│   └── JobError              3   a job in the cloud failed, was stopped, or left nothing behind
└── ArtifactError             4   the artifact store cannot be read or written, or lacks what was asked
    └── TemporaryFileError    4   the folder for temporary files takes no more

Ctrl-C ends with 130.
"""

from pathlib import Path
from typing import ClassVar


class ActorRecError(Exception):
    """An error that is shown to the user as one line and what to do next.

    Args:
        message: One line that says what is wrong, with the name of the thing it is about.
        hint: One line that says what to do next; may be empty where the message says it.
    """

    exit_code: ClassVar[int] = 1

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    @property
    def in_full(self) -> str:
        """Message and hint on one line, for tables and results."""
        return f"{self.message} ({self.hint})" if self.hint else self.message


class ConfigError(ActorRecError):
    """A setting, flag or configuration file is wrong."""

    exit_code = 2


class MissingExtraError(ConfigError):
    """A command needs packages that are not installed; the hint holds the line that installs them."""

    def __init__(self, extra: str, module: str) -> None:
        super().__init__(
            f"this command needs the package '{module}', which is not installed",
            hint=f"pip install 'actorrec[{extra}]'",
        )
        self.extra = extra


class DataError(ActorRecError):
    """The photos or the data set cannot serve."""


class ItemError(DataError):
    """One picture, face or download failed; loops count it by reason and go on.

    Args:
        reason: A short stable slug such as ``"truncated"``; tables count by it.
        message: What happened to this one item.
    """

    def __init__(self, reason: str, message: str, *, hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.reason = reason


class TrainingError(ActorRecError):
    """Training cannot start or came to nothing."""


class ParityError(ActorRecError):
    """A converted model does not agree with the model it was made from."""


class ModelContractError(ActorRecError):
    """A model or bundle is not what it says it is."""


class FrameSourceError(ActorRecError):
    """A picture, film or camera cannot be read."""


class RemoteError(ActorRecError):
    """A service far away failed or refused."""

    exit_code = 3


class SourceError(RemoteError):
    """A source of people or pictures answered in a shape that is not known, or refused.

    Args:
        source: Its name, as in ``--people``.
        message: What was expected and is not there (a field, an answer), or who refused.
        alternatives: What else would serve, for the hint.
    """

    def __init__(self, source: str, message: str, *, alternatives: str = "") -> None:
        super().__init__(f"{source}: {message}", hint=alternatives)
        self.source = source


class JobError(RemoteError):
    """A job in the cloud failed, was stopped, or left nothing behind."""


class ArtifactError(ActorRecError):
    """The artifact store cannot be read or written, or lacks what was asked."""

    exit_code = 4


class TemporaryFileError(ArtifactError):
    """The folder for temporary files cannot take one.

    Args:
        folder: That folder.
        reason: The operating system's or a library's answer.
    """

    def __init__(self, folder: Path | str, reason: object) -> None:
        super().__init__(
            f"cannot write to the temporary folder {folder}: {reason}",
            hint="is the disk full? TMPDIR names another folder for temporary files",
        )
