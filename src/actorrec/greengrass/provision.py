"""Make a device known to AWS: look, and carry out what was planned, all of it or nothing."""

import logging
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Final

from actorrec.errors import ActorRecError
from actorrec.greengrass.device_folder import RECORD_FILE, DeviceFolder, DeviceRecord
from actorrec.greengrass.nucleus_files import (
    INSTALL_FILE,
    JAVA_FILE,
    LITE_FILE,
    install_lines,
    java_configuration,
    lite_configuration,
)
from actorrec.greengrass.provision_plan import Action, Found, Wanted, alias_of, check_thing_name, policies_of
from actorrec.greengrass.thing_calls import ThingCalls

logger = logging.getLogger(__name__)
_THREADS: Final = 8


def look(wanted: Wanted, calls: ThingCalls) -> Found:
    """Find out what is there already; nothing is changed.

    Raises:
        ConfigError: If the name cannot be a device's, or credentials are missing, expired or refused.
        RemoteError: If AWS refuses or cannot be reached.
        ArtifactError: If the folder cannot be read.
    """
    check_thing_name(wanted.thing)
    folder = DeviceFolder(wanted.folder)
    record = folder.record()
    outputs = calls.stack_outputs(wanted.stack)
    policies, alias = policies_of(wanted, outputs), alias_of(wanted, outputs)
    with ThreadPoolExecutor(_THREADS) as pool:
        thing = pool.submit(calls.thing, wanted.thing)
        certificates = pool.submit(calls.certificates, wanted.thing)
        groups = pool.submit(calls.groups, wanted.thing)
        group = pool.submit(calls.group, wanted.group)
        there = pool.map(calls.policy, policies)
        has_alias = pool.submit(calls.role_alias, alias)
        data = pool.submit(calls.endpoint, "iot:Data-ATS")
        credentials = pool.submit(calls.endpoint, "iot:CredentialProvider")
    return Found(
        region=calls.region,
        thing=thing.result(),
        certificates=certificates.result(),
        groups=groups.result(),
        group=group.result(),
        policies=policies,
        missing=tuple(name for name, has in zip(policies, there, strict=True) if not has),
        alias=alias,
        has_alias=has_alias.result(),
        data_endpoint=data.result(),
        credential_endpoint=credentials.result(),
        record=record,
        key=folder.has_key,
        status=None if record is None else calls.certificate_status(record.certificate_id),
        attached=() if record is None else calls.policies(record.certificate_arn),
    )


def execute(actions: Sequence[Action], wanted: Wanted, found: Found, calls: ThingCalls) -> DeviceRecord:
    """Do what was planned. What fails half-way is taken back: certificate, thing, membership and files.

    Returns:
        What the folder now says; the private key is nowhere but in its file.

    Raises:
        ConfigError: If credentials are missing, expired or refused.
        RemoteError: If AWS refuses or cannot be reached; the message says what could not be taken back.
        ArtifactError: If the folder takes no files.
    """
    folder = DeviceFolder(wanted.folder)
    run = _Run(wanted, found, calls, folder)
    try:
        folder.prepare()
        for action in actions:
            run.do(action)
    except ActorRecError as error:
        left = run.take_back()
        raise _with_leftovers(error, left) from None
    except BaseException:  # Ctrl-C, or what a library makes of it: nothing is left half done either
        for line in run.take_back():
            logger.warning("not taken back: %s", line)
        raise
    return run.record


@dataclass(frozen=True, slots=True)
class _Undo:
    what: str
    act: Callable[[], object]


class _Run:
    """One provisioning: what it has done so far, and how to take that back."""

    def __init__(self, wanted: Wanted, found: Found, calls: ThingCalls, folder: DeviceFolder) -> None:
        self._wanted, self._found, self._calls, self._folder = wanted, found, calls, folder
        self._record = found.record
        self._undo = [_Undo(f"files in {folder.path}", folder.remove_new)]

    @property
    def record(self) -> DeviceRecord:
        """Of the certificate that is being worked on."""
        assert self._record is not None, "the plan makes or reuses a certificate before it needs one"
        return self._record

    def do(self, action: Action) -> None:
        """Carry out one action."""
        calls, thing = self._calls, self._wanted.thing
        match action.verb, action.type:
            case "delete", "certificate":
                calls.delete_certificate(action.name)
                self._record = None
            case "create", "thing":
                self._later(f"the thing '{thing}'", lambda: calls.delete_thing(thing))
                calls.create_thing(thing)
            case "create", "certificate":
                self._create_certificate()
            case "attach", "policy":
                arn = self.record.certificate_arn
                self._later(f"the policy on {arn}", lambda: calls.detach_policy(action.name, arn))
                calls.attach_policy(action.name, arn)
            case "attach", "certificate":
                arn = self.record.certificate_arn
                self._later(f"the certificate of '{thing}'", lambda: calls.detach_certificate(thing, arn))
                calls.attach_certificate(thing, arn)
            case "join", "thing group":
                self._later(f"'{thing}' in '{action.name}'", lambda: calls.leave(thing, action.name))
                calls.join(thing, action.name)
            case "activate", "certificate":
                calls.activate(self.record.certificate_id)
            case "write", "files":
                self._write_files()

    def take_back(self) -> list[str]:
        """Undo what was done, the last first; what could not be undone."""
        left = []
        for undo in reversed(self._undo):
            try:
                undo.act()
            except (ActorRecError, OSError):
                left.append(undo.what)
        return left

    def _create_certificate(self) -> None:
        aside = self._folder.set_aside()
        if aside is not None:
            self._undo.insert(0, _Undo(f"the files in {aside}", lambda: self._folder.put_back(aside)))
        made = self._calls.create_certificate()
        self._later(f"the certificate {made.id}", lambda: self._calls.delete_certificate(made.id))
        wanted, found = self._wanted, self._found
        self._record = DeviceRecord(
            thing=wanted.thing, region=found.region, group=wanted.group, certificate_id=made.id,
            certificate_arn=made.arn, policies=list(found.policies), role_alias=found.alias,
            data_endpoint=found.data_endpoint, credential_endpoint=found.credential_endpoint,
        )  # fmt: skip
        self._folder.write_certificate(self._record, made.pem, made.public_key, made.private_key)

    def _write_files(self) -> None:
        wanted, found, runtimes = self._wanted, self._found, self._wanted.runtimes
        self._record = record = self.record.model_copy(
            update={
                "group": wanted.group, "policies": list(found.policies), "role_alias": found.alias,
                "data_endpoint": found.data_endpoint, "credential_endpoint": found.credential_endpoint,
            }
        )  # fmt: skip
        self._folder.write(RECORD_FILE, record.model_dump_json(indent=2) + "\n")
        if "java" in runtimes:
            self._folder.write(JAVA_FILE, java_configuration(record))
        if "lite" in runtimes:
            self._folder.write(LITE_FILE, lite_configuration(record))
        self._folder.write(INSTALL_FILE, install_lines(record, runtimes, self._folder.path.resolve().name))

    def _later(self, what: str, act: Callable[[], object]) -> None:
        """Noted before it is done: an answer that is lost on its way does not say that nothing was done."""
        self._undo.append(_Undo(what, act))


def _with_leftovers(error: ActorRecError, left: Sequence[str]) -> ActorRecError:
    ending = f"could not take back: {', '.join(left)}" if left else "what was made so far was taken back"
    return type(error)(f"{error.message}; {ending}", hint=error.hint)
