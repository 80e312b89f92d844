"""``python -m actorrec``, and what the installed script calls."""

import sys


def main() -> None:
    """Run the command line; Ctrl-C ends it without a traceback even while it is still being loaded."""
    try:
        from actorrec.cli.app import main as run

        run()
    except KeyboardInterrupt:
        print("stopped", file=sys.stderr)
        raise SystemExit(130) from None


if __name__ == "__main__":
    main()
