"""A small SageMaker on loopback, and the logs of its jobs (CloudWatch), as strict as the real one.

moto's SageMaker is too loose: its jobs are Completed at once, leave no artifact, and cannot be stopped. Here every
request is held against botocore's own service model, and a job lives through a time line of steps, one a Describe.

How to use it::

    def test_something(sagemaker: SageMaker, tmp_path: Path) -> None:   # the fixture; S3 and IAM are moto's
        sagemaker.timeline = [Step("Starting"), Step("Training", lines=("metrics: epoch=1",)), Step("Completed")]
        sagemaker.artifact = path.read_bytes()                # what lies in S3 as model.tar.gz once it is Completed
        sagemaker.refuse("CreateTrainingJob", *QUOTA)         # or ROLE, DENIED, THROTTLED; times=n
        sagemaker.outage = 3                                  # that many requests get no answer at all
        boto3.client("sagemaker", region_name="us-east-1")    # the environment of the test points here …
        subprocess.run(…, env={**os.environ, **sagemaker.environ})    # … and so may a program's
        sagemaker.jobs["name"].request, sagemaker.asked       # what was asked of it

The fixture ``sagemaker_url`` is its address alone. To RUN the job (see containers.py) instead of a time line::

    sagemaker.runner = lambda request, says: run_training(request, s3, says)

It is called in a thread of its own with the request of Create…Job and a function ``says(host, line)``; it returns an
``Outcome``. The job is in "Training" until then, and Completed, Failed or Stopped afterwards. Once somebody stops the
job, ``says`` raises ``StopAskedError`` at the next line; what runs gets SIGTERM then.
"""

import json
import re
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from typing import Any, Final

import pytest

from aws_shapes import faults
from job_logs import JobLogs, RefusalError
from s3_servers import FAKE_KEYS
from s3_servers import client as s3_client
from sagemaker_jobs import (
    LIFE,
    FakeJob,
    Outcome,
    Runner,
    Step,
    StopAskedError,
    artifact_uri,
    described,
    rules,
    summary,
    tags,
)
from sites.server import Asked, Reply, as_json, serve

__all__ = ["DENIED", "LIFE", "QUOTA", "ROLE", "THROTTLED", "FakeJob", "Outcome", "SageMaker", "Step", "sagemaker"]
ACCOUNT: Final = "123456789012"
QUOTA: Final = (
    "ResourceLimitExceeded",
    "The account-level service limit 'ml.g5.xlarge for training job usage' is 0 Instances, with current utilization of "
    "0 Instances and a request delta of 1 Instances. Please use AWS Service Quotas to request an increase.",
)
ROLE: Final = (
    "ValidationException",
    "Could not assume role arn:aws:iam::123456789012:role/jobs. Please ensure that the role exists and allows "
    "principal 'sagemaker.amazonaws.com' to assume the role.",
)
DENIED: Final = (
    "AccessDeniedException",
    "User: arn:aws:iam::123456789012:user/ada is not authorized to perform: this on that resource because no "
    "identity-based policy allows the action",
)
_SERVICES: Final = {"SageMaker": "sagemaker", "Logs_20140328": "logs"}
THROTTLED: Final = ("ThrottlingException", "Rate exceeded")


@cache
def service_model(target: str) -> Any:
    """botocore's model of a service, by the name in front of its operations."""
    import botocore.session

    return botocore.session.get_session().get_service_model(_SERVICES[target])


class SageMaker:
    """The service. Everything public may be set by a test, also while a job lives."""

    def __init__(self, s3_url: str) -> None:
        self.url, self.s3_url = "", s3_url
        self.timeline: Sequence[Step] = LIFE
        self.artifact: bytes | None = None
        self.runner: Runner | None = None
        self.outage = 0
        self.jobs: dict[str, FakeJob] = {}
        self.logs = JobLogs()
        self.asked: list[tuple[str, dict[str, Any]]] = []
        self._refusals: list[tuple[str, str, str, int]] = []
        self._lock = threading.RLock()

    @property
    def environ(self) -> dict[str, str]:
        """What a program needs to come here: fake keys, and addresses."""
        return {
            **FAKE_KEYS, "AWS_ENDPOINT_URL": self.s3_url, "AWS_ENDPOINT_URL_SAGEMAKER": self.url,
            "AWS_ENDPOINT_URL_CLOUDWATCH_LOGS": self.url,
        }  # fmt: skip

    def refuse(self, operation: str, code: str, message: str, times: int = 1) -> None:
        """Let the next requests of an operation fail."""
        self._refusals += [(operation, code, message, 400)] * times

    def count(self, operation: str) -> int:
        """How often an operation was asked for."""
        return sum(name == operation for name, _ in self.asked)

    def answer(self, asked: Asked) -> Reply:
        """Handle one request."""
        with self._lock:
            if self.outage > 0:
                self.outage -= 1
                raise ConnectionAbortedError("nobody answers")
            service, _, operation = asked.headers["x-amz-target"].partition(".")
            request = json.loads(asked.body or b"{}")
            self.asked.append((operation, request))
            try:
                return as_json(self._answer(service_model(service).operation_model(operation), request))
            except RefusalError as error:
                return as_json({"__type": error.code, "message": error.message}, error.status)

    def _answer(self, operation: Any, request: dict[str, Any]) -> Any:
        for refusal in self._refusals:
            if refusal[0] == operation.name:
                self._refusals.remove(refusal)
                raise RefusalError(*refusal[1:])
        wrong = list(faults(operation.input_shape, request, operation.name))
        if wrong:
            raise RefusalError("ValidationException", f"{len(wrong)} validation error detected: {'; '.join(wrong)}")
        name = re.sub(r"(?<!^)(?=[A-Z])", "_", operation.name).lower()
        for kind in ("training", "processing"):
            if hasattr(self, plain := name.replace(f"_{kind}_job", "_job")) and plain != name:
                return getattr(self, plain)(kind, request)
        return getattr(self if hasattr(self, name) else self.logs, name)(request)

    def create_job(self, kind: str, request: dict[str, Any]) -> dict[str, str]:
        """CreateTrainingJob, CreateProcessingJob."""
        title = kind.capitalize()
        name = request[f"{title}JobName"]
        arn = f"arn:aws:sagemaker:us-east-1:{ACCOUNT}:{kind}-job/{name.lower()}"
        if any(job.name == name and job.kind == kind for job in self.jobs.values()):
            raise RefusalError(
                "ResourceInUse",
                f"{title} job names must be unique within an AWS account and region, and a {kind} job with this name "
                f"already exists ({arn})",
            )
        if said := "; ".join(rules(request)):
            raise RefusalError("ValidationException", said)
        given = {tag["Key"]: tag["Value"] for tag in request.get("Tags", ())}
        job = self.jobs[name] = FakeJob(kind, name, arn, request, list(self.timeline), given)
        if self.runner is not None:
            job.steps = [*(Step(each) for each in ("Starting", "Downloading")), Step("Training", polls=0)]
            job.run = threading.Thread(target=self._run, args=(job, self.runner), daemon=True)
            job.run.start()
        self._enter(job)
        return {f"{title}JobArn": arn}

    def describe_job(self, kind: str, request: dict[str, Any]) -> dict[str, Any]:
        """DescribeTrainingJob, DescribeProcessingJob; the job lives on by one step."""
        job = self._job(kind, request)
        told = described(job, self.logs)
        job.shown += 1
        if job.outcome is not None and job.step.secondary == "Training":
            failed = Step("Failed", reason=job.outcome.reason)
            job.steps[1:] = [Step("Uploading"), Step("Completed") if job.outcome.exit_code == 0 else failed]
            job.shown, job.steps[0] = 1, Step("Training")
        if job.outcome is not None and job.step.secondary == "Stopping":
            job.steps[0] = Step("Stopping")
        if len(job.steps) > 1 and job.step.polls and job.shown >= job.step.polls:
            job.steps.pop(0)
            self._enter(job)
        return told

    def stop_job(self, kind: str, request: dict[str, Any]) -> dict[str, Any]:
        """StopTrainingJob, StopProcessingJob."""
        job = self._job(kind, request)
        if job.ended is not None:
            raise RefusalError(
                "ValidationException", f"The request was rejected because the {kind} job is in status {job.status}."
            )
        job.stops += 1
        running = job.run is not None and job.outcome is None
        job.steps = [Step("Stopping", polls=0 if running else 1), Step("Stopped")]
        self._enter(job)
        return {}

    def list_jobs(self, kind: str, request: dict[str, Any]) -> dict[str, Any]:
        """ListTrainingJobs, ListProcessingJobs; pages of ``MaxResults``."""
        part = request.get("NameContains", "")
        found = [job for job in self.jobs.values() if job.kind == kind and part.lower() in job.name.lower()]
        found.sort(key=lambda job: job.created, reverse=request.get("SortOrder", "Descending") == "Descending")
        first = int(request.get("NextToken", "0"))
        last = first + request.get("MaxResults", 10)
        more = {"NextToken": str(last)} if last < len(found) else {}
        return {f"{kind.capitalize()}JobSummaries": [summary(job) for job in found[first:last]], **more}

    list_training_jobs = lambda self, request: self.list_jobs("training", request)  # noqa: E731
    list_processing_jobs = lambda self, request: self.list_jobs("processing", request)  # noqa: E731

    def add_tags(self, request: dict[str, Any]) -> dict[str, Any]:
        """AddTags."""
        job = self._tagged(request)
        job.tags |= {tag["Key"]: tag["Value"] for tag in request["Tags"]}
        return {"Tags": tags(job)}

    def list_tags(self, request: dict[str, Any]) -> dict[str, Any]:
        """ListTags."""
        return {"Tags": tags(self._tagged(request))}

    def _tagged(self, request: dict[str, Any]) -> FakeJob:
        for job in self.jobs.values():
            if job.arn == request["ResourceArn"]:
                return job
        raise RefusalError("ValidationException", "Requested resource not found.")

    def _job(self, kind: str, request: dict[str, Any]) -> FakeJob:
        job = self.jobs.get(request[f"{kind.capitalize()}JobName"])
        if job is None or job.kind != kind:
            raise RefusalError("ValidationException", "Requested resource not found.")
        return job

    def _enter(self, job: FakeJob) -> None:
        """A step begins: what it writes, and what a last one leaves."""
        now, step = time.time(), job.step
        job.shown = 0
        if job.transitions:
            job.transitions[-1]["EndTime"] = now
        job.transitions.append({"Status": step.secondary, "StartTime": now, "StatusMessage": step.message})
        for line in step.lines:
            host, text = (1, line) if isinstance(line, str) else line
            self.logs.add(job.kind, job.name, host, text)
        if job.status in ("Completed", "Failed", "Stopped"):
            job.ended = now
        if job.kind == "training" and job.status in ("Completed", "Stopped") and self.artifact is not None:
            bucket, _, key = artifact_uri(job).removeprefix("s3://").partition("/")
            s3_client(self.s3_url).put_object(Bucket=bucket, Key=key, Body=self.artifact)

    def _run(self, job: FakeJob, runner: Runner) -> None:
        def says(host: int, line: str) -> None:
            with self._lock:  # somebody may be going through the logs
                self.logs.add(job.kind, job.name, host, line)
            if job.stops:
                raise StopAskedError

        outcome = Outcome(1, "the runner itself failed")
        try:
            outcome = runner(job.request, says)
        finally:
            with self._lock:
                job.outcome = outcome


@contextmanager
def serve_sagemaker(s3_url: str) -> Iterator[SageMaker]:
    """Run it until the block ends."""
    service = SageMaker(s3_url)
    with serve({"/": service.answer}) as site:
        service.url = site.url
        yield service


@pytest.fixture
def sagemaker(moto_url: str, aws_keys: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[SageMaker]:
    """A fresh service; this process' environment leads to it, and for everything else to moto."""
    with serve_sagemaker(moto_url) as service:
        for name, value in service.environ.items():
            monkeypatch.setenv(name, value)
        yield service


@pytest.fixture
def sagemaker_url(sagemaker: SageMaker) -> str:
    """Its address."""
    return sagemaker.url
