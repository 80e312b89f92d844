"""Fetching from a real server on loopback."""

import hashlib
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from actorrec.errors import ActorRecError, ArtifactError, ConfigError, ModelContractError, RemoteError
from actorrec.faces.fetch import cached_model, default_cache_dir, fetch_model
from actorrec.faces.http_download import download
from actorrec.faces.registry import Download, ModelEntry
from actorrec.progress import Step

CONTENT = bytes(range(256)) * 3000  # 768,000 bytes: several chunks
ENTRY = ModelEntry(
    "planted", "embedder", "MIT", "this test", "none", "none",
    Download("models/a/planted.onnx", hashlib.sha256(CONTENT).hexdigest(), len(CONTENT)),
)  # fmt: skip
Answer = Callable[[BaseHTTPRequestHandler], None]


@dataclass
class Site:
    """A server on loopback that gives one answer to everything, and remembers what was asked."""

    url: str
    answer: Answer
    asked: list[str] = field(default_factory=list)


def send(content: bytes, *, status: int = 200, stated_bytes: int | None = None, location: str | None = None) -> Answer:
    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(status)
        handler.send_header("Content-Length", str(len(content) if stated_bytes is None else stated_bytes))
        if location is not None:
            handler.send_header("Location", location)
        handler.end_headers()
        handler.wfile.write(content)

    return answer


@pytest.fixture
def site() -> Iterator[Site]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            found.asked.append(self.path)
            try:
                found.answer(self)
            except OSError:
                self.close_connection = True  # the client went away: that is what some tests are about

        def log_message(self, format: str, *args: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        found = Site(f"http://127.0.0.1:{server.server_address[1]}", send(CONTENT))
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield found
        server.shutdown()
        thread.join()


class Recorded:
    """A progress that adds up what it is told, and calls back on each step."""

    def __init__(self, on_advance: Callable[[], None] = lambda: None) -> None:
        self.done, self.total, self._on_advance = 0, 0, on_advance

    @contextmanager
    def step(self, title: str, total: int | None, unit: str = "") -> Iterator[Step]:
        self.total = total or 0
        yield self

    def advance(self, amount: int = 1) -> None:
        self.done += amount
        self._on_advance()

    def measure(self, **values: float) -> None:
        del values


def test_it_comes_once_with_progress_and_is_kept(site: Site, tmp_path: Path) -> None:
    progress = Recorded()
    path = fetch_model(ENTRY, cache_dir=tmp_path / "new" / "cache", base_url=site.url + "/", progress=progress)
    assert path == tmp_path / "new" / "cache" / "planted.onnx"
    assert path.read_bytes() == CONTENT
    assert (progress.done, progress.total) == (len(CONTENT), len(CONTENT))
    assert fetch_model(ENTRY, cache_dir=path.parent, base_url=site.url) == path
    assert site.asked == ["/models/a/planted.onnx"]
    assert [each.name for each in path.parent.iterdir()] == ["planted.onnx"]


def test_a_damaged_copy_in_the_cache_is_not_taken_and_is_replaced(site: Site, tmp_path: Path) -> None:
    path = tmp_path / "planted.onnx"
    path.write_bytes(CONTENT[:-1] + b"?")
    assert cached_model(ENTRY, cache_dir=tmp_path) is None
    assert fetch_model(ENTRY, cache_dir=tmp_path, base_url=site.url).read_bytes() == CONTENT
    assert cached_model(ENTRY, cache_dir=tmp_path) == path


@pytest.mark.parametrize(
    ("answer", "error", "says"),
    [
        (send(CONTENT[:-1] + b"?"), ModelContractError, "expected 768000 bytes with sha256"),
        (send(b"version https://git-lfs.github.com/spec/v1\n"), ModelContractError, "found 43 bytes"),
        (send(b""), ModelContractError, "found 0 bytes"),
        (send(CONTENT + b"!"), ModelContractError, "the server sends more"),
        (send(CONTENT[:300_000], stated_bytes=len(CONTENT)), RemoteError, "stopped after 300000 of 768000 bytes"),
        (send(b"gone", status=404), RemoteError, "answers 404 Not Found"),
        (send(b"", status=503), RemoteError, "answers 503"),
        (send(b"", status=302, location="ftp://127.0.0.1/x"), ConfigError, "only fetched over https"),
        (send(b"", status=302, location="http://example.invalid/x"), ConfigError, "only fetched over https"),
        (send(b"", status=302, location="/again"), RemoteError, "answers 302"),
        (lambda handler: handler.wfile.write(b"no http at all\r\n\r\n"), RemoteError, "the download failed"),
        (lambda handler: None, RemoteError, "the download failed"),
    ],
)
def test_what_goes_wrong_is_named_and_leaves_nothing(
    site: Site, tmp_path: Path, answer: Answer, error: type[ActorRecError], says: str
) -> None:
    site.answer = answer
    with pytest.raises(error, match=says) as caught:
        fetch_model(ENTRY, cache_dir=tmp_path, base_url=site.url)
    assert list(tmp_path.iterdir()) == []
    if isinstance(caught.value, RemoteError):
        assert f"get {site.url}/models/a/planted.onnx" in caught.value.hint
        assert "actorrec models fetch planted --from FILE" in caught.value.hint
        assert caught.value.exit_code == 3


def test_redirects_on_the_same_site_are_followed(site: Site, tmp_path: Path) -> None:
    def answer(handler: BaseHTTPRequestHandler) -> None:
        moved = send(b"", status=302, location="/moved")
        (send(CONTENT) if handler.path == "/moved" else moved)(handler)

    site.answer = answer
    assert fetch_model(ENTRY, cache_dir=tmp_path, base_url=site.url).read_bytes() == CONTENT


def test_a_server_that_falls_silent_is_given_up(site: Site) -> None:
    release = threading.Event()

    def answer(handler: BaseHTTPRequestHandler) -> None:
        release.wait(120)

    site.answer = answer
    with pytest.raises(RemoteError, match="timed out"):
        list(download(f"{site.url}/x", max_bytes=10, timeout_s=0.2))
    release.set()


def test_an_interrupted_download_is_never_visible(site: Site, tmp_path: Path) -> None:
    seen: list[list[str]] = []

    def interrupt() -> None:
        seen.append([each.name for each in tmp_path.iterdir()])
        if len(seen) == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fetch_model(ENTRY, cache_dir=tmp_path, base_url=site.url, progress=Recorded(interrupt))
    assert all("planted.onnx" not in names and len(names) == 1 for names in seen)
    assert list(tmp_path.iterdir()) == []


def test_a_file_takes_the_place_of_the_network(tmp_path: Path) -> None:
    brought = tmp_path / "brought"
    brought.write_bytes(CONTENT)
    nowhere = "http://127.0.0.1:9"
    path = fetch_model(ENTRY, cache_dir=tmp_path / "cache", base_url=nowhere, from_file=brought)
    assert path.read_bytes() == CONTENT
    assert fetch_model(ENTRY, cache_dir=tmp_path / "cache", base_url=nowhere) == path  # from then on, offline
    brought.write_bytes(b"other")
    with pytest.raises(ModelContractError, match="found 5 bytes"):
        fetch_model(ENTRY, cache_dir=tmp_path / "cache", from_file=brought)
    assert path.read_bytes() == CONTENT
    with pytest.raises(ArtifactError, match="cannot read"):
        fetch_model(ENTRY, cache_dir=tmp_path / "cache", from_file=tmp_path / "none")


def test_without_a_network_the_hint_says_how_to_place_the_file(tmp_path: Path) -> None:
    with pytest.raises(RemoteError, match="refused") as caught:
        fetch_model(ENTRY, cache_dir=tmp_path, base_url="http://127.0.0.1:9")
    assert "--from FILE" in caught.value.hint


def test_a_cache_that_cannot_be_made_is_an_artifact_error(site: Site, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(ArtifactError, match="cannot write the model cache") as caught:
        fetch_model(ENTRY, cache_dir=tmp_path / "file" / "cache", base_url=site.url)
    assert "models.cache_dir" in caught.value.hint


@pytest.mark.parametrize(
    "url", ["http://example.com", "ftp://127.0.0.1", "file:///etc", "http://127.0.0.1.example.com"]
)
def test_only_https_and_loopback_are_asked(tmp_path: Path, url: str) -> None:
    with pytest.raises(ConfigError, match="only fetched over https"):
        fetch_model(ENTRY, cache_dir=tmp_path, base_url=url)


def test_what_ships_or_is_unknown_cannot_be_fetched(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="nothing to fetch"):
        fetch_model("mtcnn", cache_dir=tmp_path)
    with pytest.raises(ConfigError, match="no model 'yolo'"):
        fetch_model("yolo", cache_dir=tmp_path)


def test_the_cache_folder_follows_the_platforms_variable(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert default_cache_dir() == tmp_path / "actorrec" / "models"
