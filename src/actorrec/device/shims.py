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


def component_shim(work: Path, group: str, user: str) -> str:
    """For a component of Greengrass, each version of which has an environment of its own.

    Args:
        work: The component's folder; ``last-venv`` in it names the environment that runs.
        group: Who may look into it.
        user: Whom it belongs to. Root runs it as that user, who could otherwise have root run anything.
    """
    return _COMPONENT.format(mark=MARK, work=shlex.quote(str(work)), group=shlex.quote(group), user=shlex.quote(user))


_COMPONENT: Final = """#!/bin/sh
{mark} starts the program of the component that this device runs.
work={work} group={group} user={user}
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
python=$work/$venv/bin/python
if [ "$user" != root ] && [ "$(id -u)" -eq 0 ]; then
    # What that user may change must not run with root's rights.
    command -v runuser >/dev/null || {{
        echo "actorrec: root does not run what belongs to $user: sudo -u $user $0" >&2
        exit 1
    }}
    exec runuser -u "$user" -- env HOME="$work" "$python" -I -m actorrec "$@"
fi
exec "$python" -I -m actorrec "$@"
"""
