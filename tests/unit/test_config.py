"""Merging of defaults, file, environment and flags, and what is said about a wrong key."""

from pathlib import Path

import pytest

from actorrec.config import Config, load_config, shipped_configs
from actorrec.errors import ConfigError


def test_nothing_given_means_defaults() -> None:
    loaded = load_config(environ={})
    assert loaded.config == Config()
    assert loaded.sources == {}


def test_flag_beats_environment_beats_file(tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    path.write_text("training: {epochs: 1, seed: 1, dropout: 0.1}\n")
    environ = {"ACTORREC_TRAINING__EPOCHS": "2", "ACTORREC_TRAINING__SEED": "2", "ACTORREC_DEBUG": "1"}
    loaded = load_config(path, environ=environ, flags={"training.epochs": 3, "training.dropout": None})
    training = loaded.config.training
    assert (training.epochs, training.seed, training.dropout) == (3, 2, 0.1)
    assert loaded.sources == {
        "training.epochs": "flag",
        "training.seed": "environment ACTORREC_TRAINING__SEED",
        "training.dropout": f"file {path}",
    }


@pytest.mark.parametrize(
    ("text", "named", "nearest"),
    [
        ("trainig: {epochs: 1}", "trainig", "training"),
        ("trainig: {}", "trainig", "training"),
        ("training: {epoch: 1}", "training.epoch", "training.epochs"),
        ("calibration: {target_fpr: 0.1}", "calibration.target_fpr", "calibration.target_fpir"),
    ],
)
def test_a_misspelt_key_is_named_with_the_nearest_right_one(
    tmp_path: Path, text: str, named: str, nearest: str
) -> None:
    path = tmp_path / "a.yaml"
    path.write_text(text)
    with pytest.raises(ConfigError) as caught:
        load_config(path, environ={})
    assert f"'{named}'" in caught.value.message
    assert f"'{nearest}'" in caught.value.hint
    assert caught.value.exit_code == 2


@pytest.mark.parametrize(
    "text", ["training: {epochs: none}", "training: 3", "- a", "training: {epochs: 0}", "a: [", "\x00"]
)
def test_a_wrong_value_is_one_line(tmp_path: Path, text: str) -> None:
    path = tmp_path / "a.yaml"
    path.write_text(text)
    with pytest.raises(ConfigError) as caught:
        load_config(path, environ={})
    assert "\n" not in caught.value.message


def test_what_is_typed_as_a_number_may_be_a_name(tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    path.write_text("camera: {source: 0}\nmqtt: {protocol: 5}")
    config = load_config(path, environ={}).config
    assert (config.camera.source, config.mqtt.protocol) == ("0", "5")


@pytest.mark.parametrize("text", ["camera: {source: yes}", "mqtt: {protocol: 4}", "mqtt: {password: 0123}"])
def test_what_a_number_cannot_stand_for_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "a.yaml"
    path.write_text(text)
    with pytest.raises(ConfigError):
        load_config(path, environ={})


def test_a_missing_file_is_a_config_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="No such file"):
        load_config(tmp_path / "none.yaml", environ={})


@pytest.mark.parametrize("name", sorted(path.name for path in Path("configs").glob("*.yaml")))
def test_every_shipped_configuration_loads(name: str) -> None:
    load_config(Path("configs") / name, environ={})


def test_default_yaml_says_what_the_defaults_are() -> None:
    loaded = load_config(Path("configs/default.yaml"), environ={})
    assert loaded.config == Config()
    written = set(loaded.sources)
    assert written == {f"{name}.{key}" for name, section in Config() for key in type(section).model_fields}


def test_an_empty_variable_is_an_empty_text_or_none() -> None:
    config = load_config(environ={"ACTORREC_FETCH__CONTACT": "", "ACTORREC_FETCH__CA_FILE": ""}).config
    assert (config.fetch.contact, config.fetch.ca_file) == ("", None)


def test_a_text_with_a_colon_in_the_environment_stays_a_text() -> None:
    loaded = load_config(environ={"ACTORREC_EMBEDDER__LICENCE": "unclear: for measuring only"})
    assert loaded.config.embedder.licence == "unclear: for measuring only"


@pytest.mark.parametrize("given", ["resnet50-imagenet", "resnet50-imagenet.yaml", "configs/resnet50-imagenet.yaml"])
def test_a_shipped_configuration_is_found_by_its_name_from_any_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, given: str
) -> None:
    monkeypatch.chdir(tmp_path)
    loaded = load_config(Path(given), environ={})
    assert loaded.config.training.preset == "original"
    assert loaded.sources["training.preset"] == f"file {shipped_configs()['resnet50-imagenet']}"


def test_a_file_of_the_user_goes_before_a_shipped_one_of_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("pi.yaml").write_text("training: {epochs: 3}")
    assert load_config(Path("pi.yaml"), environ={}).config.training.epochs == 3


@pytest.mark.parametrize("given", ["resnet51", "other/pi.yaml", "pi.yml"])
def test_a_configuration_that_is_nowhere_names_the_shipped_ones(given: str) -> None:
    with pytest.raises(ConfigError, match="cannot read the configuration") as caught:
        load_config(Path(given), environ={})
    assert "pi, resnet50-imagenet, tiny" in caught.value.hint


@pytest.mark.parametrize(
    ("variable", "text", "section", "key", "value"),
    [
        ("ACTORREC_SCRAPE__CAST_OF", "2012", "scrape", "cast_of", "2012"),
        ("ACTORREC_FETCH__ALLOW_ADDRESSES", "127.0.0.0/8, ::1", "fetch", "allow_addresses", ("127.0.0.0/8", "::1")),
        ("ACTORREC_FETCH__ALLOW_ADDRESSES", "[127.0.0.0/8]", "fetch", "allow_addresses", ("127.0.0.0/8",)),
        ("ACTORREC_EMBEDDER__MEAN", "[1, 2, 3]", "embedder", "mean", (1.0, 2.0, 3.0)),
        ("ACTORREC_EMBEDDER__MEAN", "1,2,3", "embedder", "mean", (1.0, 2.0, 3.0)),
        ("ACTORREC_DATASET__PREVIEWS", "off", "dataset", "previews", False),
    ],
)  # fmt: skip
def test_a_variable_is_read_as_what_the_setting_holds(
    variable: str, text: str, section: str, key: str, value: object
) -> None:
    assert getattr(getattr(load_config(environ={variable: text}).config, section), key) == value


def test_a_key_of_digits_stays_as_it_was_typed() -> None:
    key = load_config(environ={"ACTORREC_SOURCES__TMDB_KEY": "00123"}).config.sources.tmdb_key
    assert key.get_secret_value() == "00123"


def test_a_value_of_the_wrong_form_is_shown_the_right_one() -> None:
    with pytest.raises(ConfigError, match=r"remote.role \(flag\): it cannot be 'me'") as caught:
        load_config(flags={"remote.role": "me"}, environ={})
    assert caught.value.hint == "it is written like arn:aws:iam::123456789012:role/jobs"
