"""``actorrec infer --loop``: looking again and again, by hand, as a service or as a component of Greengrass."""

import os
import sys
from contextlib import ExitStack
from typing import TYPE_CHECKING

from actorrec.cli.loop_options import LoopOptions
from actorrec.cli.loop_places import LoopPlaces, tell
from actorrec.cli.session import Session
from actorrec.cli.stopping import asked_to_stop
from actorrec.cli.streams import never_wait_for_stderr

if TYPE_CHECKING:
    from actorrec.config import Config
    from actorrec.inference.eye import Eye
    from actorrec.inference.frames.newest import NewestFrame
    from actorrec.inference.frames.source import FrameSource
    from actorrec.inference.plan import LoopPlan
    from actorrec.inference.preview.preview import Preview
    from actorrec.inference.station import Station
    from actorrec.inference.troubles import Troubles


def run_loop(session: Session, options: LoopOptions, config: "Config") -> None:
    """Look again and again until Ctrl-C or SIGTERM, which end it with exit code 0.

    Raises:
        ConfigError: If there is nothing to look at, or options do not go together.
        ArtifactError: If there is no such bundle.
        ModelContractError: If this version cannot run it.
    """
    options.refuse_what_does_not_go_together()
    never_wait_for_stderr()
    with asked_to_stop() as stop, ExitStack() as held:
        from actorrec.inference.event_writer import EventWriter, device_name
        from actorrec.inference.loop import InferenceLoop
        from actorrec.inference.service_notify import ServiceManager
        from actorrec.inference.station import Station
        from actorrec.inference.troubles import Troubles

        troubles = Troubles(tell)
        service = ServiceManager.from_environ()
        places = LoopPlaces(session, options, config, troubles, held)
        plan = places.first_plan()
        live = places.live_bundle(stop)
        if live is None:
            return
        out = held.enter_context(places.senders.publishers(plan, live.model.model_id))
        writer = EventWriter(device_name(), live.model, max_bytes=places.senders.max_bytes)
        station = Station(live, writer, out, config.inference, troubles, places.keeper(live))
        if (preview := places.preview()) is not None:
            tell(f"live page: {preview.url}")
        eyes = _Eyes(options, config, troubles, preview)
        around = places.surroundings(station, eyes, service)
        service.ready()
        held.callback(service.stopping)
        InferenceLoop(station, around).run(plan, stop)
    if eyes.stuck:
        # A thread that comes back from a camera's read while the interpreter ends would abort it.
        sys.stdout.flush()
        os._exit(0)


class _Eyes:
    """Makes what a plan looks with.

    Args:
        options: Of the command line.
        config: The configuration.
        troubles: Told of a camera that is lost.
        preview: Where somebody may look on.
    """

    def __init__(self, options: LoopOptions, config: "Config", troubles: "Troubles", preview: "Preview | None") -> None:
        self._options, self._config, self._troubles, self._preview = options, config, troubles, preview
        self._frames: list[NewestFrame] = []  # of the camera that was made last, and of others that still hang

    def __call__(self, station: "Station", plan: "LoopPlan") -> "Eye":
        from actorrec.inference.picture_eye import PictureEye

        if not plan.camera.source:
            return PictureEye(station, plan, rounds=self._options.rounds, preview=self._preview)
        from actorrec.inference.camera_eye import CameraEye
        from actorrec.inference.frames.choose import frame_source
        from actorrec.inference.frames.newest import NewestFrame

        max_pixels, every_frame = self._config.inference.max_pixels, self._options.every_frame

        def source() -> "FrameSource":
            return frame_source(plan.camera, plan.camera.source, every_frame=every_frame, max_pixels=max_pixels)

        frames = NewestFrame(source, plan.camera, self._troubles)
        self._frames = [*(each for each in self._frames if each.stuck), frames]
        return CameraEye(station, plan, frames, preview=self._preview, count=self._options.rounds)

    @property
    def stuck(self) -> bool:
        """Whether a read of any camera still runs that nobody waits for."""
        return any(each.stuck for each in self._frames)
