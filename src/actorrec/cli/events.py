"""``actorrec events``: what devices say, read on any machine."""

import json
import sys
import threading
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from actorrec.cli.command import command
from actorrec.cli.session import Session, printable
from actorrec.cli.stopping import asked_to_stop
from actorrec.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from actorrec.inference.tail import Tail

events_app = typer.Typer(help="What devices say: read it as it comes.", no_args_is_help=True)
_SPACES = "\t\r\n"
_STDIN = 0


@command(events_app, "tail")
def tail(
    session: Session,
    source: Annotated[
        str, typer.Argument(help="A file of events, followed; or - for standard input.", metavar="[FILE]")
    ] = "",
    mqtt: Annotated[
        str | None,
        typer.Option("--mqtt", help="Broker, as mqtts://HOST; else mqtt.url.", metavar="URL", show_default=False),
    ] = None,
    topic: Annotated[
        str | None, typer.Option("--topic", help="Of the results; else cloud.results_topic.", show_default=False)
    ] = None,
    client_id: Annotated[
        str, typer.Option("--client-id", help="Where the broker lets only that one in.", show_default=False)
    ] = "",
    device: Annotated[str, typer.Option("--device", help="Of this device alone.", show_default=False)] = "",
    only: Annotated[
        Literal["detection", "health", "model"] | None,
        typer.Option("--only", help="Events of this kind alone.", show_default=False),
    ] = None,
    person: Annotated[
        str, typer.Option("--person", help="Detections of this name or person_id alone.", show_default=False)
    ] = "",
    from_start: Annotated[bool, typer.Option("--from-start", help="Of a file: what is in it already, too.")] = False,
    count: Annotated[int | None, typer.Option("--count", help="End after so many.", min=1, show_default=False)] = None,
) -> None:
    """Print events as they come, one line each, repeats left out, until Ctrl-C.

    From a broker, from a file that is being written (events.jsonl where nothing else is set), or from standard input.
    """
    from actorrec.inference.tail import Tail, Wanted

    if source and mqtt:
        raise ConfigError("events come from a file or from a broker, not from both", hint="leave --mqtt or FILE out")
    config = session.settings({"mqtt.url": mqtt, "cloud.results_topic": topic})
    if not (source or config.mqtt.url) and config.events.jsonl is not None:
        source = str(config.events.jsonl)
    if from_start and source in ("", "-"):
        raise ConfigError("--from-start goes with a file alone")
    picked = Tail(Wanted(device=device, kind=only or "", person=person))
    with asked_to_stop() as stop:
        try:
            if source:
                _print(session, _lines(source, stop, from_start=from_start), picked, count)
            else:
                _tail_broker(session, client_id, picked, count, stop)
        finally:
            if picked.bad:
                _tell(f"not shown, since they are no events: {picked.bad:,}")


def _tail_broker(session: Session, client_id: str, picked: "Tail", count: int | None, stop: threading.Event) -> None:
    from actorrec.inference.tail_broker import BrokerTail
    from actorrec.inference.troubles import Troubles

    config = session.loaded.config
    if not config.mqtt.url:
        hint = "actorrec events tail FILE, or --mqtt mqtts://HOST, or the setting mqtt.url"
        raise ConfigError("where do the events come from?", hint=hint)
    broker = BrokerTail(config.mqtt, config.cloud.results_topic, Troubles(_tell), client_id=client_id)
    try:
        _print(session, broker.read(stop), picked, count)
    finally:
        if broker.dropped:
            _tell(f"not shown, since they came faster than they were read: {broker.dropped:,}")


def _lines(source: str, stop: threading.Event, *, from_start: bool) -> "Iterator[bytes]":
    from actorrec.inference.tail_lines import follow_file, read_stream

    if source == "-":
        return read_stream(_STDIN, stop)  # sys.stdin is None where it was closed
    return follow_file(Path(source), stop, from_start=from_start)


def _print(session: Session, lines: "Iterator[bytes]", picked: "Tail", count: int | None) -> None:
    from actorrec.inference.tail import in_words

    shown = 0
    for data in lines:
        before, event = picked.other_schema, picked.take(data)
        if picked.other_schema and not before:
            _tell("not shown: events of another schema; is this program older than the one that sends them?")
        if event is None:
            continue
        print(_one_line(data) if session.as_json else printable(in_words(event)), flush=True)
        shown += 1
        if shown == count:
            return


def _one_line(data: bytes) -> str:
    """JSON as it came, but on one line that cannot move the cursor: outside of texts there are only spaces to replace,
    inside them JSON has another spelling for every character."""
    text = data.decode().strip()
    return "".join(c if c.isprintable() else " " if c in _SPACES else json.dumps(c)[1:-1] for c in text)


def _tell(line: str) -> None:
    with suppress(OSError):
        print(printable(line), file=sys.stderr, flush=True)


def register(app: typer.Typer) -> None:
    """Add these commands."""
    app.add_typer(events_app, name="events")
