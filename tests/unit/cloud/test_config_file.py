"""Bucket and role in a file of settings: two keys change, everything else stays as it was."""

import os
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from actorrec.cloud.config_file import settings_lines, write_settings
from actorrec.config import load_config
from actorrec.errors import ConfigError
from actorrec.sections import PLACEHOLDER_BUCKET, PLACEHOLDER_ROLE

ROLE = "arn:aws:iam::123456789012:role/actorrec-SageMakerRole-1"
VALUES = {"bucket": "my-bucket", "role": ROLE}


def write(path: Path, text: str, *, overwrite: bool = False) -> str:
    path.write_bytes(text.encode())
    write_settings(path, VALUES, overwrite=overwrite)
    return path.read_bytes().decode()


def test_a_new_file_is_one_that_loads(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    write_settings(path, VALUES, overwrite=False)
    assert path.read_text() == settings_lines(VALUES)
    remote = load_config(path, environ={}).config.remote
    assert (remote.bucket, remote.role) == ("my-bucket", ROLE)


def test_placeholders_are_replaced_and_comments_stay(tmp_path: Path) -> None:
    before = (
        "# mine\nstore:\n  uri: here # a folder\n\n# jobs\nremote:\n    # first\n"
        f"    bucket: {PLACEHOLDER_BUCKET}   # ours\n    spot: true\n    role: {PLACEHOLDER_ROLE}\n\n"
        "training: {epochs: 3}\n"
    )
    after = write(tmp_path / "mine.yaml", before)
    assert after == before.replace(PLACEHOLDER_BUCKET, "my-bucket").replace(PLACEHOLDER_ROLE, ROLE)


def test_missing_keys_are_put_into_the_section(tmp_path: Path) -> None:
    after = write(tmp_path / "mine.yaml", "remote:  # jobs\n  spot: true\nstore:\n  uri: s\n")
    assert after == f"remote:  # jobs\n  bucket: my-bucket\n  role: {ROLE}\n  spot: true\nstore:\n  uri: s\n"


@pytest.mark.parametrize("text", ["store:\n  uri: s", "store:\n  uri: s\n", "# nothing yet\n", "remote:\n", "---\n"])
def test_what_was_there_stays_in_front(tmp_path: Path, text: str) -> None:
    after = write(tmp_path / "mine.yaml", text)
    assert after.startswith(text)
    assert yaml.safe_load(after) == {**(yaml.safe_load(text) or {}), "remote": VALUES}


def test_line_ends_stay_as_they_are(tmp_path: Path) -> None:
    after = write(tmp_path / "mine.yaml", "remote:\r\n  bucket: replace-with-your-bucket\r\n  spot: true\r\n")
    assert after == f"remote:\r\n  role: {ROLE}\r\n  bucket: my-bucket\r\n  spot: true\r\n"


def test_another_value_is_only_replaced_when_that_was_wanted(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    text = "remote:\n  bucket: theirs\n"
    with pytest.raises(ConfigError, match=r"remote\.bucket in .* is 'theirs', the stack has 'my-bucket'"):
        write(path, text)
    assert path.read_text() == text
    assert yaml.safe_load(write(path, text, overwrite=True)) == {"remote": VALUES}


def test_the_same_values_leave_the_file_untouched(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    text = f"remote: # x\n  role: '{ROLE}'\n  bucket: \"my-bucket\"\n"
    path.write_text(text)
    os.utime(path, ns=(1, 1))
    first = write(path, text)
    assert yaml.safe_load(first) == {"remote": VALUES}
    os.utime(path, ns=(1, 1))
    write_settings(path, VALUES, overwrite=False)
    assert path.stat().st_mtime_ns == 1


@pytest.mark.parametrize(
    "text",
    [
        "remote: {spot: true}\n",
        "{remote: {spot: true}, store: {uri: s}}\n",
        "'remote':\n  spot: true\n",
        "base: &b\n  spot: true\nremote: *b\n",
    ],
)
def test_a_file_that_cannot_be_changed_line_by_line_is_left_alone(tmp_path: Path, text: str) -> None:
    path = tmp_path / "mine.yaml"
    with pytest.raises(ConfigError, match="cannot change only these keys") as caught:
        write(path, text)
    assert path.read_text() == text and "remote.bucket: my-bucket" in caught.value.hint


@pytest.mark.parametrize("text", ["remote: [1]\n", "- a\n", "a: [\n", "remote: 3\n", "\x00"])
def test_what_is_no_file_of_settings_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "mine.yaml"
    with pytest.raises(ConfigError, match=r"mine\.yaml"):
        write(path, text)
    assert path.read_text() == text


def test_a_folder_is_no_file_of_settings(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot read the configuration"):
        write_settings(tmp_path, VALUES, overwrite=True)


def test_a_link_stays_one(tmp_path: Path) -> None:
    real, link = tmp_path / "real.yaml", tmp_path / "link.yaml"
    real.write_text("store:\n  uri: s\n")
    link.symlink_to(real)
    write_settings(link, VALUES, overwrite=False)
    assert link.is_symlink() and yaml.safe_load(real.read_text())["remote"] == VALUES


_keys = st.sampled_from(["spot", "prefix", "tags", "bucket", "role", "instances"])
_values = st.one_of(
    st.booleans(), st.integers(), st.text(max_size=20), st.lists(st.text(max_size=5), max_size=3), st.none()
)


@given(st.dictionaries(_keys, _values), st.dictionaries(st.sampled_from(["store", "aws", "zz"]), st.just({"a": "# b"})))
def test_whatever_stands_there_the_rest_is_the_same_or_nothing_was_done(
    tmp_path_factory: pytest.TempPathFactory, section: dict[str, object], others: dict[str, object]
) -> None:
    path = tmp_path_factory.mktemp("given") / "mine.yaml"
    data = {**others, "remote": section, "training": {"epochs": 3}}
    text = yaml.safe_dump(data, sort_keys=False)
    try:
        after = write(path, text, overwrite=True)
    except ConfigError:
        assert path.read_bytes().decode() == text
    else:
        assert yaml.safe_load(after) == {**data, "remote": {**section, **VALUES}}
