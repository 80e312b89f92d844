"""What a Retry-After asks for."""

import pytest

from actorrec.scrape.fetch.retry import retry_after_s

DATE = "Mon, 01 Jan 1990 00:00:00 GMT"


@pytest.mark.parametrize(
    ("headers", "wait_s"),
    [
        ({}, None),
        ({"retry-after": "0"}, 0.0),
        ({"retry-after": " 120 "}, 120.0),
        ({"retry-after": "9" * 30}, 999_999_999.0),
        ({"retry-after": "1.5"}, None),
        ({"retry-after": "-1"}, None),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "٣"}, None),
        ({"retry-after": "Mon, 01 Jan 1990 00:02:00 GMT", "date": DATE}, 120.0),
        ({"retry-after": "Sun, 31 Dec 1989 00:00:00 GMT", "date": DATE}, 0.0),
        ({"retry-after": "Mon, 01 Jan 1990 00:02:00 GMT"}, None),
        ({"retry-after": "Mon, 01 Jan 1990 00:02:00 -0000", "date": DATE}, None),
        ({"retry-after": DATE, "date": "yesterday"}, None),
    ],
)
def test_retry_after(headers: dict[str, str], wait_s: float | None) -> None:
    assert retry_after_s(headers) == wait_s
