"""The card of a bundle and the digests it states: what can be checked of a zip without a net, a gallery or a picture.

Nothing in here needs more than the standard library and pydantic, so that a function in the cloud can do it.
"""

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Final

from pydantic import ValidationError

from actorrec.errors import ModelContractError
from actorrec.manifests.bundle import CARD_SCHEMA_VERSION, BundleCard
from actorrec.manifests.nets import PREPROCESS_VERSION
from actorrec.recognition.bundle_zip import HostileZip

CARD_NAME: Final = "card.json"
_MAX_CARD_BYTES: Final = 8 << 20
_MAKE_AGAIN: Final = "update actorrec, or make the bundle again with this version: actorrec convert-tflite"


def read_card(source: Path | bytes, *, name: str, take: Callable[[str, bytes], object] | None = None) -> BundleCard:
    """Read the card of a bundle and check every digest it states; the zip is treated as hostile.

    Args:
        source: ``bundle.zip`` as a path or as bytes.
        name: What the user knows the bundle as.
        take: Given name and content of each listed file, its digest checked; one file is in memory at a time.

    Raises:
        ModelContractError: If it is damaged, unsafe, or of a schema this version does not know, or if it does not
            hold exactly the files that the card lists; the message names what is wrong.
    """
    with HostileZip(source, name=name) as archive:
        card = _parse_card(archive.read(CARD_NAME, max_bytes=_MAX_CARD_BYTES), name)
        _check_listing(archive.names - {CARD_NAME}, frozenset(card.files), name)
        for listed, digest in sorted(card.files.items()):
            data = archive.read(listed)
            if hashlib.sha256(data).hexdigest() != digest:
                raise ModelContractError(
                    f"the bundle {name} has a {listed} with the wrong digest",
                    hint="it was changed or damaged after it was made: make it or copy it again",
                )
            if take is not None:
                take(listed, data)
    return card


def refuse_other_versions(card: BundleCard, name: str) -> None:
    """Stop at a card, or a preprocessing, that this version does not implement.

    Args:
        card: The card.
        name: What the user knows the bundle as.

    Raises:
        ModelContractError: If so, with both versions.
    """
    _check_schema(card.schema_version, name)
    version = card.embedder.preprocess_version
    if version != PREPROCESS_VERSION:
        raise ModelContractError(
            f"the bundle {name} was made for preprocessing {version}; this version does {PREPROCESS_VERSION}",
            hint=_MAKE_AGAIN,
        )


def _parse_card(data: bytes, name: str) -> BundleCard:
    try:
        version = json.loads(data)["schema_version"]
    except (ValueError, KeyError, TypeError, RecursionError):
        raise ModelContractError(f"the bundle {name} has a {CARD_NAME} that says no schema version") from None
    _check_schema(version, name)
    try:
        return BundleCard.model_validate_json(data)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise ModelContractError(f"the bundle {name} has a wrong {CARD_NAME}: {where}: {first['msg']}") from None


def _check_schema(version: object, name: str) -> None:
    if version != CARD_SCHEMA_VERSION:
        raise ModelContractError(
            f"the bundle {name} has a card of schema version {version!r}; this version reads {CARD_SCHEMA_VERSION}",
            hint=_MAKE_AGAIN,
        )


def _check_listing(found: frozenset[str], listed: frozenset[str], name: str) -> None:
    hint = "it is damaged or was not made by actorrec: make it again"
    if listed - found:
        raise ModelContractError(f"the bundle {name} lacks {', '.join(sorted(listed - found))}", hint=hint)
    if found - listed:
        raise ModelContractError(f"the bundle {name} holds unlisted {', '.join(sorted(found - listed))}", hint=hint)
