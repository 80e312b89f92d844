"""From nothing to names, command by command, on a site of our own that serves real faces."""

import json
import signal
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from e2e.conftest import actorrec
from own_environ import own_environ
from patience import PATIENCE_S
from sites.faces import join_faces
from sites.server import Reply, serve

PEOPLE = ("Aaron_Eckhart", "Adam_Brody", "Adrien_Brody", "Bradley_Cooper")
ASKED = 9


@contextmanager
def review_page(store: Path) -> Iterator[str]:
    """The address of a running review page."""
    command = [sys.executable, "-m", "actorrec", "review", "--json", "--no-browser", "--store", str(store)]
    clean = own_environ()
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=clean, text=True) as page:
        try:
            assert page.stdout is not None
            yield json.loads(page.stdout.readline())["url"]
        finally:
            page.send_signal(signal.SIGINT)
            page.wait(120)


def ask(address: str, path: str, body: Any = None) -> Any:
    """One request as the page makes it."""
    origin = "/".join(address.split("/")[:3])
    data = None if body is None else json.dumps(body).encode()
    headers = {"Origin": origin, "Content-Type": "application/json"}
    request = urllib.request.Request(address + path, data, headers if data else {})
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with direct.open(request, timeout=60) as answer:
        return json.load(answer)


def test_from_nothing_to_names(test_data: Path, tmp_path: Path) -> None:
    photos = {name.replace("_", " "): sorted((test_data / "actors" / name).glob("*.jpg")) for name in PEOPLE}
    store = tmp_path / "store"
    with serve() as site:
        environ = {**join_faces(site, photos), "ACTORREC_STORE__URI": str(store)}
        environ["ACTORREC_FETCH__CACHE_DIR"] = str(tmp_path / "cache")

        def run(*arguments: object) -> Any:
            done = actorrec(*arguments, "--json", cwd=tmp_path, **environ)
            assert done.code == 0, done.stderr
            return done.lines[-1]

        scraped = run("scrape", "--top", len(PEOPLE), "--images", ASKED)
        assert (scraped["got"], scraped["short"]) == (ASKED * len(PEOPLE), 0)
        folders = {path.parent.name for path in (store / scraped["images"]).rglob("*.jpg")}
        assert len(folders) == len(PEOPLE)
        asked = len(site.asked)
        assert run("scrape", "--top", len(PEOPLE), "--images", ASKED)["content_digest"] == scraped["content_digest"]
        assert len(site.asked) == asked  # what is there is not fetched again

        built = run("build-dataset")
        assert built["people"] == len(PEOPLE)
        dropped = drop_first(store)
        again = run("build-dataset")
        assert again["dataset"] != built["dataset"] and again["faces"] == built["faces"] - 1
        manifest = json.loads((store / again["dataset"] / "manifest.json").read_text())
        gone = next(image for image in manifest["images"] if image["path"] == dropped)
        assert gone["outcome"] == "dropped"
        assert {image["licence"] for image in manifest["images"]} == {"CC BY-SA 4.0"}
        assert all(image["page"].startswith(site.url) for image in manifest["images"])

        undo_last(store)
        assert run("build-dataset")["dataset"] == built["dataset"]

        trained = run("train")
        assert json.loads((store / trained["model"] / "manifest.json").read_text())["inputs"].keys() == {
            built["dataset"]
        }
        assert trained["model"].startswith("model/")
        converted = run("convert-tflite", "--variant", "dynamic")
        assert run("sbom", converted["bundle"])["pictures"]
        unseen = [photos[name.replace("_", " ")][ASKED] for name in PEOPLE]
        seen = actorrec("infer", *unseen, "--json", cwd=tmp_path, **environ)
    assert seen.code == 0, seen.stderr
    named = [{face["name"] for face in picture["faces"]} for picture in seen.lines]
    right = sum(name.replace("_", " ") in names for name, names in zip(PEOPLE, named, strict=True))
    wrong = {name for names in named for name in names} - {None} - {name.replace("_", " ") for name in PEOPLE}
    assert right >= len(PEOPLE) - 1 and not wrong


def drop_first(store: Path) -> str:
    """Say on the page that a kept picture is to be left out; its file."""
    with review_page(store) as address:
        board = ask(address, "api/board")
        number = next(n for n, (_, outcome, *_) in enumerate(board["states"]) if outcome == "kept")
        ask(address, "api/change", {"action": "drop", "pictures": [number]})
        path = ask(address, f"api/picture/{number}")["path"]
    return str(path)


def undo_last(store: Path) -> None:
    """Take the last change back."""
    with review_page(store) as address:
        ask(address, "api/undo", {"seq": ask(address, "api/board")["undo"]})


def test_an_answer_in_another_shape_names_the_source(tmp_path: Path) -> None:
    with serve() as site:
        site.routes["/sparql"] = lambda asked: Reply(b"", 202)
        done = actorrec(
            "scrape", "--json", cwd=tmp_path,
            ACTORREC_SOURCES__WIKIDATA_SPARQL_URL=f"{site.url}/sparql",
            ACTORREC_FETCH__ALLOW_ADDRESSES="[127.0.0.0/8]", ACTORREC_FETCH__RATE_PER_S="200",
            ACTORREC_FETCH__CACHE_DIR=str(tmp_path / "cache"), ACTORREC_FETCH__CONTACT="me@example.org",
        )  # fmt: skip
    assert done.code == 3
    assert "wikidata" in done.json["error"] and done.json["hint"]
    assert not list(tmp_path.glob("actorrec-store/images/*/manifest.json"))


@pytest.mark.parametrize("flag", ["--people", "--images-from"])
def test_an_unknown_source_names_the_known_ones(tmp_path: Path, flag: str) -> None:
    done = actorrec("scrape", flag, "wikidatta", "--contact", "me@example.org", "--json", cwd=tmp_path)
    assert done.code == 2
    assert "wikidatta" in done.json["error"] and done.json["hint"]


def test_interrupted_it_says_so_in_one_document(tmp_path: Path) -> None:
    asked, over = threading.Event(), threading.Event()
    with serve() as site:
        site.routes["/sparql"] = lambda _: (asked.set(), over.wait(120), Reply(b"", 404))[-1]
        environ = {
            **own_environ(),
            "ACTORREC_SOURCES__WIKIDATA_SPARQL_URL": f"{site.url}/sparql",
            "ACTORREC_FETCH__ALLOW_ADDRESSES": "127.0.0.0/8",
            "ACTORREC_FETCH__CACHE_DIR": str(tmp_path / "cache"),
            "ACTORREC_FETCH__CONTACT": "me@example.org",
        }
        command = [sys.executable, "-m", "actorrec", "scrape", "--json"]
        with subprocess.Popen(command, cwd=tmp_path, env=environ, stdout=-1, stderr=-1) as process:
            assert asked.wait(120)
            process.send_signal(signal.SIGINT)
            out, err = process.communicate(timeout=PATIENCE_S)
        over.set()
    assert process.returncode == json.loads(out)["exit_code"] == 130
    assert b"goes on where it was" in err
