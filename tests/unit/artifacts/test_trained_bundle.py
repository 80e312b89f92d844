"""The bundle alone out of ``model.tar.gz``: checked like all of it, and nothing else written."""

from pathlib import Path

import pytest

from actorrec.artifacts.trained import unpack_bundle
from actorrec.errors import ModelContractError
from actorrec.manifests.bundle import BundleManifest
from trained_archives import BUNDLE, contents, entry, made_bundle, made_model, packed

MODEL = made_model({"dataset/0123456789abcdef": "0" * 64})
WHOLE = contents(MODEL, made_bundle(MODEL))


def unpacked(data: bytes, tmp_path: Path) -> bytes:
    archive, folder = tmp_path / "model.tar.gz", tmp_path / "out"
    archive.write_bytes(data)
    folder.mkdir()
    path = unpack_bundle(archive, folder)
    assert list(folder.iterdir()) == [path]
    return path.read_bytes()


def test_the_bundle_comes_out_and_the_net_stays_in(tmp_path: Path) -> None:
    assert unpacked(packed(WHOLE), tmp_path) == BUNDLE
    (tmp_path / "other").mkdir()
    assert unpacked(packed(WHOLE, prefix="./"), tmp_path / "other") == BUNDLE


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (packed({}), "no manifest.json: no bundle of actorrec"),
        (packed(contents(MODEL, None)), "no bundle.json: no bundle of actorrec"),
        (packed({name: data for name, data in WHOLE.items() if name != "bundle.zip"}), "lacks bundle.zip"),
        (packed(WHOLE | {"bundle.zip": BUNDLE[::-1]}), "was changed"),
        (packed(WHOLE | {"bundle.zip": BUNDLE + b"x"}), "its manifest says"),
        (packed(WHOLE, [(entry("../up"), b"x")]), "unsafe name"),
        (packed(WHOLE, [(entry("bundle.zip"), BUNDLE)]), "two files named"),
        (packed(WHOLE | {"bundle.json": b"{}"}), "does not understand"),
        (packed(contents(MODEL, made_bundle(MODEL, inputs={}))), "not made from its model"),
        (packed(WHOLE)[:-30], "damaged or cut"),
    ],
    ids=lambda value: value if isinstance(value, str) else "archive",  # whose bytes hold the time
)  # fmt: skip
def test_what_does_not_agree_is_refused(data: bytes, said: str, tmp_path: Path) -> None:
    with pytest.raises(ModelContractError, match=said):
        unpacked(data, tmp_path)


def test_a_bundle_of_another_model_is_refused(tmp_path: Path) -> None:
    other: BundleManifest = made_bundle(made_model({}, key="0000000000000000"))
    with pytest.raises(ModelContractError, match="not made from its model"):
        unpacked(packed(contents(MODEL, other)), tmp_path)
