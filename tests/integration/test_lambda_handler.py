"""The function that ships models over the air: under Lambda's own runtime, and call by call in this process."""

import io
import os
import random
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("moto")
pytest.importorskip("awslambdaric")

from actorrec.cloud.function_code import FunctionCode
from actorrec.errors import RemoteError
from actorrec.manifests.component import RUNTIME_TAG
from greengrass_jobs import Fate
from greengrass_server import BUSY, DENIED, Greengrass, greengrass
from lambda_runtime import function
from lambda_zip import build, tool, unpacked
from landed_models import score
from ota_world import NAME, PREFIX, SCHEDULE, OtaWorld, archive, as_s3, bundle, ota_world, sha256, zipped
from sites.server import Asked, Reply, serve
from trained_archives import contents, made_model, packed

__all__ = ["greengrass"]
ROOT = Path(__file__).resolve().parents[2]
LITE = "aws_nucleus_lite"


@pytest.fixture
def world(greengrass: Greengrass, tmp_path: Path) -> Iterator[OtaWorld]:
    """A group with a live model, program and model apart."""
    with ota_world(greengrass, tmp_path) as made:
        made.go_live(bundle("live", 0))
        yield made


@pytest.fixture
def empty(greengrass: Greengrass, tmp_path: Path) -> Iterator[OtaWorld]:
    """A group without devices and without a model: for objects that never come so far that it matters."""
    with ota_world(greengrass, tmp_path, devices=0) as made:
        yield made


def test_the_zip_alone_takes_a_model_from_s3_to_the_whole_group(world: OtaWorld, tmp_path: Path) -> None:
    """No package but those of the zip and of Lambda's runtime: no numpy, no cv2, nothing of the checkout."""
    path = unpacked(build(tmp_path / "function.zip"), tmp_path)
    new = bundle("new", 1)
    environ = world.environ | world.service.environ | {"AWS_ENDPOINT_URL_IOT_DATA_PLANE": world.said_url}
    with function(environ, path, options=("-S",)) as started:
        left, others = started.folder / "actorrec-ota-killed" / "bundle.zip", started.folder / "others"
        left.mkdir(parents=True)
        others.mkdir()
        landed = world.land(archive(new), f"{PREFIX}/jobs/train a/output/model.tar.gz")
        answer = started.call(as_s3(landed))
        assert not answer.error, started.output
        assert list(answer.value["objects"].values()) == ["landed"], started.output
        assert world.stage(new) == "started" and world.tried == [sha256(new)]
        assert not list(started.folder.glob("actorrec-ota-*")), "what a killed call leaves would fill the disk"
        assert others.is_dir()
        assert not started.call(landed).error and not started.call(as_s3(landed)).error
        world.service.settle()
        assert not started.call(SCHEDULE).error and world.stage(new) == "started"
        world.healthy(sha256(new))
        assert not started.call(SCHEDULE).error
        assert [line["ota"] for line in started.log if "seq" in line] == [
            "landed", "known", "claimed", "published", "trying", "started", "promoted",
        ]  # fmt: skip
    assert world.deployed() == [sha256(bundle("live", 0)), sha256(new)]
    assert world.versions(new) == [f"{NAME}.Model 1.0.1"]
    assert [each["action"] for each in world.said] == ["landed", "published", "started", "promoted"]
    assert all(each["group"] == world.group and each["event"] == "ota" for each in world.said)


def test_the_handler_needs_nothing_that_the_zip_lacks() -> None:
    """Imported where everything is installed, it brings in nothing heavy, and nothing of a desk."""
    code = "import sys, actorrec.greengrass.lambda_handler; print(*sorted({n.partition('.')[0] for n in sys.modules}))"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    heavy = {"numpy", "cv2", "tensorflow", "keras", "ai_edge_litert", "PIL", "rich", "typer", "packaging", "boto3"}
    assert not heavy & set(out)


def test_the_zip_is_small_the_same_each_time_and_without_nets(tmp_path: Path) -> None:
    make = tool()
    files = make.contents(())
    assert "actorrec/greengrass/lambda_handler.py" in files and "LICENSE" in files
    assert not [name for name in files if name.endswith((".npz", ".tflite"))]
    assert make.write(tmp_path / "a.zip", files) == make.write(tmp_path / "b.zip", dict(reversed(files.items())))
    assert (tmp_path / "a.zip").read_bytes() == (tmp_path / "b.zip").read_bytes()
    assert (tmp_path / "a.zip").stat().st_size < 3_000_000
    noise = {"noise.jpg": bytes(make.MOST_BYTES)}  # which is not packed again
    with pytest.raises(make.ConfigError, match="more than 15,000,000"):
        make.write(tmp_path / "a.zip", noise)
    assert sorted(each.name for each in tmp_path.iterdir()) == ["a.zip", "b.zip"]
    assert (tmp_path / "a.zip").read_bytes() == (tmp_path / "b.zip").read_bytes()


def test_what_make_lambda_builds_is_for_lambdas_python_and_within_its_size(tmp_path: Path) -> None:
    """With the real wheels of Python 3.13, where they can be had."""
    out = tmp_path / "dist" / "actorrec-lambda.zip"
    command = [sys.executable, str(ROOT / "tools" / "make_lambda.py"), "--out", str(out)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if "cannot reach the package index" in done.stderr:
        pytest.skip("no package index within reach")
    assert not done.returncode, done.stderr
    with zipfile.ZipFile(out) as built:
        names = built.namelist()
    assert any(name.endswith("_pydantic_core.cpython-313-x86_64-linux-gnu.so") for name in names)
    assert FunctionCode.of(out).bytes == out.stat().st_size <= 15_000_000
    assert f"{out.stat().st_size:,} bytes" in done.stdout
    assert not [name for name in names if name.startswith(("numpy", "boto3", "cv2", "tensorflow", "rich"))]


def test_one_component_where_the_group_has_one(greengrass: Greengrass, tmp_path: Path) -> None:
    """On nucleus lite, in a ring of its own: it takes several calls, none of which waits."""
    with ota_world(greengrass, tmp_path, runtime=LITE) as world:
        live, new = bundle("live", 0), bundle("new", 1)
        world.go_live(live, single=True)
        started, world.service.ticking = world.function(), frozenset()
        started.call(world.land(new))
        assert world.stage(new) == "trying" and not world.tried
        for _ in range(3):
            world.service.settle()
            started.call(SCHEDULE)
        assert world.stage(new) == "started" and world.tried == [sha256(new)]
        world.healthy(sha256(new))
        started.call(SCHEDULE)
        assert world.stage(new) == "promoted" and world.deployed() == [sha256(live), sha256(new)]
        assert world.versions(new) == [f"{NAME} 1.0.1"]
        first, second = (each for each in world.service.components.values() if each.name == NAME)
        assert first.tags[RUNTIME_TAG] == second.tags[RUNTIME_TAG]


def test_what_fails_on_the_canary_goes_back_and_is_never_tried_again(world: OtaWorld) -> None:
    new, started = bundle("new", 1), world.function()
    for device in world.devices:
        world.service.fates[device] = Fate("FAILED", "no space left on device")
    landed = world.land(new)
    started.call(landed)
    for device in world.devices:
        del world.service.fates[device]
    world.service.settle()
    started.call(SCHEDULE)
    found = world.state.candidates[sha256(new)]
    assert found.stage == "rolled-back" and "no space left" in found.reason
    assert world.on_devices() == [sha256(bundle("live", 0))] and world.said[-1]["reason"] == found.reason
    before = len(world.service.deployments)
    started.call(landed)
    world.function().call(world.land(archive(new), f"{PREFIX}/again/model.tar.gz"))
    assert len(world.service.deployments) == before and world.versions(new) == [f"{NAME}.Model 1.0.1"]
    assert world.deployed() == [sha256(bundle("live", 0))]


def test_a_newer_model_deployed_by_hand_ends_the_trial_and_stays_the_newest(world: OtaWorld) -> None:
    new, hand, started = bundle("new", 1), bundle("by hand", 2, evaluation=score(top1=0.5)), world.function()
    started.call(world.land(hand))
    started.call(world.land(new))
    assert (world.stage(hand), world.stage(new)) == ("refused", "started")
    world.go_live(hand)
    world.healthy(sha256(new))
    started.call(SCHEDULE)
    assert world.stage(new) == "rolled-back" and world.deployed()[-1] == sha256(hand)
    world.go_live(bundle("live", 0))  # somebody goes back; what is told late is not newer than what was there
    late = bundle("late", 1.5)
    started.call(world.land(late))
    assert world.stage(late) == "superseded" and world.said[-1]["by"] == sha256(hand)


def test_what_is_not_fit_for_the_group_is_written_down_and_changes_nothing(world: OtaWorld) -> None:
    versions, started = len(world.service.components), world.function()
    for data, stage, said in (
        (bundle("old", -1), "superseded", "not newer"),
        (bundle("live", 0), "promoted", ""),
        (bundle("worse", 1, evaluation=score(top1=0.7)), "refused", "top1 70.0%"),
        (bundle("unmeasured", 1, evaluation=None), "refused", "never measured"),
        (bundle("elsewhere", 1, evaluation=score(set_digest="0" * 64)), "refused", "another evaluation set"),
        (bundle("future", 9999), "refused", "in the future"),
    ):
        started.call(world.land(data))
        assert world.stage(data) == stage and said in world.state.candidates[sha256(data)].reason
        assert world.said[-1]["action"] == stage
    assert len(world.service.components) == versions and not world.tried


def recarded(data: bytes, old: str, new: str) -> bytes:
    """A bundle whose card says something else."""
    with zipfile.ZipFile(io.BytesIO(data)) as packed_:
        files = {name: packed_.read(name) for name in packed_.namelist()}
    card = files["card.json"].decode()
    assert old in card
    return zipped(files | {"card.json": card.replace(old, new).encode()})


def unusable() -> dict[str, tuple[str, bytes, str]]:
    other = made_model({"dataset/0123456789abcdef": "0" * 64})
    return {
        "no zip": ("bundle.zip", b"not a zip", "is not a readable zip"),
        "another zip": ("bundle.zip", archive(bundle("x", 1)), "is not a readable zip"),
        "a changed file": ("bundle.zip", bundle("a", 1).replace(b"gallery", b"gall3ry"), "bundle"),
        "a newer card": ("bundle.zip", bundle("new", 1, schema_version=2), "schema version 2"),
        "restricted pictures": ("bundle.zip", bundle("new", 1, restricted={"CC-BY-NC-4.0": 3}), "CC-BY-NC-4.0"),
        "no number": ("bundle.zip", recarded(bundle("n", 1), '"value":0.9,', '"value":NaN,'), "score.top1.value"),
        "no end of words": ("bundle.zip", recarded(bundle("w", 1), "200 pictures", "many" * 9999), "more than a log"),
        "an endless name": ("model.tar.gz", packed({"../" + "x" * 99999: b""}), "unsafe name"),
        "no archive": ("model.tar.gz", b"\x1f\x8b not gzip", "is damaged or cut"),
        "somebody's archive": ("model.tar.gz", packed({"model.pth": b"weights"}), "no bundle of actorrec"),
        "no bundle": ("model.tar.gz", packed(contents(other, None)), "no bundle.json"),
        "a cut archive": ("model.tar.gz", archive(bundle("new", 1))[:-40], "is damaged or cut"),
        "nothing": ("model.tar.gz", b"", "is damaged or cut"),
    }


def test_an_object_without_a_bundle_for_us_is_told_once_and_never_read_again(empty: OtaWorld) -> None:
    started, events = empty.function(), []
    for what, (name, data, said) in unusable().items():
        events.append(empty.put(f"{PREFIX}/jobs/{what}/output/{name}", data))
        [reason] = started.call(events[-1])["objects"].values()
        assert said in reason and len(reason) <= 2000, what
        assert (empty.said[-1]["action"], empty.said[-1]["reason"]) == ("unusable", reason)
    assert not empty.state.candidates and len(empty.said) == len(events)
    for event in events:
        empty.s3.delete_object(Bucket=empty.bucket, Key=event["detail"]["object"]["key"])
        assert list(started.call(as_s3(event))["objects"].values()) == ["it was looked at before"]
    assert len(empty.said) == len(events) == empty.state.seq


def test_bytes_that_lie_are_told_whatever_they_are(empty: OtaWorld, monkeypatch: Any) -> None:
    """Bundles and archives with some bytes changed: most are refused, none ends the call with anything else."""
    monkeypatch.setenv("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "1024")
    started, chance, old = empty.function(), random.Random(5), bundle("old", -1)
    for number in range(20):
        name, whole = chance.choice([("bundle.zip", old), ("model.tar.gz", archive(old))])
        data = bytearray(whole)
        for _ in range(chance.randint(1, 4)):
            at = chance.choice([chance.randrange(len(data)), len(data) - 1 - chance.randrange(120)])
            data[at] = chance.randrange(256)
        started.call(empty.put(f"{PREFIX}/jobs/{number}/output/{name}", bytes(data)))
    assert len(empty.state.objects) == 20 and not empty.tried
    assert sum(each["action"] == "unusable" for each in empty.said) > 14


def test_a_group_without_a_program_or_with_one_that_reads_other_cards_gets_none(
    greengrass: Greengrass, tmp_path: Path
) -> None:
    live, first, second, third = bundle("live", 0), bundle("first", 1), bundle("second", 2), bundle("third", 3)
    with ota_world(greengrass, tmp_path, devices=0) as world:
        started = world.function()
        started.call(world.land(first))
        assert world.stage(first) == "refused" and "deploy by hand once" in world.said[-1]["reason"]
        assert not world.service.components
        world.go_live(live, card_schema=2)
        at = {"Bucket": world.bucket, "Key": f"{PREFIX}/components/{NAME}.Model/{sha256(live)[:16]}/bundle.zip"}
        world.s3.delete_object(**at)
        started.call(world.land(second))
        assert world.stage(second) == "refused" and "bundle.zip does not exist" in world.said[-1]["reason"]
        world.s3.put_object(Body=b"another", **at)
        started.call(world.land(third))
        assert world.stage(third) == "refused" and "another file than was published" in world.said[-1]["reason"]
        world.s3.put_object(Body=live, **at)
        started.call(world.land(fourth := bundle("fourth", 4)))
        assert world.stage(fourth) == "refused" and "reads 2" in world.said[-1]["reason"]
        assert not world.versions(second) + world.versions(third) + world.versions(fourth)


def test_objects_elsewhere_are_left_alone_and_what_does_not_fit_is_refused(empty: OtaWorld, monkeypatch: Any) -> None:
    started = empty.function()
    for event in (
        empty.event(f"{PREFIX}/bundle.zip", "e", bucket="somebody-elses"), empty.event("other/bundle.zip", "e"),
        empty.event(f"{PREFIX}/components/{NAME}.Model/0123456789abcdef/bundle.zip", "e"),
        empty.event(f"{PREFIX}/model.tar.gz.sha256", "e"),
    ):  # fmt: skip
        [reason] = started.call(event)["objects"].values()
        assert reason.startswith("it is ")
    assert empty.state.seq == 0 and not empty.said
    monkeypatch.setenv("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "192")
    [reason] = started.call(empty.land(bundle("new", 1)))["objects"].values()
    assert "MemorySize" in reason and not empty.state.candidates


def test_an_object_that_was_overwritten_is_left_to_its_next_event_or_is_what_it_was(world: OtaWorld) -> None:
    """Without versions in the bucket the first is gone; with them each version is what it was."""
    started, first, second, third = world.function(), bundle("first", 1), bundle("second", 2), bundle("third", 3)
    key = f"{PREFIX}/latest/bundle.zip"
    events = world.put(key, first), world.put(key, second)
    assert list(started.call(events[0])["objects"].values()) == ["gone"] and world.state.seq == 0
    started.call(events[1])
    assert world.stage(second) == "started"
    world.s3.put_bucket_versioning(Bucket=world.bucket, VersioningConfiguration={"Status": "Enabled"})
    events = world.put(key, first), world.put(key, third)
    assert events[0]["detail"]["object"]["version-id"]
    started.call(as_s3(events[1]))
    started.call(events[0])
    assert [world.stage(each) for each in (first, second, third)] == ["superseded", "started", "waiting"]
    world.s3.delete_object(Bucket=world.bucket, Key=key, VersionId=events[1]["detail"]["object"]["version-id"])
    world.service.settle()
    world.healthy(sha256(second))
    started.call(SCHEDULE)
    assert [world.stage(each) for each in (second, third)] == ["promoted", "refused"]
    assert "not there any more" in world.said[-1]["reason"] and world.deployed()[-1] == sha256(second)


def test_what_aws_refuses_fails_the_call_and_the_next_one_goes_on(world: OtaWorld) -> None:
    new, started = bundle("new", 1), world.function()
    landed = world.land(new)
    for operation in ("ListDeployments", "CreateComponentVersion", "CreateDeployment"):
        world.service.refuse(operation, *DENIED)
        with pytest.raises(RemoteError):
            started.call(landed)
    world.service.refuse("CreateDeployment", *BUSY)  # is asked again at once
    started.call(landed)
    assert world.stage(new) == "started" and world.tried == [sha256(new)]
    assert world.versions(new) == [f"{NAME}.Model 1.0.1"]


def test_a_component_in_the_making_is_left_to_the_schedule(world: OtaWorld) -> None:
    new, started = bundle("new", 1), world.function(ACTORREC_GREENGRASS__POLL_S="1")
    world.service.world.component_steps = ["REQUESTED"] * 4000 + ["DEPLOYABLE"]
    started.call(world.land(new))
    assert world.stage(new) == "claimed" and not world.tried
    [made] = [each for each in world.service.components.values() if each.version == "1.0.1"]
    made.states = ["DEPLOYABLE"]
    started.call(SCHEDULE)
    assert world.stage(new) == "started" and world.versions(new) == [f"{NAME}.Model 1.0.1"]


def test_a_version_that_comes_to_nothing_ends_there_and_one_of_somebody_else_is_left_to_them(world: OtaWorld) -> None:
    failing, new, started = bundle("comes to nothing", 1), bundle("new", 2), world.function()
    steps, world.service.world.component_steps = world.service.world.component_steps, ["FAILED"]
    started.call(world.land(failing))
    assert world.stage(failing) == "refused" and "1.0.1 is FAILED" in world.said[-1]["reason"] and not world.tried
    world.service.world.component_steps = steps
    world.service.refuse("CreateComponentVersion", *DENIED)
    landed = world.land(new)
    with pytest.raises(RemoteError):
        started.call(landed)
    world.service.component(f"{NAME}.Model", "1.0.2")
    started.call(landed)
    assert world.stage(new) == "started" and world.versions(new) == [f"{NAME}.Model 1.0.3"]


def test_without_anybody_to_try_it_it_waits_without_failing(greengrass: Greengrass, tmp_path: Path) -> None:
    with ota_world(greengrass, tmp_path, devices=0) as world:
        world.go_live(bundle("live", 0))
        new, started = bundle("new", 1), world.function()
        started.call(world.land(new))
        assert world.stage(new) == "trying" and not world.tried
        world.devices = world.service.add_devices(world.group, 1)
        started.call(SCHEDULE)
        assert world.stage(new) == "started" and world.tried == [sha256(new)]


def test_what_was_made_for_another_program_or_flavour_is_not_deployed_over_what_somebody_chose_meanwhile(
    greengrass: Greengrass, tmp_path: Path
) -> None:
    live, first, second, third = (bundle(str(day), day) for day in range(4))
    with ota_world(greengrass, tmp_path, devices=0) as world:
        world.go_live(live, single=True)
        started = world.function()
        started.call(world.land(first))
        assert world.stage(first) == "trying" and world.versions(first) == [f"{NAME} 1.0.1"]
        started.call(SCHEDULE)
        assert world.stage(first) == "trying"
        world.go_live(live, single=True, program=b"a newer program")
        started.call(SCHEDULE)
        assert world.stage(first) == "rolled-back" and "another program" in world.said[-1]["reason"]
        started.call(world.land(second))
        assert world.stage(second) == "trying"
        world.go_live(live)
        started.call(SCHEDULE)
        assert world.stage(second) == "rolled-back" and "the other way" in world.said[-1]["reason"]
        world.service.component(f"{NAME}.Model", "1.0.40")
        world.service.refuse("CreateComponentVersion", *DENIED)
        with pytest.raises(RemoteError):
            started.call(world.land(third))
        assert world.stage(third) == "claimed" and not world.versions(third)
        world.go_live(live, single=True)  # a version that was only set aside is set aside anew
        started.call(SCHEDULE)
        [made] = world.versions(third)
        assert world.stage(third) == "trying" and made.startswith(f"{NAME} ")
        assert set(world.deployed()) == {sha256(live)} and not world.tried


def test_the_lock_of_another_environment_is_not_taken_for_that_of_a_dead_process(
    world: OtaWorld, monkeypatch: Any
) -> None:
    """Machines of functions have the same name and the same process numbers."""
    new, lock = bundle("new", 1), f"ota/{world.group}"
    code = (
        "import os, sys; from actorrec.artifacts.uri import open_store; from actorrec.config import load_config;"
        "config = load_config().config; held = open_store(config.store.uri, config.aws).try_lock(sys.argv[1]);"
        "assert held.__enter__(); os._exit(0)"
    )
    environ = {**os.environ, **world.environ, "AWS_LAMBDA_LOG_STREAM_NAME": "2026/11/23/[$LATEST]a"}
    subprocess.run([sys.executable, "-c", code, lock], env=environ, check=True)
    monkeypatch.setenv("AWS_LAMBDA_LOG_STREAM_NAME", "2026/11/23/[$LATEST]b")
    landed = world.land(new)
    world.function().call(landed)
    assert world.stage(new) == "waiting"
    monkeypatch.setenv("AWS_LAMBDA_LOG_STREAM_NAME", "2026/11/23/[$LATEST]a")
    world.function().call(landed)
    assert world.stage(new) == "started"


def test_what_lands_while_another_call_goes_on_is_seen_before_that_one_ends(world: OtaWorld, monkeypatch: Any) -> None:
    old, events, other = bundle("old", -1), [world.land(bundle("old", -1))], world.function()

    def answer(asked: Asked) -> Reply:
        reply = world.service.answer(asked)
        under_way = world.state.under_way if events and asked.path.startswith("/jobs/") else None
        if under_way is not None and under_way.stage == "started":  # the canary is judged: all else is decided
            other.call(events.pop())
        return reply

    with serve({"/*": answer}) as site:
        monkeypatch.setenv("AWS_ENDPOINT_URL_IOT", site.url)
        world.function(fresh=True).call(world.land(bundle("new", 1)))
    assert not events and world.stage(old) == "superseded"


def test_without_time_left_it_is_written_down_and_the_next_call_goes_on_though_nobody_can_be_told(
    world: OtaWorld, capsys: Any
) -> None:
    new, started = bundle("new", 1), world.function()
    world.refuse_messages = True
    started.call(world.land(new), left_s=0)
    assert world.stage(new) == "waiting" and '"ota": "stopped"' in capsys.readouterr().out
    started.call(SCHEDULE)
    assert world.stage(new) == "started" and not world.said
    assert '"ota": "not-published"' in capsys.readouterr().out
