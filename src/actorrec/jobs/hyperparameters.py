"""Settings as the hyperparameters of a training job: JSON inside strings, as the container's toolkit reads them."""

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from actorrec.artifacts.digest import file_sha256
from actorrec.config import Config
from actorrec.errors import ConfigError
from actorrec.home import expanded
from actorrec.jobs.plans import Upload
from actorrec.manifests.base import digest_json
from actorrec.manifests.jobs import CHANNEL_NETS, DATASET_PARAMETER, HYPERPARAMETER_SECTIONS, NET_SETTINGS

_NO_FILES: Final = frozenset({"imagenet", "none"})  # embedder.weights that are a word
_MOST: Final = 100
_LONGEST: Final = 2500


@dataclass(frozen=True, slots=True)
class NetFile:
    """A net of the user's own that must be where the job is.

    Attributes:
        setting: Which setting names it: ``embedder.path``.
        path: On this machine.
        sha256: Of its bytes.
    """

    setting: str
    path: Path
    sha256: str
    bytes: int


def settings_parameters(config: Config, dataset_ref: str, nets: Iterable[NetFile] = ()) -> dict[str, str]:
    """What the training depends on: the data set and every setting that travels, net files by their names alone.

    Raises:
        ConfigError: If there are more, or longer ones, than SageMaker takes.
    """
    values: dict[str, Any] = {DATASET_PARAMETER: dataset_ref}
    for section in HYPERPARAMETER_SECTIONS:
        dumped = getattr(config, section).model_dump(mode="json", exclude_none=True)
        values |= {f"{section}.{key}": value for key, value in dumped.items()}
    values["rights.allow_restricted"] = config.rights.allow_restricted
    values |= {net.setting: net.path.name for net in nets}
    return encoded(values)


def encoded(values: dict[str, Any]) -> dict[str, str]:
    """Each value as JSON text.

    Raises:
        ConfigError: If there are more, or longer ones, than SageMaker takes.
    """
    texts = {name: json.dumps(value) for name, value in values.items()}
    for name, text in texts.items():
        if len(text) > _LONGEST:
            raise ConfigError(f"{name} is too long for a job: {len(text)} characters, at most {_LONGEST}")
    if len(texts) > _MOST:
        raise ConfigError(f"a job takes at most {_MOST} hyperparameters, not {len(texts)}")
    return texts


def net_files(config: Config) -> tuple[NetFile, ...]:
    """Nets of the user's own that the settings name.

    Raises:
        ConfigError: If one cannot be read, or two different ones have the same name.
    """
    found: list[NetFile] = []
    for setting in NET_SETTINGS:
        section, _, key = setting.partition(".")
        value = getattr(getattr(config, section), key)
        if value is None or str(value) in _NO_FILES:
            continue
        path = expanded(value)
        try:
            found.append(NetFile(setting, path, file_sha256(path), path.stat().st_size))
        except OSError as error:
            raise ConfigError(f"cannot read {setting} {path}: {error.strerror or error}") from None
    if len({net.path.name for net in found}) != len({(net.path.name, net.sha256) for net in found}):
        names = " and ".join(net.setting for net in found)
        raise ConfigError(
            f"{names} name different files of one name: they go to one folder",
            hint="rename one of the files",
        )
    return tuple(found)


def nets_prefix(jobs_uri: str, nets: Iterable[NetFile]) -> str:
    """Where these nets go: the same nets to the same place."""
    return f"{jobs_uri}/{CHANNEL_NETS}/{digest_json(sorted({(n.path.name, n.sha256) for n in nets}))[:16]}/"


def net_uploads(prefix: str, nets: Iterable[NetFile]) -> tuple[Upload, ...]:
    """Each file once."""
    return tuple(
        Upload(f"net {net.path.name}", f"{prefix}{net.path.name}", net.bytes, path=net.path, sha256=net.sha256)
        for net in {net.path.name: net for net in nets}.values()
    )


def checkpoint_key(dataset_digest: str, parameters: dict[str, str], nets: Iterable[NetFile], code_sha256: str) -> str:
    """16 hex digits that are the same for the same work, so that it goes on from what an interrupted job left."""
    work = [dataset_digest, parameters, sorted(net.sha256 for net in nets), code_sha256]
    return hashlib.sha256(json.dumps(work, sort_keys=True).encode()).hexdigest()[:16]
