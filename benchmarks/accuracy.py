"""Accuracy on real photos, through the commands a user would run.

    python benchmarks/accuracy.py

(a) the actors by their split, (b) LFW people with many photos, (c) with one photo each (enroll), (d) the same three
with a brought embedder. Everybody in ``unknowns`` and ``lfw_dev/strangers`` is a stranger; none sets a threshold.
"""

import json
import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rows import Row, percent, save, test_data

COMMAND = "python benchmarks/accuracy.py"
BROUGHT = {
    "ACTORREC_EMBEDDER__TEMPLATE": "arcface-112",
    "ACTORREC_EMBEDDER__LICENCE": "unclear: for measuring only",
}


@dataclass(frozen=True, slots=True)
class Case:
    """People to learn from and to be tested on, as folders of links."""

    name: str
    learn: Path
    test: Path
    strangers: Path


def run(*arguments: str | Path, **environ: str) -> Any:
    """Run a command of ours with ``--json``; its result."""
    command = [sys.executable, "-m", "actorrec", *map(str, arguments), "--json", "--quiet"]
    done = subprocess.run(command, env={**os.environ, **environ}, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{' '.join(command)}\n{done.stderr}")
    return json.loads(done.stdout)


def link(photo: Path, folder: Path) -> None:
    """Put a photo into a folder without copying it."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / photo.name).symlink_to(photo)


def actors(data: Path, work: Path) -> Case:
    """254 photos to learn from, 117 to test, 720 strangers."""
    splits = json.loads((data / "splits.json").read_text())
    for person, sides in splits.items():
        for side in ("train", "test"):
            for name in sides[side]:
                link(data / "actors" / person / Path(name).name, work / side / person)
    for index, stranger in enumerate(sorted([*(data / "unknowns").glob("*"), *(data / "lfw_dev/strangers").glob("*")])):
        if stranger.is_file():
            (work / "strangers").mkdir(exist_ok=True)
            (work / "strangers" / f"{index:04}.jpg").symlink_to(stranger)
    return Case("actors", work / "train", work / "test", work / "strangers")


def lfw(data: Path, work: Path, *, learn_from_one: bool) -> Case:
    """Two photos of three to learn from (or just the first), every third to test, 600 strangers."""
    for person in sorted((data / "lfw_dev/people").iterdir()):
        for index, photo in enumerate(sorted(person.iterdir())):
            if index % 3 == 2:
                link(photo, work / "test" / person.name)
            elif index == 0 or not learn_from_one:
                link(photo, work / "train" / person.name)
    return Case("lfw", work / "train", work / "test", data / "lfw_dev/strangers")


def measure(case: Case, store: Path, *, enrol: bool, brought: Path | None) -> dict[str, Any]:
    """Learn, bundle and evaluate; the report as JSON."""
    extra = ("--embedder", brought) if brought else ()
    environ = BROUGHT if brought else {}
    if enrol:
        run("enroll", "--from", case.learn, *extra, "--store", store, **environ)
    else:
        run("build-dataset", case.learn, "--test-share", "0", "--store", store)
        run("train", *extra, "--store", store, **environ)
        run("convert-tflite", "--store", store)
    report = store.with_suffix(".html")
    return run("evaluate", "--photos", case.test, "--unknowns", case.strangers, "--report", report, "--store", store)  # type: ignore[no-any-return]


def rate(report: dict[str, Any], name: str) -> tuple[float, str]:
    """A rate of a report: its value, and as text."""
    found = report[name]
    return found["value"], percent(found["value"], found["n"], found["low"], found["high"])


def rows_of(report: dict[str, Any], label: str, *, least_named: float, most_strangers: float) -> list[Row]:
    """Named right and strangers named, against what must be reached."""
    tpir, tpir_text = rate(report, "tpir")
    fpir, fpir_text = rate(report, "fpir")
    return [
        Row(f"{label}: known faces named right", f"≥ {least_named:.1%}", tpir_text, tpir >= least_named, COMMAND),
        Row(f"{label}: strangers named", f"≤ {most_strangers:.1%}", fpir_text, fpir <= most_strangers, COMMAND),
    ]


def main() -> None:
    """Measure and save."""
    data = test_data()
    if data is None:
        raise SystemExit("set ACTORREC_TEST_DATA to the folder of real photos")
    brought = data.parent / "models" / "MobileFaceNet.tflite"
    rows: list[Row] = []
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        cases = {
            "actors": actors(data, work / "a"),
            "LFW people": lfw(data, work / "b", learn_from_one=False),
            "LFW people, one photo each": lfw(data, work / "c", learn_from_one=True),
        }
        # (label, least named right, most strangers named) for the shipped embedder and for the brought one.
        asked = {
            "actors": ((0.97, 0.02), (0.97, 0.02)),
            "LFW people": ((0.97, 0.015), (0.985, 0.015)),
            "LFW people, one photo each": ((0.88, 0.02), (0.97, 0.02)),
        }
        for net, path in (("dlib-resnet29", None), ("brought MobileFaceNet", brought)):
            for number, (name, case) in enumerate(cases.items()):
                store = work / f"store-{bool(path)}-{number}"
                report = measure(case, store, enrol="one photo" in name, brought=path)
                label = f"{name}, {net}"
                if name == "actors":
                    for key, title in (("top1", "top-1"), ("macro_f1", "macro-F1")):
                        value, text = rate(report, key)
                        rows.append(Row(f"{label}: {title}", "≥ 99.0%", text, value >= 0.99, COMMAND))
                least, most = asked[name][1 if path else 0]
                rows += rows_of(report, label, least_named=least, most_strangers=most)
                for row in rows[-4 if name == "actors" else -2 :]:
                    print(f"{row.what}: {row.measured} (must reach {row.target})", flush=True)
    save("accuracy", rows)


if __name__ == "__main__":
    main()
