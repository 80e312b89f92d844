"""Why a camera could not be opened, in words: OpenCV says no more than that."""

import errno
import os
import socket
import ssl
from contextlib import suppress
from typing import Final

from actorrec.errors import FrameSourceError
from actorrec.inference.frames.address import Address

_LIBCAMERA: Final = "a Raspberry Pi's own camera is read as `rpicam`, not by a number"
_MAX_REPLY_BYTES: Final = 4096


def why_no_device(name: str, number: int) -> FrameSourceError:
    """What is the matter with ``/dev/videoN``."""
    node = f"/dev/video{number}"
    try:
        os.close(os.open(node, os.O_RDWR | os.O_NONBLOCK))
    except OSError as error:
        if error.errno in (errno.ENOENT, errno.ENXIO, errno.ENODEV):
            return FrameSourceError(f"{name}: there is no {node}", hint=f"is it plugged in? {_LIBCAMERA}")
        if error.errno in (errno.EACCES, errno.EPERM):
            hint = "the user must be in the group `video`: sudo usermod -aG video USER, then log in anew"
            return FrameSourceError(f"{name}: {node} may not be opened by this user", hint=hint)
        if error.errno == errno.EBUSY:
            return _busy(name, node)
        return FrameSourceError(f"{name}: {node} cannot be opened: {error.strerror}")
    return FrameSourceError(
        f"{name}: {node} is there but gives no pictures", hint=f"another program may use it; {_LIBCAMERA}"
    )


def _busy(name: str, node: str) -> FrameSourceError:
    return FrameSourceError(f"{name}: {node} is used by another program", hint=f"`fuser -v {node}` names it")


def why_no_stream(address: Address, timeout_s: float) -> FrameSourceError:
    """What is the matter with an address: one plain question to the host, without a password."""
    try:
        with socket.create_connection((address.host, address.port), timeout=timeout_s) as connection:
            status = _status(connection, address) if address.scheme in ("rtsp", "http") else None
    except OSError as error:
        return unreachable(address, error)
    return refused(address, status)


def unreachable(address: Address, error: Exception) -> FrameSourceError:
    """The host cannot be reached, or does not speak as it should."""
    name = address.shown
    if isinstance(error, socket.gaierror):
        return FrameSourceError(f"{name}: the host's name is not known", hint="is the name right, and the network up?")
    if isinstance(error, ConnectionRefusedError):
        return FrameSourceError(f"{name}: the host is there, but nothing listens on port {address.port}")
    if isinstance(error, ssl.SSLCertVerificationError):
        hint = "SSL_CERT_FILE names a file with the certificate that signed it"
        return FrameSourceError(f"{name}: its certificate is not trusted: {error.verify_message}", hint=hint)
    if isinstance(error, TimeoutError):
        return FrameSourceError(f"{name}: the host does not answer")
    if isinstance(error, OSError):
        return FrameSourceError(f"{name}: the host cannot be reached: {error.strerror or 'no connection'}")
    return FrameSourceError(f"{name}: what answers does not speak HTTP")


def refused(address: Address, status: int | None) -> FrameSourceError:
    """The host answers, but gives no video."""
    name = address.shown
    if status in (401, 403):
        if address.user:
            return FrameSourceError(f"{name}: the user name or the password is refused ({status})")
        hint = f"name them in the address: {address.scheme}://USER:PASSWORD@HOST/PATH"
        return FrameSourceError(f"{name}: it asks for a user name and a password ({status})", hint=hint)
    if status is not None and status >= 400:
        return FrameSourceError(f"{name}: the camera answers with {status}", hint="is the path right?")
    return FrameSourceError(f"{name}: what it sends is no video that can be read, or it stopped in the middle")


def _status(connection: socket.socket, address: Address) -> int | None:
    """The status of RTSP or HTTP that a plain question is answered with; None for no such answer."""
    if address.scheme == "rtsp":
        ask = f"DESCRIBE rtsp://{address.host}:{address.port}{address.target} RTSP/1.0\r\nCSeq: 1\r\n\r\n"
    else:
        ask = f"GET {address.target} HTTP/1.0\r\nHost: {address.host}\r\n\r\n"
    reply = b""
    with suppress(OSError):
        connection.sendall(ask.encode())
        reply = connection.recv(_MAX_REPLY_BYTES)
    words = reply.split(b"\r\n")[0].split(b" ")
    return int(words[1]) if len(words) > 1 and words[1].isdigit() and len(words[1]) == 3 else None
