"""Combinations of settings that AWS refuses, or that would come to nothing: said before anything is sent."""

import re
import unicodedata
from collections.abc import Sequence
from typing import Final

from actorrec.config import Config
from actorrec.errors import ConfigError
from actorrec.faces.keras_backbones import BACKBONES
from actorrec.faces.keras_backbones.applications import APPLICATIONS
from actorrec.faces.registry import REGISTRY
from actorrec.sections import EmbedderSection

_KMS_KEY: Final = re.compile(r"[a-zA-Z0-9:/_-]{1,2048}")
_MOST_SUBNETS: Final = 16
_MOST_GROUPS: Final = 5
_MOST_TAGS: Final = 50
_OURS: Final = "actorrec:"


def refuse_impossible(config: Config) -> None:
    """Refuse what AWS would refuse of any job.

    Raises:
        ConfigError: Naming the settings that do not go together.
    """
    _refuse_vpc(config.remote.subnets, config.remote.security_groups)
    if config.aws.kms_key is not None and not _KMS_KEY.fullmatch(config.aws.kms_key):
        raise ConfigError(
            f"aws.kms_key {config.aws.kms_key!r} is not a key that SageMaker takes",
            hint="a key id, alias/NAME, or the ARN of either",
        )
    if config.remote.isolated and not config.remote.image_uri:
        raise ConfigError(
            "remote.isolated needs remote.image_uri: the image of AWS lacks packages that it could not fetch then",
            hint="an image of yours with the packages of requirements.txt (in sourcedir.tar.gz), or isolated: false",
        )
    if config.remote.isolated and config.detector.path is None:
        _refuse_fetching("detector", config.detector.name)


def refuse_impossible_training(config: Config) -> None:
    """Refuse what AWS would refuse of a training job, and what several machines cannot do.

    Raises:
        ConfigError: Naming the settings that do not go together.
    """
    remote = config.remote
    refuse_impossible(config)
    if remote.spot and remote.keep_alive_s:
        raise ConfigError(
            "remote.spot and remote.keep_alive_s exclude each other: spot machines cannot be kept warm",
            hint="leave out --spot, or set remote.keep_alive_s: 0",
        )
    if remote.spot and remote.max_wait_hours is not None and remote.max_wait_hours < remote.max_hours:
        raise ConfigError(
            f"remote.max_wait_hours {remote.max_wait_hours:g} is less than remote.max_hours {remote.max_hours:g}: "
            "the wait counts the run too",
            hint="raise one or lower the other",
        )
    _refuse_unknown_embedder(config.embedder)
    if remote.isolated and config.embedder.path is None and config.embedder.weights == "imagenet":
        _refuse_fetching("embedder", config.embedder.name)
    if remote.instances > 1 and config.training.preset == "original":
        raise ConfigError(
            f"training.preset original trains on one machine, not on {remote.instances}",
            hint="set --instances 1, or training.preset: cosine",
        )


def _refuse_unknown_embedder(section: EmbedderSection) -> None:
    """A machine would be paid for to say so."""
    known = [
        *BACKBONES,
        *(name for name, entry in REGISTRY.items() if entry.spec is not None and name not in BACKBONES),
    ]
    if section.path is None and section.name not in known:
        hint = f"one of {', '.join(known)}; or a file (embedder.path)"
        raise ConfigError(f"there is no embedder {section.name!r} to train with", hint=hint)


def _refuse_fetching(section: str, name: str) -> None:
    """A machine without a network would be paid for to say so."""
    entry = REGISTRY.get(name)
    if name in APPLICATIONS or (entry is not None and entry.download is not None):
        setting = "weights" if name in APPLICATIONS else "path"
        raise ConfigError(
            f"remote.isolated: the {section} {name} would have to be fetched, and the machine has no network",
            hint=f"fetch it here, and name its file: {section}.{setting}; or isolated: false",
        )


def tags(entries: Sequence[str], ours: dict[str, str]) -> list[dict[str, str]]:
    """Tags of a job: ours, then the user's ``key=value``.

    Raises:
        ConfigError: If one is malformed, double or reserved, or there are too many.
    """
    found = dict(ours)
    for entry in entries:
        key, separator, value = (part.strip() for part in entry.partition("="))
        if not separator or not _is_tag(key, 1, 128) or not _is_tag(value, 0, 256):
            raise ConfigError(
                f"remote.tags: {entry!r} is not a tag",
                hint="write key=value: letters, digits, spaces and _ . : / = + - @; at most 128 and 256 characters",
            )
        if key.lower().startswith(("aws:", _OURS)):
            raise ConfigError(f"remote.tags: {key!r} begins with a word that is taken", hint="give it another name")
        if key in found:
            raise ConfigError(f"remote.tags: {key!r} is there twice")
        found[key] = value
    if len(found) > _MOST_TAGS:
        raise ConfigError(f"remote.tags: AWS takes {_MOST_TAGS} tags, {len(ours)} of which are ours")
    return [{"Key": key, "Value": value} for key, value in found.items()]


def _is_tag(text: str, least: int, most: int) -> bool:
    allowed = all(character in "_.:/=+-@" or unicodedata.category(character)[0] in "LZN" for character in text)
    return allowed and least <= len(text) <= most


def _refuse_vpc(subnets: Sequence[str], groups: Sequence[str]) -> None:
    if bool(subnets) != bool(groups):
        missing = "remote.security_groups" if subnets else "remote.subnets"
        raise ConfigError(
            f"a network of yours takes subnets and security groups: {missing} is empty",
            hint="set both, or neither",
        )
    for setting, values, most, start in (
        ("remote.subnets", subnets, _MOST_SUBNETS, "subnet-"),
        ("remote.security_groups", groups, _MOST_GROUPS, "sg-"),
    ):
        if len(values) > most:
            raise ConfigError(f"{setting}: AWS takes at most {most}, not {len(values)}")
        wrong = next((value for value in values if not re.fullmatch(rf"{start}[0-9a-z]{{1,24}}", value)), None)
        if wrong is not None:
            raise ConfigError(f"{setting}: {wrong!r} is not an id of AWS's", hint=f"it begins with {start}")
