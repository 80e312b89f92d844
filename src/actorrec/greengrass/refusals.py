"""Bundles that must not go to devices: said before anything is sent."""

from typing import Final

from actorrec.config import Config
from actorrec.errors import ModelContractError, ParityError
from actorrec.manifests.bundle import MIN_COSINE, BundleCard, VariantReport
from actorrec.recognition.bundle_card import refuse_other_versions
from actorrec.rights.restricted import is_restricted, refuse_restricted

_CONVERT_AGAIN: Final = "convert it again: actorrec convert-tflite --variant auto"


def refuse_unfit(card: BundleCard, config: Config, *, name: str) -> None:
    """Stop at a bundle whose versions, licences or parity do not allow it to be shipped.

    Args:
        card: Of the bundle; its digests are already checked.
        config: ``rights.allow_restricted`` lets pictures and nets of a restricted or unknown licence pass, which the
            card keeps on record; ``edge.max_accuracy_loss`` bounds what a conversion may lose.
        name: What the user knows the bundle as.

    Raises:
        ModelContractError: If this version's runtime could not read it, or one of its nets may not be shipped.
        DataError: If it was learned from pictures that may not simply be used.
        ParityError: If the net in it does not agree with the model it was made from.
    """
    refuse_other_versions(card, name)
    _refuse_unequal(card.variants, config.edge.max_accuracy_loss, name)
    allow = config.rights.allow_restricted
    refuse_restricted(card.restricted, allow=allow, what=f"what the bundle {name} was learned from")
    if not allow:
        _refuse_unlicensed_nets(card, name)


def _refuse_unlicensed_nets(card: BundleCard, name: str) -> None:
    nets = {card.detector.detector_id: card.detector.licence, card.embedder.model_id: card.embedder.licence}
    refused = [f"{net} ('{licence}')" for net, licence in nets.items() if is_restricted(licence)]
    if refused:
        raise ModelContractError(
            f"the bundle {name} has a net whose licence is restricted or unknown: {', '.join(refused)}",
            hint="embedder.licence says what its publisher states, before training; "
            "if you may ship it all the same: --allow-restricted",
        )


def _refuse_unequal(variants: list[VariantReport], max_accuracy_loss: float, name: str) -> None:
    """A bundle of ``enroll`` has no variants: its nets are the shipped ones, which nobody converted."""
    if not variants:
        return
    chosen = [variant for variant in variants if variant.chosen]
    if len(chosen) != 1:
        raise ParityError(
            f"the bundle {name} does not say which conversion is in it ({len(chosen)} are marked as chosen)",
            hint=_CONVERT_AGAIN,
        )
    problem = _problem(chosen[0], max_accuracy_loss)
    if problem:
        raise ParityError(
            f"the {chosen[0].name} conversion in the bundle {name} does not agree with its model: {problem}",
            hint=_CONVERT_AGAIN,
        )


def _problem(variant: VariantReport, max_accuracy_loss: float) -> str:
    """What is wrong, in one sentence; empty where the conversion holds. What was not measured holds nothing."""
    least, cosine, lost = MIN_COSINE[variant.name], variant.min_cosine, variant.accuracy_loss
    if variant.refused:
        return variant.refused
    if cosine is None or not cosine >= least:  # also when it is not a number
        measured = "was never measured" if cosine is None else f"falls to {cosine:.4f}"
        return f"its cosine to the source {measured}, {least} is needed"
    if lost is not None and not lost <= max_accuracy_loss:
        return f"it loses {lost:.2%} of the faces, edge.max_accuracy_loss is {max_accuracy_loss:.2%}"
    return ""
