import pytest

from actorrec.scrape.images.foreign import plain_text, web_address


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("", ""),
        ("   ", ""),
        ("Ann Arden", "Ann Arden"),
        ('<a href="//x.org/User:Jo" title="User:Jo">Jo &amp; Zoe\u0308</a>', "Jo & Zoë"),
        ('Unknown author<span style="display: none;">Unknown author</span>', "Unknown author"),
        ("<div>one</div><div>two<br>three</div>", "one two three"),
        ("a<script>alert(1)</script>b<style>p{}</style><!-- c -->", "ab"),
        ("\u202eevil\u200b\x00 name\n\tof two lines", "evil name of two lines"),
        ("https://example.org/jo", "https://example.org/jo"),
        ("photo.jpg", "photo.jpg"),
        ("</div></div>after", "after"),
        ("<b>not closed <i>at all", "not closed at all"),
        ("&lt;script&gt;", "<script>"),
        ('<p hidden>x</p><img src="x" onerror="y">z', "z"),
    ],
)
def test_only_what_a_browser_shows_is_left(html: str, text: str) -> None:
    assert plain_text(html) == text


def test_long_and_deep_markup_is_cut_short() -> None:
    assert len(plain_text("word " * 100_000)) <= 500
    assert plain_text("<b>" * 100_000 + "deep") == ""
    assert plain_text("<p style='display:none'>" * 1000 + "deep") == ""


@pytest.mark.parametrize(
    ("text", "address"),
    [
        (None, None),
        ("", None),
        ("https://x.org/a b", None),
        (" https://x.org/a ", "https://x.org/a"),
        ("//x.org/a", "https://x.org/a"),
        ("HTTP://x.org", "HTTP://x.org"),
        ("https://x.org/Zoë", "https://x.org/Zoë"),
        ("javascript:alert(1)", None),
        ("data:image/png;base64,AA", None),
        ("file:///etc/passwd", None),
        ("https:///nohost", None),
        ("https://user:secret@x.org/", None),
        ("https://[::1/", None),
        ("https://x.org/\u202egpj.exe", None),
        ("https://x.org/" + "a" * 3000, None),
        ("x.org/a", None),
    ],
)
def test_only_web_addresses_are_addresses(text: str | None, address: str | None) -> None:
    assert web_address(text) == address
