"""Wikidata and Commons on loopback with real faces of the test data behind their files."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from urllib.parse import unquote

from PIL import Image

from sites.commons import Commons, WikiFile
from sites.invented import Invented
from sites.server import Asked, Reply, Site
from sites.wikidata import query_service

SPARQL_PATH = "/sparql"


def join_faces(site: Site, photos: Mapping[str, Sequence[Path]]) -> dict[str, str]:
    """Answer on a site as both wikis and their file server; people and files are named after the folders.

    Args:
        photos: Name → picture files, best known person first.

    Returns:
        The environment that points the program there.
    """
    people = [Invented(name, number, 1000 - number) for number, name in enumerate(photos, start=1)]
    held: dict[str, Path] = {}
    wiki = Commons()
    for person in people:
        wiki.claims[person.qid] = {"P373": [person.name]}
        for number, path in enumerate(photos[person.name]):
            title = f"{person.name} {number:02}.jpg"
            held[title.replace(" ", "_")] = path
            with Image.open(path) as picture:
                width, height = picture.size
            wiki.files.append(
                WikiFile(title, depicts=(person.qid,), categories=(person.name,), width=width, height=height)
            )

    def picture(asked: Asked) -> Reply:
        path = held.get(unquote(asked.path).rpartition("/")[2])
        return Reply(path.read_bytes(), content_type="image/jpeg") if path else Reply(b"not found", 404)

    wiki.join(site)
    site.routes[SPARQL_PATH] = query_service(people)
    site.routes["/wikipedia/commons/*"] = picture
    return {
        "ACTORREC_SOURCES__WIKIDATA_SPARQL_URL": f"{site.url}{SPARQL_PATH}",
        "ACTORREC_SOURCES__WIKIDATA_API_URL": f"{site.url}/w/api.php",
        "ACTORREC_SOURCES__COMMONS_API_URL": f"{site.url}/w/api.php",
        "ACTORREC_FETCH__ALLOW_ADDRESSES": "[127.0.0.0/8]",
        "ACTORREC_FETCH__RATE_PER_S": "200",
    }
