"""Core devices of the fake Greengrass, the jobs that IoT shows of them, and things that moto does not know."""

import time
from collections.abc import Mapping
from typing import Any, Final

from greengrass_jobs import Job
from greengrass_wire import page
from greengrass_world import ACCOUNT, CoreDevice, World
from job_logs import RefusalError

LITE: Final = "aws_nucleus_lite"


class CoreDevices:
    """Operations about core devices, and the service's role."""

    def __init__(self, world: World) -> None:
        self.world = world

    def list_core_devices(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """With a group: only those that once deployed to it with success."""
        group = given.get("thingGroupArn", "").split(":", 5)[-1]
        found = [
            self._summary(each) for each in self.world.devices.values()
            if (not group or group in each.applied) and given.get("status") in (None, each.status)
            and given.get("runtime") in (None, each.runtime)
        ]  # fmt: skip
        return page(found, given, "coreDevices")

    def get_core_device(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """One."""
        found = self._find(given)
        return self._summary(found) | {"coreVersion": found.version, "tags": found.tags}

    def delete_core_device(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """It comes back when it tells of itself again; here, never."""
        del self.world.devices[self._find(given).name]
        return {}

    def list_installed_components(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """Roots, and the nucleus."""
        found = self._find(given)
        nucleus = "aws.greengrass.NucleusLite" if found.runtime == LITE else "aws.greengrass.Nucleus"
        installed = [(name, version, True) for roots in found.roots.values() for name, version in roots.items()]
        told = [
            {"componentName": name, "componentVersion": version, "lifecycleState": found.states.get(name, "RUNNING"),
             "isRoot": root, "lastReportedTimestamp": found.seen, "lastStatusChangeTimestamp": found.seen}
            for name, version, root in [*dict.fromkeys(installed), (nucleus, found.version, False)]
            if root or given.get("topologyFilter") == "ALL"
        ]  # fmt: skip
        return page(told, given, "installedComponents")

    def list_effective_deployments(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """What the device says of its deployments, the latest first."""
        return page(list(reversed(self._find(given).effective.values())), given, "effectiveDeployments")

    def batch_associate_client_device_with_core_device(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """Things that may come to it."""
        found, errors = self._find(given), []
        for each in given["entries"]:
            if self.world.exists("thing", each["thingName"]):
                found.clients.setdefault(each["thingName"], time.time())
            else:
                errors.append({**each, "code": "ResourceNotFoundException", "message": "The thing does not exist."})
        return {"errorEntries": errors}

    def batch_disassociate_client_device_from_core_device(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """Things that may not any more."""
        found = self._find(given)
        for each in given["entries"]:
            found.clients.pop(each["thingName"], None)
        return {"errorEntries": []}

    def list_client_devices_associated_with_core_device(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """Those that may."""
        told = [{"thingName": name, "associationTimestamp": at} for name, at in self._find(given).clients.items()]
        listed = page(told, given, "associatedClientDevices")
        return listed if told else {}

    def get_service_role_for_account(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """The role, if there is one."""
        if self.world.service_role is None:
            raise RefusalError("ResourceNotFoundException", "No service role is associated with this account.", 404)
        return {"roleArn": self.world.service_role[0], "associatedAt": self.world.service_role[1]}

    def associate_service_role_to_account(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """It is this role from now on."""
        self.world.service_role = (given["roleArn"], "2026-11-23T08:00:00Z")
        return {"associatedAt": self.world.service_role[1]}

    def disassociate_service_role_from_account(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """None from now on."""
        self.world.service_role = None
        return {"disassociatedAt": "2026-11-23T08:00:00Z"}

    def _summary(self, found: CoreDevice) -> dict[str, Any]:
        return {
            "coreDeviceThingName": found.name, "status": found.status, "lastStatusUpdateTimestamp": found.seen,
            "platform": found.platform, "architecture": found.architecture, "runtime": found.runtime,
        }  # fmt: skip

    def _find(self, given: Mapping[str, Any]) -> CoreDevice:
        if (found := self.world.devices.get(given["coreDeviceThingName"])) is None:
            raise RefusalError(
                "ResourceNotFoundException", f"Core device {given['coreDeviceThingName']} does not exist"
            )
        return found


class ThingJobs:
    """IoT's job operations, for the jobs of deployments."""

    def __init__(self, world: World) -> None:
        self.world = world

    def describe_job(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """The job and its counts."""
        job = self._find(given)
        return {"job": job.told(f"arn:aws:iot:{self.world.region}:{ACCOUNT}:job/{job.id}")}

    def get_job_document(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """What devices read."""
        return {"document": self._find(given).document}

    def list_job_executions_for_job(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """One line a device that was told."""
        told = [
            {"thingArn": self.world.thing_arn(each.thing), "jobExecutionSummary": each.summary()}
            for each in self._find(given).executions.values() if given.get("status") in (None, each.status)
        ]  # fmt: skip
        return page(told, given, "executionSummaries", 100)

    def describe_job_execution(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """What one device says."""
        found = self._find(given).executions.get(given["thingName"])
        if found is None or given.get("executionNumber", found.number) != found.number:
            raise RefusalError("ResourceNotFoundException", "Job Execution not found.", 404)
        told: dict[str, Any] = {key: value for key, value in found.summary().items() if key != "retryAttempt"}
        told |= {"jobId": given["jobId"], "thingArn": self.world.thing_arn(found.thing), "versionNumber": found.version}
        return {"execution": told | {"statusDetails": {"detailsMap": found.details}, "forceCanceled": False}}

    def list_job_executions_for_thing(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """Its jobs."""
        told = [
            {"jobId": job.id, "jobExecutionSummary": job.executions[given["thingName"]].summary()}
            for job in self.world.jobs.values() if given["thingName"] in job.executions
            and given.get("jobId") in (None, job.id)
            and given.get("status") in (None, job.executions[given["thingName"]].status)
        ]  # fmt: skip
        return page(told, given, "executionSummaries", 100)

    def cancel_job(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """The deployment shows as CANCELED too."""
        job = self._find(given)
        if job.status != "IN_PROGRESS":
            raise RefusalError("InvalidRequestException", f"Job {job.id} is {job.status} and cannot be canceled.")
        job.cancel(given.get("reasonCode", ""), given.get("comment", ""), force=given.get("force", False))
        return {"jobArn": f"arn:aws:iot:{self.world.region}:{ACCOUNT}:job/{job.id}", "jobId": job.id}

    def _find(self, given: Mapping[str, Any]) -> Job:
        if (found := self.world.jobs.get(given["jobId"])) is None:
            raise RefusalError("ResourceNotFoundException", f"No job found with id {given['jobId']}.", 404)
        return found


class VirtualThings:
    """IoT's operations about things and groups where moto cannot answer alone; None: moto may answer."""

    def __init__(self, world: World) -> None:
        self.world = world

    def list_things_in_thing_group(self, given: Mapping[str, Any]) -> dict[str, Any] | None:
        """moto's and ours, in pages of the size asked for."""
        group = given["thingGroupName"]
        if not self.world.exists("group", group):
            raise RefusalError("ResourceNotFoundException", f"Thing group {group} does not exist.", 404)
        return page(self.world.members(group), given, "things", 25)

    def describe_thing(self, given: Mapping[str, Any]) -> dict[str, Any] | None:
        """A thing of ours."""
        name = given["thingName"]
        if name not in self.world.virtual:
            return None
        told = {"thingName": name, "defaultClientId": name, "thingId": f"id-{name}", "attributes": {}, "version": 1}
        return told | {"thingArn": self.world.thing_arn(name)}

    def list_thing_groups_for_thing(self, given: Mapping[str, Any]) -> dict[str, Any] | None:
        """Groups of a thing of ours."""
        if given["thingName"] not in self.world.virtual:
            return None
        groups = sorted(self.world.virtual[given["thingName"]])
        told = [{"groupName": name, "groupArn": self.world.group_arn(name)} for name in groups]
        return page(told, given, "thingGroups", 25)

    def add_thing_to_thing_group(self, given: Mapping[str, Any]) -> dict[str, Any] | None:
        """A thing of ours joins."""
        thing, group = _names(given)
        if thing not in self.world.virtual:
            return None
        if not self.world.exists("group", group):
            raise RefusalError("ResourceNotFoundException", f"Thing group {group} does not exist.", 404)
        self.world.virtual[thing].add(group)
        return {}

    def remove_thing_from_thing_group(self, given: Mapping[str, Any]) -> dict[str, Any] | None:
        """A thing of ours leaves."""
        thing, group = _names(given)
        if thing not in self.world.virtual:
            return None
        self.world.virtual[thing].discard(group)
        return {}


def _names(given: Mapping[str, Any]) -> tuple[str, str]:
    thing = given.get("thingName") or given.get("thingArn", "").rpartition("/")[2]
    return thing, given.get("thingGroupName") or given.get("thingGroupArn", "").rpartition("/")[2]
