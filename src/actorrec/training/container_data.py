"""The data set that a training container was given, found and looked over without reading more than is needed."""

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from pydantic import ValidationError

from actorrec.artifacts.catalog import MANIFEST_NAME
from actorrec.errors import DataError
from actorrec.manifests.dataset import DatasetManifest
from actorrec.manifests.jobs import CHANNEL_TRAIN

_SHOWN: Final = 3
_HINT: Final = "it takes the folder of one data set (…/dataset/KEY/), or a folder with one dataset.npz"


@dataclass(frozen=True, slots=True)
class ChannelData:
    """What the channel holds.

    Attributes:
        path: Folder of the data set, or the ``.npz`` file.
        manifest: Of the data set; None for an ``.npz`` file.
    """

    path: Path
    manifest: DatasetManifest | None


@dataclass(slots=True)
class _Seen:
    datasets: list[tuple[Path, DatasetManifest]] = field(default_factory=list)
    arrays: list[Path] = field(default_factory=list)
    others: list[str] = field(default_factory=list)
    files: int = 0


def find_data(channel: Path, wanted: str | None) -> ChannelData:
    """The one data set, or the one ``.npz`` file, of a channel.

    Of a data set, the manifest is read and its files' sizes are looked up; crops are read when they are needed.

    Args:
        channel: Its folder.
        wanted: ``dataset/KEY`` that it must be; None for any.

    Raises:
        DataError: If there is none, more than one, another one, or it is damaged; the message says what was found.
    """
    seen = _look(channel)
    matching = [pair for pair in seen.datasets if wanted in (None, pair[1].ref)]
    if wanted is not None and not matching:
        raise DataError(f"the channel '{CHANNEL_TRAIN}' does not hold {wanted}: {_found(seen)}", hint=_HINT)
    candidates = [ChannelData(path, manifest) for path, manifest in matching]
    if wanted is None:
        candidates += [ChannelData(path, None) for path in seen.arrays]
    if len(candidates) != 1:
        trouble = "more than one thing to learn from" if candidates else "neither a data set nor a dataset.npz"
        raise DataError(f"the channel '{CHANNEL_TRAIN}' holds {trouble}: {_found(seen)}", hint=_HINT)
    [data] = candidates
    if data.manifest is not None:
        _check_crops(data.manifest, data.path)
    return data


def _look(channel: Path) -> _Seen:
    seen = _Seen()
    for folder, names in _folders(channel):
        seen.files += len(names)
        if MANIFEST_NAME in names:
            kind, manifest = _read_manifest(Path(folder, MANIFEST_NAME))
            if manifest is None:
                seen.others.append(f"a {kind}")
                continue  # a model's gallery.npz is no data set
            seen.datasets.append((Path(folder), manifest))
        seen.arrays += [Path(folder, name) for name in names if name.endswith(".npz")]
        seen.others += names[:_SHOWN]
    return seen


def _folders(channel: Path) -> Iterator[tuple[str, list[str]]]:
    def refuse(error: OSError) -> None:
        raise DataError(f"the channel '{CHANNEL_TRAIN}' cannot be read: {error.filename}: {error.strerror}", hint=_HINT)

    for folder, folders, names in os.walk(channel, onerror=refuse):
        if MANIFEST_NAME in names:
            folders.clear()  # an artifact has no other inside
        folders.sort()
        yield folder, sorted(names)


def _read_manifest(path: Path) -> tuple[str, DatasetManifest | None]:
    """Kind of the manifest, and the manifest itself where it is of a data set."""
    try:
        data = path.read_bytes()
        loaded = json.loads(data)
        kind = loaded.get("kind") if isinstance(loaded, dict) else None
        return str(kind), DatasetManifest.model_validate_json(data) if kind == "dataset" else None
    except OSError as error:
        raise DataError(f"cannot read {path}: {error.strerror or error}") from None
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        reason = f"{where}: {first['msg']}"
        hint = "it may come from a newer actorrec; if it is damaged, build the data set again"
        raise DataError(
            f"{path} is no manifest of a data set that this version understands: {reason}", hint=hint
        ) from None
    except ValueError as error:
        raise DataError(f"{path} is damaged: {error}", hint="build the data set again, or upload it again") from None


def _check_crops(manifest: DatasetManifest, folder: Path) -> None:
    found = {
        Path(inside, name).relative_to(folder).as_posix(): Path(inside, name).stat().st_size
        for inside, _, names in os.walk(folder)
        for name in names
    }
    wanted = {record.name: record.bytes for record in manifest.files}
    crops = [face.crop for face in manifest.faces]
    lacking = [crop for crop in crops if crop not in found or crop not in wanted]
    changed = [crop for crop in crops if crop in found and found[crop] != wanted.get(crop)]
    for what, names in (("lacks", lacking), ("holds other bytes in", changed)):
        if names:
            shown = ", ".join(names[:_SHOWN])
            raise DataError(
                f"{manifest.ref} in the channel '{CHANNEL_TRAIN}' is damaged: it {what} {len(names)} of its "
                f"{len(crops)} crops ({shown}{', …' if len(names) > _SHOWN else ''})",
                hint="upload the data set again: actorrec artifacts push",
            )


def _found(seen: _Seen) -> str:
    named = [manifest.ref for _, manifest in seen.datasets] + [path.name for path in seen.arrays]
    if not named and not seen.files:
        return "it is empty"
    rest = [name for name in dict.fromkeys(seen.others) if name not in named and name != MANIFEST_NAME]
    shown = named or rest[:_SHOWN]
    return f"found {', '.join(shown)}{f' among {seen.files} files' if not named else ''}"
