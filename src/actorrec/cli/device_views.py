"""How a device's status looks."""

import contextlib
from collections.abc import Sequence
from datetime import UTC
from pathlib import Path
from typing import TYPE_CHECKING, Any

from actorrec.cli.session import Session

if TYPE_CHECKING:
    from actorrec.device.status import Seen
    from actorrec.manifests.events import HealthEvent


def status_folders(bundle: str) -> list[Path]:
    """Where the program may keep its status: the service, a component of Greengrass, this user's own run.

    Args:
        bundle: The configured one: that of a component lies in its work folder.
    """
    from actorrec.errors import ConfigError
    from actorrec.home import state_folder
    from actorrec.manifests.device_status import SERVICE_FOLDER, STATUS_SUBFOLDER

    folders = [Path(SERVICE_FOLDER)]
    if Path(bundle).is_absolute() and Path(bundle).parent.name == "bundles":
        folders.append(Path(bundle).parent.parent)
    with contextlib.suppress(ConfigError):  # a user without a home folder has none there
        folders.append(state_folder(STATUS_SUBFOLDER))
    return folders


def as_json(seen: "Seen", service: str | None) -> dict[str, Any]:
    """All that is known."""
    status = seen.status
    return {
        "state": seen.state,
        "why": seen.why,
        "well": seen.well,
        "service": service,
        "file": str(seen.path),
        "pid": None if status is None else status.pid,
        "health_age_s": None if seen.health_age_s is None else round(seen.health_age_s, 1),
        "health": None if status is None or status.health is None else status.health.model_dump(mode="json"),
        "detections": 0 if status is None else status.detections,
        "last_detection": None
        if status is None or status.last_detection is None
        else status.last_detection.model_dump(mode="json"),
    }


def tell(session: Session, seen: "Seen", service: str | None) -> None:
    """Tables for people."""
    status = seen.status
    rows = [("state", f"{seen.state}: {seen.why}" if seen.why else seen.state), ("service", _service(seen, service))]
    if status is not None:
        rows.append(("process", str(status.pid) if seen.state != "stopped" else ""))
        if status.health is not None:
            rows += [("heard of", _age(seen.health_age_s)), *_of_program(status.health)]
        if (last := status.last_detection) is not None:
            at = f"{last.at.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"
            rows.append(("last detection", f"{at}: {last.faces} faces, {last.named} named"))
    session.table("this device", ("what", "is"), [row for row in rows if row[1]])
    if status is not None and status.health is not None:
        _tell_health(session, status.health)


def _service(seen: "Seen", service: str | None) -> str:
    """What systemd says; of one that is started in vain, where the reason stands."""
    in_vain = seen.state == "stopped" and service in ("activating", "failed")
    return f"{service}; journalctl -u actorrec says why" if in_vain else service or ""


def _of_program(health: "HealthEvent") -> list[tuple[str, str]]:
    camera = health.camera
    rows = [
        ("version", health.version),
        ("runs for", _duration((health.at - health.started_at).total_seconds())),
        ("model", f"{health.model.model_id}, bundle {health.model.bundle[:12]}"),
        ("swaps", f"{health.swaps} taken, {health.swaps_refused} refused"),
        ("pictures", f"{health.frames} ({health.unreadable} unreadable, {health.failures} failures)"),
        ("memory", "" if health.memory_bytes is None else f"{health.memory_bytes / 1e6:.0f} MB"),
        ("temperature", "" if health.temperature_c is None else f"{health.temperature_c:.1f} °C"),
        ("held back by", ", ".join(health.throttled)),
    ]
    if camera is None:
        return rows
    rate = "" if camera.fps is None else f", {camera.fps:.1f} frames a second"
    rows.append(("camera", f"{camera.source}, {'connected' if camera.connected else 'not connected'}{rate}"))
    counts = f"{camera.captured} came, {camera.dropped} dropped, {camera.unchanged} unchanged"
    rows.append(("frames", f"{counts}, {camera.detections} searched, {camera.reconnects} reconnects"))
    return rows


def _tell_health(session: Session, health: "HealthEvent") -> None:
    steps: Sequence[tuple[str, str, str]] = [
        ("whole picture", _ms(health.ms_p50), _ms(health.ms_p95)),
        *((name, _ms(step.p50), _ms(step.p95)) for name, step in health.steps.items()),
    ]
    session.table("milliseconds", ("step", "p50", "p95"), steps if health.ms_p50 is not None or health.steps else [])
    queues = [(each.name, each.waiting, each.dropped, each.refused) for each in health.queues]
    session.table("messages", ("to", "waiting", "dropped", "refused"), queues)
    session.table("wrong at the moment", ("what",), [(line,) for line in health.trouble])


def _ms(value: float | None) -> str:
    return "" if value is None else f"{value:.1f}"


def _age(seconds: float | None) -> str:
    return "" if seconds is None else f"{seconds:.0f} s ago"


def _duration(seconds: float) -> str:
    minutes, hours = int(seconds // 60), int(seconds // 3600)
    return f"{hours // 24} days" if hours >= 48 else f"{hours} h {minutes % 60} min" if hours else f"{minutes} min"
