"""The environment that programs of the tests start with."""

import os


def own_environ(*also_without: str) -> dict[str, str]:
    """Ours, without settings of whoever runs the tests; this machine's own settings stay switched off.

    Args:
        also_without: Beginnings of names, such as ``AWS_``.
    """
    left = {name: value for name, value in os.environ.items() if not name.startswith(("ACTORREC_", *also_without))}
    return left | {"ACTORREC_SYSTEM_CONFIG": ""}
