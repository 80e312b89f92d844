"""Who may look."""

from email.message import Message

import pytest

from actorrec.inference.preview.door import Door, is_this_machine


def headers(*pairs: tuple[str, str]) -> Message:
    made = Message()
    for name, value in pairs:
        made[name] = value
    return made


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.1:8080", "localhost", "localhost:9", "LocalHost:80"])
def test_this_machine_at_any_port(host: str) -> None:
    assert is_this_machine(headers(("Host", host)))


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "127.0.0.1.evil.example",
        "localhost.evil.example:80",
        "evil.example#localhost",
        "localhost@evil.example",
        "0.0.0.0",
        "127.0.0.2",
        "[::1]:80",
        "localhost:",
        "localhost:http",
        "localhost:123456",
        "localhost\nevil.example",
        "",
    ],
)
def test_any_other_name_is_not(host: str) -> None:
    assert not is_this_machine(headers(("Host", host)))


def test_two_hosts_and_none_are_not() -> None:
    assert not is_this_machine(headers())
    assert not is_this_machine(headers(("Host", "localhost"), ("host", "localhost")))


def test_each_door_has_other_secrets_of_256_bits() -> None:
    doors = [Door() for _ in range(20)]
    tokens = {door.entry.partition("?token=")[2] for door in doors}
    assert len(tokens) == len({door.base for door in doors}) == len({door.cookie for door in doors}) == 20
    assert {len(token) for token in tokens} == {43}  # 32 bytes in base64url


def test_the_cookie_does_not_hold_the_token_and_scripts_and_other_sites_do_not_get_it() -> None:
    door = Door("the-token")
    assert "the-token" not in door.cookie
    assert door.cookie.endswith(f"; Path={door.base}; HttpOnly; SameSite=Strict")


@pytest.mark.parametrize(
    "query",
    ["", "?", "?token=", "?token=the-toke", "?token=the-token2", "?TOKEN=the-token", "?token=the-token&token=the-token",
     "?xtoken=the-token", "?token=the%2Dtoken", "?token=\xff", "?token=\ud800"],
)  # fmt: skip
def test_anything_but_the_token_is_not_it(query: str) -> None:
    door = Door("the-token")
    assert not door.has_token(door.base + query)


def test_the_token() -> None:
    door = Door("the-token")
    assert door.has_token(door.entry)
    assert door.has_token(door.entry + "&x=1")


def test_the_cookie_is_known_among_others() -> None:
    door = Door()
    own = door.cookie.partition(";")[0]
    name, _, value = own.partition("=")
    assert door.has_cookie(headers(("Cookie", own)))
    assert door.has_cookie(headers(("Cookie", f"a=b;  {own} ; c")))
    assert door.has_cookie(headers(("Cookie", f"{name}=of-another-run; {own}")))
    for cookie in ("", name, f"{name}=", f"{name}={value[:-1]}", f"{name}={value}x", f"x{own}", value, "=", ";;;"):
        assert not door.has_cookie(headers(("Cookie", cookie))), cookie
    assert not door.has_cookie(headers())
    assert not Door().has_cookie(headers(("Cookie", own)))


def test_only_what_lies_below_the_page_is_known_by_a_name() -> None:
    door = Door()
    assert door.name_of(door.base) == ""
    assert door.name_of(f"{door.base}stream?1") == "stream"
    for target in (
        "/",
        "",
        "*",
        "/stream",
        door.base[:-1],
        door.base.upper(),
        f"/x{door.base}",
        f"http://h{door.base}",
    ):
        assert door.name_of(target) is None, target
