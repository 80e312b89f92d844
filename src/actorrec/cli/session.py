"""What every command shares: its settings, its store, and where it may print."""

import json
import os
import sys
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pydantic import BaseModel
    from rich.console import Console

    from actorrec.artifacts.store import ArtifactStore
    from actorrec.aws.session import AwsSession
    from actorrec.config import Config, LoadedConfig
    from actorrec.progress import Progress


class Session:
    """One run of one command.

    Args:
        config_path: ``--config``.
        store_uri: ``--store``.
        as_json: ``--json``: stdout holds JSON alone.
        quiet: ``--quiet``: no progress, no tables.
    """

    def __init__(self, config_path: Path | None, store_uri: str | None, *, as_json: bool, quiet: bool) -> None:
        self._config_path = config_path
        self._flags: dict[str, Any] = {"store.uri": store_uri}
        self.as_json = as_json
        self.quiet = quiet

    def settings(self, flags: Mapping[str, Any] | None = None) -> "Config":
        """The merged configuration; ``flags`` are ``section.key`` → value, None meaning not given."""
        self._flags.update(flags or {})
        return self.loaded.config

    @property
    def settings_file(self) -> Path | None:
        """The file of settings that was named, else the machine's own; None where there is neither."""
        from actorrec.config import find_config, system_config

        if self._config_path is not None:
            return find_config(self._config_path)
        path = system_config(os.environ)
        return path if path is not None and os.access(path, os.R_OK) else None

    def read_again(self) -> "Config":
        """The merged configuration as its file says it now; what this session works with stays.

        Raises:
            ConfigError: If a key or value is wrong.
        """
        from actorrec.config import load_config, system_config

        return load_config(self._config_path, flags=self._flags, system=system_config(os.environ)).config

    @cached_property
    def loaded(self) -> "LoadedConfig":
        """The configuration with the source of every value."""
        from actorrec.config import load_config, system_config

        loaded = load_config(self._config_path, flags=self._flags, system=system_config(os.environ))
        if loaded.unread is not None:
            print(printable(f"{loaded.unread} is {_for_whom(loaded.unread)}: going on without it"), file=sys.stderr)
        return loaded

    @cached_property
    def store(self) -> "ArtifactStore":
        """The artifact store of this run."""
        from actorrec.artifacts.uri import open_store

        config = self.loaded.config
        return open_store(config.store.uri, config.aws)

    @cached_property
    def aws(self) -> "AwsSession":
        """Clients of AWS for this run."""
        from actorrec.aws.session import AwsSession

        return AwsSession(self.loaded.config.aws)

    @cached_property
    def progress(self) -> "Progress":
        """Bars on a terminal, otherwise nothing."""
        from actorrec.progress import SilentProgress

        if self.quiet or not sys.stderr.isatty():
            return SilentProgress()
        from actorrec.cli.terminal import TerminalProgress

        return TerminalProgress(self.errors)

    @cached_property
    def errors(self) -> "Console":
        """stderr."""
        from rich.console import Console

        return Console(stderr=True, highlight=False, soft_wrap=True)

    @cached_property
    def console(self) -> "Console":
        """Where people read: stdout, or stderr when stdout is kept for JSON."""
        from rich.console import Console

        return Console(stderr=self.as_json, quiet=self.quiet, highlight=False)

    def table(self, title: str, columns: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
        """Print a table for people; nothing with ``--quiet`` or without rows."""
        if self.quiet or not rows:
            return
        from rich import box
        from rich.table import Table
        from rich.text import Text

        table = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD)
        for column in columns:
            table.add_column(column, overflow="fold")
        for row in rows:
            table.add_row(*(Text(printable(cell)) for cell in row))
        self.console.print(table)

    def say(self, text: str) -> None:
        """Print a line for people; nothing with ``--quiet``."""
        if not self.quiet:
            from rich.text import Text

            self.console.print(Text(printable(text)), soft_wrap=True)

    def result(self, value: "BaseModel | Mapping[str, Any] | Sequence[Any]", line: str = "") -> None:
        """Print the command's result: JSON with ``--json``, else the line."""
        if self.as_json:
            write_json(value)
        elif line:
            print(printable(line))


def _for_whom(path: Path) -> str:
    """Who may read a file that this user may not."""
    try:
        return f"for the group {path.group()} to read (sudo usermod -aG {path.group()} USER)"
    except (OSError, KeyError, NotImplementedError):
        return "not for this user to read"


def write_json(value: "BaseModel | Mapping[str, Any] | Sequence[Any]") -> None:
    """Write one JSON document on one line of stdout, non-ASCII kept."""
    dump = getattr(value, "model_dump_json", None)
    text = dump() if dump else json.dumps(value, ensure_ascii=False)
    # A file name may hold bytes that are no text; JSON must stay valid UTF-8.
    sys.stdout.write(text.encode("utf-8", "backslashreplace").decode() + "\n")
    sys.stdout.flush()


def printable(value: object) -> str:
    """Text that cannot move the cursor or break a line: control characters and lone bytes are spelled out."""
    text = str(value).encode("utf-8", "backslashreplace").decode()
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
