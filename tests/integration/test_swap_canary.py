"""A canary whose model comes by itself: the program goes on, and compares the new bundle with the one before it."""

import itertools
import json
import shutil
from datetime import UTC, datetime
from pathlib import Path

from actorrec.artifacts.digest import file_sha256
from actorrec.greengrass.health_counts import Heard, counts_of
from actorrec.manifests.events import read_health
from actorrec.recognition.bundle import write_bundle
from nucleus_server import NucleusServer
from patience import eventually
from running_loop import HOPPER, Event, RunningLoop
from small_bundles import small_bundle

TOPIC = "ml/tflite/image-classification"


def bundle_of(day: int, path: Path) -> Path:
    card, files = small_bundle(created_at=datetime(2026, 1, day, tzinfo=UTC))
    write_bundle(path, card, files)
    return path


def test_the_bundle_before_a_swap_is_what_the_new_one_is_compared_with_whatever_comes_first(tmp_path: Path) -> None:
    """Model and configuration are of two components: either may reach the program before the other."""
    (tmp_path / "pictures").mkdir()
    shutil.copy(HOPPER, tmp_path / "pictures" / "door.jpg")
    first, second, third = (bundle_of(day, tmp_path / f"{day}.zip") for day in (1, 2, 3))
    live = shutil.copy(first, tmp_path / "bundle.zip")
    one, two, three = map(file_sha256, (first, second, third))
    configuration = {
        "ImageName": "door.jpg",
        "ImageDirectory": str(tmp_path / "pictures"),
        "InferenceInterval": "0.2",
        "HealthInterval": "1",
    }

    def pair(event: Event) -> tuple[str, str | None]:
        return event["model"]["bundle"], event["shadow"] and event["shadow"]["bundle"]

    with NucleusServer(tmp_path / "ipc.socket", configuration) as nucleus:
        options = ("--greengrass", "--bundle", live)
        with RunningLoop(*options, cwd=tmp_path, environ=nucleus.environment) as loop:
            assert pair(loop.health(lambda event: event["frames"])) == (one, None)
            eventually((tmp_path / "bundles" / "shelf.json").exists)  # it has proved good, and is kept
            second.replace(live)
            assert loop.next(lambda event: event["event"] == "model")["change"] == "swapped"
            nucleus.configure(Shadow="previous")
            begun = loop.health(lambda event: event["shadow"])
            assert pair(begun) == (two, one)
            grown = loop.health(lambda event: event["shadow"]["frames"] > begun["shadow"]["frames"])
            assert pair(grown) == (two, one)
            third.replace(live)
            assert loop.next(lambda event: event["event"] == "model")["change"] == "swapped"
            counted = loop.health(lambda event: event["shadow"] and event["shadow"]["faces"] > 1)
            assert pair(counted) == (three, two)
            eventually(lambda: counted in nucleus.events(f"{TOPIC}/health"))
            assert loop.stop()[0] == 0
        said = [read_health(payload) for topic, payload in nucleus.published if topic == f"{TOPIC}/health"]
    story = [pair(json.loads(event.model_dump_json())) for event in said]
    assert [key for key, _ in itertools.groupby(story)] == [
        (one, None),
        (two, None),
        (two, one),
        (three, None),
        (three, two),
    ]
    heard = [Heard(event.at, event) for event in said if event.model.bundle == three]
    counts = counts_of(heard, compared=two)
    assert counts.starts == 1
    assert 1 < counts.faces <= counts.frames
    assert counts.disagreements == 0
    assert said[-1].trouble == []
