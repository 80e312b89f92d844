"""Showing what is to be done to a machine, asking, and doing it."""

import os
import shlex
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from actorrec.cli.session import Session, printable
from actorrec.errors import ActorRecError, ArtifactError, ConfigError
from actorrec.passwords import without_passwords

if TYPE_CHECKING:
    from actorrec.device.actions import Action
    from actorrec.device.install_plan import Plan


class Desk:
    """One change of one machine.

    Args:
        session: Where it is shown.
        root: ``/`` for this machine.
        dry_run: Whether it is only shown.
        yes: Whether it is done without asking.

    Raises:
        ConfigError: If this user may not change this machine, or there is no such folder.
    """

    def __init__(self, session: Session, root: Path, *, dry_run: bool, yes: bool) -> None:
        from actorrec.device.install_plan import Systemd
        from actorrec.device.systemd import present_systemd
        from actorrec.device.tree import Tree

        if not root.is_dir():
            raise ConfigError(f"{root} is no folder", hint="--root names the files of another system")
        self.live = root.resolve() == Path("/")
        self._session, self._dry_run, self._yes = session, dry_run, yes
        if self.live and os.geteuid() != 0:
            raise ConfigError("only root may change, or look at, what this is about", hint=_with_sudo())
        self.tree: Tree = Tree(Path("/") if self.live else root, owners=self.live)
        self.systemd: Systemd = present_systemd() if self.live else Systemd()

    def need_systemd(self) -> None:
        """A service needs something that runs it.

        Raises:
            ConfigError: If this machine has no systemd.
        """
        if self.live and shutil.which("systemctl") is None:
            hint = "`actorrec infer --loop --camera …` is what to keep running; --root prepares another system"
            raise ConfigError("this machine has no systemd, which would run the service", hint=hint)

    def bundle_file(self, reference: str | None) -> Path | None:
        """The file of a bundle that was named, once it is known to be one.

        Raises:
            ArtifactError: If there is none.
            ModelContractError: If it is damaged.
        """
        from actorrec.artifacts.catalog import file_name
        from actorrec.cli.bundles import bundle_with_record

        if reference is None:
            return None
        _, manifest = bundle_with_record(self._session, reference)
        if manifest is None:
            return Path(reference)
        path = self._session.store.local_path(file_name(manifest, manifest.bundle_file))
        if not path.is_file():
            raise ArtifactError(f"there is no file {path}")
        return path

    def settle(self, verb: str, plan: "Plan", line: str) -> None:
        """Show a plan, ask, do it, and say what came of it.

        Args:
            verb: The command.
            plan: What to do.
            line: What holds afterwards.
        """
        from actorrec.device.carry_out import carry_out

        told: dict[str, Any] = {"actions": [_as_json(each) for each in plan.actions]}
        told["differs"] = [[without_passwords(cell) for cell in row] for row in plan.differs]
        told |= {"notes": list(plan.notes), "done": False}
        self._show(plan)
        if self._dry_run or not plan.actions:
            self._session.result(told, "" if plan.actions else "nothing to change")
            return
        if not self._agreed(f"{verb}: do this?"):
            self._session.result(told, "nothing was changed")
            return
        try:
            carry_out(plan.actions, self.tree)
        except OSError as error:
            where = f"{error.filename}: " if error.filename else ""
            hint = "what was done so far stays; the same command goes on from there"
            raise ActorRecError(f"{where}{error.strerror or error}", hint=hint) from None
        if plan.group:
            self._session.say(f"who may use it, a line for each: sudo usermod -aG {plan.group} USER (then log in anew)")
        self._session.result(told | {"done": True}, line)

    def _show(self, plan: "Plan") -> None:
        from actorrec.device.actions import WriteFile, told

        rows = [tuple(without_passwords(cell) for cell in told(action)) for action in plan.actions]
        self._session.table("what is to be done", ("what", "to", "why"), rows)
        for setting, there, wanted in plan.differs:
            both = f"is '{without_passwords(there)}' there and was asked to be '{without_passwords(wanted)}'"
            self._session.say(f"{setting} {both}: the file stays as it is, change it by hand")
        for note in plan.notes:
            self._session.say(note)
        if self._dry_run:
            for action in plan.actions:
                if isinstance(action, WriteFile):
                    self._session.say(f"--- {action.path}")
                    for text in action.content.decode().splitlines():
                        self._session.say(without_passwords(text))

    def _agreed(self, question: str) -> bool:
        if self._yes:
            return True
        if not sys.stdin.isatty():
            hint = "--yes does it without asking; --dry-run shows it"
            raise ConfigError("whether to go on cannot be asked here", hint=hint)
        return typer.confirm(question, err=True)


def _as_json(action: "Action") -> dict[str, str]:
    from actorrec.device.actions import WriteFile, told

    verb, what, why = told(action)
    body = {"content": without_passwords(action.content.decode())} if isinstance(action, WriteFile) else {}
    return {"verb": verb, "what": what, "why": why} | body


def _with_sudo() -> str:
    """The line to type, with the same program: sudo's own PATH would find another one, or none."""
    script = Path(sys.argv[0])
    program = [str(script.absolute())] if script.name == "actorrec" else [sys.executable, "-m", "actorrec"]
    return printable("sudo " + shlex.join([*program, *sys.argv[1:]]))
