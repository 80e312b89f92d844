"""A command that ends early says how to come back to its job."""

import json
from pathlib import Path

import pytest
import typer

from actorrec.cli.following import way_back
from actorrec.cli.session import Session
from actorrec.errors import ArtifactError, JobError, ModelContractError, RemoteError

LINE = "actorrec jobs attach actorrec-x"


def session(*, as_json: bool = False) -> Session:
    return Session(Path("none.yaml"), None, as_json=as_json, quiet=False)


def test_ctrl_c_is_an_end_with_a_way_back(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(typer.Exit) as caught, way_back(session(as_json=True), "actorrec-x"):
        raise KeyboardInterrupt
    said = capsys.readouterr()
    assert caught.value.exit_code == 130 and f"Come back with: {LINE}" in said.err
    assert json.loads(said.out) == {"error": "detached", "hint": LINE, "exit_code": 130}


@pytest.mark.parametrize(
    ("error", "hint"),
    [
        (ArtifactError("no space left", hint="free some"), f"free some; come back to this job with: {LINE}"),
        (RemoteError("AWS cannot be reached"), f"come back to this job with: {LINE}"),
        (RemoteError("AWS is gone", hint=f"the job goes on: {LINE}"), f"the job goes on: {LINE}"),
        (JobError("the job failed", hint="look at its log"), "look at its log"),
        (ModelContractError("the archive was changed", hint="train again"), "train again"),
    ],
)  # fmt: skip
def test_errors_that_leave_the_job_whole_name_the_way_back(error: Exception, hint: str) -> None:
    with pytest.raises(type(error)) as caught, way_back(session(), "actorrec-x"):
        raise error
    assert caught.value.hint == hint
