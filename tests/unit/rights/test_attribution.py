"""Attribution worked out by hand for a few pictures, and the credits made of it."""

from datetime import UTC, datetime
from typing import Any

from actorrec.manifests.dataset import DatasetManifest, ImageRecord, Person
from actorrec.manifests.images import ImagesManifest, ListedPerson, ScrapedImage
from actorrec.manifests.nets import TemplateRecord
from actorrec.rights.attribution import attribution
from actorrec.rights.credits import credits_text
from actorrec.rights.spdx import spdx_document
from small_bundles import small_bundle

NOW = datetime(2026, 5, 3, tzinfo=UTC)
ADA, BEA = Person(person_id="Q1", name="Ada"), Person(person_id="Q2", name="Bea")
FREE = {
    "licence": "CC BY-SA 4.0",
    "licence_url": "https://creativecommons.org/licenses/by-sa/4.0",
    "author": "Jo Doe",
    "page": "https://commons.example/wiki/File:Ada.jpg",
    "url": "https://upload.example/ada.jpg",
}


def data_set(*images: ImageRecord) -> DatasetManifest:
    points = tuple((float(i), float(i)) for i in range(5))
    return DatasetManifest(
        key="some",
        template=TemplateRecord.model_validate({"name": "t", "size_px": 112, "points_px": points}),
        detector_id="d",
        embedder_id="e",
        people=[ADA, BEA],
        images=list(images),
        faces=[],
    )


def image(path: str, person_id: str = "Q1", **fields: Any) -> ImageRecord:
    return ImageRecord.model_validate({"path": path, "person_id": person_id, "outcome": "kept", **fields})


def test_nothing_makes_an_empty_attribution() -> None:
    found = attribution("dataset/some", data_set())
    assert (found.pictures, found.licences, found.classes, found.nets) == ([], [], {}, [])
    assert credits_text(found) == ["dataset/some: 0 pictures of 0 people"]


def test_only_pictures_that_are_used_are_listed_by_person_with_all_that_is_known() -> None:
    found = attribution(
        "dataset/some",
        data_set(
            image("b/1.jpg", "Q2", licence="unknown", outcome="flagged", url="https://x.example/1.jpg"),
            image("a/1.jpg", sha256="a" * 64, **FREE),
            image("a/2.jpg"),
            image("a/3.jpg", licence="all rights reserved", outcome="dropped"),
        ),
    )
    assert [(credit.person, credit.file) for credit in found.pictures] == [
        ("Ada", "a/1.jpg"),
        ("Ada", "a/2.jpg"),
        ("Bea", "b/1.jpg"),
    ]
    first = found.pictures[0].model_dump()
    assert first == {"person_id": "Q1", "person": "Ada", "file": "a/1.jpg", "licence_class": "free"} | FREE | {
        "sha256": "a" * 64
    }
    assert found.classes == {"free": 1, "user-supplied": 1, "unknown": 1}
    assert [(each.licence, each.pictures) for each in found.licences] == [
        ("CC BY-SA 4.0", 1),
        ("unknown", 1),
        ("user-supplied", 1),
    ]
    assert credits_text(found) == [
        "dataset/some: 3 pictures of 2 people",
        "",
        "RESTRICTED OR UNKNOWN: 1 picture that may need permission to be used or shown",
        "  Bea: https://x.example/1.jpg — author unknown — unknown",
        "",
        "Licences",
        "  1 × CC BY-SA 4.0 (https://creativecommons.org/licenses/by-sa/4.0): free",
        "  1 × unknown",
        "  1 × user-supplied",
        "",
        "Pictures",
        "Ada",
        "  https://commons.example/wiki/File:Ada.jpg — Jo Doe — "
        "CC BY-SA 4.0 (https://creativecommons.org/licenses/by-sa/4.0)",
        "  1 of the user's own",
        "Bea",
        "  https://x.example/1.jpg — author unknown — unknown",
    ]


def test_two_people_of_one_name_stay_two() -> None:
    twins = data_set(image("a/1.jpg", **FREE), image("b/1.jpg", "Q9", **FREE))
    twins = twins.model_copy(update={"people": [ADA, Person(person_id="Q9", name="Ada")]})
    lines = credits_text(attribution("dataset/some", twins))
    assert lines[0].endswith("2 pictures of 2 people") and lines.count("Ada") == 2


def scraped_image(**fields: Any) -> ScrapedImage:
    known = {"file": "Ada_Q1/Ada_0001.jpg", "person_id": "Q1", "source": "commons", "fetched_at": NOW} | FREE
    sizes = {
        "width_px": 9,
        "height_px": 9,
        "bytes": 9,
        "sha256": "b" * 64,
        "source_sha256": "c" * 64,
        "phash": "0" * 16,
    }
    return ScrapedImage.model_validate(known | sizes | fields)


def image_set(*images: ScrapedImage, key: str = "pics") -> ImagesManifest:
    listed = ListedPerson(person=ADA, rank=1, source="wikidata", listed_at=NOW)
    about = {"people_source": "wikidata", "image_sources": ["commons"]}
    return ImagesManifest.model_validate(about | {"key": key, "people": [listed], "images": images, "tallies": []})


def test_scraped_pictures_that_were_enrolled_keep_their_makers() -> None:
    card, _ = small_bundle(people=[BEA])
    enrolled = [("Q2", "Ada_Q1/Ada_0001.jpg"), ("Q2", "Ada_Q1/Ada_0002.jpg"), ("Q2", "mine/1.jpg")]
    sets = [
        image_set(scraped_image(), scraped_image(file="Ada_Q1/Ada_0002.jpg")),
        image_set(scraped_image(), scraped_image(file="Ada_Q1/Ada_0002.jpg", sha256="d" * 64), key="more"),
    ]
    found = attribution("bundle/b", card, enrolled=enrolled, scraped=sets).pictures
    assert [(each.person, each.author, each.licence, each.sha256) for each in found] == [
        ("Bea", "Jo Doe", "CC BY-SA 4.0", "b" * 64),
        ("Bea", None, "unknown", None),
        ("Bea", None, "user-supplied", None),
    ]


def test_scraped_pictures_are_listed_before_any_data_set_is_made_of_them() -> None:
    images = image_set(scraped_image())
    (credit,) = attribution(images.ref, images).pictures
    assert (credit.person, credit.file, credit.sha256) == ("Ada", "Ada_Q1/Ada_0001.jpg", "b" * 64)
    from_it = attribution("dataset/some", data_set(image("Ada_Q1/Ada_0001.jpg", **FREE)), made_from=[images])
    assert len(from_it.pictures) == 1 and from_it.made_from == ["images/pics"]


def test_a_bundle_lists_its_nets_what_was_learned_and_what_was_enrolled() -> None:
    card, _ = small_bundle(people=[ADA, BEA])
    enrolled = [("Q1", "a/1.jpg"), ("Q2", "mine/b.jpg")]
    found = attribution("bundle/b", card, made_from=[data_set(image("a/1.jpg", **FREE))], enrolled=enrolled)
    assert [(net.role, net.name) for net in found.nets] == [
        ("detector", card.detector.detector_id),
        ("embedder", card.embedder.model_id),
    ]
    assert [(each.person, each.file, each.licence) for each in found.pictures] == [
        ("Ada", "a/1.jpg", "CC BY-SA 4.0"),
        ("Bea", "mine/b.jpg", "user-supplied"),
    ]


def test_a_card_alone_says_what_is_missing_and_what_it_states() -> None:
    card, _ = small_bundle(licences=["3 pictures: unknown", "net: MIT"], restricted={"unknown": 3})
    found = attribution("bundle.zip", card, missing=["model/gone"], enrolled=[("Ada", "a/1.jpg")])
    assert found.pictures == [] and found.restricted == {"unknown": 3}
    lines = credits_text(found)
    assert lines[0] == "bundle.zip: what it was made from is not in this store", "not: 0 pictures"
    assert "NOT COMPLETE: this store lacks model/gone, so their pictures are not listed" in lines
    assert "  it states 3 pictures: unknown" in lines
    assert any("RESTRICTED" in line and "3 × 'unknown'" in line for line in lines)


def test_an_spdx_document_declares_each_licence_once_and_points_at_what_there_is() -> None:
    card, _ = small_bundle(people=[ADA, BEA])
    pictures = data_set(
        image("a/1.jpg", sha256="a" * 64, **FREE),
        image("a/2.jpg", author="Jo (WMF)\nDoe", licence="CC BY-NC-SA 2.0"),
        image("a/3.jpg", licence="unknown"),
        image("b/1.jpg", "Q2", licence="unknown"),
    )
    document = spdx_document(attribution("my bundle.zip", card, made_from=[pictures]))
    packages = {each["name"]: each for each in document["packages"]}
    declared = {name: each["licenseDeclared"] for name, each in packages.items()}
    assert declared["a/1.jpg"] == "CC-BY-SA-4.0" and declared["a/2.jpg"] == "CC-BY-NC-SA-2.0"
    assert declared["a/3.jpg"] == declared["b/1.jpg"] and declared["my bundle.zip"] == "NOASSERTION"
    texts = {each["licenseId"]: each["extractedText"] for each in document["hasExtractedLicensingInfos"]}
    assert texts[declared["a/3.jpg"]] == "unknown" and texts[declared[card.embedder.model_id]] == card.embedder.licence
    assert packages["a/1.jpg"]["downloadLocation"] == FREE["url"] and packages["a/1.jpg"]["homepage"] == FREE["page"]
    assert packages["a/1.jpg"]["checksums"] == [{"algorithm": "SHA256", "checksumValue": "a" * 64}]
    assert packages["a/2.jpg"]["originator"] == "Person: Jo [WMF] Doe" and packages["a/2.jpg"]["checksums"] == []
    ids = [each["SPDXID"] for each in document["packages"]]
    contained = [each["relatedSpdxElement"] for each in document["relationships"]]
    assert contained == ids[1:] and len(set(ids)) == len(ids) and document["documentDescribes"] == ids[:1]
    assert " " not in document["documentNamespace"]


def test_an_spdx_document_points_at_the_web_alone() -> None:
    pictures = data_set(
        image("a/1.jpg", url="holiday/1.jpg", page="javascript:alert(1)"),
        image("a/2.jpg", url="HTTPS://example.org/2.jpg", page="//example.org"),
    )
    packages = {each["name"]: each for each in spdx_document(attribution("dataset/some", pictures))["packages"]}
    where = [packages[name]["downloadLocation"] for name in ("a/1.jpg", "a/2.jpg")]
    assert where == ["NOASSERTION", "HTTPS://example.org/2.jpg"]
    assert not any("homepage" in each for each in packages.values())
