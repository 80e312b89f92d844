"""What must never be shown, planted in texts as services and logs hold it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actorrec.aws.scrub import LONGEST, scrubbed

KEY_ID = "AKIAIOSFODNN7EXAMPLE"
SECRET = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"  # the ones of AWS's own documentation
TOKEN = "FwoGZXIvYXdzE" + "Ab3/+xY9" * 20 + "=="
PRESIGNED = (
    f"https://b.s3.amazonaws.com/k/x.tar.gz?X-Amz-Credential={KEY_ID}%2F20261101%2Fus-east-1"
    "&X-Amz-Signature=f00d5ea1f00d5ea1&X-Amz-Security-Token=FwoGabc"
)


@pytest.mark.parametrize(
    ("text", "gone"),
    [
        ("", ()),
        (f"cannot read {PRESIGNED} now", (KEY_ID, "f00d5ea1", "FwoGabc", "X-Amz")),
        (f"aws_access_key_id={KEY_ID}", (KEY_ID,)),
        (f"keys {KEY_ID} and ASIAIOSFODNN7EXAMPLE", (KEY_ID, "ASIAIOSFODNN7EXAMPLE")),
        (f"AWS_SECRET_ACCESS_KEY: {SECRET}", (SECRET,)),
        (f"a secret of no name {SECRET}.", (SECRET,)),
        (f'{{"SessionToken": "{TOKEN}", "a": 1}}', (TOKEN, TOKEN[:30])),
        (f"got {TOKEN}", (TOKEN, TOKEN[-30:])),
        ("Authorization: AWS4-HMAC-SHA256 Credential=x/y, Signature=abc123", ("abc123", "x/y")),
        ("Proxy-Authorization: Basic dXNlcjpwYXNz", ("dXNlcjpwYXNz",)),
        ("'set-cookie': 'a=b; c=d'", ("a=b", "c=d")),
        ("got Bearer eyJhbGciOi.J9.sig", ("eyJhbGciOi",)),
        ("authorization: Bearer eyJhbGciOi.J9.sig", ("eyJhbGciOi",)),
        ("https://me:hunter2@mirror.example/simple", ("hunter2",)),
        ("tmdb_key='0123abcd' api-key=k-123 password = p4ss", ("0123abcd", "k-123", "p4ss")),
        ("-----BEGIN PRIVATE KEY-----\nMIIEvQ\n-----END PRIVATE KEY-----", ("MIIEvQ",)),
        ("-----BEGIN RSA PRIVATE KEY-----\nMIIEvQ", ("MIIEvQ",)),
        ("\x1b[31mred\x1b[0m \u202eback\x07", ("\x1b", "\u202e", "\x07")),
    ],
)
def test_secrets_are_gone(text: str, gone: tuple[str, ...]) -> None:
    shown = scrubbed(text)
    assert not [secret for secret in gone if secret in shown], shown


@pytest.mark.parametrize(
    "text",
    [
        "AlgorithmError: the data set holds one person; training needs two",
        "s3://bucket/actorrec/dataset/0123456789abcdef/manifest.json is damaged",
        "arn:aws:iam::123456789012:role/actorrec-sagemaker cannot be assumed",
        "763104351884.dkr.ecr.eu-west-1.amazonaws.com/tensorflow-training:2.21.0-gpu-py312",
        "Basic checks of the data set failed: 3 pictures",
        "sha256 " + "0123456789abcdef" * 4,
        "s3://my-bucket/a-team/a-project/actorrec/jobs/actorrec-train-01234567-20261123-042242-ab12cd/output/model.tar.gz",
        "metrics: epoch=3 loss=0.41 val_loss=0.5",
        "actorrec-train-01234567-20261123-042242-ab12cd",
    ],
)
def test_what_is_no_secret_stays(text: str) -> None:
    assert scrubbed(text) == text


def test_one_line_of_bounded_length_that_keeps_both_ends() -> None:
    shown = scrubbed("Traceback\n" + "  line of code\n" * 500 + "ValueError: the end")
    assert len(shown) <= LONGEST
    assert "\n" not in shown
    assert shown.startswith("Traceback ")
    assert shown.endswith("ValueError: the end")


@pytest.mark.parametrize("filling", ["a-", "://", "token-", "x://a?", "Aa1/", " ", "bearer ", "-----BEGIN A-----"])
def test_megabytes_of_anything_are_read_at_their_ends(filling: str) -> None:
    shown = scrubbed(f"first {filling * (1_000_000 // len(filling))} last")
    assert len(shown) <= LONGEST
    assert shown.startswith("first")


def test_no_half_of_a_secret_is_left_where_a_long_text_is_cut() -> None:
    for shift in range(60):
        text = "é" * (3970 + shift) + f" {KEY_ID} " + "è" * 9000 + f" {KEY_ID} " + "ê" * (3970 + shift)
        shown = scrubbed(text, 10_000)
        assert KEY_ID[:8] not in shown
        assert KEY_ID[-8:] not in shown


@given(st.text(max_size=2000), st.integers(10, 800))
def test_any_text_is_bounded_and_has_no_line_ends(text: str, longest: int) -> None:
    shown = scrubbed(text, longest)
    assert len(shown) <= longest
    assert len(shown.splitlines()) <= 1


@given(st.text(alphabet="ab :=\n", max_size=30), st.text(alphabet="ab :=\n", max_size=30))
def test_a_key_id_between_any_words_is_gone(before: str, after: str) -> None:
    assert KEY_ID not in scrubbed(f"{before} {KEY_ID} {after}")
