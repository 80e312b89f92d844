"""``infer`` keeps faces without a name only when told to, says so, and ``forget --unknowns`` deletes them."""

from pathlib import Path

import pytest

from .conftest import EXAMPLES, Ran, Run

PEOPLE = sorted(folder for folder in (EXAMPLES / "people").iterdir() if folder.is_dir())


def listing(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture
def taught(run: Run) -> Run:
    """A store that knows the first person of the examples."""
    assert run("enroll", "First", PEOPLE[0], "--store", "s").code == 0
    return run


def stranger_seen(run: Run, *arguments: str, **environ: str) -> Ran:
    done = run("infer", PEOPLE[1], "--store", "s", "--json", *arguments, **environ)
    assert done.code == 0, done.stderr
    assert all(face["name"] is None for line in done.lines for face in line["faces"])
    return done


def test_nothing_is_written_unless_asked_for(taught: Run, tmp_path: Path) -> None:
    before = listing(tmp_path)
    assert "unknown" not in stranger_seen(taught).stderr
    assert listing(tmp_path) == before


@pytest.mark.parametrize("by_flag", [True, False])
def test_faces_are_kept_counted_and_deleted(taught: Run, tmp_path: Path, by_flag: bool) -> None:
    turned_on = ((), {"ACTORREC_UNKNOWNS__KEEP": "true"}) if not by_flag else (("--keep-unknowns",), {})
    photos = len(list(PEOPLE[1].glob("*.jpg")))
    done = stranger_seen(taught, *turned_on[0], **turned_on[1])
    assert f"kept {photos} new unknown faces in s; `actorrec review` shows them" in done.stderr
    assert len(list((tmp_path / "s" / "unknowns").iterdir())) == 2 * photos
    assert "kept 0 new" in stranger_seen(taught, *turned_on[0], **turned_on[1]).stderr
    assert taught("forget", "--unknowns", "--store", "s", "--json").json == {"unknowns_deleted": photos}
    assert list((tmp_path / "s" / "unknowns").iterdir()) == []


@pytest.mark.parametrize("arguments", [(), ("First", "--unknowns")])
def test_forget_wants_a_name_or_the_unknowns(taught: Run, arguments: tuple[str, ...]) -> None:
    done = taught("forget", *arguments, "--store", "s")
    assert done.code == 2 and "either NAME or --unknowns" in done.stderr
