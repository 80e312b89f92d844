"""What of a command line reaches a job, and what is refused before anything is planned."""

import pytest

from actorrec.cli.train_remote import hyperparameter_flags, refuse_without_remote
from actorrec.config import load_config
from actorrec.errors import ConfigError


def test_nothing_given_is_nothing_set() -> None:
    assert hyperparameter_flags([]) == {}


def test_a_name_without_a_section_is_of_training_and_values_have_their_types() -> None:
    flags = hyperparameter_flags(["epochs=20", "learning-rate = 0.5", "edge.variant=int8", "training.fine_tune=true"])
    assert flags == {
        "training.epochs": 20,
        "training.learning_rate": 0.5,
        "edge.variant": "int8",
        "training.fine_tune": True,
    }
    assert load_config(flags=flags, environ={}).config.training.epochs == 20


@pytest.mark.parametrize(
    ("pair", "told"),
    [
        ("epochs", "NAME=VALUE"),
        ("epochs=", "NAME=VALUE"),
        ("epochs=null", "nothing is no value"),
        ("=3", "NAME=VALUE"),
        ("epoch=3", "unknown key 'training.epoch'"),
        ("store.uri=s3://elsewhere", "does not travel"),
        ("sources.tmdb_key=secret", "does not travel"),
    ],
)
def test_what_cannot_travel_is_refused(pair: str, told: str) -> None:
    with pytest.raises(ConfigError, match=told):
        hyperparameter_flags([pair])


@pytest.mark.parametrize("pair", ["learning_rate=.inf", "learning_rate=.nan", "learning_rate=inf", "epochs=yes"])
def test_what_is_no_number_to_train_with_is_refused(pair: str) -> None:
    with pytest.raises(ConfigError, match=pair.partition("=")[0]):
        load_config(flags=hyperparameter_flags([pair]), environ={})


def test_an_option_of_remote_without_it_is_named() -> None:
    refuse_without_remote({"--detach": False, "--spot": None, "--hyperparameter": []})
    with pytest.raises(ConfigError, match="--max-cost is an option of --remote"):
        refuse_without_remote({"--detach": False, "--max-cost": 3.0})
