"""Finding jobs: the newest, one by its name, what stops one."""

import difflib
import itertools
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

from actorrec.artifacts.bulk import in_parallel
from actorrec.aws.failures import code_of
from actorrec.aws.session import AwsSession
from actorrec.errors import ConfigError, JobError
from actorrec.jobs.state import DATASET_TAG, DIGEST_TAG, KINDS, JobState, Kind, asking, describe, tagged

OURS: Final = "actorrec-"
"""Beginning of the names of all our jobs."""
_LOOKED_THROUGH: Final = 100
"""Of our newest jobs, for a beginning of a name; older ones are found by their whole name."""
_SUGGESTED: Final = 3
_LOOKERS: Final = 4  # Describe has a quota of a few requests a second


@dataclass(frozen=True, slots=True)
class JobRow:
    """A job in a list: what AWS tells without being asked for each."""

    name: str
    kind: Kind
    status: str
    created_at: datetime
    ended_at: datetime | None


def list_jobs(aws: AwsSession, limit: int) -> list[JobRow]:
    """Our jobs of both kinds, the newest first.

    Args:
        aws: Makes the client.
        limit: How many at most.

    Raises:
        ConfigError: If credentials are missing, expired or refused.
        RemoteError: If AWS refuses or cannot be reached.
    """
    with asking(aws, "list jobs of SageMaker"):
        found = [row for kind in KINDS for row in itertools.islice(_listed(aws, kind, limit), limit)]
    # The order is asked for, but a server that imitates AWS may not keep it.
    return sorted(found, key=lambda row: row.created_at, reverse=True)[:limit]


def describe_all(aws: AwsSession, rows: Iterable[JobRow]) -> list[JobState]:
    """What AWS says of each of several jobs, in their order; without their tags."""
    with asking(aws, "look at jobs of SageMaker"):
        found = in_parallel(lambda row: describe(aws, row.name, row.kind), rows, _LOOKERS)
        return [state for state in found if state is not None]


def read_state(aws: AwsSession, name: str) -> JobState:
    """What AWS says of a job now, tags included.

    Args:
        aws: Makes the client.
        name: Its whole name; of a training or a processing job.

    Raises:
        JobError: If there is none; the hint names the nearest that there are.
        ConfigError: If credentials are missing, expired or refused.
        RemoteError: If AWS refuses or cannot be reached.
    """
    with asking(aws, f"look at the job {name}"):
        for kind in KINDS:
            state = describe(aws, name, kind)
            if state is not None:
                tags = tagged(aws, state.arn)
                dataset = tags.get(DATASET_TAG) or state.dataset
                return replace(state, dataset=dataset, dataset_digest=tags.get(DIGEST_TAG))
    raise _unknown(aws, name, [row.name for row in list_jobs(aws, _LOOKED_THROUGH)])


def find_job(aws: AwsSession, reference: str, kind: Kind | None = None) -> str:
    """Name of the job that a user named.

    Args:
        aws: Makes the client.
        reference: A name, an unambiguous beginning of one of our newest jobs' (with or without ``actorrec-``), or
            ``newest``.
        kind: Only of this kind; both if None.

    Raises:
        ConfigError: If nothing was named: every name begins with that.
        JobError: If there is none, or several begin so.
        RemoteError: If AWS refuses or cannot be reached.
    """
    if not reference.strip():
        raise ConfigError("no job was named", hint="`actorrec jobs ls` lists them; newest is the newest one")
    names = [row.name for row in list_jobs(aws, _LOOKED_THROUGH) if kind in (None, row.kind)]
    if reference == "newest" and names:
        return names[0]
    if reference in names:
        return reference
    meant = [name for name in names if name.startswith((reference, OURS + reference))]
    if len(meant) > 1:
        raise JobError(f"more than one job begins with '{reference}'", hint=", ".join(meant[:_SUGGESTED]))
    if meant:
        return meant[0]
    with asking(aws, f"look at the job {reference}"):
        if any(describe(aws, reference, each) is not None for each in KINDS if kind in (None, each)):
            return reference  # an older one, or one with a name of the user's own
    raise _unknown(aws, reference, names)


def stop_job(aws: AwsSession, state: JobState) -> bool:
    """Ask AWS to stop a job; whether it had not ended already.

    Raises:
        ConfigError: If credentials are missing, expired or refused.
        RemoteError: If AWS refuses or cannot be reached.
    """
    from botocore.exceptions import ClientError

    client = aws.client("sagemaker")
    needs = "sagemaker:StopTrainingJob and sagemaker:StopProcessingJob"
    with asking(aws, f"stop the job {state.name}", needs):
        try:
            if state.kind == "training":
                client.stop_training_job(TrainingJobName=state.name)
            else:
                client.stop_processing_job(ProcessingJobName=state.name)
        except ClientError as error:
            if code_of(error) != "ValidationException":
                raise
            return False  # it ended since it was looked at
    return True


def _listed(aws: AwsSession, kind: Kind, limit: int) -> Iterator[JobRow]:
    title = kind.capitalize()
    pages = aws.client("sagemaker").get_paginator(f"list_{kind}_jobs")
    found = pages.paginate(
        NameContains=OURS,
        SortBy="CreationTime",
        SortOrder="Descending",
        PaginationConfig={"PageSize": min(limit, 100)},
    )
    for page in found:
        for each in page[f"{title}JobSummaries"]:
            if each[f"{title}JobName"].startswith(OURS):
                yield _row(kind, title, each)


def _row(kind: Kind, title: str, told: dict[str, Any]) -> JobRow:
    return JobRow(
        name=told[f"{title}JobName"],
        kind=kind,
        status=told[f"{title}JobStatus"],
        created_at=told["CreationTime"],
        ended_at=told.get(f"{title}EndTime"),
    )


def _unknown(aws: AwsSession, name: str, known: list[str]) -> JobError:
    region = aws.place().region
    near = difflib.get_close_matches(name, known, _SUGGESTED, cutoff=0.3) or known[:_SUGGESTED]
    hint = f"there are {', '.join(near)}" if near else "`actorrec train --remote` starts one"
    return JobError(f"no job '{name}'" + (f" in the region {region}" if region else ""), hint=hint)
