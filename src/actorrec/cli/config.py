"""``actorrec config``: look at the settings, start a file of them."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from actorrec.cli.command import command
from actorrec.cli.session import Session

if TYPE_CHECKING:
    from actorrec.sections import Section

config_app = typer.Typer(help="Show the merged settings; write a file to start from.", no_args_is_help=True)


@command(config_app, "show")
def show(session: Session) -> None:
    """Print every setting and where its value came from."""
    from actorrec.passwords import shown_value

    loaded = session.loaded
    values = shown_value(loaded.config.model_dump(mode="json"))
    if session.as_json:
        session.result({"settings": values, "sources": loaded.sources})
        return
    rows = [
        (f"{section}.{key}", _text(value), loaded.sources.get(f"{section}.{key}", "default"))
        for section, keys in values.items()
        for key, value in keys.items()
    ]
    session.table("settings", ("key", "value", "from"), rows)


@command(config_app, "init")
def init(
    session: Session,
    path: Annotated[Path, typer.Argument(help="File to write; it must not exist.")] = Path("actorrec.yaml"),
) -> None:
    """Write the settings as they are now to a YAML file, with what each section is for; keys stay out of it."""
    from actorrec.artifacts.whole_file import write_whole
    from actorrec.errors import ConfigError

    if path.exists():
        raise ConfigError(f"{path} exists already", hint="name another file, or remove it first")
    write_whole(path, _as_yaml(session).encode())
    session.result({"path": str(path)}, f"wrote {path}; use it with --config {path}")


def _as_yaml(session: Session) -> str:
    import yaml

    parts = []
    for name, section in session.loaded.config:
        purpose = (type(section).__doc__ or "").strip().splitlines()[0]
        # Neither the key, which a file that gets around would give away, nor its mask, which would be read as a key.
        values = section.model_dump(mode="json") | dict.fromkeys(_secret_keys(section), "")
        body = yaml.safe_dump({name: values}, sort_keys=False, default_flow_style=False)
        parts.append(f"# {purpose}\n{body}")
    return "\n".join(parts)


def _secret_keys(section: "Section") -> list[str]:
    from pydantic import SecretStr

    return [key for key, value in section if isinstance(value, SecretStr) or _holds_password(value)]


def _holds_password(value: Any) -> bool:
    from actorrec.passwords import without_passwords

    return isinstance(value, str) and without_passwords(value) != value


def _text(value: Any) -> str:
    return "" if value is None else str(value)


def register(app: typer.Typer) -> None:
    """Add these commands."""
    app.add_typer(config_app, name="config")
