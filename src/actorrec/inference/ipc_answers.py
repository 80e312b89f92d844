"""What a nucleus takes, and how it says no."""

import json
from typing import Final

from actorrec.errors import RemoteError

MAX_IPC_BYTES: Final = 10_000
"""Of a whole message: what nucleus lite takes (GGL_IPC_MAX_MSG_LEN). It ends the connection of a longer one."""
_FRAME_BYTES: Final = 400  # headers and JSON keys around topic and payload, which take less


class NotConnectedError(RemoteError):
    """There is no nucleus, or none that answers."""


class NotAllowedError(RemoteError):
    """The component's ``accessControl`` lacks what was asked; a deployment can put that right."""


class NeverTakenError(RemoteError):
    """What was asked cannot be: asked again, it would be answered in the same way."""


def check_fits(topic: str, payload: bytes) -> None:
    """Refuse what would end the connection: the payload travels in base64, the topic as JSON.

    Raises:
        NeverTakenError: If a nucleus does not take it.
    """
    if _FRAME_BYTES + len(json.dumps(topic)) + (len(payload) + 2) // 3 * 4 > MAX_IPC_BYTES:
        raise NeverTakenError(f"a message of {len(payload):,} bytes is longer than what a nucleus takes")
