"""The program that reads a Raspberry Pi's camera: started, read with a deadline, and never left behind."""

import fcntl
import os
import selectors
import subprocess
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Final

from actorrec.errors import FrameSourceError
from actorrec.inference.frames.held import Held

_MAX_STDERR_BYTES: Final = 16 * 1024
_PIPE_BYTES: Final = 2**20  # what an unprivileged user may have; a frame then takes two reads, not twenty
_LAST_WORDS_S: Final = 1.0
_TERMINATE_S: Final = 0.3
_KILL_S: Final = 0.2


class RpicamChild:
    """A program whose output is read.

    Args:
        command: Program and arguments.
        clock: Monotonic.

    Raises:
        FrameSourceError: If it cannot be started.
    """

    def __init__(self, command: Sequence[str], clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._said = bytearray()
        self._held = Held(self._free)
        try:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                bufsize=0,
                start_new_session=True,  # Ctrl-C is for the loop; without it, the program ends as its pipe breaks
            )
        except OSError as error:
            raise FrameSourceError(f"{command[0]} cannot be started: {error.strerror}") from None
        assert self._process.stdout is not None and self._process.stderr is not None
        self._out, self._err = self._process.stdout, self._process.stderr
        with suppress(OSError):  # more than the system gives users
            fcntl.fcntl(self._out, fcntl.F_SETPIPE_SZ, _PIPE_BYTES)
        self._selector = selectors.DefaultSelector()
        for pipe in (self._out, self._err):
            os.set_blocking(pipe.fileno(), False)
            self._selector.register(pipe, selectors.EVENT_READ)

    @property
    def said(self) -> str:
        """What it wrote to stderr, the last part of it."""
        return self._said.decode("utf-8", "replace")

    def read_into(self, buffer: memoryview, timeout_s: float) -> bool:
        """Fill a buffer; False where the output ends or nobody waits any more.

        Raises:
            TimeoutError: If it is not full in time.
        """
        with self._held.reading():
            return not self._held.over and self._fill(buffer, self._clock() + timeout_s)

    def ready(self, timeout_s: float) -> bool:
        """Wait for the first byte of output, listening to stderr; False where it ends before."""
        with self._held.reading():
            return not self._held.over and self._await_output(self._clock() + timeout_s)

    def stop(self, terminate_s: float = _TERMINATE_S, kill_s: float = _KILL_S) -> None:
        """End it, from any thread; a program that does not go is killed.

        Args:
            terminate_s: How long it has to go by itself.
            kill_s: How long its death is waited for here. On a loaded machine it takes longer; a thread waits then.
        """
        self._process.terminate()  # which ends its output, and with it a read that waits
        if not self._gone(terminate_s):
            self._process.kill()
            if not self._gone(kill_s):
                threading.Thread(target=self._process.wait, name="rpicam's end", daemon=True).start()
        self._held.let_go()

    def _gone(self, timeout_s: float) -> bool:
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(timeout_s)
        return self._process.returncode is not None

    def _fill(self, buffer: memoryview, deadline_s: float) -> bool:
        filled = 0
        while filled < len(buffer):
            if not self._await_output(deadline_s):
                return False
            with suppress(BlockingIOError):
                count = os.readv(self._out.fileno(), [buffer[filled:]])
                if count == 0:
                    return False
                filled += count
        return True

    def _await_output(self, deadline_s: float) -> bool:
        """Wait until there is output to read; False at its end."""
        while not self._held.over:
            left_s = deadline_s - self._clock()
            if left_s <= 0:
                raise TimeoutError
            ready = {key.fileobj for key, _ in self._selector.select(left_s)}
            if self._err in ready:
                self._listen()
            if self._out in ready:
                return True
        return False

    def _listen(self) -> bool:
        """Take what stderr has; False once it has ended."""
        try:
            said = os.read(self._err.fileno(), _MAX_STDERR_BYTES)
        except BlockingIOError:
            return True
        if not said and self._err in self._selector.get_map():
            self._selector.unregister(self._err)
        self._said += said
        del self._said[:-_MAX_STDERR_BYTES]
        return bool(said)

    def listen_to_the_end(self) -> str:
        """What it said, once its output has ended: the reason comes last, and may be more than a pipe holds."""
        deadline_s, more = self._clock() + _LAST_WORDS_S, True
        with self._held.reading(), selectors.DefaultSelector() as errors:
            if not self._held.over:
                errors.register(self._err, selectors.EVENT_READ)
            while more and not self._held.over and (left_s := deadline_s - self._clock()) > 0:
                more = not errors.select(left_s) or self._listen()
        return self.said.rpartition("\n")[0] or self.said if more else self.said  # no line that is cut off

    def _free(self) -> None:
        self._selector.close()
        self._out.close()
        self._err.close()
