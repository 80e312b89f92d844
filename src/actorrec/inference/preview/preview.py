"""The live page, as the loop uses it."""

import errno
import threading
from collections.abc import Callable, Sequence
from typing import Final, Self

from actorrec.errors import ConfigError
from actorrec.inference.preview.answers import Shown
from actorrec.inference.preview.door import Door
from actorrec.inference.preview.painter import Look, Painter
from actorrec.inference.preview.server import USUAL, Patience, PreviewServer
from actorrec.inference.tracking.sighting import TrackedFace
from actorrec.manifests.events import HealthEvent
from actorrec.sections.device import PreviewSection
from actorrec.types import RecognisedFace, UInt8Image

_POLL_S: Final = 0.1


class Preview:
    """Shows on 127.0.0.1 what the loop sees, to who has the token, while it is entered.

    What the loop calls costs it next to nothing: drawing and sending happen in other threads, and only while somebody
    watches.

    Args:
        settings: Port and pictures a second.
        token: Of the address; None makes one up.
        troubles: What is wrong now, one line each; asked from other threads.
        patience: With who watches.
    """

    def __init__(
        self,
        settings: PreviewSection,
        *,
        token: str | None = None,
        troubles: Callable[[], Sequence[str]] = list,
        patience: Patience = USUAL,
    ) -> None:
        self._port, self._door, self._patience = settings.port, Door(token), patience
        self._painter = Painter(settings.fps)
        self._shown = Shown(self._painter, troubles)
        self._server: PreviewServer | None = None

    def __enter__(self) -> Self:
        """Begin to serve.

        Raises:
            ConfigError: If the port is taken or not allowed.
        """
        try:
            self._server = PreviewServer(self._port, self._door, self._shown, self._patience)
        except OSError as error:
            raise _cannot(self._port, error) from None
        self._painter.start()
        serve = threading.Thread(target=self._server.serve_forever, args=(_POLL_S,), name="preview server", daemon=True)
        serve.start()
        return self

    def __exit__(self, *_: object) -> None:
        """End every connection; it takes no longer than a moment, whoever watches."""
        self._painter.close()
        if self._server is not None:
            self._server.shutdown()
            self._server.cut_off_all()
            self._server.server_close()

    @property
    def url(self) -> str:
        """The address with the token, to be shown to the user once and kept nowhere."""
        assert self._server is not None, "not entered"
        return f"http://127.0.0.1:{self._server.server_address[1]}{self._door.entry}"

    def offer(self, pixels: UInt8Image, tracks: Sequence[TrackedFace], shown_name: Callable[[str], str]) -> None:
        """The loop looked at a frame; only the newest is kept, and nothing is copied.

        Args:
            pixels: Shape (H, W, 3), uint8, RGB; nobody may write into it from now on.
            tracks: Faces in view.
            shown_name: The name to show for a person id.
        """
        self._shown.signal_lost = False
        self._painter.offer(Look(pixels, tracks, shown_name))

    def offer_picture(
        self, pixels: UInt8Image, found: Sequence[RecognisedFace], shown_name: Callable[[str], str]
    ) -> None:
        """The loop looked at a picture of a folder; otherwise as ``offer``.

        Args:
            found: Its faces.
        """
        tracks = [
            TrackedFace(number, each.face, True, each.prediction, (), 0.0, 0.0, 1, each)
            for number, each in enumerate(found, start=1)
        ]
        self.offer(pixels, tracks, shown_name)

    def tell(self, health: HealthEvent) -> None:
        """The last health event; a camera that is not connected in it gives no signal."""
        self._shown.tell(health)
        if health.camera is not None and not health.camera.connected:
            self.no_signal()

    def no_signal(self) -> None:
        """No frames come: the page says so, with what is wrong, until the next one."""
        self._shown.signal_lost = True
        self._painter.forget()


def _cannot(port: int, error: OSError) -> ConfigError:
    if error.errno == errno.EADDRINUSE:
        return ConfigError(f"the preview's port {port} is taken", hint="preview.port: 0 takes a free one")
    return ConfigError(
        f"the preview cannot be served on 127.0.0.1:{port}: {error.strerror or error}",
        hint="preview.port: 0 takes a free one; ports below 1024 are for the system",
    )
