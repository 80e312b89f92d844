"""The bundle of 100 people: its size, the variants it was chosen from, and parity with Keras on real faces.

    ACTORREC_TEST_DATA=DIR python benchmarks/bundle.py

100 people: the actors, the LFW people, and strangers of one photo each until there are enough; 15 crops a person,
repeated with small moves where there are fewer photos.
"""

import tempfile
from pathlib import Path

from actorrec.artifacts.catalog import file_name
from actorrec.artifacts.local import LocalStore
from actorrec.config import Config
from actorrec.edge.convert import convert
from actorrec.progress import SilentProgress
from actorrec.training.train import train
from rows import Row, report, test_data
from training_speed import make_dataset, photos_of

PEOPLE, FACES_A_PERSON = 100, 15
COMMAND = "python benchmarks/bundle.py"


def main() -> None:
    """Measure and save the rows."""
    data = test_data()
    if data is None:
        report(
            "bundle", [Row("bundle with 100 people", "≤ 9 MB", "not measured: no ACTORREC_TEST_DATA", None, COMMAND)]
        )
        return
    with tempfile.TemporaryDirectory() as folder:
        store = LocalStore(Path(folder))
        dataset = make_dataset(store, photos_of(data, PEOPLE), PEOPLE * FACES_A_PERSON)
        model = train(dataset, Config(), store=store, progress=SilentProgress())
        bundle = convert(model, Config(), store=store, progress=SilentProgress())
        size_bytes = store.local_path(file_name(bundle, bundle.bundle_file)).stat().st_size
    people = len(bundle.card.people)
    rows = [
        Row(
            f"bundle with {people} people, {len(dataset.faces):,} photos",
            "≤ 9 MB",
            f"{size_bytes / 1e6:.1f} MB",
            size_bytes <= 9e6 and people == PEOPLE,
            COMMAND,
        )
    ]
    for variant in bundle.card.variants:
        least = 0.999 if variant.name.startswith("float") else 0.99
        cosine = variant.min_cosine or 0.0
        chosen = ", chosen" if variant.chosen else ""
        rows.append(
            Row(
                f"{variant.name} against Keras on real faces{chosen}",
                f"cosine ≥ {least}, same names",
                f"{cosine:.4f}, {variant.median_ms:.2f} ms a face on one thread, {variant.bytes / 1e6:.1f} MB"
                + (f"; refused: {variant.refused}" if variant.refused else ""),
                cosine >= least and not variant.refused,
                COMMAND,
            )
        )
    report("bundle", rows)


if __name__ == "__main__":
    main()
