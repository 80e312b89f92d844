"""A program that says events through the spool and is killed at it: ``python spool_writer.py SETTINGS_AS_JSON``.

Each event's id is appended to ``meant`` before it is handed to the spool, and to ``taken`` after that returned. It ends
by itself once it has said all and nothing waits, and ``drain`` is set; else it waits to be killed.
"""

import hashlib
import json
import os
import sys
import time
from pathlib import Path

from actorrec.inference.sending.mqtt import MqttCourier
from actorrec.inference.sending.spool import Spool
from actorrec.inference.sending.store_and_forward import StoreAndForward
from actorrec.inference.troubles import Troubles
from actorrec.sections.device import MqttSection, SpoolSection


def payload_of(event_id: str) -> bytes:
    """A message as long as a detection, whose every byte follows from its id."""
    filler = hashlib.sha256(event_id.encode()).hexdigest() * 10
    return json.dumps({"id": event_id, "faces": filler}).encode()


def main() -> None:
    """Say events until killed."""
    settings = json.loads(sys.argv[1])
    folder = Path(settings["folder"])
    meant, taken = (os.open(folder / name, os.O_WRONLY | os.O_APPEND | os.O_CREAT) for name in ("meant", "taken"))
    troubles = Troubles(lambda line: print(line, file=sys.stderr, flush=True))
    courier = MqttCourier(MqttSection(url=settings["url"], timeout_s=5), client_id="actorrec-writer", troubles=troubles)
    spool = Spool(folder / "spool", "mqtt", SpoolSection(max_messages=settings["bound"]), troubles)
    with StoreAndForward(spool, courier, troubles) as publisher:
        for index in range(settings["count"]):
            event_id = f"{settings['run']}-{index:06d}"
            os.write(meant, f"{event_id}\n".encode())
            publisher.publish("ml/tflite/image-classification", payload_of(event_id))
            os.write(taken, f"{event_id}\n".encode())
            time.sleep(settings["pause_s"])
        while not settings["drain"] or publisher.health().waiting:
            time.sleep(0.02)
        health = publisher.health()
    print(health.model_dump_json(), flush=True)


if __name__ == "__main__":
    main()
