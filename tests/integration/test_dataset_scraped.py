"""Data sets of scraped pictures: where each came from is kept, wherever the set was copied to."""

import logging
import shutil
from datetime import timedelta
from pathlib import Path

import pytest
from PIL import Image

from actorrec.artifacts.local import LocalStore
from actorrec.config import Config
from actorrec.dataset.build import build_dataset
from actorrec.errors import ArtifactError, DataError
from actorrec.manifests.dataset import DatasetManifest
from actorrec.manifests.images import RECORDS_NAME
from scraped_sets import WHEN, scraped_set

SMITH, DUNST = ("Q40096", "Will Smith"), ("Q76478", "Kirsten Dunst")
PHOTOS = 5


@pytest.fixture(scope="module")
def pictures(test_data: Path) -> dict[tuple[str, str], list[Path]]:
    """Five photos of each of two people."""
    return {
        person: sorted((test_data / "actors" / person[1].replace(" ", "_")).glob("*.jpg"))[:PHOTOS]
        for person in (SMITH, DUNST)
    }


@pytest.fixture(scope="module")
def store(pictures: dict[tuple[str, str], list[Path]], tmp_path_factory: pytest.TempPathFactory) -> LocalStore:
    """A store with one scraped set."""
    found = LocalStore(tmp_path_factory.mktemp("store"))
    scraped_set(found, pictures)
    return found


def origins(manifest: DatasetManifest) -> set[tuple[str | None, ...]]:
    return {
        (i.person_id, i.url, i.page, i.licence, i.licence_url, i.author, str(i.fetched_at)) for i in manifest.images
    }


def test_the_newest_scraped_set_is_taken_when_nothing_is_named(store: LocalStore) -> None:
    manifest = build_dataset([], Config(), store=store)
    assert [(person.person_id, person.name) for person in manifest.people] == [SMITH, DUNST]
    assert manifest.people[0].external_ids == {"wikidata": SMITH[0]}
    assert len(manifest.images) == 2 * PHOTOS == len(manifest.faces)
    for image in manifest.images:
        name = image.path.split("/")[1]
        assert image.path.startswith(("Will_Smith_Q40096/", "Kirsten_Dunst_Q76478/")), name
        assert (image.licence, image.author, image.fetched_at) == ("CC BY-SA 4.0", "A. Photographer", WHEN)
        assert image.url is not None and image.page is not None and image.licence_url is not None
    assert list(manifest.inputs) == ["images/abcd"]
    for reference in ("images", "images/abcd", "images/newest"):
        assert build_dataset([Path(reference)], Config(), store=store) == manifest


def test_a_copied_folder_is_read_with_its_records(store: LocalStore, tmp_path: Path) -> None:
    whole = build_dataset([], Config(), store=store)
    shutil.copytree(Path(store.uri) / "images" / "abcd", tmp_path / "copy")
    copied = build_dataset([tmp_path / "copy"], Config(), store=LocalStore(tmp_path / "s1"))
    assert (origins(copied), copied.people) == (origins(whole), whole.people)
    assert {image.path for image in copied.images} == {image.path for image in whole.images}, "records are no photos"
    (tmp_path / "copy" / "manifest.json").unlink()
    (tmp_path / "copy" / "Will_Smith_Q40096").rename(tmp_path / "copy" / "Actor One")
    bare = build_dataset([tmp_path / "copy"], Config(), store=LocalStore(tmp_path / "s2"))
    assert origins(bare) == origins(whole)
    assert [(person.person_id, person.name) for person in bare.people] == [SMITH, DUNST]


def test_renamed_files_are_known_by_content_and_changed_ones_keep_their_licence(
    store: LocalStore, tmp_path: Path, test_data: Path, caplog: pytest.LogCaptureFixture
) -> None:
    shutil.copytree(Path(store.uri) / "images" / "abcd", tmp_path / "copy")
    folder = tmp_path / "copy" / "Will_Smith_Q40096"
    (folder / "Will_Smith_0001.jpg").rename(folder / "best.jpg")
    with Image.open(folder / "Will_Smith_0002.jpg") as image:
        image.crop((0, 0, image.width, image.height - 9)).save(folder / "Will_Smith_0002.jpg", quality=90)
    shutil.copy(sorted((test_data / "actors" / "Will_Smith").glob("*.jpg"))[PHOTOS], folder / "mine.jpg")
    (folder / "Will_Smith_0003.jpg").unlink()
    with caplog.at_level(logging.WARNING):
        manifest = build_dataset([tmp_path / "copy"], Config(), store=LocalStore(tmp_path / "s"))
    by_name = {image.path.removeprefix("Will_Smith_Q40096/"): image for image in manifest.images}
    assert by_name["best.jpg"].url is not None
    assert by_name["Will_Smith_0002.jpg"].licence == "CC BY-SA 4.0", "an edited picture is not the user's own"
    assert (by_name["mine.jpg"].licence, by_name["mine.jpg"].url) == ("user-supplied", None)
    assert by_name["mine.jpg"].person_id == SMITH[0]
    assert "Will_Smith_Q40096: 1 pictures were changed" in caplog.text


@pytest.mark.parametrize(
    ("damage", "complaint"),
    [
        (lambda text: text[: len(text) // 2], r"images\.jsonl:3: "),
        (lambda text: text.replace('"url"', '"uri"', 1), r"images\.jsonl:1: "),
        (lambda text: text.replace('"person_id":"Q40096"', '"person_id":"Q1"', 1), r"several people: Q1, Q40096"),
        (lambda text: "\udcff" + text, r"images\.jsonl:1: "),
    ],
)
def test_damaged_records_are_a_clear_error(store: LocalStore, tmp_path: Path, damage: object, complaint: str) -> None:
    shutil.copytree(Path(store.uri) / "images" / "abcd", tmp_path / "copy")
    path = tmp_path / "copy" / "Will_Smith_Q40096" / RECORDS_NAME
    path.write_bytes(damage(path.read_text()).encode("utf-8", "surrogateescape"))  # type: ignore[operator]
    with pytest.raises(DataError, match=complaint) as caught:
        build_dataset([tmp_path / "copy"], Config(), store=LocalStore(tmp_path / "s"))
    assert caught.value.hint


def test_own_folders_join_the_scraped_person_of_their_name(
    store: LocalStore, tmp_path: Path, test_data: Path, pictures: dict[tuple[str, str], list[Path]]
) -> None:
    own = {"will_SMITH": "Will_Smith", "q76478": "Kirsten_Dunst", "Adam Brody": "Adam_Brody"}
    for folder, actor in own.items():
        (tmp_path / "own" / folder).mkdir(parents=True)
        for path in sorted((test_data / "actors" / actor).glob("*.jpg"))[PHOTOS : PHOTOS + 2]:
            shutil.copy(path, tmp_path / "own" / folder)
    manifest = build_dataset([Path("images/abcd"), tmp_path / "own"], Config(), store=store)
    mine = {image.path.split("/")[0]: image for image in manifest.images if image.licence == "user-supplied"}
    assert {folder: image.person_id for folder, image in mine.items()} == {
        "will_SMITH": SMITH[0],
        "q76478": DUNST[0],
        "Adam Brody": "Adam Brody",
    }
    assert {person.name for person in manifest.people} == {"Will Smith", "Kirsten Dunst", "Adam Brody"}
    twice = LocalStore(tmp_path / "s")
    both = {("Q1", "Will Smith"): pictures[SMITH], ("Q2", "Will Smith"): pictures[DUNST]}
    scraped_set(twice, both)
    unsure = build_dataset([Path("images"), tmp_path / "own"], Config(), store=twice)
    assert {image.person_id for image in unsure.images} == {"Q1", "Q2", "will_SMITH", "q76478", "Adam Brody"}


def test_licences_count_and_times_do_not(
    store: LocalStore, tmp_path: Path, pictures: dict[tuple[str, str], list[Path]]
) -> None:
    first = build_dataset([], Config(), store=store)
    later, other = LocalStore(tmp_path / "later"), LocalStore(tmp_path / "other")
    scraped_set(later, pictures, fetched_at=WHEN + timedelta(days=3))
    scraped_set(other, pictures, licence="unknown")
    again = build_dataset([], Config(), store=later)
    assert (again.key, again.content_digest()) == (first.key, first.content_digest())
    assert again.images[0].fetched_at != first.images[0].fetched_at
    changed = build_dataset([], Config(), store=other)
    assert changed.key != first.key and changed.content_digest() != first.content_digest()


class FarStore(LocalStore):
    """A store whose files have other names, and nothing around them, once they are on this machine."""

    def __init__(self, root: Path, cache: Path) -> None:
        super().__init__(root)
        self._cache = cache

    def local_path(self, name: str) -> Path:
        self._cache.mkdir(exist_ok=True)
        return Path(shutil.copy(super().local_path(name), self._cache / name.replace("/", "@")))


def test_a_store_that_is_far_away_serves_as_well(store: LocalStore, tmp_path: Path) -> None:
    shutil.copytree(Path(store.uri) / "images", tmp_path / "far" / "images")
    far = build_dataset([], Config(), store=FarStore(tmp_path / "far", tmp_path / "cache"))
    assert far.content_digest() == build_dataset([], Config(), store=store).content_digest()


def test_damage_in_the_store_is_counted_and_a_missing_file_told(store: LocalStore, tmp_path: Path) -> None:
    shutil.copytree(Path(store.uri) / "images", tmp_path / "images")
    hurt = LocalStore(tmp_path)
    damaged = tmp_path / "images" / "abcd" / "Will_Smith_Q40096" / "Will_Smith_0001.jpg"
    damaged.write_bytes(damaged.read_bytes()[:-100])
    manifest = build_dataset([], Config(), store=hurt)
    assert [(i.path, i.outcome) for i in manifest.images if i.reason == "changed"] == [
        ("Will_Smith_Q40096/Will_Smith_0001.jpg", "failed")
    ]
    damaged.unlink()
    with pytest.raises(ArtifactError, match=r"Will_Smith_0001\.jpg does not exist"):
        build_dataset([], Config(), store=hurt)


def test_nothing_given_and_nothing_scraped_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no photos were given") as caught:
        build_dataset([], Config(), store=LocalStore(tmp_path))
    assert "actorrec scrape" in caught.value.hint
    with pytest.raises(ArtifactError, match="no images 'images/beef'"):
        build_dataset([Path("images/beef")], Config(), store=LocalStore(tmp_path))


def test_pictures_of_one_page_lie_on_one_side(tmp_path: Path, test_data: Path) -> None:
    people = ("Aaron_Eckhart", "Adam_Brody", "Bradley_Cooper")
    photos = {(name, name): sorted((test_data / "actors" / name).glob("*.jpg"))[:12] for name in people}
    config = Config.model_validate({"dataset": {"test_share": 0.4}})
    manifest = scraped_set(LocalStore(tmp_path / "plain"), photos)
    page_of = {
        image.sha256: f"https://news.example/{image.person_id}/{n % 5}" for n, image in enumerate(manifest.images)
    }
    free = build_dataset([], config, store=LocalStore(tmp_path / "plain"))
    assert any(len(sides) == 2 for sides in sides_of_pages(free, page_of).values()), "the split alone tears them apart"
    scraped_set(LocalStore(tmp_path / "paged"), photos)
    images = [image.model_copy(update={"page": page_of[image.sha256]}) for image in manifest.images]
    paged = manifest.model_copy(update={"images": images})
    (tmp_path / "paged" / "images" / "abcd" / "manifest.json").write_text(paged.model_dump_json())
    built = build_dataset([], config, store=LocalStore(tmp_path / "paged"))
    assert all(len(sides) == 1 for sides in sides_of_pages(built, page_of).values())
    assert {face.split for face in built.faces} == {"train", "test"}


def test_a_page_that_shows_all_of_a_person_does_not_keep_them_from_being_tested(
    tmp_path: Path, pictures: dict[tuple[str, str], list[Path]]
) -> None:
    scraped_set(LocalStore(tmp_path), pictures, source="tmdb", page="https://www.themoviedb.org/person/1")
    assert build_dataset([], Config(), store=LocalStore(tmp_path)).not_measured == []


def sides_of_pages(manifest: DatasetManifest, page_of: dict[str, str]) -> dict[str, set[str]]:
    sides: dict[str, set[str]] = {}
    for face in manifest.faces:
        sides.setdefault(page_of[face.image_sha256], set()).add(face.split)
    return sides


def test_the_takedown_list_is_honoured(store: LocalStore, tmp_path: Path) -> None:
    before = build_dataset([], Config(), store=store)
    first, second = before.images[0], before.images[1]
    lines = [f"person {DUNST[0]}", f"url {first.url}", f"sha256 {second.sha256}"]
    (tmp_path / "list.txt").write_text("\n".join(lines))
    config = Config.model_validate({"rights": {"takedown": str(tmp_path / "list.txt")}})
    after = build_dataset([], config, store=store)
    gone = [image for image in after.images if image.reason == "taken-down"]
    assert {image.path for image in gone} == {first.path, second.path} | {
        image.path for image in before.images if image.person_id == DUNST[0]
    }
    assert {(image.outcome, image.sha256, image.url) for image in gone} == {("dropped", None, None)}
    assert len(after.faces) == PHOTOS - 2 and after.key != before.key
    names = list(store.names(f"dataset/{after.key}"))
    assert not any(
        str(image.sha256)[:16] in name for image in before.images if image.person_id == DUNST[0] for name in names
    )


def test_only_free_pictures_are_taken_where_that_is_asked_for(
    tmp_path: Path, pictures: dict[tuple[str, str], list[Path]]
) -> None:
    store, own = LocalStore(tmp_path / "store"), tmp_path / "own"
    scraped_set(store, {DUNST: pictures[DUNST]}, key="free")
    scraped_set(store, {DUNST: pictures[SMITH][:3]}, key="closed", licence="CC BY-NC 2.0")
    (own / "Kirsten Dunst").mkdir(parents=True)
    shutil.copy(pictures[SMITH][4], own / "Kirsten Dunst" / "mine.jpg")
    config = Config.model_validate({"dataset": {"free_only": True, "wrong_person": "keep"}})
    built = build_dataset([Path("images/free"), Path("images/closed"), own], config, store=store)
    gone = [image for image in built.images if image.reason == "restricted-licence"]
    assert len(gone) == 3 and {(image.outcome, image.licence) for image in gone} == {("dropped", "CC BY-NC 2.0")}
    kept = {image.licence for image in built.images if image.outcome in ("kept", "flagged")}
    assert kept == {"CC BY-SA 4.0", "user-supplied"}
