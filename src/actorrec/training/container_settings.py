"""Hyperparameters of a SageMaker job as this program's settings."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from actorrec.config import load_config
from actorrec.errors import ConfigError
from actorrec.manifests.jobs import CHANNEL_NETS, DATASET_PARAMETER, HYPERPARAMETER_SECTIONS, NET_SETTINGS
from actorrec.sections import Config

_ALLOW: Final = "rights.allow_restricted"
_SHOWN: Final = 5


@dataclass(frozen=True, slots=True)
class JobSettings:
    """What a job was asked for.

    Attributes:
        config: The settings.
        dataset: ``dataset/KEY`` that the channel must hold; None for whichever is there.
    """

    config: Config
    dataset: str | None


def read_settings(argv: Sequence[str], environ: Mapping[str, str], nets: Path | None) -> JobSettings:
    """The settings of a job: ``SM_HPS`` where it is set, else the command line.

    Args:
        argv: ``--section.key value`` or ``--section.key=value``; ``--key`` alone means ``training.key``.
        environ: Of the container.
        nets: Channel that files named by ``NET_SETTINGS`` lie in.

    Raises:
        ConfigError: If a name or value is wrong, or the channel lacks a net.
    """
    given = _hyperparameters(environ["SM_HPS"]) if environ.get("SM_HPS") else _options(argv)
    dataset = given.pop(DATASET_PARAMETER, None)
    flags = {_setting(name): value for name, value in given.items() if not _is_sagemakers(name)}
    for name in NET_SETTINGS:
        if flags.get(name):
            flags[name] = _net(name, str(flags[name]), nets)
    return JobSettings(load_config(environ=environ, flags=flags).config, str(dataset) if dataset else None)


def _hyperparameters(text: str) -> dict[str, Any]:
    try:
        values = json.loads(text)
    except ValueError:
        values = None
    if not isinstance(values, dict):
        raise ConfigError("the hyperparameters in SM_HPS are no JSON object")
    return values


def _options(argv: Sequence[str]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    words = list(argv)
    while words:
        word = words.pop(0)
        name, equals, value = word.partition("=")
        if not name.startswith("--") or len(name) < 3:
            raise ConfigError(
                f"not a hyperparameter: {word[:40]!r}", hint="--section.key value, or --section.key=value"
            )
        if not equals:
            value = words.pop(0) if words and not words[0].startswith("--") else "true"
        found[name[2:]] = _as_value(value)
    return found


def _as_value(text: str) -> Any:
    """Lists as JSON; pydantic makes numbers and truths of texts itself, and an empty one is what None became."""
    if text.startswith(("[", '"')):
        try:
            return json.loads(text)
        except ValueError:
            return text
    return text or None


def _is_sagemakers(name: str) -> bool:
    return name.startswith(("sagemaker_", "_tuning_")) or name == "model_dir"


def _setting(name: str) -> str:
    """``section.key`` of a hyperparameter; ``section__key`` is the same, for drivers that cannot bear a dot."""
    plain = name.replace("-", "_").replace("__", ".", 1)
    section, dot, _ = plain.partition(".")
    if not dot:
        return f"training.{plain}"
    if section not in HYPERPARAMETER_SECTIONS and plain != _ALLOW and section in Config.model_fields:
        known = ", ".join(HYPERPARAMETER_SECTIONS)
        raise ConfigError(f"the hyperparameter '{name}' means nothing to training", hint=f"sections: {known}; {_ALLOW}")
    return plain


def _net(name: str, value: str, nets: Path | None) -> str:
    path = nets / value if nets is not None and Path(value).name == value else None
    if path is not None and path.is_file():
        return str(path)
    if name.endswith(".path"):
        held = sorted(file.name for file in nets.iterdir()) if nets is not None and nets.is_dir() else []
        raise ConfigError(
            f"{name} names {value}, which the channel '{CHANNEL_NETS}' does not hold",
            hint=f"it holds {', '.join(held[:_SHOWN]) or 'nothing'}",
        )
    return value  # `embedder.weights` may be a word such as imagenet
