"""The edge bundle: one zip with everything that is needed to say a name, and a card that is believed."""

import hashlib
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from actorrec.artifacts.whole_file import temporary_beside
from actorrec.errors import ArtifactError
from actorrec.manifests.bundle import BundleCard
from actorrec.recognition.bundle_card import CARD_NAME, read_card
from actorrec.recognition.bundle_contract import check_contract
from actorrec.recognition.bundle_zip import write_zip
from actorrec.recognition.known_answer import known_answer
from actorrec.types import Gallery

__all__ = ["CARD_NAME", "Bundle", "open_bundle", "write_bundle"]


@dataclass(frozen=True, slots=True, eq=False)
class Bundle:
    """An opened and checked bundle.

    Attributes:
        card: What is believed.
        files: Content of every file the card lists, digests checked.
        gallery: Who is known, read from ``card.gallery_file``.
        name: What the user knows the bundle as.
    """

    card: BundleCard
    files: Mapping[str, bytes]
    gallery: Gallery
    name: str

    def detector_files(self) -> dict[str, bytes]:
        """The files of the detector, by name."""
        return {name: self.files[name] for name in self.card.detector.files}

    def embedder_file(self) -> bytes:
        """The embedding net."""
        return self.files[self.card.embedder_file]


def open_bundle(source: Path | bytes, *, name: str = "") -> Bundle:
    """Open a bundle; it is treated as hostile until everything about it is checked. Nothing is unpacked to disk.

    Args:
        source: ``bundle.zip`` as a path or as bytes.
        name: What to call it in errors; the path by default.

    Returns:
        The card and the files, digests checked, each fitting the others.

    Raises:
        ModelContractError: If it is damaged, unsafe, of a schema or preprocessing this version does not know, or
            its parts do not fit each other; the message names what is wrong.
    """
    name = name or (str(source) if isinstance(source, Path) else "bundle.zip")
    files: dict[str, bytes] = {}
    card = read_card(source, name=name, take=files.__setitem__)
    return Bundle(card, files, check_contract(card, files, name), name)


def write_bundle(path: Path, card: BundleCard, files: Mapping[str, bytes | Path]) -> BundleCard:
    """Write a bundle, whole or not at all; the same card and files give the same bytes on the same machine.

    Args:
        path: Where; an existing file is replaced. The user's umask says who may read it.
        card: Its ``files`` and ``self_test`` are filled in here, from the contents.
        files: Every file but the card, by its name inside the bundle.

    Returns:
        The card as written.

    Raises:
        ModelContractError: If the parts do not fit each other: what cannot be opened is not written.
        ArtifactError: If it cannot be written.
    """
    try:
        contents = {name: data if isinstance(data, bytes) else data.read_bytes() for name, data in files.items()}
        digests = {name: hashlib.sha256(data).hexdigest() for name, data in sorted(contents.items())}
        card = card.model_copy(update={"files": digests, "self_test": known_answer(card, contents)})
        contents[CARD_NAME] = card.model_dump_json(indent=1).encode()
        with temporary_beside(path) as (out, temporary):
            write_zip(out, contents)
            out.flush()
            os.fsync(out.fileno())
            open_bundle(temporary, name=str(path))
            os.replace(temporary, path)
    except OSError as error:
        raise ArtifactError(f"cannot write {path}: {error.strerror or error}") from None
    return card
