"""Doing what was planned."""

import io
import os
import pwd
import shutil
import stat
import subprocess
from collections.abc import Iterable
from pathlib import Path
from typing import BinaryIO, Final

from actorrec.artifacts.whole_file import temporary_beside
from actorrec.device.actions import Access, Action, CopyFile, MakeFolder, MakeLink, Remove, Run, SetAccess, WriteFile
from actorrec.device.tree import Tree
from actorrec.errors import ActorRecError, ConfigError

_TIMEOUT_S: Final = 120
_PARENT_MODE: Final = 0o755
_LAST_CHARS: Final = 300


def carry_out(actions: Iterable[Action], tree: Tree) -> None:
    """Do it, in order. What was done before something failed stays; the same plan goes on from there.

    Raises:
        ConfigError: If a path leads out of the tree, or a user or group of the plan does not exist.
        ActorRecError: If a program of the system refuses.
        OSError: If a file cannot be written or removed.
    """
    for action in actions:
        match action:
            case Run(arguments, _, user):
                _run(arguments, user)
            case MakeFolder(path, access):
                here = tree.at(path)
                _make_folders(here)
                _give_path(here, access, tree)
            case WriteFile(path, content, access):
                _place(tree, path, access, io.BytesIO(content))
            case CopyFile(path, source, access):
                with source.open("rb") as file:
                    _place(tree, path, access, file)
            case SetAccess(path, access):
                _give_path(tree.at(path), access, tree)
            case MakeLink(path, target):
                here = tree.at(path)
                _make_folders(here.parent)
                here.unlink(missing_ok=True)
                here.symlink_to(target)
            case Remove(path):
                _remove(tree.at(path))


def _place(tree: Tree, path: Path, access: Access, content: BinaryIO) -> None:
    """A file, whole and on the disk, its rights set before it has its name.

    A link in its place is replaced, not followed: the folder may belong to a user who has fewer rights than we have.
    """
    here = tree.at(path)
    _make_folders(here.parent)
    with temporary_beside(here, 0o600) as (out, temporary):
        shutil.copyfileobj(content, out)
        out.flush()
        _give(out.fileno(), access, tree)
        os.fsync(out.fileno())
        os.replace(temporary, here)


def _give_path(here: Path, access: Access, tree: Tree) -> None:
    """Rights of what is there; of a link's target, or of a file with a second name elsewhere, never."""
    descriptor = os.open(here, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        found = os.fstat(descriptor)
        if stat.S_ISREG(found.st_mode) and found.st_nlink > 1:
            raise ConfigError(f"{here} has another name elsewhere", hint="remove it and run the same command again")
        _give(descriptor, access, tree)
    finally:
        os.close(descriptor)


def _give(descriptor: int, access: Access, tree: Tree) -> None:
    if tree.owners:
        ids = tree.ids(access)
        if ids is None:
            raise ConfigError(f"there is no user {access.user} or no group {access.group}")
        os.fchown(descriptor, *ids)
    os.fchmod(descriptor, access.mode)


def _make_folders(folder: Path) -> None:
    if folder.is_dir():
        return
    _make_folders(folder.parent)
    umask = os.umask(0o777 - _PARENT_MODE)  # a mode that is given afterwards is not, where that is cut off
    try:
        folder.mkdir(_PARENT_MODE, exist_ok=True)
    finally:
        os.umask(umask)


def _remove(here: Path) -> None:
    if here.is_dir() and not here.is_symlink():
        shutil.rmtree(here)
    else:
        here.unlink(missing_ok=True)


def _run(arguments: tuple[str, ...], user: str | None) -> None:
    line = " ".join(arguments)
    account = None if user is None else pwd.getpwnam(user)
    try:
        done = subprocess.run(
            arguments,
            capture_output=True,
            text=True,
            timeout=_TIMEOUT_S,
            check=False,
            stdin=subprocess.DEVNULL,
            cwd="/",
            user=None if account is None else account.pw_uid,
            group=None if account is None else account.pw_gid,
            extra_groups=None if account is None else [],
        )
    except FileNotFoundError:
        raise ActorRecError(f"{arguments[0]} is not installed", hint=f"`{line}` is to be run") from None
    except subprocess.TimeoutExpired:
        raise ActorRecError(f"`{line}` did not end within {_TIMEOUT_S} s") from None
    if done.returncode != 0:
        said = " ".join((done.stderr or done.stdout).split())[-_LAST_CHARS:]
        raise ActorRecError(f"`{line}` failed: {said or done.returncode}", hint="run the same command again after that")
