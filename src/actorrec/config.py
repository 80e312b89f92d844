"""How defaults, file, environment and flags become one configuration."""

import difflib
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal, get_args, get_origin

from pydantic import SecretStr, ValidationError

from actorrec.errors import ConfigError
from actorrec.manifests.base import ProducedBy, digest_json
from actorrec.passwords import shown_value, without_passwords, yaml_fault
from actorrec.sections import Config, Section

__all__ = [
    "SYSTEM_CONFIG",
    "Config",
    "LoadedConfig",
    "choices",
    "find_config",
    "load_config",
    "provenance",
    "setting_value",
    "shipped_configs",
    "system_config",
]


@dataclass(frozen=True, slots=True)
class LoadedConfig:
    """A configuration and where each value that is not a default came from.

    Attributes:
        sources: ``section.key`` → ``file PATH``, ``environment NAME`` or ``flag``.
        unread: The machine's own file where this user may not read it: the command goes on without.
    """

    config: Config
    sources: dict[str, str]
    unread: Path | None = None


ENV_PREFIX = "ACTORREC_"
SYSTEM_CONFIG: Final = Path("/etc/actorrec/config.yaml")
"""What holds for everybody on this machine."""
_SYSTEM_VARIABLE: Final = "ACTORREC_SYSTEM_CONFIG"
# Names that share the prefix but are no settings: a debug switch, the tests' data folder, the machine's own file.
_NOT_SETTINGS = frozenset({"ACTORREC_DEBUG", "ACTORREC_TEST_DATA", _SYSTEM_VARIABLE})
_EITHER: Final = {"mqtt.password": "mqtt.password_file", "mqtt.password_file": "mqtt.password"}
"""Two ways to say one thing: whichever was said in the stronger place."""


def load_config(
    path: Path | None = None,
    *,
    environ: Mapping[str, str] | None = None,
    flags: Mapping[str, Any] | None = None,
    system: Path | None = None,
) -> LoadedConfig:
    """Merge defaults < the machine's own file < file < ``ACTORREC_SECTION__KEY`` < flags.

    Args:
        path: YAML file with sections, or the name of a shipped one (see ``find_config``); None for none.
        environ: Environment; ``os.environ`` by default.
        flags: ``section.key`` → value; None values are ignored.
        system: What ``system_config`` says; it need not be there, and this user need not be allowed to read it.

    Raises:
        ConfigError: If a key or value is wrong; the message names it and the nearest right key.
    """
    values: dict[str, dict[str, Any]] = {}
    sources: dict[str, str] = {}
    of_machine, unread = _of_machine(system)
    for name, value, source in (
        *of_machine,
        *(_from_file(find_config(path)) if path is not None else []),
        *_from_environment(os.environ if environ is None else environ),
        *((name, value, "flag") for name, value in (flags or {}).items() if value is not None),
    ):
        section, _, key = name.partition(".")
        _check_key(section, key, source)
        if isinstance(value, bool) and _is_number(_annotation(section, key)):
            raise ConfigError(f"{name} ({source}): Input should be a number, got {value}")  # else it would be 1
        values.setdefault(section, {})[key] = value
        sources[name] = source
        instead = _EITHER.get(name)
        if instead and sources.get(instead, source) != source:  # as if this had been said in its place
            del values[section][instead.partition(".")[2]], sources[instead]
    try:
        return LoadedConfig(Config.model_validate(values), sources, unread)
    except ValidationError as error:
        raise _as_config_error(error, sources) from None


def shipped_configs() -> dict[str, Path]:
    """Name → file of the configurations that come with the program, in a wheel or in a checkout."""
    package = Path(__file__).resolve().parent
    folder = next((f for f in (package / "configs", package.parents[1] / "configs") if f.is_dir()), package)
    return {file.stem: file for file in sorted(folder.glob("*.yaml"))}


def find_config(path: Path) -> Path:
    """The file that ``--config`` means: the path itself where there is one, else a shipped file of that name.

    ``resnet50-imagenet``, ``resnet50-imagenet.yaml`` and ``configs/resnet50-imagenet.yaml`` all find the shipped one.
    """
    plain = path.parent in (Path(), Path("configs")) and path.suffix in ("", ".yaml")
    return path if path.exists() or not plain else shipped_configs().get(path.stem, path)


def system_config(environ: Mapping[str, str]) -> Path | None:
    """The machine's own file of settings; ``ACTORREC_SYSTEM_CONFIG`` names another one, or none if it is empty."""
    named = environ.get(_SYSTEM_VARIABLE)
    return SYSTEM_CONFIG if named is None else Path(named) if named else None


def _of_machine(path: Path | None) -> tuple[list[tuple[str, Any, str]], Path | None]:
    """What it says; and the path, if this user may not read it: it may hold a broker's password."""
    if path is None:
        return [], None
    try:
        path.open("rb").close()
    except (FileNotFoundError, NotADirectoryError):
        return [], None
    except PermissionError:
        return [], path
    except OSError as error:
        raise ConfigError(f"cannot read the configuration {path}: {error.strerror}") from None
    return _from_file(path), None


def _from_file(path: Path) -> list[tuple[str, Any, str]]:
    import yaml

    try:
        data = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        hint = f"a YAML file, or one that comes with the program: {', '.join(shipped_configs())}"
        raise ConfigError(f"cannot read the configuration {path}: {error.strerror}", hint=hint) from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ConfigError(f"the configuration {path} is not YAML: {yaml_fault(error)}") from None
    if data is None:
        return []
    if not isinstance(data, dict):
        raise ConfigError(f"the configuration {path} must hold sections, not a {type(data).__name__}")
    found: list[tuple[str, Any, str]] = []
    for section, content in data.items():
        _check_key(str(section), "", f"file {path}")
        if not isinstance(content, dict):
            raise ConfigError(f"'{section}' in {path} must hold keys, not a {type(content).__name__}")
        found += [(f"{section}.{key}", value, f"file {path}") for key, value in content.items()]
    return found


def _from_environment(environ: Mapping[str, str]) -> list[tuple[str, Any, str]]:
    found: list[tuple[str, Any, str]] = []
    for variable in sorted(environ):
        if not variable.startswith(ENV_PREFIX) or variable in _NOT_SETTINGS:
            continue
        section, separator, key = variable.removeprefix(ENV_PREFIX).lower().partition("__")
        if separator:
            value = _value_of(environ[variable], _annotation(section, key))
            found.append((f"{section}.{key}", value, f"environment {variable}"))
    return found


def _is_number(annotation: Any) -> bool:
    kinds = {annotation, *get_args(annotation)}
    return bool(kinds & {int, float}) and bool not in kinds


def setting_value(name: str, text: str) -> Any:
    """What a setting's text on the command line means, as in an environment variable.

    Raises:
        ConfigError: If there is no such setting.
    """
    section, _, key = name.partition(".")
    _check_key(section, key, "flag")
    return _value_of(text, _annotation(section, key))


def _annotation(section: str, key: str) -> Any:
    """The type of a setting; None if there is no such setting."""
    section_type = Config.model_fields[section].annotation if section in Config.model_fields else None
    fields = section_type.model_fields if isinstance(section_type, type) and issubclass(section_type, Section) else {}
    return fields[key].annotation if key in fields else None


def _value_of(text: str, annotation: Any) -> Any:
    """A variable's text as YAML; but a text stays one though it looks like a number, and a list may be ``a, b``."""
    import yaml

    try:
        value = yaml.safe_load(text)
    except yaml.YAMLError:
        value = text
    if get_origin(annotation) is tuple:
        return value if isinstance(value, list) else [part.strip() for part in text.split(",") if part.strip()]
    kinds = {annotation, *get_args(annotation)}
    if kinds & {str, SecretStr, Path} and (value is not None or type(None) not in kinds):
        return text
    return text if isinstance(value, dict) else value


def _check_key(section: str, key: str, source: str) -> None:
    sections = Config.model_fields
    if section not in sections:
        raise ConfigError(f"unknown section '{section}' ({source})", hint=_nearest(section, list(sections)))
    section_type = sections[section].annotation
    assert isinstance(section_type, type) and issubclass(section_type, Section)
    if key and key not in section_type.model_fields:
        hint = _nearest(key, list(section_type.model_fields), section)
        raise ConfigError(f"unknown key '{section}.{key}' ({source})", hint=hint)


def _nearest(name: str, known: list[str], section: str = "") -> str:
    match = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
    prefix = f"{section}." if section else ""
    return f"did you mean '{prefix}{match[0]}'?" if match else f"known: {', '.join(prefix + key for key in known)}"


def _as_config_error(error: ValidationError, sources: Mapping[str, str]) -> ConfigError:
    first = error.errors()[0]
    name = ".".join(str(part) for part in first["loc"][:2])
    got = "a value that is kept secret" if _is_secret(name) else without_passwords(repr(first["input"]))
    where = f"{name} ({sources.get(name, 'default')})"
    examples = _examples(name) if first["type"] == "string_pattern_mismatch" else []
    if examples:
        return ConfigError(f"{where}: it cannot be {got}", hint=f"it is written like {examples[0]}")
    return ConfigError(f"{where}: {first['msg']}, got {got}")


def _examples(name: str) -> list[Any]:
    section, _, key = name.partition(".")
    fields: Any = getattr(Config.model_fields[section].annotation, "model_fields", {})
    return list(fields[key].examples or ()) if key in fields else []


def _is_secret(name: str) -> bool:
    section, _, key = name.partition(".")
    fields: Any = getattr(Config.model_fields[section].annotation, "model_fields", {})
    return key in fields and fields[key].annotation is SecretStr


def choices(annotation: Any) -> tuple[str, ...]:
    """The values a ``Literal`` annotation allows, for help texts."""
    return tuple(str(value) for value in get_args(annotation)) if get_origin(annotation) is Literal else ()


def provenance(config: Config) -> ProducedBy:
    """Which code and settings a manifest was made by; the commit is known only in a git checkout of the project.

    A camera's password has no part in the hash, by which one could be guessed.
    """
    settings = shown_value(config.model_dump(mode="json"))
    return ProducedBy(git_commit=_git_commit(), config_hash=digest_json(settings)[:16])


def _git_commit() -> str | None:
    git = Path(__file__).resolve().parents[2] / ".git"
    try:
        head = (git / "HEAD").read_text().strip()
        return head if not head.startswith("ref: ") else (git / head.removeprefix("ref: ")).read_text().strip()
    except OSError:
        return None
