import numpy as np

from actorrec.sections import TrainingSection
from actorrec.training.compare_original import original_settings
from actorrec.training.original import stratified_split


def test_the_original_split_takes_a_fifth_of_each_person_and_leaves_one_to_learn_from() -> None:
    classes = np.array([0] * 20 + [1] * 10 + [2] + [3] * 2, np.int32)
    held_out = stratified_split(classes)
    assert [int(held_out[classes == person].sum()) for person in range(4)] == [4, 2, 0, 0]
    assert (stratified_split(classes) == held_out).all()
    assert (stratified_split(classes, seed=1) != held_out).any()


def test_the_comparison_runs_the_original_recipe_unless_told_otherwise() -> None:
    plain = original_settings(TrainingSection())
    assert (plain.epochs, plain.batch_size) == (10, 10)
    told = original_settings(TrainingSection(epochs=3))
    assert (told.epochs, told.batch_size) == (3, 10)
