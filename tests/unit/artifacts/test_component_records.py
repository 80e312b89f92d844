"""Components in a store: listed, traced, kept, copied and checked like everything else."""

from datetime import timedelta
from pathlib import Path

from actorrec.artifacts.catalog import commit_manifest
from actorrec.artifacts.collection import collect, find_garbage
from actorrec.artifacts.copies import copy_with_lineage
from actorrec.artifacts.inspection import inspect
from actorrec.artifacts.lineage import RECORDS, find_artifact, trace
from actorrec.artifacts.local import LocalStore
from actorrec.manifests.base import Manifest
from actorrec.manifests.component import ComponentManifest
from actorrec.progress import SilentProgress
from stored_chains import START, add_bundle, add_images

NAME = "com.example.A.Model"


def add_component(store: LocalStore, day: int, version: str, made_from: Manifest | None = None) -> ComponentManifest:
    key = f"c{version.replace('.', '')}{'0' * 12}"
    record = store.put_bytes(f"component/{key}/recipe.json", b"{}")
    arn = f"arn:aws:greengrass:us-east-1:123456789012:components:{NAME}:versions:{version}"
    inputs = {} if made_from is None else {made_from.ref: made_from.content_digest()}
    manifest = ComponentManifest(
        key=key, created_at=START + timedelta(days=day), files=[record], inputs=inputs, name=NAME, version=version,
        role="model", arn=arn, content="0" * 64, artifacts=[],
    )  # fmt: skip
    return commit_manifest(store, manifest)


def test_what_a_component_came_from_is_known(tmp_path: Path) -> None:
    store, other = LocalStore(tmp_path / "a"), LocalStore(tmp_path / "b")
    images = add_images(store, "1mages", 0)
    bundle = add_bundle(store, "b0b0", 1, images)
    component = add_component(store, 2, "1.0.0", bundle)
    assert [each.ref for each in trace(store, component.inputs).found] == [bundle.ref, images.ref]
    assert find_artifact(store, "newest").ref == component.ref == find_artifact(store, component.key[:6]).ref
    assert find_artifact(store, "newest", among=["images", "bundle"]).ref == bundle.ref
    found = inspect(store, SilentProgress())
    assert found.artifacts == 3 and not (found.damaged or found.orphans or found.unfinished)
    copy_with_lineage(component, store, other, SilentProgress())
    assert find_artifact(other, "newest") == component


def test_records_stay_and_with_the_newest_of_a_name_what_it_came_from(tmp_path: Path) -> None:
    store = LocalStore(tmp_path)
    images = add_images(store, "1mages", 0)
    bundles = [add_bundle(store, f"b0b{day}", day, images) for day in (1, 2, 3)]
    first = add_component(store, 4, "1.0.0", bundles[0])
    second = add_component(store, 5, "1.0.1", bundles[1])
    assert RECORDS == ("component", "deployment")
    garbage = find_garbage(store, unfinished_for=timedelta(days=7))
    assert [each.ref for each in garbage] == [bundles[0].ref], "the newest bundle stays, and the newest component's"
    collect(store, garbage, SilentProgress())
    assert find_artifact(store, first.key).ref == first.ref and find_artifact(store, second.key).ref == second.ref
    assert trace(store, first.inputs).missing == (bundles[0].ref,)
