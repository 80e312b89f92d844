"""Jobs on a SageMaker that lives on loopback: found, followed, stopped, whatever the service does meanwhile."""

import json
import signal
import threading
import time
from contextlib import suppress
from pathlib import Path

import pytest
import typer

pytest.importorskip("boto3")

from actorrec.cli.following import follow_to_the_end
from actorrec.cli.session import Session
from actorrec.config import Config
from actorrec.errors import ConfigError, JobError, RemoteError
from actorrec.jobs.follow import Following, follow
from actorrec.jobs.listing import describe_all, find_job, list_jobs, read_state, stop_job
from actorrec.jobs.logs import LogReader
from aws_shapes import faults
from job_requests import NAME, Heard, aws_session, processing_request, start, training_request
from patience import PATIENCE_S, eventually
from sagemaker_server import DENIED, LIFE, THROTTLED, Outcome, SageMaker, Step, sagemaker, service_model

__all__ = ["sagemaker"]
POLL_S = 0.01
METRICS = tuple(f"metrics: epoch={number} loss={1 / number}" for number in (1, 2, 3))


def followed(name: str) -> tuple[Heard, str]:
    heard = Heard()
    state = follow(aws_session(), name, told=heard, poll_s=POLL_S)
    return heard, state.status


def test_a_whole_life_is_told_once(sagemaker: SageMaker) -> None:
    lines = ("Loading", "  File x.py, line 3", *METRICS, "a line = that parses as nothing", "metrics: broken", "done")
    sagemaker.timeline = [
        Step("Starting", "Preparing the instances"), Step("Downloading", polls=2), Step("Training", lines=lines[:4]),
        Step("Training", lines=lines[4:]), Step("Uploading"), Step("Completed"),
    ]  # fmt: skip
    heard, status = followed(start(aws_session()))
    assert status == "Completed"
    assert heard.states == ["Starting", "Downloading", "Training", "Uploading", "Completed"]
    assert heard.lines == list(lines) and not heard.troubles
    assert heard.measures == [("algo-1", {"epoch": n, "loss": pytest.approx(1 / n)}) for n in (1, 2, 3)]


def test_every_machine_s_log_is_told(sagemaker: SageMaker) -> None:
    said = [(host, f"machine {host} line {line}") for line in range(7) for host in (1, 2, 3)]
    sagemaker.timeline = [Step("Starting"), *(Step("Training", lines=said[n : n + 5]) for n in range(0, 21, 5)),
                          Step("Completed")]  # fmt: skip
    request = training_request()
    request["ResourceConfig"]["InstanceCount"] = 3
    heard, _ = followed(start(aws_session(), request))
    assert sorted(heard.lines) == sorted(text for _, text in said)
    for host in (1, 2, 3):
        mine = [text for name, text in zip(heard.hosts, heard.lines, strict=True) if name == f"algo-{host}"]
        assert mine == [text for number, text in said if number == host]


@pytest.mark.parametrize("hollow", [False, True])
def test_lines_that_come_after_the_end_are_fetched(sagemaker: SageMaker, hollow: bool) -> None:
    sagemaker.logs.late, sagemaker.logs.hollow = 5, hollow
    sagemaker.timeline = [Step("Training", lines=METRICS), Step("Completed", lines=("the last words",))]
    heard, _ = followed(start(aws_session()))
    assert heard.lines == [*METRICS, "the last words"]


def test_reads_that_are_throttled_after_the_end_are_not_the_end_of_the_log(sagemaker: SageMaker) -> None:
    sagemaker.timeline = [Step("Completed", lines=METRICS)]
    name = start(aws_session())
    sagemaker.refuse("GetLogEvents", *THROTTLED, times=5)  # more than the quiet reads that it takes
    heard, _ = followed(name)
    assert heard.lines == list(METRICS)


def test_a_token_that_grew_old_costs_no_line(sagemaker: SageMaker) -> None:
    sagemaker.timeline = [Step("Training", lines=[f"line {n}" for n in range(10)]), Step("Training", polls=0)]
    aws = aws_session()
    name = start(aws)
    reader = LogReader(aws, name, "training")
    assert read_state(aws, name).secondary == "Training"
    first = [line.text for line in reader.read()]
    sagemaker.logs.forget_tokens = True
    sagemaker.logs.add("training", name, 1, "one more")
    assert [*first, *(line.text for line in reader.read())] == [f"line {n}" for n in range(10)] + ["one more"]


def test_a_spot_job_that_is_interrupted_and_comes_back(sagemaker: SageMaker) -> None:
    names = ("Starting", "Training", "Interrupted", "Starting", "Training", "Completed")
    sagemaker.timeline = [Step(each) for each in names]
    request = training_request(
        EnableManagedSpotTraining=True,
        StoppingCondition={"MaxRuntimeInSeconds": 3600, "MaxWaitTimeInSeconds": 7200},
    )
    heard, status = followed(start(aws_session(), request))
    assert status == "Completed" and heard.states == list(names)
    assert read_state(aws_session(), NAME).spot_saving == pytest.approx(0.7)


def test_a_machine_that_took_another_s_place_has_a_log_of_its_own(sagemaker: SageMaker) -> None:
    sagemaker.timeline = [
        Step("Training", lines=("first try",)),
        Step("Restarting"),
        Step("Training"),
        Step("Completed"),
    ]
    name = start(aws_session())
    for line in METRICS:
        sagemaker.logs.add("training", name, 1, line, attempt=1)
    heard, _ = followed(name)
    assert sorted(heard.lines) == sorted(["first try", *METRICS]) and set(heard.hosts) == {"algo-1"}


def test_a_failure_comes_with_its_reason_and_the_end_of_the_log(sagemaker: SageMaker) -> None:
    reason = "AlgorithmError: the data set is broken AKIAABCDEFGHIJKLMNOP, exit code: 1"
    sagemaker.timeline = [Step("Training", lines=("error: broken",)), Step("Failed", reason=reason, lines=("bye",))]
    heard = Heard()
    with pytest.raises(JobError, match="the data set is broken") as caught:
        follow(aws_session(), start(aws_session()), told=heard, poll_s=POLL_S)
    assert heard.lines == ["error: broken", "bye"] and heard.states[-1] == "Failed"
    assert "AKIA" not in caught.value.in_full and f"actorrec jobs logs {NAME}" in caught.value.hint


@pytest.mark.parametrize(
    ("step", "said"),
    [
        (Step("Stopped"), "somebody asked for it"), (Step("MaxRuntimeExceeded"), "longer than"),
        (Step("MaxWaitTimeExceeded"), "no spot machine"),
    ],
)  # fmt: skip
def test_a_job_that_was_stopped(sagemaker: SageMaker, step: Step, said: str) -> None:
    sagemaker.timeline = [Step("Training"), step]
    with pytest.raises(JobError, match=said) as caught:
        followed(start(aws_session()))
    assert "s3://bucket/jobs/checkpoints/x" in caught.value.hint


def test_a_job_without_a_log_is_no_error(sagemaker: SageMaker) -> None:
    heard, status = followed(start(aws_session()))
    assert status == "Completed" and not heard.lines and not heard.troubles


def test_a_log_that_may_not_be_read_is_said_once_and_the_job_followed(sagemaker: SageMaker) -> None:
    sagemaker.refuse("GetLogEvents", *DENIED, times=99)
    sagemaker.timeline = [Step("Training", lines=METRICS), Step("Training"), Step("Completed")]
    heard, status = followed(start(aws_session()))
    assert status == "Completed" and not heard.lines
    assert len(heard.troubles) == 1 and "logs:GetLogEvents" in heard.troubles[0]


def test_throttling_and_short_outages_are_waited_out(sagemaker: SageMaker) -> None:
    sagemaker.timeline = [Step("Training", lines=METRICS, polls=3), Step("Completed")]
    aws = aws_session()
    name = start(aws)
    heard = Heard()
    following = Following(aws, read_state(aws, name), heard, POLL_S)
    sagemaker.refuse("DescribeTrainingJob", *THROTTLED, times=2)
    sagemaker.refuse("GetLogEvents", *THROTTLED)
    sagemaker.outage = 3
    assert following.run().status == "Completed"
    assert heard.lines == list(METRICS)
    assert len(heard.troubles) == 1 and "ConnectionClosedError" in heard.troubles[0]


def test_an_outage_that_lasts_ends_it_and_says_that_the_job_goes_on(sagemaker: SageMaker) -> None:
    aws = aws_session()
    state = read_state(aws, start(aws))
    sagemaker.outage = 10**6
    with pytest.raises(RemoteError, match="cannot be reached") as caught:
        Following(aws, state, Heard(), 1e-4).run()
    assert f"actorrec jobs attach {NAME}" in caught.value.hint
    assert len(sagemaker.jobs) == 1 and 10**6 - sagemaker.outage == 14  # its log, then its state


def test_credentials_that_run_out_end_it_at_once(sagemaker: SageMaker) -> None:
    aws = aws_session()
    state = read_state(aws, start(aws))
    sagemaker.refuse("DescribeTrainingJob", "ExpiredTokenException", "The security token is expired")
    heard = Heard()
    with pytest.raises(ConfigError, match="expired") as caught:
        Following(aws, state, heard, POLL_S).run()
    assert "the job itself goes on" in caught.value.hint and not heard.troubles


def test_following_goes_on_after_an_interrupt_without_a_line_twice(sagemaker: SageMaker) -> None:
    class Impatient(Heard):
        def line(self, line: object) -> None:
            super().line(line)  # type: ignore[arg-type]
            if len(self.lines) in (2, 7):
                raise KeyboardInterrupt

    lines = [f"line {number}" for number in range(12)]
    sagemaker.timeline = [Step("Training", lines=lines), Step("Completed")]
    aws = aws_session()
    heard = Impatient()
    following = Following(aws, read_state(aws, start(aws)), heard, POLL_S)
    for _ in range(2):
        with pytest.raises(KeyboardInterrupt):
            following.run()
    assert following.run().status == "Completed" and heard.lines == lines


def test_stopping(sagemaker: SageMaker) -> None:
    sagemaker.timeline = [Step("Training", polls=0)]
    aws = aws_session()
    state = read_state(aws, start(aws))
    assert stop_job(aws, state) and sagemaker.jobs[NAME].stops == 1
    with pytest.raises(JobError, match="was stopped"):
        followed(NAME)
    assert not stop_job(aws, state), "it has ended: nothing is wrong"


def test_processing_jobs(sagemaker: SageMaker) -> None:
    sagemaker.timeline = [Step("Starting"), Step("Training", lines=[(1, "one"), (2, "two")]), Step("Completed")]
    aws = aws_session()
    heard, status = followed(start(aws, processing_request()))
    assert status == "Completed" and sorted(heard.lines) == ["one", "two"]
    assert heard.states == ["InProgress", "Completed"]
    sagemaker.timeline = [Step("Training", polls=0)]
    name = start(aws, processing_request("actorrec-build-2"))
    state = read_state(aws, name)
    assert state.kind == "processing" and state.outputs == ("s3://bucket/shards",)
    assert stop_job(aws, state) and sagemaker.jobs[name].stops == 1


def test_lists_are_of_ours_the_newest_first(sagemaker: SageMaker) -> None:
    aws = aws_session()
    names = [f"actorrec-train-{number:02d}" for number in range(12)]
    for number, name in enumerate(names):
        start(aws, training_request(name))
        start(aws, processing_request(f"actorrec-build-{number:02d}"))
        start(aws, training_request(f"somebody-elses-actorrec-{number}"))
    rows = list_jobs(aws, 7)
    assert [row.name for row in rows] == [
        f"actorrec-{verb}-{number:02d}" for number in (11, 10, 9, 8) for verb in ("build", "train")
    ][:7]
    assert len(list_jobs(aws, 100)) == 24
    assert [state.name for state in describe_all(aws, rows)] == [row.name for row in rows]
    assert all(request.get("MaxResults", 1) <= 100 for _, request in sagemaker.asked)


def test_a_job_is_found_by_as_much_of_its_name_as_is_unique(sagemaker: SageMaker) -> None:
    aws = aws_session()
    for name in ("actorrec-train-aaaa", "actorrec-train-abbb", "actorrec-train-abbb-2"):
        start(aws, training_request(name))
    start(aws, training_request("my-own-name"))
    assert find_job(aws, "newest") == "actorrec-train-abbb-2"
    assert find_job(aws, "actorrec-train-aa") == find_job(aws, "train-aa") == "actorrec-train-aaaa"
    assert find_job(aws, "actorrec-train-abbb") == "actorrec-train-abbb"
    assert find_job(aws, "my-own-name") == "my-own-name"
    with pytest.raises(JobError, match="more than one job begins with 'train-a'") as caught:
        find_job(aws, "train-a")
    assert "actorrec-train-aaaa" in caught.value.hint
    for wrong in ("actorrec-train-abbc", "no such job at all!", "../x", "x" * 80):
        with pytest.raises(JobError, match="no job") as caught:
            find_job(aws, wrong)
        assert "actorrec-train-a" in caught.value.hint and "us-east-1" in caught.value.message
        with pytest.raises(JobError, match="no job"):
            read_state(aws, wrong)


def test_a_name_that_is_empty_means_no_job(sagemaker: SageMaker) -> None:
    """As of a shell's variable that is not set: the only job there is begins with nothing, too."""
    start(aws_session())
    for nothing in ("", "  "):
        with pytest.raises(ConfigError, match="no job was named"):
            find_job(aws_session(), nothing)


def test_without_any_job(sagemaker: SageMaker) -> None:
    assert list_jobs(aws_session(), 20) == []
    for reference in ("newest", NAME):
        with pytest.raises(JobError, match="no job") as caught:
            find_job(aws_session(), reference)
        assert "actorrec train --remote" in caught.value.hint


def test_what_is_denied_names_the_permission(sagemaker: SageMaker) -> None:
    aws = aws_session()
    state = read_state(aws, start(aws))
    for operation, work in {
        "ListTrainingJobs": lambda: list_jobs(aws, 5),
        "DescribeTrainingJob": lambda: read_state(aws, NAME),
        "StopTrainingJob": lambda: stop_job(aws, state),
    }.items():
        sagemaker.refuse(operation, *DENIED)
        with pytest.raises(RemoteError, match="denied") as caught:
            work()
        assert f"sagemaker:{operation}" in caught.value.hint


def test_a_job_that_really_runs_is_followed_live(sagemaker: SageMaker) -> None:
    go_on = threading.Event()

    def run(request: object, says: object) -> Outcome:
        says(1, "metrics: epoch=1 loss=1")  # type: ignore[operator]
        assert go_on.wait(PATIENCE_S)
        says(1, "metrics: epoch=2 loss=0.5")  # type: ignore[operator]
        return Outcome(0)

    sagemaker.runner = run
    heard = Heard()
    name = start(aws_session())
    ended: list[str] = []
    following = threading.Thread(
        target=lambda: ended.append(follow(aws_session(), name, told=heard, poll_s=POLL_S).status)
    )
    following.start()
    eventually(lambda: heard.measures)
    assert not ended, "the measures of the first epoch came while it ran"
    go_on.set()
    following.join(PATIENCE_S)
    assert ended == ["Completed"] and [values["epoch"] for _, values in heard.measures] == [1, 2]


def test_an_interrupt_that_the_signing_of_a_request_drops_comes_again(
    sagemaker: SageMaker, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """botocore signs with a library that calls back; what is raised there is lost."""

    class Dropping(Heard):
        def line(self, line: object) -> None:
            with suppress(KeyboardInterrupt):
                signal.raise_signal(signal.SIGINT)

    sagemaker.timeline = [Step("Training", lines=("one",), polls=0)]
    start(aws_session())
    session = Session(tmp_path / "none.yaml", None, as_json=False, quiet=True)
    with pytest.raises(typer.Exit) as ended:
        follow_to_the_end(session, aws_session(), NAME, Config(), told=Dropping())
    assert ended.value.exit_code == 130
    assert f"actorrec jobs attach {NAME}" in capsys.readouterr().err


def test_our_fake_answers_as_the_service_model_says(sagemaker: SageMaker, tmp_path: Path) -> None:
    aws = aws_session()
    start(aws)
    start(aws, processing_request())
    model = service_model("SageMaker")
    for _ in LIFE:
        answers = {
            "DescribeTrainingJob": sagemaker.describe_job("training", {"TrainingJobName": NAME}),
            "DescribeProcessingJob": sagemaker.describe_job(
                "processing", {"ProcessingJobName": "actorrec-build-abcd-1"}
            ),
            "ListTrainingJobs": sagemaker.list_training_jobs({}),
            "ListProcessingJobs": sagemaker.list_processing_jobs({}),
        }
        for operation, answer in answers.items():
            shape = model.operation_model(operation).output_shape
            wrong = list(faults(shape, json.loads(json.dumps(answer)), operation))
            assert [fault for fault in wrong if not fault.endswith("ModelArtifacts is missing")] == []


def test_newest_is_by_time_whatever_order_a_server_lists_in(
    moto_url: str, aws_keys: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", moto_url)
    aws = aws_session()
    names = []
    for letter in "bac":
        names.append(start(aws, training_request(f"actorrec-train-order-{letter}")))
        time.sleep(0.002)  # moto tells times in whole milliseconds
    assert [row.name for row in list_jobs(aws, 100) if row.name in names] == names[::-1]
    assert find_job(aws, "newest") == names[-1]
