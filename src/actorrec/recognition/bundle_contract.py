"""Whether the parts of a bundle fit each other: what the digests cannot tell."""

from collections.abc import Iterable, Mapping

from actorrec.errors import ModelContractError
from actorrec.faces.litert import LiteRtNet
from actorrec.manifests.bundle import BundleCard
from actorrec.recognition.bundle_card import refuse_other_versions
from actorrec.recognition.gallery import gallery_from_bytes
from actorrec.types import Gallery

PROBABILITIES = "probabilities"


def check_contract(card: BundleCard, files: Mapping[str, bytes], name: str) -> Gallery:
    """Check that card, nets and gallery agree.

    Args:
        card: The card; its digests are already checked.
        files: Content of every file it lists.
        name: What the user knows the bundle as.

    Returns:
        The gallery.

    Raises:
        ModelContractError: If this version lacks its preprocessing, if a file that the card relies on is not
            listed, or if people, labels, widths or model ids do not match; the message says which.
    """
    refuse_other_versions(card, name)
    _check_references(card, name)
    if files[card.embedder_file][:2] == b"PK":
        # A .keras file is a zip that can name classes to import: too much power for a file from anywhere.
        raise _unfit(name, "has an embedder that is no .tflite or .onnx net")
    gallery = gallery_from_bytes(files[card.gallery_file])
    _check_people(card, gallery, name)
    if card.classes is not None:
        _check_classes(card, files, card.classes, name)
    return gallery


def _check_references(card: BundleCard, name: str) -> None:
    wanted = [card.embedder_file, card.gallery_file, *card.detector.files]
    wanted += [card.head_file] if card.head_file else []
    missing = sorted(set(wanted) - set(card.files))
    if missing:
        raise _unfit(name, f"relies on {', '.join(missing)}, which its card does not list")
    for file, digest in card.detector.files.items():
        if card.files[file] != digest:
            raise _unfit(name, f"has two digests for {file}")


def _check_people(card: BundleCard, gallery: Gallery, name: str) -> None:
    ids = [person.person_id for person in card.people]
    if len(set(ids)) != len(ids):
        raise _unfit(name, "lists a person twice")
    if set(ids) != set(gallery.person_ids):
        differing = sorted(set(ids) ^ set(gallery.person_ids))
        raise _unfit(name, f"has people that its gallery does not have, or the other way round: {_few(differing)}")
    if gallery.model_id != card.embedder.model_id:
        raise _unfit(name, f"has a gallery made by {gallery.model_id} beside the embedder {card.embedder.model_id}")
    widths = {gallery.prototypes.shape[1], gallery.photo_embeddings.shape[1]}
    if ids and widths != {card.embedder.dim}:
        found = ", ".join(str(width) for width in sorted(widths))
        raise _unfit(name, f"has a gallery of width {found} beside an embedder of width {card.embedder.dim}")


def _check_classes(card: BundleCard, files: Mapping[str, bytes], classes: list[str], name: str) -> None:
    if len(set(classes)) != len(classes) or set(classes) != {person.person_id for person in card.people}:
        raise _unfit(name, "has labels that are not its people, each once")
    if card.head_file is None and card.embedder_file.endswith(".onnx"):
        raise _unfit(name, "has labels but no head")
    net = LiteRtNet(files[card.head_file or card.embedder_file], name=f"{name}: {card.head_file or card.embedder_file}")
    if PROBABILITIES not in net.output_names:
        raise _unfit(name, f"has labels, but its net has no output named '{PROBABILITIES}'")
    width = net.output_shape(PROBABILITIES)[-1]
    if width != len(classes):
        raise _unfit(name, f"has {len(classes)} labels for a net with {width} classes")


def _few(names: Iterable[str], most: int = 5) -> str:
    listed = list(names)
    return ", ".join(listed[:most]) + (f" and {len(listed) - most} more" if len(listed) > most else "")


def _unfit(name: str, what: str) -> ModelContractError:
    return ModelContractError(
        f"the bundle {name} {what}", hint="its parts do not belong together: make it again from its model"
    )
