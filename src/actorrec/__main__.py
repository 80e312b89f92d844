"""``python -m actorrec``, and what the installed script calls."""

import os
import signal
import sys


def main() -> None:
    """Run the command line; an end that is asked for is one without a traceback even while it is still being loaded."""
    if sys.argv[1:2] == ["infer"] and "--loop" in sys.argv:
        _end_well_when_asked()
    try:
        from actorrec.cli.app import main as run

        run()
    except KeyboardInterrupt:
        print("stopped", file=sys.stderr)
        raise SystemExit(130) from None
    finally:
        _end_at_once_when_asked()


def _end_at_once_when_asked() -> None:
    """All is done: a Ctrl-C while Python itself ends is no traceback, and waits for no thread that is left."""
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:  # not under nohup
        signal.signal(signal.SIGINT, lambda *_: _end_at_once())


def _end_at_once() -> None:
    try:
        sys.stdout.flush()
    finally:  # also where nobody reads it, it is closed, or it is just being flushed
        os._exit(130)


def _end_well_when_asked() -> None:
    """A loop ends with exit code 0 when it is asked to, from the beginning: until it has handlers of its own."""
    for number in (signal.SIGINT, signal.SIGTERM):
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, lambda *_: os._exit(0))  # nothing is open yet


if __name__ == "__main__":
    main()
