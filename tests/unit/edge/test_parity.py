import numpy as np
import pytest
from numpy.typing import NDArray

from actorrec.edge.answers import Answers, answers_of
from actorrec.edge.parity import compare
from actorrec.errors import ModelContractError, ParityError
from actorrec.manifests.model import Calibration
from actorrec.recognition.gallery import build_gallery

GALLERY = build_gallery("net", np.eye(3, 4, dtype=np.float32), ["a", "b", "c"], ["1", "2", "3"])
CALIBRATION = Calibration(method="held-back", target_fpir=0.01, threshold=0.5)


def unit(rows: list[list[float]]) -> NDArray[np.float32]:
    values = np.array(rows, np.float32)
    return values / np.linalg.norm(values, axis=1, keepdims=True)


SOURCE = Answers(
    unit([[1, 0.1, 0, 0], [0, 1, 0.2, 0], [0, 0, 0.1, 1]]), np.array([[0.9, 0.1, 0], [0.1, 0.8, 0.1], [0.3, 0.3, 0.4]])
)


def changed(embeddings: NDArray[np.float32] | None = None, probabilities: NDArray[np.float32] | None = None) -> Answers:
    return Answers(
        SOURCE.embeddings if embeddings is None else embeddings,
        SOURCE.probabilities if probabilities is None else probabilities,
    )


def test_a_model_agrees_with_itself() -> None:
    parity = compare(SOURCE, SOURCE, GALLERY, CALIBRATION)
    assert parity.problem("float32") == ""
    assert parity.min_cosine == pytest.approx(1)
    assert parity.faces == 3


def test_one_face_that_drifts_is_enough() -> None:
    turned = SOURCE.embeddings.copy()
    turned[1] = unit([[0, 1, 0.25, 0]])[0]  # cosine 0.9989
    parity = compare(SOURCE, changed(turned), GALLERY, CALIBRATION)
    assert "0.9989" in parity.problem("float32")
    assert parity.problem("int8") == ""


def test_another_name_is_refused() -> None:
    swapped = SOURCE.embeddings[[1, 0, 2]]
    parity = compare(SOURCE, changed(swapped), GALLERY, CALIBRATION)
    assert parity.renamed == 2


def test_a_stranger_who_gets_a_name_is_refused() -> None:
    named = SOURCE.embeddings.copy()
    named[2] = unit([[0, 0, 1, 0.2]])[0]
    assert compare(SOURCE, changed(named), GALLERY, CALIBRATION).renamed == 1


def test_a_close_call_may_turn() -> None:
    above, below = unit([[0.5004, 0, 0, 0.8658]]), unit([[0.4996, 0, 0, 0.8662]])
    only = Answers(above, None), Answers(below, None)
    assert compare(*only, GALLERY, CALIBRATION).renamed == 0


def test_another_label_is_refused_unless_it_was_a_toss() -> None:
    probabilities = np.array([[0.1, 0.9, 0], [0.1, 0.8, 0.1], [0.3, 0.3, 0.4]], np.float32)
    assert compare(SOURCE, changed(probabilities=probabilities), GALLERY, CALIBRATION).relabelled == 1
    toss = Answers(SOURCE.embeddings, np.array([[0.5, 0.49, 0.01]] * 3, np.float32))
    other = Answers(SOURCE.embeddings, np.array([[0.49, 0.5, 0.01]] * 3, np.float32))
    assert compare(toss, other, GALLERY, CALIBRATION).relabelled == 0


def test_what_is_no_number_is_refused() -> None:
    nothing = np.full_like(SOURCE.embeddings, np.nan)
    parity = compare(SOURCE, changed(nothing), GALLERY, CALIBRATION)
    assert "nan" in parity.problem("int8")


def test_another_shape_is_refused() -> None:
    with pytest.raises(ParityError, match="3, 3"):
        compare(SOURCE, changed(SOURCE.embeddings[:, :3]), GALLERY, CALIBRATION)


def test_outputs_are_found_by_name() -> None:
    with pytest.raises(ModelContractError, match="embedding"):
        answers_of({"output_0": SOURCE.embeddings, "probabilities": SOURCE.embeddings}, "net")
