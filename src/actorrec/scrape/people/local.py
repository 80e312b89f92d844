"""Files of the user's that list people, read whole within a bound."""

from pathlib import Path

from actorrec.errors import ConfigError

MAX_FILE_BYTES = 64 * 2**20


def read_file(path: Path) -> bytes:
    """The bytes of a file, or of a pipe.

    Raises:
        ConfigError: If it cannot be read or is far larger than any list of people.
    """
    try:
        with path.open("rb") as file:
            content = file.read(MAX_FILE_BYTES + 1)
    except OSError as error:
        raise ConfigError(f"cannot read {path}: {error.strerror}", hint="is the path right?") from None
    if len(content) > MAX_FILE_BYTES:
        raise ConfigError(f"{path} is larger than {MAX_FILE_BYTES // 2**20} MiB, too large for a list of people")
    return content
