"""A lock in a store that has none: an object that its holder keeps young.

The object is made only if there is none; its holder writes it again every third of its life. One that nobody kept young
(its holder was killed) may be written over, by one taker alone. Ages are told by the server's clock; only whether a
holder on this very machine still lives is asked of the machine. No file or manifest breaks where a lock fails: files
are written whole, and a manifest is committed once.
"""

import json
import logging
import os
import secrets
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from actorrec.artifacts.s3_objects import Objects
from actorrec.errors import ActorRecError, ArtifactError

logger = logging.getLogger(__name__)
LEASE_S: Final = 60.0
_POLL_S: Final = 0.5


class Lease:
    """One lock, held or not.

    Args:
        objects: Where.
        name: What is locked.
        life_s: For how long it holds unless it is renewed.
    """

    def __init__(self, objects: Objects, name: str, life_s: float = LEASE_S) -> None:
        self._objects, self._what, self._life_s = objects, name, life_s
        self._name = f".locks/{name.replace('/', '-')}.json"
        self._id = secrets.token_hex(8)
        self._written = 0
        self._version = ""
        self._released = threading.Event()

    @contextmanager
    def held(self, *, wait: bool) -> Iterator[bool]:
        """Hold it inside; False, holding nothing, where another holds it and ``wait`` is not wanted."""
        if not self._take(wait):
            yield False
            return
        renewing = threading.Thread(target=self._renew, daemon=True)
        renewing.start()
        try:
            yield True
        finally:
            self._released.set()
            renewing.join()
            self._give_back()

    def _take(self, wait: bool) -> bool:
        told = False
        while not self._try():
            if not wait:
                return False
            if not told:
                logger.info("another command works on %s in this store; waiting for it", self._what)
                told = True
            time.sleep(_POLL_S)
        return True

    def _try(self) -> bool:
        if self._objects.put_new(self._name, self._content()):
            return self._is_mine()
        there = self._objects.head(self._name)
        if there is None or (there.age_s < self._life_s and not self._is_dead()):
            return False
        logger.info("the command that worked on %s stopped without a word; going on", self._what)
        return self._objects.put_over(self._name, self._content(), there.version) and self._is_mine()

    def _is_dead(self) -> bool:
        """Whether the holder was a process of this machine that is no more."""
        _, holder = self._holder()
        if holder.get("machine") != _machine() or not isinstance(holder.get("pid"), int):
            return False
        try:
            os.kill(holder["pid"], 0)
        except ProcessLookupError:
            return True
        except OSError:
            return False  # another user's
        return False

    def _is_mine(self) -> bool:
        """Remember the version that stands; a server without conditions shows here that another was faster."""
        self._version, holder = self._holder()
        return bool(holder.get("lease") == self._id)

    def _holder(self) -> tuple[str, dict[str, Any]]:
        """Version and content of what stands there; empty where nothing does."""
        try:
            head, body = self._objects.get(self._name)
            with self._objects.told(f"read {self._objects.url(self._name)}"):
                content = json.loads(body.read())
        except ArtifactError:
            return "", {}
        except ValueError:
            return head.version, {}  # not ours to understand: its age decides
        return head.version, content if isinstance(content, dict) else {}

    def _content(self) -> bytes:
        """Differs with each writing, so that each has a version of its own."""
        self._written += 1
        who = {"machine": _machine(), "pid": os.getpid(), "lease": self._id}
        return json.dumps(who | {"written": self._written}).encode()

    def _renew(self) -> None:
        while not self._released.wait(self._life_s / 3):
            try:
                kept = self._is_mine() and self._objects.put_over(self._name, self._content(), self._version)
            except ActorRecError as error:  # the next try may reach it; the work itself will say what is wrong
                logger.debug("the lock of %s was not renewed: %s", self._what, error.message)
                continue
            if not kept:
                logger.warning("another command took over %s: this one was out of reach for too long", self._what)
                return

    def _give_back(self) -> None:
        if self._is_mine():
            self._objects.delete(self._name)


def _machine() -> str:
    """Where a process number means the same process: the host, and on Linux the container.

    Machines of functions in Lambda look all alike, down to their process numbers; each has a stream of logs of its own.
    """
    try:
        inside = str(Path("/proc/self/ns/pid").stat().st_ino)
    except OSError:
        inside = ""
    return f"{socket.gethostname()} {inside} {os.environ.get('AWS_LAMBDA_LOG_STREAM_NAME', '')}".strip()
