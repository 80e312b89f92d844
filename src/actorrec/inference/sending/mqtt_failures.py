"""What brokers, certificates and networks answer, in words, and which setting to look at."""

import socket
import ssl
from typing import Final

from actorrec.errors import RemoteError

UNSUPPORTED_VERSION: Final = 0x84
NOT_ALLOWED: Final = 0x87
PACKET_TOO_LARGE: Final = 0x95
NEVER_TAKEN: Final = {
    0x90: "its topic is not valid there",
    PACKET_TOO_LARGE: "it is too long for the broker",
    0x99: "its format is not valid there",
}
"""Answers to a message that no second try changes (MQTT 5, table 2-6)."""
_CREDENTIALS: Final = "look at mqtt.username, mqtt.password or mqtt.password_file, and mqtt.cert_file"
_REFUSALS: Final = {
    UNSUPPORTED_VERSION: ("it does not speak this version of MQTT", "look at mqtt.protocol"),
    0x85: ("it does not take the client id", "set mqtt.client_id to another one"),
    0x86: ("wrong user's name or password", _CREDENTIALS),
    NOT_ALLOWED: ("not authorised", _CREDENTIALS),
    0x88: ("it is not available", ""),
    0x89: ("it is busy", ""),
    0x8A: ("this client is banned", "ask whoever keeps the broker"),
    0x8B: ("it is shutting down", ""),
    0x8E: ("another program with the same client id took its place", "set mqtt.client_id, a different one on each"),
    PACKET_TOO_LARGE: ("a message was too long for it", ""),
    0x97: ("a quota is used up", "ask whoever keeps the broker"),
    0x9F: ("too many connections in a short time", ""),
}
_EXPIRED, _NOT_YET = 10, 9
_UNKNOWN_CA: Final = frozenset({2, 18, 19, 20, 21})
_OTHER_NAME: Final = frozenset({62, 64})


def refused(code: int, text: str) -> RemoteError:
    """The broker did not let this client in, or showed it out.

    Args:
        code: Reason code of MQTT 5.
        text: The library's word for it.
    """
    said, hint = _REFUSALS.get(code, (text[:100], ""))
    return RemoteError(f"the broker refused the connection: {said}", hint=hint)


def not_taken(code: int, text: str, topic: str) -> RemoteError:
    """The broker did not take a message, but may do so later."""
    if code == NOT_ALLOWED:
        hint = "its access list must let this user write to that topic"
        return RemoteError(f"the broker does not allow publishing to {topic}", hint=hint)
    said, hint = _REFUSALS.get(code, (text[:100], ""))
    return RemoteError(f"the broker did not take a message for {topic}: {said}", hint=hint)


def unreachable(error: OSError, timeout_s: float, *, encrypted: bool) -> RemoteError:
    """There was no connection."""
    if isinstance(error, ConnectionResetError | ConnectionAbortedError | BrokenPipeError | ssl.SSLEOFError):
        return hung_up(encrypted)
    if isinstance(error, ssl.SSLCertVerificationError):
        return _not_believed(error)
    if isinstance(error, ssl.SSLError):
        return _no_tls(error)
    if isinstance(error, TimeoutError):
        return RemoteError(f"the broker did not answer within {timeout_s:g} s", hint="is the address right (mqtt.url)?")
    if isinstance(error, socket.gaierror):
        return RemoteError("the broker's name is not known", hint="look at mqtt.url, or at the network")
    if isinstance(error, ConnectionRefusedError):
        hint = "is the broker running, and is the port right (mqtt.url)?"
        return RemoteError("nothing takes connections at the broker's address", hint=hint)
    return RemoteError(f"no connection to the broker: {error.strerror or error}", hint="look at mqtt.url")


def hung_up(encrypted: bool) -> RemoteError:
    """Something took the connection and ended it without a word of MQTT."""
    hint = "is it a broker of MQTT (mqtt.url)? is the port the one for this kind of connection?"
    if encrypted:
        hint = "does it ask for a client's certificate (mqtt.cert_file)? is the port one with TLS (mqtt.url)?"
    return RemoteError("the connection was ended before the broker said a word", hint=hint)


def lost(topic: str) -> RemoteError:
    """The connection broke while a message was on its way."""
    hint = f"where that goes on: some brokers end it when a user may not publish to {topic}, or the client id is taken"
    return RemoteError("the connection to the broker was lost before it had acknowledged a message", hint=hint)


def silent(timeout_s: float) -> RemoteError:
    """Something took the connection and does not answer."""
    hint = "is it a broker of MQTT, and is the port right (mqtt.url)?"
    return RemoteError(f"the connection stands, but the broker said nothing for {timeout_s:g} s", hint=hint)


def _not_believed(error: ssl.SSLCertVerificationError) -> RemoteError:
    code = error.verify_code
    if code == _EXPIRED:
        return RemoteError("the broker's certificate has expired", hint="renew it; is this machine's clock right?")
    if code == _NOT_YET:
        return RemoteError("the broker's certificate is not valid yet", hint="is this machine's clock right?")
    if code in _UNKNOWN_CA:
        hint = "mqtt.ca_file names the certificate of the authority that signed it"
        return RemoteError("the broker's certificate is of an authority that is not known", hint=hint)
    if code in _OTHER_NAME:
        hint = "mqtt.url must name the broker as its certificate does"
        return RemoteError("the broker's certificate is for another name", hint=hint)
    return RemoteError(f"the broker's certificate is not valid: {error.verify_message}", hint="look at mqtt.ca_file")


def _no_tls(error: ssl.SSLError) -> RemoteError:
    reason = error.reason or str(error)
    hint = "is the port one with TLS? mqtts:// speaks it, mqtt:// does not"
    if "ALERT" in reason:
        hint = "look at mqtt.cert_file and mqtt.key_file; the broker may ask for them, or not know who signed them"
    return RemoteError(f"no TLS with the broker ({reason})", hint=hint)
