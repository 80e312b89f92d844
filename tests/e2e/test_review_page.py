"""The review page in a real Chromium, by keyboard alone; the browser must have nothing to complain of in any test."""

import hashlib
import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import numpy as np
import pytest

from actorrec.artifacts.local import LocalStore
from actorrec.artifacts.unknowns import UnknownShelf
from actorrec.manifests.unknowns import UnknownFace
from actorrec.sections import UnknownsSection
from review_server import Reviewing, reviewing
from review_sets import HOSTILE, commit_set, entry, jpeg, sha, small_set

playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="chromium is not installed (Debian: apt-get install chromium)")
ARGUMENTS = [
    "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking", "--disable-component-update",
    "--disable-default-apps", "--disable-sync", "--disable-dev-shm-usage",
]  # fmt: skip


@dataclass
class Seen:
    """A page and all that went on behind it."""

    page: Any
    store: Path
    server: Reviewing
    complaints: list[str] = field(default_factory=list)
    elsewhere: list[str] = field(default_factory=list)

    def press(self, *keys: str) -> None:
        for key in keys:
            self.page.keyboard.press(key)

    def said(self, text: str) -> None:
        """Wait until the page says it."""
        self.page.locator("#told", has_text=text).wait_for()

    @property
    def events(self) -> list[dict[str, Any]]:
        """The log as it lies on the disk."""
        return [json.loads(path.read_text()) for path in sorted((self.store / "review" / "log").glob("*.json"))]

    @property
    def states(self) -> list[list[Any]]:
        return list(self.server.get("api/board").json["states"])

    def texts(self, selector: str) -> list[str]:
        return [text.strip() for text in self.page.locator(selector).all_inner_texts()]

    @property
    def current(self) -> int:
        """Number of the picture that has the focus."""
        return int(self.page.evaluate("document.activeElement.dataset.id ?? -1"))

    @property
    def current_id(self) -> str:
        """Of the unknown face that has the focus."""
        return str(self.page.evaluate("document.activeElement.dataset.id"))

    @property
    def selected(self) -> set[int]:
        chosen = self.page.locator('.tile[aria-selected="true"]')
        return {int(each) for each in chosen.evaluate_all("all => all.map(each => each.dataset.id)")}


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with playwright.sync_playwright() as running:
        chromium = running.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield chromium
        chromium.close()


def watched(browser: Any, store: Path, server: Reviewing, address: str = "") -> Iterator[Seen]:
    context = browser.new_context(viewport={"width": 1280, "height": 800})
    context.set_default_timeout(120_000)
    page = context.new_page()
    seen = Seen(page, store, server)
    page.on("console", lambda message: seen.complaints.append(f"{message.type}: {message.text}"))
    page.on("pageerror", lambda error: seen.complaints.append(str(error)))
    page.on("request", lambda asked: _note(seen, asked.url))
    page.goto(server.url + address)
    page.wait_for_selector("body[data-ready]")
    yield seen
    context.close()
    assert seen.complaints == [], "console errors and violations of the policy of content"
    assert seen.elsewhere == [], "requests to another host"


def _note(seen: Seen, url: str) -> None:
    if urlsplit(url).netloc != f"127.0.0.1:{seen.server.port}":
        seen.elsewhere.append(url)


@pytest.fixture
def board(browser: Any, tmp_path: Path) -> Iterator[Seen]:
    small_set(LocalStore(tmp_path))
    with reviewing(tmp_path) as server:
        yield from watched(browser, tmp_path, server)


def test_the_sheet_shows_the_most_suspicious_first_and_hostile_texts_as_text(board: Seen) -> None:
    assert board.current == 0
    assert board.texts(".tile .why")[:4] == ["unlike the others"] * 4
    assert board.texts("#people .name")[:2] == ["Everybody", HOSTILE]
    counts = board.page.locator("#people button").nth(2).get_attribute("aria-label")
    assert counts == "Albert Einstein: 5 kept, 1 to look at, 6 in all"
    assert board.page.evaluate("Promise.all([...document.images].map(image => image.decode())).then(() => true)")
    board.press(*["ArrowRight"] * 4, "Enter")
    board.page.locator("aside dd", has_text=HOSTILE).first.wait_for()
    assert board.page.locator("img[onerror]").count() == 0
    assert board.page.title() == f"Review of {board.server.get('api/board').json['dataset']}"
    links = board.page.locator("aside a")
    assert links.evaluate_all("all => all.map(each => [each.href, each.rel, each.target])") == [
        ["https://example.org/picture.jpg", "noopener noreferrer", "_blank"],
        ["https://example.org/licence", "noopener noreferrer", "_blank"],
    ]


def test_keys_move_and_select(board: Seen) -> None:
    columns = board.page.evaluate("document.querySelectorAll('.tile').length && [...document.querySelectorAll('.tile')]"
                                  ".filter(tile => tile.getBoundingClientRect().top === document.querySelector('.tile')"
                                  ".getBoundingClientRect().top).length")  # fmt: skip
    trail = []
    for key in ("ArrowRight", "l", "h", "ArrowLeft", "ArrowDown", "j", "i", "ArrowUp", "End", "Home", "PageDown"):
        board.press(key)
        trail.append(board.current)
    assert trail[:10] == [1, 2, 1, 0, columns, 2 * columns, columns, 0, 25, 0] and trail[10] > columns
    board.press("Home", "x", "ArrowRight", "Space")
    assert board.selected == {0, 1}
    board.press("x")
    assert board.selected == {0}
    board.press("Escape", "Shift+ArrowRight", "Shift+ArrowRight", "Shift+ArrowLeft")
    assert board.selected == {1, 2}
    assert board.texts("#chosen") == ["2 pictures selected"]
    board.press("a")
    assert len(board.selected) == 26
    board.press("a")
    assert board.selected == set()


@pytest.mark.parametrize(
    ("key", "action", "outcome", "said"),
    [
        ("k", "keep", "kept", "Kept 000.jpg"),
        ("d", "drop", "dropped", "Dropped 000.jpg"),
        ("n", "not-them", "dropped", "Not them"),
    ],
)
def test_a_key_decides_on_one_picture_and_goes_on_to_the_next(
    board: Seen, key: str, action: str, outcome: str, said: str
) -> None:
    board.press(key)
    board.said(said)
    assert [event["action"] for event in board.events] == [action]
    assert board.states[0][1:] == [outcome, action, 1]
    assert board.current == 1
    board.page.locator("#changed", has_text="1 changed since the build").wait_for()
    assert "actorrec build-dataset PHOTOS…" in board.texts("#changed")[0]


def test_bulk_undo_and_redo(board: Seen) -> None:
    before = board.states
    board.press("Shift+ArrowRight", "Shift+ArrowRight", "d")
    board.said("Dropped 3 pictures")
    assert len(board.events) == 1 and len(board.events[0]["pictures"]) == 3
    board.press("k")
    board.said("Kept")
    board.press("u", "u")
    board.page.locator("#changed", has_text="Nothing changed").wait_for()
    assert board.states == before
    board.press("u")
    board.said("Nothing to undo")
    board.press("r")
    board.page.locator("#changed", has_text="3 changed since").wait_for()
    board.press("r")
    board.page.locator(".sign.keep").wait_for()
    board.press("r")
    board.said("Nothing to redo")
    assert [event["action"] for event in board.events] == ["drop", "keep", "undo", "undo", "undo", "undo"]


def test_move_to_somebody_known_and_to_somebody_new(board: Seen) -> None:
    board.press("m")
    assert board.texts("#names [role=option] span:first-child")[0] == "Hedy Lamarr", "whom it looks nearer to, first"
    board.page.keyboard.type("tésl")
    assert board.texts("#names [role=option]")[0].startswith("Nikola Tesla")
    board.press("Enter")
    board.said("Moved 000.jpg to Nikola Tesla")
    board.press("Home", "Shift+ArrowRight", "m")
    board.page.keyboard.type(HOSTILE.replace("/", "") + " II")
    board.press("Enter")
    board.said("Moved 2 pictures to")
    assert [event["to"] for event in board.events] == ["Nikola_Tesla", HOSTILE + " II"]
    assert HOSTILE + " II" in board.texts("#people .name")


def test_pick_by_number_and_the_others_by_their_box(board: Seen) -> None:
    board.press("p")
    board.said("Press the number of the face: 1 to 5")
    board.page.locator(".box.chosen[aria-label^='Face 2']").wait_for()
    board.press("4")
    board.page.locator(".box.chosen[aria-label^='Face 4']").wait_for()
    board.page.locator(".box[aria-label^='Face 1']").press("Enter")
    board.page.locator(".box.chosen[aria-label^='Face 1']").wait_for()
    boxes = [event["pictures"][0]["box"] for event in board.events]
    assert boxes[0][0] > boxes[1][0] == 0 and {event["action"] for event in board.events} == {"pick"}


def test_merge_asks_first(board: Seen) -> None:
    board.press("]", "]", "]")
    assert board.texts("#whose") == ["Grace Hopper"]
    board.press("g")
    board.page.keyboard.type("hedy")
    board.press("Enter")
    board.page.locator("dialog", has_text="7 pictures of Grace Hopper will be Hedy Lamarr’s").wait_for()
    board.press("Escape")
    assert board.events == []
    board.press("g")
    board.page.keyboard.type("hedy")
    board.press("Enter")
    board.page.locator("dialog .strong").wait_for()
    board.press("Enter")
    board.said("Grace Hopper is Hedy Lamarr now")
    assert board.texts("#whose") == ["Hedy Lamarr"]
    assert "Grace Hopper" not in board.texts("#people .name")
    assert [(event["action"], event["person_id"], event["to"]) for event in board.events] == [
        ("merge", "Grace_Hopper", "Hedy_Lamarr")
    ]
    board.press("u")
    board.page.locator("#people .name", has_text="Grace Hopper").wait_for()


def test_people_are_found_by_keyboard_and_filters_show_what_they_say(board: Seen) -> None:
    board.press("/")
    board.page.keyboard.type("tes")
    board.press("Enter")
    assert board.texts("#whose") == ["Nikola Tesla"]
    assert board.page.evaluate("document.activeElement.classList.contains('tile')")
    shown = []
    for _ in range(4):
        shown.append(len(board.texts(".tile")))
        board.press("f")
    assert shown == [7, 1, 5, 2]
    board.press("/", "ArrowDown", "ArrowDown", "Escape", "K")
    assert board.texts("#whose") == ["Hedy Lamarr"]
    board.press("J")
    assert board.texts("#whose") == ["Nikola Tesla"]


def test_in_the_suspicious_a_decided_picture_leaves_and_the_next_takes_its_place(board: Seen) -> None:
    board.press("f")
    assert len(board.texts(".tile")) == 5
    board.press("k")
    board.said("Kept")
    assert len(board.texts(".tile")) == 4 and board.current == 1
    board.press("a", "d")
    board.said("Dropped 4 pictures")
    assert board.texts("#nothing") == ["Nothing suspicious is left here."]
    board.press("u")
    board.page.locator(".tile").nth(3).wait_for()


def test_the_picture_opens_follows_and_closes(board: Seen) -> None:
    board.press("Enter")
    board.page.locator("aside h2", has_text="Albert Einstein").wait_for()
    facts = board.texts("aside dd")
    assert "unlike the others" in facts and "0.700 with the others" in facts and "Albert_Einstein/000.jpg" in facts
    board.press("ArrowRight")
    board.page.locator("aside h2", has_text="Grace Hopper").wait_for()
    board.press("End")
    board.page.locator("aside", has_text="the file ends early").wait_for()
    board.press("Enter")
    board.page.locator("aside").wait_for(state="hidden")
    assert board.current == 25


def test_the_history_takes_any_change_back(board: Seen) -> None:
    board.press("d")
    board.said("Dropped")
    board.press("k")
    board.said("Kept")
    board.press("H")
    board.page.locator(".history li").nth(1).wait_for()
    assert [text.split("\n")[0] for text in board.texts(".history li")] == [
        "kept 1 picture of Grace Hopper", "dropped 1 picture of Albert Einstein"
    ]  # fmt: skip
    board.press("Tab", "Enter")
    board.page.locator(".history .undone", has_text="dropped").wait_for()
    assert board.events[-1]["undoes"] == 1
    board.press("Enter")
    board.page.locator(".history .undone").wait_for(state="detached")
    board.press("Escape")
    assert board.states[0][1] == "dropped"


def test_every_key_of_the_help_is_there_and_tab_goes_all_round(board: Seen) -> None:
    board.press("?")
    keys = set(board.texts("dialog kbd"))
    assert {"k", "d", "m", "n", "p", "g", "u", "r", "x", "a", "/", "?", "Enter", "[", "]"} <= keys
    board.press("Escape")
    assert board.current == 0, "the focus comes back"
    stops = []
    for _ in range(40):
        board.press("Tab")
        stops.append(board.page.evaluate("document.activeElement.outerHTML.slice(0, 60)"))
        assert board.page.evaluate(
            "document.activeElement === document.body || document.activeElement.matches(':focus-visible')"
        )
    assert len(set(stops)) > 15 and any("tile" in stop for stop in stops[1:])


def test_everything_has_a_name_for_those_who_cannot_see(board: Seen) -> None:
    board.press("Enter")
    board.page.locator(".box").first.wait_for()
    nameless = board.page.evaluate(
        "[...document.querySelectorAll('button, a, input, [role=option], [role=listbox]')]"
        ".filter(each => !(each.getAttribute('aria-label') || each.textContent.trim())).map(each => each.outerHTML)"
    )
    assert nameless == []
    assert board.page.locator("img:not([alt])").count() == 0


def test_a_change_that_was_not_saved_is_told_and_taken_off_the_page(board: Seen) -> None:
    (board.store / "review").write_text("in the way")
    board.press("d")
    board.page.locator("#failed", has_text="Not saved").wait_for()
    assert board.page.locator('.tile[data-id="0"]').get_attribute("class") == "tile in odd very"
    (board.store / "review").unlink()
    board.press("d")
    board.said("Dropped")
    board.server.end()
    board.press("k")
    board.page.locator("#failed", has_text="is `actorrec review` still running?").wait_for()
    assert "changed" not in (board.page.locator(".tile.current").get_attribute("class") or "")
    expected = ("500 (Internal Server Error)", "ERR_CONNECTION_REFUSED")
    assert all(any(each in complaint for each in expected) for complaint in board.complaints)
    board.complaints.clear()


def test_a_page_sees_what_another_wrote_when_it_is_looked_at_again(board: Seen) -> None:
    board.server.post("api/change", {"action": "drop", "pictures": [0, 1]})
    board.press("u")
    board.said("Nothing to undo")
    board.page.evaluate("window.dispatchEvent(new Event('focus'))")
    board.page.locator("#changed", has_text="2 changed since the build").wait_for()
    board.press("u")
    board.page.locator("#changed", has_text="Nothing changed").wait_for()


def test_a_face_beyond_the_picture_and_a_name_that_turns_text_round_can_be_read(browser: Any, tmp_path: Path) -> None:
    wide = ((-30.0, -20.0, 430.0, 520.0), (100.0, 100.0, 200.0, 200.0))
    entries = [entry("Ada", 1, box=wide[0], boxes=wide, author="Bea\u202egpj"), entry("Bea", 2)]
    commit_set(
        LocalStore(tmp_path),
        {"Ada": "\u202eadA", "Bea": "Bea"},
        entries,
        jpeg("group.jpg", 128),
        jpeg("group.jpg", 640),
    )
    with reviewing(tmp_path) as server:
        for seen in watched(browser, tmp_path, server):
            seen.press("]", "Enter")
            seen.page.locator(".box .number").nth(1).wait_for()
            seen.page.evaluate("document.querySelector('.whole-picture img').decode()")
            frame, box = (seen.page.locator(each).first.bounding_box() for each in (".whole-picture", ".box"))
            assert box == frame
            names = seen.texts("#people .name") + seen.texts("#whose") + seen.texts("aside dd")
            assert "\\u202eadA" in names and "Bea\\u202egpj" in names
            seen.press("g", "Enter")
            seen.page.locator("dialog .strong").wait_for()
            assert "\u202e" not in seen.page.content()
            seen.press("Enter")
            seen.page.locator("#told", has_text="is ").wait_for()
    assert [(event["action"], event["person_id"], event["to"]) for event in seen.events] == [("merge", "Ada", "Bea")]


def test_ten_thousand_pictures_are_as_few_elements_as_a_hundred(browser: Any, tmp_path: Path) -> None:
    entries = [entry(f"p{number % 25:02d}", number, suspicion=(number % 100) / 100) for number in range(10_000)]
    people = {f"p{number:02d}": f"Person {number}" for number in range(25)}
    store = LocalStore(tmp_path)
    # Pictures that could not be read: ten thousand files would only take time to write.
    commit_set(
        store, people, [each.model_copy(update={"outcome": "failed", "box": None}) for each in entries], b"", b""
    )
    with reviewing(tmp_path) as server:
        for seen in watched(browser, tmp_path, server):
            assert len(seen.texts(".tile")) < 150
            seen.press("End")
            assert seen.current == 9_999 and len(seen.texts(".tile")) < 150
            seen.press("a", "d")
            seen.said("Dropped 10,000 pictures")
            assert len(seen.events[0]["pictures"]) == 10_000


@pytest.fixture
def unknowns(browser: Any, tmp_path: Path) -> Iterator[Seen]:
    """A store with unknown faces and no data set: three of one person, one of another."""
    shelf = UnknownShelf(LocalStore(tmp_path))
    rng = np.random.default_rng(1)
    one, other = rng.normal(size=(2, 128))
    vectors = [one + 0.2 * rng.normal(size=128) for _ in range(3)] + [other]
    for number, vector in enumerate(vectors):
        crop = jpeg("strangers/Eileen_Collins.jpg", 272 - number)
        face = UnknownFace(
            face_id=sha(str(number))[:16], seen_at=datetime.now(UTC), source=HOSTILE, face_px=80,
            model_id="dlib-resnet29", crop_sha256=hashlib.sha256(crop).hexdigest(),
            embedding=tuple(vector / np.linalg.norm(vector)),
        )  # fmt: skip
        assert shelf.add(face, crop, limits=UnknownsSection()).kept
    with reviewing(tmp_path) as server:
        yield from watched(browser, tmp_path, server)


def test_unknown_faces_in_groups_are_deleted_by_keyboard(unknowns: Seen) -> None:
    assert unknowns.page.url.endswith("/unknowns"), "there is no data set to show"
    assert unknowns.texts("section h2") == ["3 similar faces", "1 face like no other"]
    assert unknowns.texts(".why")[0] == HOSTILE
    unknowns.press("c", "d")
    unknowns.page.locator("dialog", has_text="Delete 3 faces?").wait_for()
    unknowns.press("Escape", "d", "Enter")
    unknowns.said("Deleted 3 faces")
    assert unknowns.texts("section h2") == ["1 face like no other"]
    assert len(list((unknowns.store / "unknowns").glob("*.jpg"))) == 1
    unknowns.press("a", "d", "Enter")
    unknowns.page.locator("#nothing", has_text="unknowns.keep: true").wait_for()


def test_faces_that_another_page_deleted_leave_this_one_too(unknowns: Seen) -> None:
    all_ids = unknowns.page.locator(".tile").evaluate_all("all => all.map(each => each.dataset.id)")
    unknowns.server.post("api/unknowns/remove", {"face_ids": [all_ids[0]]})
    unknowns.press("d", "Enter")
    unknowns.page.locator("#failed", has_text="not there any more").wait_for()
    unknowns.complaints.clear()  # the browser notes the 422
    assert len(unknowns.texts(".tile")) == 3 and unknowns.current_id == all_ids[1]
    unknowns.server.post("api/unknowns/remove", {"face_ids": [all_ids[1]]})
    unknowns.page.evaluate("window.dispatchEvent(new Event('focus'))")
    unknowns.page.locator(f'.tile[data-id="{all_ids[1]}"]').wait_for(state="detached")


def test_unknown_faces_that_get_a_name_are_enrolled(unknowns: Seen) -> None:
    unknowns.press("J", "Enter")
    unknowns.page.keyboard.type("Eileen Collins")
    unknowns.press("Enter")
    unknowns.page.locator("#told", has_text="1 of 1 faces enrolled as Eileen Collins").wait_for()
    assert unknowns.texts("section h2") == ["3 similar faces"]
    assert list((unknowns.store / "bundle").glob("*/bundle.zip"))
    unknowns.press("Enter")
    assert unknowns.texts("#names [role=option]") == ["Eileen Collins"]
