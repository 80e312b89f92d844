import pytest

from actorrec.edge.choose import choose
from actorrec.errors import ParityError
from actorrec.manifests.bundle import VariantReport


def report(name: str, ms: float | None, size: int, refused: str = "") -> VariantReport:
    return VariantReport.model_validate({"name": name, "bytes": size, "median_ms": ms, "refused": refused})


def test_the_fastest_wins() -> None:
    assert choose([report("float32", 3.0, 100), report("dynamic", 1.0, 30), report("int8", 2.0, 20)]).name == "dynamic"


def test_a_slower_int8_is_not_chosen_for_being_int8() -> None:
    assert choose([report("float32", 3.7, 100), report("float16", 3.6, 50), report("int8", 20.7, 25)]).name == "float16"


def test_noise_does_not_decide() -> None:
    fast, small = report("dynamic", 1.00, 30), report("int8", 1.03, 20)
    assert choose([fast, small]).name == "int8"
    assert (
        choose([fast.model_copy(update={"median_ms": 1.03}), small.model_copy(update={"median_ms": 1.0})]) is not fast
    )


def test_a_refused_variant_is_never_chosen() -> None:
    assert choose([report("float32", 3.0, 100), report("int8", 1.0, 20, "cosine falls")]).name == "float32"


def test_nothing_left_is_an_error_that_says_why() -> None:
    with pytest.raises(ParityError, match="float32: nan; int8: cosine falls"):
        choose([report("float32", None, 100, "nan"), report("int8", 1.0, 20, "cosine falls")])


def test_the_one_variant_asked_for_is_not_replaced_by_another() -> None:
    with pytest.raises(ParityError, match="the int8 conversion does not agree with its model: cosine falls"):
        choose([report("int8", 1.0, 20, "cosine falls")])
