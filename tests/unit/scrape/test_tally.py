"""What is short is said in plain words."""

from collections import Counter

from offered import gone, taken

from actorrec.scrape.tally import tally


def test_enough_needs_no_words() -> None:
    done = tally("Q1", 2, [taken(1), gone(2, "http-404"), taken(3)], Counter(), {"commons": ""})
    assert (done.asked, done.got, done.tried, done.failed, done.short_because) == (2, 2, 3, {"http-404": 1}, "")


def test_every_source_says_why_it_was_not_enough() -> None:
    decisions = [
        *(taken(number) for number in range(3)),
        *(gone(number, "http-404") for number in range(4, 7)),
        *(gone(number, "truncated") for number in range(7, 9)),
        gone(9, "near-duplicate", source="urls:a.csv"),
    ]
    told = {"commons": "", "urls:a.csv": "", "tmdb": "tmdb: answers 401", "folder:b": "", "urls:c.csv": ""}
    done = tally("Q1", 10, decisions, Counter({"urls:c.csv: http-503": 1}), told)
    assert done.short_because == (
        "commons had no more: 8 candidates, 5 not taken (http-404 3, truncated 2); "
        "urls:a.csv had no more: 1 candidate, 1 not taken (near-duplicate 1); "
        "tmdb was given up (answers 401); folder:b had none; urls:c.csv could not be asked for all (http-503)"
    )
    assert done.failed == {"http-404": 3, "truncated": 2, "near-duplicate": 1, "urls:c.csv: http-503": 1}
