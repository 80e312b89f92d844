"""Which bundles may be shipped."""

from typing import Any

import pytest

from actorrec.config import Config
from actorrec.errors import ActorRecError, DataError, ModelContractError, ParityError
from actorrec.greengrass.refusals import refuse_unfit
from actorrec.manifests.bundle import BundleCard, VariantReport
from small_bundles import small_bundle

INSISTING = Config.model_validate({"rights": {"allow_restricted": True}})


def card(**changes: Any) -> BundleCard:
    return small_bundle()[0].model_copy(update=changes)


def variant(**changes: Any) -> VariantReport:
    said = {"name": "int8", "bytes": 9, "chosen": True, "min_cosine": 0.995, "accuracy_loss": 0.0}
    return VariantReport.model_validate(said | changes)


def net(licence: str) -> dict[str, Any]:
    of = small_bundle()[0].embedder
    return {"embedder": of.model_copy(update={"licence": licence})}


def refused(of: BundleCard, config: Config | None = None) -> ActorRecError:
    with pytest.raises(ActorRecError) as error:
        refuse_unfit(of, config or Config(), name="bundle/1234")
    assert "bundle/1234" in error.value.message and error.value.hint
    return error.value


def test_shipped_nets_and_what_was_converted_well_may_go() -> None:
    refuse_unfit(card(), Config(), name="b")
    refuse_unfit(card(variants=[variant(), variant(name="float16", chosen=False, refused="bad")]), Config(), name="b")
    refuse_unfit(card(**net("user-supplied")), Config(), name="b")
    refuse_unfit(card(**net("CC BY 4.0")), Config(), name="b")


def test_pictures_of_restricted_licences_take_insisting() -> None:
    of = card(restricted={"CC BY-NC 2.0": 3})
    error = refused(of)
    assert isinstance(error, DataError) and "3 × 'CC BY-NC 2.0'" in error.message
    refuse_unfit(of, INSISTING, name="b")


@pytest.mark.parametrize("licence", ["unknown", "CC BY-NC-SA 4.0", "see the publisher of the ImageNet weights", ""])
def test_nets_of_restricted_licences_take_insisting(licence: str) -> None:
    error = refused(card(**net(licence)))
    assert isinstance(error, ModelContractError) and f"('{licence}')" in error.message
    assert "--allow-restricted" in error.hint
    refuse_unfit(card(**net(licence)), INSISTING, name="b")
    detector = small_bundle()[0].detector.model_copy(update={"licence": licence})
    assert isinstance(refused(card(detector=detector)), ModelContractError)


@pytest.mark.parametrize(
    ("variants", "said"),
    [
        ([variant(refused="it is bad")], "does not agree with its model: it is bad"),
        ([variant(min_cosine=0.9899)], r"falls to 0.9899, 0.99 is needed"),
        ([variant(min_cosine=float("nan"))], "falls to nan"),
        ([variant(min_cosine=None)], "was never measured"),
        ([variant(name="float32", min_cosine=0.9985)], "falls to 0.9985, 0.999 is needed"),
        ([variant(accuracy_loss=0.02)], "loses 2.00% of the faces"),
        ([variant(accuracy_loss=float("nan"))], "loses nan% of the faces"),
        ([variant(chosen=False)], "0 are marked as chosen"),
        ([variant(), variant()], "2 are marked as chosen"),
    ],
)
def test_what_does_not_agree_with_its_model_never_goes(variants: list[VariantReport], said: str) -> None:
    for config in (Config(), INSISTING):
        error = refused(card(variants=variants), config)
        assert isinstance(error, ParityError) and said in error.message


def test_what_this_version_does_not_read_never_goes() -> None:
    newer = small_bundle()[0].embedder.model_copy(update={"preprocess_version": 2})
    for of, said in ((card(schema_version=2), "schema version 2"), (card(embedder=newer), "preprocessing 2")):
        error = refused(of, INSISTING)
        assert isinstance(error, ModelContractError) and said in error.message
