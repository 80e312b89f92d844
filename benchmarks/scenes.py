"""Film frames and group photos: names outside the cast, labelled people found, faces counted.

    python benchmarks/scenes.py

The gallery is everybody of ``actors`` (many photos) and of ``scenes/gallery`` (mostly one photo each), enrolled.
A name outside a frame's labels or cast is wrong; a name inside the cast need not be right. No target was set for these.
"""

import json
import subprocess
import sys
import tempfile
from pathlib import Path

from rows import Row, report, test_data

COMMAND = "python benchmarks/scenes.py"
PROGRAM = [sys.executable, "-m", "actorrec"]


def main() -> None:
    """Measure and save."""
    data = test_data()
    if data is None:
        raise SystemExit("set ACTORREC_TEST_DATA to the folder of real photos")
    scenes = data / "scenes"
    labels, cast, counts = (
        json.loads((scenes / f"{name}.json").read_text()) for name in ("labels", "cast", "face_counts")
    )
    with tempfile.TemporaryDirectory() as folder:
        people = Path(folder) / "people"
        for person in (*(data / "actors").iterdir(), *(scenes / "gallery").iterdir()):
            (people / person.name).mkdir(parents=True, exist_ok=True)
            for photo in person.iterdir():
                (people / person.name / f"{person.parent.name}-{photo.name}").symlink_to(photo)
        store = ["--store", folder + "/store"]
        subprocess.run([*PROGRAM, "enroll", "--from", str(people), *store, "--json"], check=True, capture_output=True)
        done = subprocess.run(
            [*PROGRAM, "infer", str(scenes / "*.jpg"), *store, "--json"], check=True, capture_output=True, text=True
        )
        known = {path.name for path in people.iterdir()}
    results = {Path(line["source"]).name: line["faces"] for line in map(json.loads, done.stdout.splitlines())}
    named = wrong = meant = found = 0
    for picture, faces in results.items():
        names = {face["person_id"] for face in faces if face["person_id"]}
        allowed = set(labels.get(picture, [])) | set(cast.get(picture, []))
        if picture in labels or picture in cast:
            named += len(names)
            wrong += len(names - allowed)
            for name in sorted(names - allowed):
                print(f"  {picture}: {name} is named and is not in it")
        missing = (set(labels.get(picture, [])) & known) - names
        meant += len(set(labels.get(picture, [])) & known)
        found += len(set(labels.get(picture, [])) & names)
        for name in sorted(missing):
            print(f"  {picture}: {name} is in it and is not named")
    off = {
        picture: (len(results[picture]), count) for picture, count in counts.items() if len(results[picture]) != count
    }
    faces = sum(map(len, results.values()))
    counted = f"{len(counts) - len(off)} of {len(counts)} {off or ''}".strip()
    asked = (
        ("film frames and group photos: names outside the labels or cast", f"{wrong} of {named} names, {faces} faces"),
        ("people that a label says are in a frame and the gallery knows, named", f"{found} of {meant}"),
        ("group photos whose number of faces is the one in the source's file name", counted),
    )
    rows = [Row(what, "", measured, None, COMMAND) for what, measured in asked]
    report("scenes", rows)


if __name__ == "__main__":
    main()
