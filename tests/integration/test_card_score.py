"""The score in a bundle's card, measured on real faces: where it comes from, and what takes it away."""

import json
import shutil
from dataclasses import dataclass
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from actorrec.artifacts.catalog import find_manifest, load_manifest
from actorrec.artifacts.digest import file_sha256
from actorrec.artifacts.lineage import trace
from actorrec.artifacts.local import LocalStore
from actorrec.cli.app import app
from actorrec.config import Config
from actorrec.enrolment.enrol import enrol
from actorrec.enrolment.people import forget, merge, rename
from actorrec.errors import ConfigError, DataError
from actorrec.evaluation.evaluate import evaluate
from actorrec.evaluation.into_card import score_of, with_score
from actorrec.manifests.bundle import BundleManifest
from actorrec.manifests.evaluation import EvaluationReport
from actorrec.progress import SilentProgress
from actorrec.recognition.bundle import open_bundle
from actorrec.recognition.recogniser import load_recogniser
from actorrec.recognition.stored_bundle import open_stored
from real_faces import data_dir

LEARNED, PEOPLE = 2, 3


@dataclass(frozen=True, slots=True, eq=False)
class Ground:
    """A store with a bundle that knows three people, two other photos of each, and four strangers."""

    store: LocalStore
    bundle: BundleManifest
    photos: Path
    strangers: Path

    def measured(self) -> EvaluationReport:
        recogniser = load_recogniser(open_stored(self.store, self.bundle), num_threads=1)
        return evaluate(recogniser, self.photos, self.strangers)

    def scored(self) -> BundleManifest:
        score = score_of(self.measured())
        return with_score(open_stored(self.store, self.bundle), self.bundle, score, store=self.store, config=Config())


def _people() -> list[Path]:
    return sorted((data_dir() / "lfw_dev" / "people").iterdir())[:PEOPLE]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Ground:
    folder = tmp_path_factory.mktemp("scored")
    store = LocalStore(folder / "store")
    known = {person.name: sorted(person.glob("*.jpg"))[:LEARNED] for person in _people()}
    bundle = enrol(store, Config(), known, progress=SilentProgress()).manifest
    photos, strangers = folder / "photos", folder / "strangers"
    for person in _people():
        (photos / person.name).mkdir(parents=True)
        for path in sorted(person.glob("*.jpg"))[LEARNED : LEARNED + 2]:
            shutil.copy(path, photos / person.name)
    strangers.mkdir()
    for path in sorted((data_dir() / "lfw_dev" / "strangers").rglob("*.jpg"))[:4]:
        shutil.copy(path, strangers)
    return Ground(store, bundle, photos, strangers)


@pytest.fixture
def ground(made: Ground, tmp_path: Path) -> Ground:
    """A copy that a test may change."""
    for name in ("store", "photos", "strangers"):
        shutil.copytree(made.photos.parent / name, tmp_path / name)
    store = LocalStore(tmp_path / "store")
    bundle = load_manifest(store, BundleManifest, made.bundle.key)
    return Ground(store, bundle, tmp_path / "photos", tmp_path / "strangers")


def test_the_score_goes_into_a_new_bundle_with_lineage(ground: Ground) -> None:
    report, scored = ground.measured(), ground.scored()
    assert ground.bundle.card.evaluation is None
    score = scored.card.evaluation
    assert score is not None and score.set_digest == report.set_digest
    assert (score.top1, score.tpir, score.fpir) == (report.top1, report.tpir, report.fpir)
    assert score.top1.n == 2 * PEOPLE and score.fpir is not None and score.fpir.n == 4
    assert score.target_fpir == ground.bundle.card.calibration.target_fpir
    assert scored.inputs == {ground.bundle.ref: ground.bundle.content_digest()}
    assert [each.ref for each in trace(ground.store, scored.inputs).found] == [ground.bundle.ref]
    assert open_stored(ground.store, scored).card == scored.card
    assert scored.content_digest() != ground.bundle.content_digest()
    # Measured again it is no newer model, and nothing else of it changed.
    changed = {"evaluation", "inputs", "produced_by"}
    assert scored.card.model_dump(exclude=changed) == ground.bundle.card.model_dump(exclude=changed)


def test_the_same_again_is_the_same_artifact(ground: Ground) -> None:
    scored = ground.scored()
    assert ground.scored().ref == scored.ref
    again = Ground(ground.store, scored, ground.photos, ground.strangers).scored()
    assert again.ref == scored.ref and again.content_digest() == scored.content_digest()


def test_the_digest_knows_pictures_labels_and_strangers_but_no_file_names(ground: Ground) -> None:
    before = ground.measured().set_digest
    first, second = (ground.photos / person.name for person in _people()[:2])
    picture = sorted(first.iterdir())[0]
    renamed = picture.rename(picture.with_name("zz other name.jpg"))
    (ground.strangers / "deep").mkdir()
    stranger = sorted(ground.strangers.glob("*.jpg"))[0]
    stranger.rename(ground.strangers / "deep" / "elsewhere.jpg")
    assert before is not None and ground.measured().set_digest == before

    moved = renamed.rename(second / renamed.name)
    label = ground.measured().set_digest
    moved.rename(renamed)
    renamed.write_bytes(renamed.read_bytes() + b"\0")  # the same pixels; another file all the same
    picture_changed = ground.measured().set_digest
    renamed.write_bytes(renamed.read_bytes()[:-1])
    assert ground.measured().set_digest == before
    sorted(ground.strangers.glob("*.jpg"))[0].unlink()
    assert len({before, label, picture_changed, ground.measured().set_digest}) == 4


def test_the_digest_is_the_sets_own_whoever_is_known(ground: Ground) -> None:
    """A model that knows one of them less is measured on the same set; how many of it are known is in the rates."""
    whole = score_of(ground.measured())
    fewer = forget(ground.store, Config(), _people()[0].name, base=ground.bundle).manifest
    rest = score_of(Ground(ground.store, fewer, ground.photos, ground.strangers).measured())
    assert rest.set_digest == whole.set_digest and rest.fpir is not None
    assert (rest.top1.n, rest.fpir.n) == (2 * PEOPLE - 2, 6)


def test_whatever_changes_who_is_known_drops_the_score(ground: Ground) -> None:
    scored = ground.scored()
    first, second, third = (person.name for person in _people())
    more = sorted((ground.photos / first).glob("*.jpg"))
    changes = [
        enrol(ground.store, Config(), {first: more}, base=scored, progress=SilentProgress()).manifest,
        forget(ground.store, Config(), first, base=scored).manifest,
        rename(ground.store, Config(), second, "Somebody Else", base=scored),
        merge(ground.store, Config(), second, third, base=scored),
    ]
    assert scored.card.evaluation is not None
    assert [changed.card.evaluation for changed in changes] == [None] * 4


def test_enrolling_what_is_known_already_keeps_it(ground: Ground) -> None:
    scored, first = ground.scored(), _people()[0]
    learned = sorted(first.glob("*.jpg"))[:LEARNED]
    report = enrol(ground.store, Config(), {first.name: learned}, base=scored, progress=SilentProgress())
    assert not report.changed and report.manifest.card.evaluation == scored.card.evaluation


def test_a_set_that_is_not_whole_gives_no_score(ground: Ground) -> None:
    report = ground.measured()
    with pytest.raises(DataError, match=r"cannot be opened \(Ada \(closed\)\)"):
        score_of(report.model_copy(update={"set_digest": None, "unlisted": ["Ada (closed)"]}))
    (sorted(ground.strangers.glob("*.jpg"))[0]).unlink()
    for person in _people():
        shutil.rmtree(ground.photos / person.name)
    (ground.photos / "Nobody").mkdir()
    shutil.copy(sorted(ground.strangers.glob("*.jpg"))[0], ground.photos / "Nobody")
    with pytest.raises(DataError, match="nobody that the bundle knows"):
        score_of(ground.measured())


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, arguments, env={"COLUMNS": "200"})


def test_the_command_commits_copies_and_says_so(ground: Ground, tmp_path: Path) -> None:
    store = ["--store", str(ground.store.uri)]
    sets = ["--photos", str(ground.photos), "--unknowns", str(ground.strangers), "--report", str(tmp_path / "r.html")]
    out = tmp_path / "scored.zip"
    answer = run("evaluate", *store, "--json", *sets, "--into-card", "--out", str(out))
    assert answer.exit_code == 0, answer.stderr
    told = json.loads(answer.stdout)
    made = find_manifest(ground.store, BundleManifest, told["bundle"].partition("/")[2])
    assert made is not None and made.inputs == {ground.bundle.ref: ground.bundle.content_digest()}
    score = open_bundle(out).card.evaluation
    assert score is not None and score == made.card.evaluation and score.set_digest == told["set_digest"]
    assert file_sha256(out) == made.digests[made.bundle_file]
    # A file that was copied out of the store is known by its contents: the lineage is the same.
    plain = tmp_path / "plain.zip"
    shutil.copy(ground.store.local_path(f"{ground.bundle.ref}/{ground.bundle.bundle_file}"), plain)
    answer = run("evaluate", str(plain), *store, "--json", *sets, "--into-card")
    assert json.loads(answer.stdout)["bundle"] == made.ref


@pytest.mark.parametrize(
    ("flags", "says"),
    [
        (["--out", "x.zip"], "--out is of the bundle that --into-card makes"),
        (["--into-card", "--target-fpir", "0.1"], "--into-card goes without --target-fpir"),
    ],
)
def test_flags_that_do_not_go_together(made: Ground, flags: list[str], says: str, tmp_path: Path) -> None:
    command = ["evaluate", "--store", str(made.store.uri), "--photos", str(made.photos)]
    answer = run(*command, "--report", str(tmp_path / "r.html"), *flags)
    assert answer.exit_code == ConfigError.exit_code and says in answer.stderr
