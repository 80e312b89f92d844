"""Requests about deployments, their jobs and their targets; every failure comes out as an error of ours."""

import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import AbstractContextManager
from typing import Any, Final

from actorrec.artifacts.bulk import in_parallel
from actorrec.aws.failures import aws_errors, code_of, reason_of, unless_missing
from actorrec.aws.service_failures import quoted
from actorrec.aws.session import AwsSession
from actorrec.errors import RemoteError
from actorrec.greengrass.deployments import (
    CoreDevice,
    Created,
    Deployment,
    DeploymentRow,
    Execution,
    JobFacts,
    deployment_of,
    device_of,
    execution_of,
    job_of,
    row_of,
    target_of,
)

_MISSING: Final = "ResourceNotFoundException"
ONE_BY_ONE: Final = 20
"""Things that are asked about each; of more, one listing of the whole account takes fewer requests."""
_THREADS: Final = 8
_TRIES: Final = 5
_PAUSE_S: Final = 1.0
_JOB_RIGHTS: Final = "iot:DescribeJob, iot:DescribeThing and iot:DescribeThingGroup"
_CHANGE_RIGHTS: Final = f"iot:CreateJob, iot:CancelJob, iot:UpdateJob, {_JOB_RIGHTS}"


class DeploymentCalls:
    """What is asked and ordered about deployments.

    Args:
        aws: Makes the clients.

    Every method raises ``ConfigError`` if credentials are missing, expired or refused, and ``RemoteError`` if AWS
    refuses or cannot be reached; both name the permissions that it takes.
    """

    def __init__(self, aws: AwsSession) -> None:
        self.aws = aws

    @property
    def region(self) -> str:
        """Where deployments are made."""
        return str(self._greengrass.meta.region_name)

    # Targets

    def group_arn(self, group: str) -> str | None:
        """ARN of a thing group; None if there is none of that name."""
        with self._told(f"look at the thing group '{group}'", "iot:DescribeThingGroup"):
            found = unless_missing(lambda: self._iot.describe_thing_group(thingGroupName=group))
        return None if found is None else str(found["thingGroupArn"])

    def members(self, group: str) -> tuple[str, ...]:
        """Names of the things of a group and of the groups inside it, sorted."""
        return tuple(sorted({thing for page in self.member_pages(group) for thing in page}))

    def member_pages(self, group: str) -> Iterator[list[str]]:
        """Like ``members``, page by page in no order; a thing may come twice."""
        with self._told(f"list the things of '{group}'", "iot:ListThingsInThingGroup"):
            pages = self._iot.get_paginator("list_things_in_thing_group").paginate(
                thingGroupName=group, recursive=True, PaginationConfig={"PageSize": 250}
            )
            for page in pages:
                yield page["things"]

    def core_devices(self, things: Iterable[str]) -> tuple[CoreDevice, ...]:
        """Those of some things that run a nucleus and have reported once, sorted by name.

        The service's own list of a group's devices names only those on which a deployment to that very group has
        succeeded, and goes on naming devices that left: it says nothing of a new group.
        """
        wanted = set(things)
        if len(wanted) <= ONE_BY_ONE:
            each_asked = in_parallel(self.core_device, sorted(wanted), _THREADS)
            return tuple(device for device in each_asked if device is not None)
        found = (device for device in self.all_core_devices() if device.name in wanted)
        return tuple(sorted(found, key=lambda device: device.name))

    def core_device(self, thing: str) -> CoreDevice | None:
        """One device, with the version of its nucleus; None if it never reported."""
        with self._told(f"look at the device '{thing}'", "greengrass:GetCoreDevice"):
            found = unless_missing(lambda: self._greengrass.get_core_device(coreDeviceThingName=thing))
        return None if found is None else device_of(found)

    def all_core_devices(self) -> Iterator[CoreDevice]:
        """Every device of the account and region."""
        with self._told("list the core devices", "greengrass:ListCoreDevices"):
            pages = self._greengrass.get_paginator("list_core_devices").paginate(PaginationConfig={"PageSize": 100})
            for page in pages:
                yield from map(device_of, page["coreDevices"])

    # Deployments

    def latest(self, target_arn: str, parent_arn: str | None = None) -> Deployment | None:
        """The present deployment of a target; None if there is none."""
        row = self.latest_row(target_arn, parent_arn)
        return None if row is None else self.deployment(row.id)

    def latest_row(self, target_arn: str, parent_arn: str | None = None) -> DeploymentRow | None:
        """Like ``latest``, without what is in it: one request."""
        rows = self._rows(target_arn, parent_arn, "LATEST_ONLY")
        return rows[0] if rows else None

    def history(self, target_arn: str, parent_arn: str | None = None) -> tuple[DeploymentRow, ...]:
        """Every deployment of a target that the service still knows, the newest first."""
        return self._rows(target_arn, parent_arn, "ALL")

    def all_latest(self) -> tuple[DeploymentRow, ...]:
        """The present deployment of every target of the account and region, the newest first."""
        return self._rows(None, None, "LATEST_ONLY")

    def deployment(self, deployment_id: str) -> Deployment:
        """One deployment.

        Raises:
            RemoteError: Also if there is none of that id.
        """
        found = self.find_deployment(deployment_id)
        if found is None:
            hint = "`actorrec deploy history` lists those that there are"
            raise RemoteError(f"there is no deployment '{deployment_id}'", hint=hint)
        return found

    def find_deployment(self, deployment_id: str) -> Deployment | None:
        """One deployment; None if there is none of that id."""
        if not deployment_id:
            return None
        needs = f"greengrass:GetDeployment, {_JOB_RIGHTS}"
        with self._told(f"read the deployment {deployment_id}", needs):
            found = unless_missing(lambda: self._greengrass.get_deployment(deploymentId=deployment_id))
        return None if found is None else deployment_of(found)

    def create(self, request: Mapping[str, Any]) -> Created:
        """Make a deployment of the parameters of CreateDeployment; the same token makes no second one."""
        needs = f"greengrass:CreateDeployment, {_CHANGE_RIGHTS}"
        needs += ", greengrass:TagResource" if request.get("tags") else ""
        with self._told("make the deployment", needs):
            made = self._made(request)
        return Created(made["deploymentId"], made.get("iotJobId"))

    def _made(self, request: Mapping[str, Any]) -> Mapping[str, Any]:
        from botocore.exceptions import ClientError

        for attempt in range(_TRIES):
            try:
                made: Mapping[str, Any] = self._greengrass.create_deployment(**request)
            except ClientError as error:
                if code_of(error) == _MISSING:
                    raise RemoteError(
                        f"cannot make the deployment: {quoted(reason_of(error))}",
                        hint="is every component there, in that version and in this region? Nothing was changed",
                    ) from None
                # The same request is being worked on: soon it is answered alike.
                if code_of(error) != "RequestAlreadyInProgressException" or attempt == _TRIES - 1:
                    raise
            else:
                return made
            time.sleep(_PAUSE_S)
        raise AssertionError("the last attempt returns or raises")

    def cancel(self, deployment_id: str) -> bool:
        """Withdraw a deployment from devices that do not have it yet; False if it was over already."""
        needs = f"greengrass:CancelDeployment, {_CHANGE_RIGHTS}"
        return self._changed(f"cancel the deployment {deployment_id}", "cancel_deployment", deployment_id, needs)

    def delete(self, deployment_id: str) -> bool:
        """Forget a deployment; devices keep what they have. False if it is active, or was deleted already."""
        needs = "greengrass:DeleteDeployment, iot:DeleteJob, iot:CancelJob and iot:DescribeJob"
        return self._changed(f"delete the deployment {deployment_id}", "delete_deployment", deployment_id, needs)

    # Jobs

    def job(self, job_id: str) -> JobFacts | None:
        """The job behind a deployment; None once it was deleted."""
        with self._told(f"look at the job {job_id}", "iot:DescribeJob"):
            found = unless_missing(lambda: self._iot.describe_job(jobId=job_id))
        return None if found is None else job_of(found["job"])

    def executions(self, job_id: str) -> tuple[Execution, ...]:
        """How every device fared that the job was handed to, sorted by device; none once the job was deleted.

        All states at once: asked one by one, a device that moves on meanwhile would be told twice, or not at all.
        """
        with self._told(f"list the devices of the job {job_id}", "iot:ListJobExecutionsForJob"):
            pages = self._iot.get_paginator("list_job_executions_for_job").paginate(
                jobId=job_id, PaginationConfig={"PageSize": 250}
            )
            found = unless_missing(
                lambda: [execution_of(each) for page in pages for each in page.get("executionSummaries", ())]
            )
        newest: dict[str, Execution] = {}
        for each in found or ():  # one that ran the job again has several
            known = newest.get(each.device)
            if known is None or _moment(known) <= _moment(each):
                newest[each.device] = each
        return tuple(newest[device] for device in sorted(newest))

    def execution_details(self, job_id: str, device: str) -> Mapping[str, str]:
        """What a device said of its own execution; empty if nothing."""
        with self._told(f"ask how '{device}' fared", "iot:DescribeJobExecution"):
            found = unless_missing(lambda: self._iot.describe_job_execution(jobId=job_id, thingName=device))
        details: Mapping[str, str] = (found or {}).get("execution", {}).get("statusDetails", {}).get("detailsMap", {})
        return details

    def effective_deployments(self, device: str) -> tuple[Mapping[str, Any], ...]:
        """The newest deployments that a device was handed, as the service says them."""
        needs = "greengrass:ListEffectiveDeployments"
        with self._told(f"ask which deployments '{device}' has", needs):
            found = unless_missing(
                lambda: self._greengrass.list_effective_deployments(coreDeviceThingName=device, maxResults=100)
            )
        return tuple((found or {}).get("effectiveDeployments", ()))

    def installed_components(self, device: str) -> tuple[Mapping[str, Any], ...]:
        """What a device has installed, as the service says it."""
        needs = "greengrass:ListInstalledComponents"
        with self._told(f"ask what '{device}' has installed", needs):
            pages = self._greengrass.get_paginator("list_installed_components").paginate(
                coreDeviceThingName=device, topologyFilter="ALL"
            )
            found = unless_missing(lambda: [each for page in pages for each in page["installedComponents"]])
        return tuple(found or ())

    @property
    def _greengrass(self) -> Any:
        return self.aws.client("greengrassv2")

    @property
    def _iot(self) -> Any:
        return self.aws.client("iot")

    def _told(self, doing: str, needs: str) -> AbstractContextManager[None]:
        return aws_errors(doing, self.aws.place, needs)

    def _rows(self, target_arn: str | None, parent_arn: str | None, which: str) -> tuple[DeploymentRow, ...]:
        given = {"targetArn": target_arn, "parentTargetArn": parent_arn}
        asked = {key: value for key, value in given.items() if value is not None}
        needs = f"greengrass:ListDeployments, {_JOB_RIGHTS}"
        about = f" of {target_of(target_arn)}" if target_arn is not None else ""
        with self._told(f"list the deployments{about}", needs):
            pages = self._greengrass.get_paginator("list_deployments").paginate(
                **asked, historyFilter=which, PaginationConfig={"PageSize": 100}
            )
            rows = [row_of(each) for page in pages for each in page["deployments"]]
        return tuple(sorted(rows, key=lambda row: (row.created_at, row.revision), reverse=True))

    def _changed(self, doing: str, call: str, deployment_id: str, needs: str) -> bool:
        from botocore.exceptions import ClientError

        with self._told(doing, needs):
            try:
                getattr(self._greengrass, call)(deploymentId=deployment_id)
            except ClientError as error:
                if code_of(error) not in ("ConflictException", _MISSING):
                    raise
                return False
        return True


def _moment(execution: Execution) -> float:
    moment = execution.updated_at or execution.queued_at
    return 0.0 if moment is None else moment.timestamp()
