"""Who gets in, and what comes out: the review server on real sockets."""

import json
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from actorrec.artifacts.local import LocalStore
from patience import PATIENCE_S
from review_server import Reviewing, reviewing
from review_sets import small_set


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("store")
    small_set(LocalStore(folder))
    (folder / "secret.txt").write_text("not for anybody")
    return folder


@pytest.fixture(scope="module")
def page(store: Path) -> Iterator[Reviewing]:
    with reviewing(store) as running:
        yield running


def changes(store: Path) -> list[Path]:
    return sorted((store / "review" / "log").glob("*.json"))


def test_the_address_holds_256_random_bits_and_loopback_alone_listens(page: Reviewing) -> None:
    token = page.base.strip("/")
    assert len(token) == 43  # 32 bytes in base64url
    own = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    listening = [fields[1] for fields in own if fields[3] == "0A" and fields[1].endswith(f":{page.port:04X}")]
    assert listening == [f"0100007F:{page.port:04X}"]
    with socket.socket(socket.AF_INET6) as other, pytest.raises(OSError):
        other.connect(("::1", page.port))


def test_everything_the_page_needs_is_there_and_carries_the_headers(page: Reviewing) -> None:
    for name in ("", "unknowns", "review.css", "main.js", "api.js", "icon.svg", "api/board", "thumb/0", "preview/0"):
        answer = page.get(name)
        assert answer.status == 200, name
        policy = answer.headers["content-security-policy"]
        assert (
            policy.startswith("default-src 'none'; ") and "unsafe" not in policy and "frame-ancestors 'none'" in policy
        )
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["referrer-policy"] == "no-referrer"
        assert "server" not in answer.headers
        kept = answer.headers["cache-control"]
        assert kept == ("private, max-age=31536000, immutable" if name in ("thumb/0", "preview/0") else "no-store")


def test_the_page_asks_nobody_else_and_runs_no_script_in_line(page: Reviewing) -> None:
    for name in ("", "unknowns"):
        text = page.get(name).body.decode()
        assert "http:" not in text and "https:" not in text and "//" not in text.replace("<!--", "")
        assert "onclick=" not in text and "style=" not in text
        assert all(each.startswith((" src=", ' type="module" src="')) for each in text.split("<script")[1:])


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/x/",
        "/favicon.ico",
        "/{short}/",
        "/{wrong}/",
        "/{token}",
        "//{token}/",
        "/{token}x/",
        "/{upper}/",
        "/%00/",
        "/%F0%9F%98%80/",
        "/{wrong}/api/board",
    ],
)
def test_without_the_token_there_is_nothing(page: Reviewing, path: str) -> None:
    token = page.base.strip("/")
    known = {"token": token, "short": token[:-1], "wrong": "A" * 43, "upper": token.swapcase()}
    answer = page.ask("GET", path.format(**known))
    assert answer.status == 404
    assert token not in answer.body.decode()


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "evil.example:{port}",
        "127.0.0.1",
        "127.0.0.1:1",
        "localhost",
        "127.0.0.1.evil.example:{port}",
        "[::1]:{port}",
        "0.0.0.0:{port}",
        "",
    ],
)
def test_another_name_for_this_address_is_refused(page: Reviewing, host: str) -> None:
    answer = page.ask("GET", page.base, headers={"Host": host.format(port=page.port)})
    assert answer.status == 403


def test_two_hosts_and_no_host_are_refused(page: Reviewing) -> None:
    good = f"Host: 127.0.0.1:{page.port}\r\n"
    for hosts in ("", good + "Host: evil.example\r\n"):
        received = page.raw(f"GET {page.base} HTTP/1.0\r\n{hosts}\r\n".encode())
        assert received.split()[1] in (b"403", b"400"), received


def test_localhost_is_this_machine_too(page: Reviewing) -> None:
    host = f"localhost:{page.port}"
    assert page.ask("GET", page.base, headers={"Host": host}).status == 200
    own = {"Host": host, "Origin": f"http://{host}", "Content-Type": "application/json"}
    assert page.ask("POST", page.base + "api/undo", b'{"seq": 99}', own).status == 422


KEEP = json.dumps({"action": "keep", "pictures": [0]}).encode()


@pytest.mark.parametrize(
    "origin",
    [
        None,
        "null",
        "http://evil.example",
        "https://127.0.0.1:{port}",
        "http://127.0.0.1",
        "http://localhost:{port}",
        "http://127.0.0.1:{port}/",
        "file://",
    ],
)
def test_a_change_from_another_page_is_refused(page: Reviewing, store: Path, origin: str | None) -> None:
    headers = {"Content-Type": "application/json"}
    if origin is not None:
        headers["Origin"] = origin.format(port=page.port)
    assert page.ask("POST", page.base + "api/change", KEEP, headers).status == 403
    assert changes(store) == []


@pytest.mark.parametrize(
    "kind", [None, "text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "application/jsonp"]
)
def test_what_a_form_could_send_is_refused(page: Reviewing, store: Path, kind: str | None) -> None:
    headers = {"Origin": page.origin, **({"Content-Type": kind} if kind else {})}
    assert page.ask("POST", page.base + "api/change", KEEP, headers).status == 415
    assert changes(store) == []


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "MOVE"])
def test_other_methods_are_refused(page: Reviewing, method: str) -> None:
    answer = page.ask(method, page.base + "api/change")
    assert answer.status == 405
    assert "access-control-allow-origin" not in answer.headers


def test_reading_never_changes_anything(page: Reviewing, store: Path) -> None:
    for name in ("api/change", "api/merge", "api/undo", "api/unknowns/name", "api/unknowns/remove"):
        assert page.get(name).status == 405
    assert changes(store) == []


@pytest.mark.parametrize(
    "name",
    [
        "../secret.txt",
        "..%2fsecret.txt",
        "%2e%2e/secret.txt",
        "%2e%2e%2fsecret.txt",
        "..%5csecret.txt",
        "....//secret.txt",
        "thumb/../../secret.txt",
        "thumb/..%2f..%2fsecret.txt",
        "thumb/0/../../../secret.txt",
        "thumb/%00",
        "thumb/-1",
        "thumb/26",
        "thumb/99999999999999999999",
        "thumb/0x0",
        "thumb/0.jpg",
        "thumb/",
        "preview/25",
        "api/picture/26",
        "/etc/passwd",
        "//etc/passwd",
        "manifest.json",
        "review.json",
        "dataset",
        "board.py",
        "__init__.py",
        "index.html",
        "static/review.css",
        "unknown/..%2f..%2fsecret",
        "unknown/0123456789abcdef",
        "unknown/%2e%2e",
        "thumbs/0.jpg",
    ],
)
def test_no_path_leads_to_a_file(page: Reviewing, name: str) -> None:
    received = page.raw(f"GET {page.base}{name} HTTP/1.1\r\nHost: 127.0.0.1:{page.port}\r\n\r\n".encode())
    assert received.split()[1] == b"404", received
    assert b"not for anybody" not in received and b"root:" not in received


def test_an_error_is_one_line_of_json_without_the_token(page: Reviewing) -> None:
    for answer in (page.get("thumb/26"), page.get("nothing"), page.post("api/undo", {"seq": 99})):
        assert answer.headers["content-type"] == "application/json"
        assert set(answer.json) == {"error", "hint"} and b"\n" not in answer.body
        assert page.base.strip("/").encode() not in answer.body


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"null",
        b"{",
        b"\xff\xfe",
        b'{"action": "keep"}',
        b'{"action": "keep", "pictures": []}',
        b'{"action": "keep", "pictures": ["0"]}',
        b'{"action": "keep", "pictures": [0.0]}',
        b'{"action": "keep", "pictures": [-1]}',
        b'{"action": "keep", "pictures": [true]}',
        b'{"action": "undo", "pictures": [0]}',
        b'{"action": "keep", "pictures": [26]}',
        b'{"action": "keep", "pictures": [0], "more": 1}',
        b'{"action": "move", "pictures": [0], "to": "../../up"}',
        b'{"action": "pick", "pictures": [0], "face": 77}',
        b'{"action": "keep", "pictures": [0], "to": "x"}',
        b"[" * 100_000,
    ],
)
def test_a_change_that_is_none_is_refused_in_one_line(page: Reviewing, store: Path, body: bytes) -> None:
    headers = {"Origin": page.origin, "Content-Type": "application/json"}
    answer = page.ask("POST", page.base + "api/change", body, headers)
    assert answer.status == 422 and answer.json["error"]
    assert changes(store) == []


def test_a_name_that_cannot_be_is_told_in_plain_words(page: Reviewing) -> None:
    answer = page.post("api/change", {"action": "move", "pictures": [0], "to": "AC/DC"})
    assert answer.status == 422
    assert answer.json["error"].startswith("a name holds letters, no slash")


def test_no_answer_leads_to_an_address_without_the_token(page: Reviewing) -> None:
    for name in ("unknowns/", "icon.svg/", "api/board/"):
        answer = page.get(name)
        assert (answer.status, answer.headers.get("location")) == (404, None)


def test_two_origins_are_refused(page: Reviewing, store: Path) -> None:
    head = f"POST {page.base}api/change HTTP/1.1\r\nHost: 127.0.0.1:{page.port}\r\nContent-Type: application/json\r\n"
    origins = f"Origin: {page.origin}\r\nOrigin: http://evil.example\r\n"
    received = page.raw(f"{head}{origins}Content-Length: {len(KEEP)}\r\n\r\n".encode() + KEEP)
    assert received.split()[1] == b"403"
    assert changes(store) == []


def test_a_body_of_more_than_a_mebibyte_is_refused(page: Reviewing, store: Path) -> None:
    head = f"POST {page.base}api/change HTTP/1.1\r\nHost: 127.0.0.1:{page.port}\r\nOrigin: {page.origin}\r\n"
    head += "Content-Type: application/json\r\n"
    large = b" " * (1 << 20) + KEEP
    assert page.raw(f"{head}Content-Length: {len(large)}\r\n\r\n".encode() + large).split()[1] == b"413"
    chunked = f"{head}Transfer-Encoding: chunked\r\n\r\n{len(large):x}\r\n".encode() + large + b"\r\n0\r\n\r\n"
    assert page.raw(chunked).split()[1] == b"413"
    assert changes(store) == [] and page.get("api/board").status == 200


def test_a_change_is_written_and_undone_and_the_end_says_how_to_apply_it(tmp_path: Path) -> None:
    manifest = small_set(LocalStore(tmp_path))
    with reviewing(tmp_path, manifest.key) as page:
        standing = page.post("api/change", {"action": "drop", "pictures": [0, 1]}).json
        assert [state[1] for state in standing["states"][:2]] == ["dropped", "dropped"]
        page.post("api/undo", {"seq": standing["undo"]})
        page.post("api/merge", {"person_id": "Hedy_Lamarr", "to": "Grace_Hopper"})
        assert [each["undone_by"] for each in page.get("api/history").json] == [None, 2]
        code, out, err = page.end()
    assert (code, err) == (0, "")
    assert "3 changes made" in out and "6 pictures stand otherwise" in out and "actorrec build-dataset PHOTOS…" in out
    assert len(changes(tmp_path)) == 3


def test_one_change_is_told_of_as_one(tmp_path: Path) -> None:
    manifest = small_set(LocalStore(tmp_path))
    with reviewing(tmp_path) as page:
        page.post("api/change", {"action": "drop", "pictures": [0]})
        _, out, _ = page.end()
    assert "1 change made\n1 picture stands otherwise than in " + manifest.ref in out


def test_a_change_that_cannot_be_written_is_told_and_does_not_count(tmp_path: Path) -> None:
    small_set(LocalStore(tmp_path))
    with reviewing(tmp_path) as page:
        (tmp_path / "review").write_text("in the way")
        answer = page.post("api/change", {"action": "drop", "pictures": [0]})
        assert answer.status == 500 and answer.json["error"]
        (tmp_path / "review").unlink()
        assert page.get("api/board").json["states"][0][1] == "flagged"
        code, out, err = page.end()
    assert (code, err) == (0, "") and "0 changes made" in out


def test_sigterm_ends_it_cleanly_while_a_browser_holds_a_connection(tmp_path: Path) -> None:
    small_set(LocalStore(tmp_path))
    with reviewing(tmp_path, "--json", "--quiet") as page, socket.create_connection(("127.0.0.1", page.port)) as held:
        held.sendall(b"GET / HTTP/1.1\r\n")
        assert page.end(signal.SIGTERM) == (0, "", "")


def test_the_token_is_another_one_each_time_and_stands_in_no_log(tmp_path: Path) -> None:
    small_set(LocalStore(tmp_path))
    tokens = set()
    for _ in range(2):
        with reviewing(tmp_path, ACTORREC_DEBUG="1") as page:
            assert [page.get("api/board").status, page.get("nothing").status] == [200, 404]
            assert page.post("api/change", {}).status == 422
            page.raw(b"\x00\r\n\r\n")
            tokens.add(page.base)
            _, out, err = page.end()
            assert page.base.strip("/") not in out + err
    assert len(tokens) == 2


def refused(*arguments: object) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "actorrec", "review", "--no-browser", *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )


def test_a_port_that_is_taken_is_a_clear_error(page: Reviewing, store: Path) -> None:
    done = refused("--store", store, "--port", page.port)
    assert done.returncode == 2
    assert done.stderr.startswith(f"error: port {page.port} is taken\nhint: ") and done.stdout == ""


def test_a_port_out_of_range_is_a_wrong_setting(store: Path) -> None:
    done = refused("--store", store, "--port", 65536)
    assert done.returncode == 2 and "review.port" in done.stderr


def test_no_data_set_and_an_older_one_are_clear_errors(tmp_path: Path) -> None:
    done = refused("--store", tmp_path)
    assert done.returncode == 4 and "holds no dataset" in done.stderr and "build-dataset" in done.stderr
    manifest = small_set(LocalStore(tmp_path))
    written = tmp_path / manifest.ref / "manifest.json"
    written.write_text(manifest.model_copy(update={"files": []}).model_dump_json())
    done = refused("--store", tmp_path, "--json")
    assert done.returncode == 4 and "build it again" in json.loads(done.stdout)["hint"]
