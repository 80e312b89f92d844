"""The options of ``actorrec infer --loop``."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer

from actorrec.errors import ConfigError

LoopOption = Annotated[bool, typer.Option("--loop", help="Look again and again; one JSON line for each event.")]
CameraOption = Annotated[
    str | None,
    typer.Option(
        help="Of --loop: look through a camera: a number, rpicam, rtsp://… or http://…, a film, a picture or a folder.",
        metavar="CAMERA",
        show_default=False,
    ),
]
EveryFrameOption = Annotated[
    bool, typer.Option("--every-frame", help="Of a film as --camera: each frame, as fast as it goes.")
]
IntervalOption = Annotated[
    float | None,
    typer.Option(help="Of --loop: seconds from one look to the next.", min=0.1, max=86400, show_default=False),
]
CountOption = Annotated[
    int | None,
    typer.Option(help="Of --loop: end after so many rounds, or frames of a camera.", min=1, show_default=False),
]
MqttOption = Annotated[
    str | None,
    typer.Option(help="Of --loop: send events to this broker, too: mqtts://HOST.", metavar="URL", show_default=False),
]
JsonlOption = Annotated[
    Path | None,
    typer.Option(help="Of --loop: append events to this file, too.", metavar="FILE", show_default=False),
]
PreviewOption = Annotated[
    bool, typer.Option("--preview", help="Of --loop: a live page on this machine; its address is printed.")
]
GreengrassOption = Annotated[
    bool, typer.Option("--greengrass", help="Of --loop: as a component of Greengrass, whose configuration goes.")
]
DefaultsOption = Annotated[
    Path | None,
    typer.Option(
        help="Of --greengrass: the component.json; by default the installed one.", metavar="FILE", show_default=False
    ),
]
WorkOption = Annotated[
    Path | None,
    typer.Option(
        help="Of --loop: folder for what is kept between runs: good bundles, events that wait.",
        metavar="DIR",
        show_default=False,
    ),
]


@dataclass(frozen=True, slots=True)
class LoopOptions:
    """The options of ``--loop``.

    Attributes:
        sources: Named on the command line; they go before those of the configuration.
        bundle: As in ``--bundle``; None for the configured one.
        camera: Likewise.
        every_frame: Whether a film is read as fast as it goes.
        interval_s: Goes before the configuration; None for what that says.
        rounds: End after so many; None for never.
        mqtt: A broker.
        jsonl: A file that events are appended to.
        preview: Whether somebody may look on.
        greengrass: Whether this is a component.
        defaults: The component's ``component.json``.
        work: Folder for what is kept between runs.
    """

    sources: tuple[str, ...]
    bundle: str | None = None
    camera: str | None = None
    every_frame: bool = False
    interval_s: float | None = None
    rounds: int | None = None
    mqtt: str | None = None
    jsonl: Path | None = None
    preview: bool = False
    greengrass: bool = False
    defaults: Path | None = None
    work: Path | None = None

    def refuse_without_loop(self) -> None:
        """Without --loop there must be pictures, and no option of it.

        Raises:
            ConfigError: If it is otherwise.
        """
        refuse("infer without --loop", {"--camera": self.camera, "--every-frame": self.every_frame})
        refuse("infer without --loop", {"--interval": self.interval_s, "--count": self.rounds, "--work": self.work})
        refuse("infer without --loop", {"--mqtt": self.mqtt, "--jsonl": self.jsonl, "--preview": self.preview})
        refuse("infer without --loop", {"--greengrass": self.greengrass, "--defaults": self.defaults})
        if not self.sources:
            raise ConfigError("name a picture, a folder or a glob", hint="actorrec infer PICTURE…")

    def refuse_what_does_not_go_together(self) -> None:
        """Options of --loop that contradict each other.

        Raises:
            ConfigError: If there are some.
        """
        if not self.greengrass:
            refuse("--loop without --greengrass", {"--defaults": self.defaults})
        if self.sources:
            refuse("pictures that are named", {"--camera": self.camera, "--every-frame": self.every_frame})

    @property
    def settings(self) -> Mapping[str, Any]:
        """What they say in settings, by ``section.key``."""
        return {"mqtt.url": self.mqtt, "events.jsonl": self.jsonl, "camera.source": self.camera}


def refuse(what: str, given: Mapping[str, object]) -> None:
    """Refuse options that do not go with something.

    Raises:
        ConfigError: If one of them is given.
    """
    for option, value in given.items():
        if value is not None and value is not False:
            raise ConfigError(f"{option} does not go with {what}")
