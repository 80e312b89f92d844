"""``actorrec`` on the PATH of everybody: a few lines of sh that start the program where it is installed."""

import shlex
from pathlib import Path
from typing import Final

from actorrec.device.places import MARK


def plain_shim(python: Path) -> str:
    """For an environment that stays where it is.

    Args:
        python: Its interpreter.
    """
    return f"""#!/bin/sh
{MARK} starts the program where it is installed.
python={shlex.quote(str(python))}
[ -x "$python" ] || {{
    echo "actorrec: $python is not there any more, or not for this user" >&2
    exit 1
}}
exec "$python" -I -m actorrec "$@"
"""


def component_shim(work: Path, group: str) -> str:
    """For a component of Greengrass, each version of which has an environment of its own.

    Args:
        work: The component's folder; ``last-venv`` in it names the environment that runs.
        group: Who may look into it.
    """
    return _COMPONENT.format(mark=MARK, work=shlex.quote(str(work)), group=shlex.quote(group))


_COMPONENT: Final = """#!/bin/sh
{mark} starts the program of the component that this device runs.
work={work} group={group}
whole() {{
    case $1 in
    '' | */* | *[!A-Za-z0-9._-]*) return 1 ;;
    venv-*) [ -f "$work/$1/whole" ] && [ -x "$work/$1/bin/python" ] ;;
    *) return 1 ;;
    esac
}}
[ -x "$work" ] || {{
    echo "actorrec: $work is closed to this user: sudo usermod -aG $group USER, then log in anew;" \\
        "or the component has not run since it was updated" >&2
    exit 1
}}
venv=
[ ! -r "$work/last-venv" ] || read -r venv <"$work/last-venv"
if ! whole "$venv"; then
    venv=
    # A name that is not there: the newest environment that is whole, if the folder may be listed.
    for found in $(cd "$work" 2>/dev/null && ls -td venv-* 2>/dev/null); do
        if whole "$found"; then
            venv=$found
            break
        fi
    done
fi
[ -n "$venv" ] || {{
    echo "actorrec: no whole program in $work: has the component been installed?" >&2
    exit 1
}}
exec "$work/$venv/bin/python" -I -m actorrec "$@"
"""
