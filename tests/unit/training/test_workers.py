import json
from typing import Any

import numpy as np
import pytest

from actorrec.errors import ConfigError
from actorrec.training.workers import ALONE, Cluster, join_workers, read_cluster


def environ(cluster: Any, kind: str = "worker", index: Any = 0) -> dict[str, str]:
    return {"TF_CONFIG": json.dumps({"cluster": cluster, "task": {"type": kind, "index": index}})}


def test_without_it_one_is_alone() -> None:
    assert read_cluster({}) is None
    assert read_cluster({"TF_CONFIG": " "}) is None
    assert join_workers({}) is ALONE
    assert join_workers(environ({"worker": ["algo-1:8890"]})) is ALONE


def test_alone_hands_back_what_it_is_given() -> None:
    rows = np.arange(6).reshape(3, 2)
    assert (ALONE.index, ALONE.count, ALONE.is_chief) == (0, 1, True)
    assert ALONE.gather(rows) is rows
    assert ALONE.sum([rows, rows[:1]])[1].shape == (1, 2)
    ALONE.barrier()


def test_as_the_toolkit_writes_it() -> None:
    found = read_cluster(environ({"worker": ["algo-1:8890", "algo-2:8890"]}, index=1))
    assert found == Cluster(("algo-1:8890", "algo-2:8890"), 1)


@pytest.mark.parametrize("first", ["chief", "master"])
def test_a_chief_of_its_own_comes_first(first: str) -> None:
    cluster = {"worker": ["b:1", "c:1"], first: ["a:1"]}
    assert read_cluster(environ(cluster, first)) == Cluster(("a:1", "b:1", "c:1"), 0)
    assert read_cluster(environ(cluster, "worker", 1)) == Cluster(("a:1", "b:1", "c:1"), 2)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("{", "it is not"),
        ("[]", "it is not"),
        ("{}", "it is not"),
        ('{"cluster": [], "task": {"type": "worker", "index": 0}}', "it is not"),
        ('{"cluster": {"worker": ["a:1"]}, "task": {"type": "worker"}}', "it is not"),
        ('{"cluster": {"worker": ["a:1"]}, "task": {"type": "worker", "index": "x"}}', "it is not"),
        ('{"cluster": {"worker": ["a:1"]}, "task": {"type": "worker", "index": 1}}', "it has no worker 1"),
        ('{"cluster": {"worker": ["a:1"], "ps": ["b:1"]}, "task": {"type": "ps", "index": 0}}', "it has no ps 0"),
        ('{"cluster": {"worker": ["a"]}, "task": {"type": "worker", "index": 0}}', "'a' is not host:port"),
        ('{"cluster": {"worker": ["a:70000"]}, "task": {"type": "worker", "index": 0}}', "'a:70000' is not host:port"),
        ('{"cluster": {"worker": [7]}, "task": {"type": "worker", "index": 0}}', "'7' is not host:port"),
        ('{"cluster": {"worker": ["a:1", "a:1"]}, "task": {"type": "worker", "index": 0}}', "is there twice"),
        ("[" * 100_000, "it is not"),
    ],
)
def test_what_is_malformed_is_refused(text: str, why: str) -> None:
    with pytest.raises(ConfigError, match="cannot read TF_CONFIG") as error:
        read_cluster({"TF_CONFIG": text})
    assert why in error.value.message
