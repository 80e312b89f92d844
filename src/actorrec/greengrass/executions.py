"""How far a deployment is, from what every device said of it. Nothing in here touches the network."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, Literal

from actorrec.greengrass.deployments import BAD, STATUSES, UNFINISHED, Deployment, Execution, JobFacts

Outcome = Literal["running", "succeeded", "failed", "aborted", "cancelled", "superseded"]
NOT_SENT: Final = "NOT_SENT"
"""Of a device that the rollout has not reached yet: it has no execution."""
_STOPPED: Final = frozenset({"CANCELED", "FAILED", "INACTIVE"})


@dataclass(frozen=True, slots=True)
class Standing:
    """A deployment at one moment.

    Attributes:
        deployment: It.
        job: Behind it; None for a deployment to one thing, or once the job was deleted.
        executions: One a device, sorted by device.
        members: Things of the target.
        reporting: Those of them that ever reported as core devices; others cannot take a deployment.
        latest: Whether nothing newer was deployed to the target.
    """

    deployment: Deployment
    job: JobFacts | None
    executions: tuple[Execution, ...]
    members: tuple[str, ...]
    reporting: frozenset[str]
    latest: bool

    @property
    def counts(self) -> dict[str, int]:
        """Devices per state, every state named; those without an execution are ``NOT_SENT``."""
        found = Counter(execution.status for execution in self.executions)
        return {status: found[status] for status in STATUSES} | {NOT_SENT: len(self._not_sent())}

    @property
    def bad(self) -> tuple[Execution, ...]:
        """Devices on which it failed."""
        return tuple(execution for execution in self.executions if execution.status in BAD)

    @property
    def ended(self) -> int:
        """Devices that are done with it, however."""
        return sum(execution.status not in UNFINISHED for execution in self.executions)

    @property
    def waiting(self) -> tuple[str, ...]:
        """Devices that may still take it, sorted: at it, not asking for it, or not reached yet.

        A thing that never reported is no such device, unless none of them did: then all may be about to.
        """
        open_ones = {execution.device for execution in self.executions if execution.status in UNFINISHED}
        at_it = {execution.device for execution in self.executions if execution.status == "IN_PROGRESS"}
        if self.stopped:  # who has begun goes on; nobody else begins
            return tuple(sorted(at_it))
        candidates = open_ones | set(self._not_sent())
        # One that first reports while it is followed is known by its being at it.
        return tuple(sorted((candidates & self.reporting) | at_it if self.reporting else candidates))

    @property
    def stopped(self) -> bool:
        """Whether no further device will get it."""
        return is_stopped(self.deployment, self.job)

    @property
    def outcome(self) -> Outcome:
        """What became of it, as far as it is known."""
        if not self.latest:
            return "superseded"
        if self.stopped:
            ended: Outcome = "failed" if self.deployment.status == "FAILED" else "cancelled"
            return "aborted" if self.abort_rule_met else ended
        if self.deployment.status == "COMPLETED":  # of one thing; a group's goes on for those that join later
            return "succeeded"
        if self.waiting:
            return "running"
        return "failed" if self.abort_rule_met or not self._succeeded or self._too_many_failed else "succeeded"

    @property
    def abort_rule_met(self) -> bool:
        """Whether so many devices failed that AWS stops it by the rule that the deployment carries."""
        counts = Counter(execution.status for execution in self.executions)
        done = counts["SUCCEEDED"] + sum(counts[status] for status in BAD)
        return any(_met(rule, counts, done) for rule in self._rules)

    @property
    def abort_percent(self) -> float:
        """The smallest share of failures that its rules put up with, in percent; 0 without a rule."""
        return abort_percent(self.deployment, 0.0)

    def overdue(self, now: datetime) -> bool:
        """Whether every device had the time that the rollout and its timeout give it, and nobody is at it any more."""
        settings = self.deployment.job_settings
        rate = settings.get("jobExecutionsRolloutConfig", {}).get("maximumPerMinute") or 1000
        timeout = settings.get("timeoutConfig", {}).get("inProgressTimeoutInMinutes") or 60
        minutes = len(self.members) / int(rate) + int(timeout)
        at_it = any(execution.status == "IN_PROGRESS" for execution in self.executions)
        return not at_it and now > self.deployment.created_at + timedelta(minutes=minutes)

    @property
    def _succeeded(self) -> bool:
        """Whether any device has it; a group of none has it too, so to speak."""
        return not self.executions or any(execution.status == "SUCCEEDED" for execution in self.executions)

    @property
    def _too_many_failed(self) -> bool:
        """As the abort rule, without its least number of devices: of three, one is a third."""
        done = len(self.bad) + sum(execution.status == "SUCCEEDED" for execution in self.executions)
        return bool(self.bad) and 100 * len(self.bad) >= self.abort_percent * done

    @property
    def _rules(self) -> list[Mapping[str, Any]]:
        return _rules(self.deployment)

    def _not_sent(self) -> list[str]:
        known = {execution.device for execution in self.executions}
        return [name for name in self.members if name not in known]


def is_stopped(deployment: Deployment, job: JobFacts | None) -> bool:
    """Whether no further device will get a deployment."""
    return deployment.status in _STOPPED or (job is not None and job.status == "CANCELED")


def abort_percent(deployment: Deployment, otherwise: float) -> float:
    """The smallest share of failures that ends a deployment by its own rules, in percent."""
    return min((float(rule["thresholdPercentage"]) for rule in _rules(deployment)), default=otherwise)


def _rules(deployment: Deployment) -> list[Mapping[str, Any]]:
    return list(deployment.job_settings.get("abortConfig", {}).get("criteriaList", ()))


def _met(rule: Mapping[str, Any], counts: Mapping[str, int], done: int) -> bool:
    kinds = BAD if rule["failureType"] == "ALL" else (rule["failureType"],)
    failed = sum(counts[kind] for kind in kinds)
    enough = done >= int(rule["minNumberOfExecutedThings"])
    return bool(failed) and enough and 100 * failed >= float(rule["thresholdPercentage"]) * done
