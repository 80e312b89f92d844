"""Five thousand small objects up to S3 and down again, against a plain loop of boto3 calls.

    python benchmarks/s3.py

The server is a stub on loopback that answers after 20 ms (``s3_stub.py``). The plain loop is one thread with
boto3's own defaults; it is measured on a sample of 200 objects, before and after.
"""

import hashlib
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from rows import Row, report

COMMAND = "python benchmarks/s3.py"
OBJECTS, SAMPLE, BYTES, WAIT_MS = 5000, 200, 20_000, 20


def content(number: int) -> bytes:
    """Twenty kilobytes that differ."""
    return hashlib.shake_256(str(number).encode()).digest(BYTES)


def sequential(url: str) -> dict[str, Any]:
    """Seconds an object of a plain loop, up and down."""
    import boto3

    client = boto3.client("s3", endpoint_url=url)
    started = time.perf_counter()
    for number in range(SAMPLE):
        client.put_object(Bucket="plain", Key=f"crops/{number}.jpg", Body=content(number))
    middle = time.perf_counter()
    for number in range(SAMPLE):
        client.get_object(Bucket="plain", Key=f"crops/{number}.jpg")["Body"].read()
    return {"up": (middle - started) / SAMPLE, "down": (time.perf_counter() - middle) / SAMPLE}


def ours(url: str, cache: str) -> dict[str, Any]:
    """Seconds an object through the store, and the peak of memory in MB."""
    from actorrec.artifacts.s3 import open_s3
    from actorrec.progress import SilentProgress
    from actorrec.sections import AwsSection

    store = open_s3("bucket/prefix", AwsSection(endpoint_url=url, cache_dir=Path(cache)))
    items = ((f"dataset/abcd/crops/{number}.jpg", content(number)) for number in range(OBJECTS))
    with SilentProgress().step("", None) as step:
        started = time.perf_counter()
        records = store.put_files(items, step)
        middle = time.perf_counter()
        paths = store.fetch_files([f"dataset/abcd/{record.name}" for record in records], step)
        ended = time.perf_counter()
    assert len(paths) == OBJECTS and paths[17].read_bytes() == content(17)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6
    return {"up": (middle - started) / OBJECTS, "down": (ended - middle) / OBJECTS, "peak_mb": peak}


def measured(*arguments: str) -> dict[str, Any]:
    """What a process of its own measured."""
    keys = {"AWS_ACCESS_KEY_ID": "fake", "AWS_SECRET_ACCESS_KEY": "fake", "AWS_DEFAULT_REGION": "us-east-1"}
    command = [sys.executable, __file__, *arguments]
    out = subprocess.run(command, env={**os.environ, **keys}, stdout=subprocess.PIPE, check=True).stdout
    found: dict[str, Any] = json.loads(out)
    return found


def main() -> None:
    """Measure and save."""
    stub = [sys.executable, str(Path(__file__).with_name("s3_stub.py")), str(WAIT_MS)]
    with tempfile.TemporaryDirectory() as cache, subprocess.Popen(stub, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        url = server.stdout.readline().strip()
        try:
            before, fast, after = measured("plain", url), measured("ours", url, cache), measured("plain", url)
        finally:
            server.terminate()
    rows = []
    for way in ("up", "down"):
        plain = (before[way] + after[way]) / 2
        ratio = plain / fast[way]
        said = f"{ratio:.1f}× ({1 / fast[way]:.0f} against {1 / plain:.0f} objects/s; the loop on {SAMPLE}, twice)"
        what = f"S3, {OBJECTS} objects of {BYTES // 1000} KB {way}, answers after {WAIT_MS} ms: against a plain loop"
        rows.append(Row(what, "≥ 8×", said, ratio >= 8, COMMAND))
    rows.append(Row("the same: peak memory", "≤ 300 MB", f"{fast['peak_mb']:.0f} MB", fast["peak_mb"] <= 300, COMMAND))
    report("s3", rows)


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["plain", url]:
            print(json.dumps(sequential(url)))
        case ["ours", url, cache]:
            print(json.dumps(ours(url, cache)))
        case _:
            main()
