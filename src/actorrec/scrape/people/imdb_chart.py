"""IMDb's names charts, parsed: the answer of its GraphQL interface, and the JSON inside its pages.

Never the ``alt`` texts of pictures: they hold advertisements and captions as well as names.
"""

import warnings
from dataclasses import dataclass

from pydantic import AliasChoices, Field

from actorrec.errors import SourceError
from actorrec.manifests.dataset import Person
from actorrec.scrape.foreign import Foreign
from actorrec.scrape.names import clean_name, make_person
from actorrec.scrape.people.foreign import alternatives, field_gone, parse_json

SOURCE = "imdb"
_NAME_ID = r"^nm\d{7,10}$"


@dataclass(frozen=True, slots=True)
class Chart:
    """Part of a chart, in its order.

    Attributes:
        names: How many stand in it, whatever their trade.
        actors: Those who act; None stands for one whose name is none.
    """

    names: int
    actors: list[Person | None]


class _Text(Foreign):
    text: str


class _Job(Foreign):
    category: _Text


class _Node(Foreign):
    id: str = Field(pattern=_NAME_ID)
    nameText: _Text  # noqa: N815 - IMDb's spelling
    # The interface's word, and the page's.
    jobs: list[_Job] = Field(validation_alias=AliasChoices("creditCategories", "professions"))

    def jobs_and_person(self) -> tuple[list[str], Person | None]:
        person = make_person(self.id, self.nameText.text, imdb=self.id)
        return [job.category.text for job in self.jobs], person


class _Edge(Foreign):
    node: _Node


class _Edges(Foreign):
    edges: list[_Edge]


class _ChartNames(Foreign):
    chartNames: _Edges  # noqa: N815


class _GraphError(Foreign):
    message: str = ""


class _GraphAnswer(Foreign):
    data: _ChartNames


class _GraphErrors(Foreign):
    errors: list[_GraphError] = []


class _ListItem(Foreign):
    nameId: str = Field(pattern=_NAME_ID)  # noqa: N815
    nameText: str  # noqa: N815
    jobs: list[str] = Field(validation_alias=AliasChoices("primaryProfessions", "professions"))

    def jobs_and_person(self) -> tuple[list[str], Person | None]:
        return self.jobs, make_person(self.nameId, self.nameText, imdb=self.nameId)


class _NameResults(Foreign):
    nameListItems: list[_ListItem]  # noqa: N815


class _SearchResults(Foreign):
    nameResults: _NameResults  # noqa: N815


class _PageProps(Foreign):
    pageData: _ChartNames | None = None  # noqa: N815
    searchResults: _SearchResults | None = None  # noqa: N815


class _Props(Foreign):
    pageProps: _PageProps  # noqa: N815


class _NextData(Foreign):
    props: _Props


def parse_graphql(body: bytes) -> Chart:
    """The answer to ``chartNames``.

    Raises:
        SourceError: If its shape is not known, or it is an error.
    """
    errors = parse_json(SOURCE, body, _GraphErrors).errors
    if errors:
        said = clean_name(errors[0].message)[:200]
        raise SourceError(
            SOURCE, f"the interface refuses the query 'chartNames': {said}", alternatives=alternatives(SOURCE)
        )
    return _chart([edge.node for edge in parse_json(SOURCE, body, _GraphAnswer).data.chartNames.edges])


def parse_page(body: bytes) -> Chart:
    """A chart page or a page of the name search, as HTML.

    Raises:
        SourceError: If it holds no ``script#__NEXT_DATA__``, or the shape inside is not known.
    """
    return parse_page_json(_next_data(body))


def parse_page_json(body: bytes) -> Chart:
    """What stands in a page's ``script#__NEXT_DATA__``.

    Raises:
        SourceError: If the shape is not known.
    """
    props = parse_json(SOURCE, body, _NextData).props.pageProps
    if props.pageData is not None:
        return _chart([edge.node for edge in props.pageData.chartNames.edges])
    if props.searchResults is not None:
        return _chart(props.searchResults.nameResults.nameListItems)
    raise field_gone(SOURCE, "props.pageProps.pageData.chartNames")


def parse_saved(body: bytes) -> Chart:
    """A saved file: a page, its JSON, or an answer of the interface.

    Raises:
        SourceError: If it is none of these.
    """
    if not body.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"{"):
        return parse_page(body)
    return parse_page_json(body) if b'"pageProps"' in body else parse_graphql(body)


def _next_data(body: bytes) -> bytes:
    import bs4
    from bs4.filter import SoupStrainer

    only = SoupStrainer("script", id="__NEXT_DATA__")  # of a hostile page, no tree of millions of tags is built
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", bs4.XMLParsedAsHTMLWarning)  # XHTML serves as well
        warnings.simplefilter("ignore", bs4.MarkupResemblesLocatorWarning)
        try:
            soup = bs4.BeautifulSoup(body.decode("utf-8", "replace"), "html.parser", parse_only=only)
        except bs4.ParserRejectedMarkup:
            raise SourceError(SOURCE, "the page cannot be read as HTML", alternatives=alternatives(SOURCE)) from None
    script = soup.find("script")
    if script is None:
        raise field_gone(SOURCE, "script#__NEXT_DATA__")
    return script.get_text().encode("utf-8", "replace")


def _chart(entries: "list[_Node] | list[_ListItem]") -> Chart:
    found = [entry.jobs_and_person() for entry in entries]
    acting = [person for jobs, person in found if any(job.casefold() in ("actor", "actress") for job in jobs)]
    return Chart(len(found), acting)
