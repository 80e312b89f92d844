"""Addresses, and what is said of broken files of settings, as they may be shown: without what opens a door."""

import re
from typing import Any, Final

# A quotation mark ends an address where one would end in JSON.
_ADDRESS: Final = re.compile(r"""([A-Za-z][A-Za-z0-9+.\-]{0,20}://)((?:\\.|[^\s"\\]|"(?![,}\]\s]|$))+)""")
_GIVEN: Final = re.compile(r"=[^&;/?#]+")


_QUOTED: Final = re.compile(r"'(?!<)[^']{2,}'")


def yaml_fault(error: Exception) -> str:
    """What is wrong with a text that is no YAML, and in which line, but no piece of it: a password may stand there."""
    problem, mark = getattr(error, "problem", None), getattr(error, "problem_mark", None)
    if problem is None or mark is None:
        return " ".join(str(error).split())
    return _QUOTED.sub("'…'", problem) + f" (line {mark.line + 1}, column {mark.column + 1})"


def without_passwords(text: str) -> str:
    """A text in which addresses have neither user, password nor values of a query.

    What comes before the last ``@`` is left out, whatever it is: a password may hold any sign. Some cameras take theirs
    in the path, as in ``/user=admin&password=…``.
    """
    return _ADDRESS.sub(lambda found: found[1] + _shown(found[2]), text)


def shown_value(value: Any) -> Any:
    """A value as JSON knows them, its texts ``without_passwords``."""
    if isinstance(value, str):
        return without_passwords(value)
    if isinstance(value, dict):
        return {key: shown_value(each) for key, each in value.items()}
    return [shown_value(each) for each in value] if isinstance(value, list | tuple) else value


def _shown(rest: str) -> str:
    _, at, after = rest.rpartition("@")
    return ("…@" if at else "") + _GIVEN.sub("=…", after)
