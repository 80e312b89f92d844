"""A whole use without training: enroll, infer, people, forget."""

import shutil
from pathlib import Path

import pytest

from .conftest import EXAMPLES, Run

HOPPER = EXAMPLES / "people/Grace_Hopper/official_1984.jpg"
EINSTEIN = EXAMPLES / "people/Albert_Einstein/lecture_1921.jpg"


def test_enroll_infer_people_forget(run: Run, tmp_path: Path) -> None:
    enrolled = run("enroll", "Grace Hopper", HOPPER, "--json")
    assert enrolled.code == 0, enrolled.stderr
    assert enrolled.json["enrolled"] == 1
    assert run("enroll", "Albert Einstein", EINSTEIN).code == 0

    named = run("infer", EXAMPLES / "group.jpg", "--json", "--annotate", "named")
    assert named.code == 0, named.stderr
    (line,) = named.lines
    assert set(line) == {"source", "width", "height", "model_id", "error", "faces", "timings_ms"}
    assert (line["width"], line["height"], line["error"]) == (1280, 384, None)
    assert set(line["timings_ms"]) == {"decode", "detect", "align", "embed", "match"}
    assert len(line["faces"]) == 5
    assert sorted(face["name"] for face in line["faces"] if face["name"]) == ["Albert Einstein", "Grace Hopper"]
    written = {"box", "score", "landmarks", "person_id", "name", "similarity", "confidence", "runner_up"}
    for face in line["faces"]:
        assert set(face) == written
        assert (face["person_id"] is None) == (face["name"] is None)
        assert len(face["landmarks"]) == 5
        assert 0 <= face["confidence"] <= 1
        assert face["box"][0] < face["box"][2] <= 1290
    assert (tmp_path / "named" / "group.jpg").stat().st_size > 10_000

    assert [person["name"] for person in run("people", "ls", "--json").json] == ["Albert Einstein", "Grace Hopper"]
    assert run("people", "rename", "grace hopper", "Admiral Hopper").code == 0
    assert "Admiral Hopper" in run("infer", HOPPER).stdout
    forgotten = run("forget", "Admiral Hopper", "--everywhere", "--json")
    assert forgotten.code == 0, forgotten.stderr
    assert run("infer", HOPPER).stdout.endswith("official_1984.jpg: unknown\n")
    assert [person["name"] for person in run("people", "ls", "--json").json] == ["Albert Einstein"]


def test_every_input_gets_a_line_and_one_bad_one_makes_exit_code_1(run: Run, tmp_path: Path) -> None:
    run("enroll", "Grace Hopper", HOPPER)
    odd = tmp_path / "a b\nü.jpg"
    shutil.copy(HOPPER, odd)
    (tmp_path / "text.jpg").write_text("no picture")
    (tmp_path / "empty.jpg").write_bytes(b"")
    (tmp_path / "half.jpg").write_bytes(HOPPER.read_bytes()[:20_000])
    sources = (odd, "text.jpg", "empty.jpg", "half.jpg", "none.jpg", "*.gif")
    ran = run("infer", *sources, "--json")
    assert ran.code == 1
    assert [line["error"] is None for line in ran.lines] == [True, False, False, False, False, False]
    assert [line["source"] for line in ran.lines] == [str(odd), *sources[1:]]
    assert ran.lines[0]["faces"][0]["name"] == "Grace Hopper"
    assert "Traceback" not in ran.stderr


def test_infer_without_a_bundle_says_what_to_do(run: Run) -> None:
    ran = run("infer", HOPPER)
    assert ran.code == 4
    assert "holds no bundle" in ran.stderr
    assert "actorrec enroll" in ran.stderr
    assert ran.stdout == ""


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("enroll", "Somebody"), 2),
        (("enroll", "Somebody", "none.jpg"), 1),
        (("enroll", "--from", "none"), 1),
        (("infer", "x.jpg", "--bundle", "none.zip"), 4),
        (("infer", "x.jpg", "--config", "none.yaml"), 2),
        (("infer",), 2),
        (("models", "fetch", "nonesuch"), 2),
        (("people", "rename", "nobody", "somebody"), 4),
        (("build-dataset", "none"), 1),
        (("train",), 4),
        (("convert-tflite",), 4),
        (("build-dataset", "none", "--detector", "nonesuch"), 2),
        (("infer", "x.jpg", "--store", "s3x://bucket"), 2),
    ],
)
def test_a_user_error_is_a_line_and_an_exit_code(run: Run, arguments: tuple[str, ...], code: int) -> None:
    ran = run(*arguments)
    assert ran.code == code, ran.stderr
    assert "Traceback" not in ran.stderr
    assert ran.stderr.strip()


def test_json_errors_are_json(run: Run) -> None:
    ran = run("train", "--json")
    assert ran.code == 4
    assert ran.json["exit_code"] == 4
    assert "build-dataset" in ran.json["hint"]


def test_doctor_and_version(run: Run) -> None:
    assert run("--version").stdout.startswith("actorrec ")
    found = run("doctor", "--json").json
    assert found["commands"]["build-dataset, enroll, forget, people, infer, compare, sbom"]["ready"] is True


def test_config_show_tells_sources_and_init_writes_what_it_reads(run: Run, tmp_path: Path) -> None:
    shown = run("config", "show", "--json", ACTORREC_TRAINING__EPOCHS="3").json
    assert shown["settings"]["training"]["epochs"] == 3
    assert shown["sources"] == {"training.epochs": "environment ACTORREC_TRAINING__EPOCHS"}
    assert run("config", "init", "mine.yaml").code == 0
    again = run("config", "show", "--json", "--config", "mine.yaml").json
    assert again["settings"] == run("config", "show", "--json").json["settings"]
    assert run("config", "init", "mine.yaml").code == 2
