"""The web application: which address answers what. Everything it sends lies in the store or beside this file."""

from collections.abc import Callable
from importlib.resources import files
from typing import Any, Final, TypeVar

from pydantic import BaseModel, ValidationError
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from actorrec.errors import ActorRecError, ArtifactError, DataError
from actorrec.review.board import Board
from actorrec.review.changes import Change, Merge, Undo
from actorrec.review.unknowns import FaceIds, Naming, UnknownsDesk

_TYPES: Final = {
    "html": "text/html; charset=utf-8",
    "css": "text/css; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "svg": "image/svg+xml",
}
# A picture never changes: the token, part of its address, is another one in every run.
_FOREVER: Final = {"cache-control": "private, max-age=31536000, immutable"}
B = TypeVar("B", bound=BaseModel)


def review_app(board: Board | None, desk: UnknownsDesk) -> Starlette:
    """The application; it must stand behind a ``Guard``.

    Args:
        board: The data set; None shows unknown faces alone.
        desk: The unknown faces.
    """
    routes = [*_static_routes(start="index.html" if board else None), *_unknown_routes(desk, board)]
    if board is not None:
        routes += _board_routes(board, desk)
    handlers: dict[Any, Any] = {ActorRecError: _our_error, HTTPException: _http_error}
    app = Starlette(routes=routes, exception_handlers=handlers)
    app.router.redirect_slashes = False  # it would lead to an address without the token
    return app


def _static_routes(start: str | None) -> list[Route]:
    """The files of the page, read once: no path of a request ever becomes the name of a file."""
    folder = files("actorrec.review") / "static"
    content = {each.name: each.read_bytes() for each in folder.iterdir() if each.name.rpartition(".")[2] in _TYPES}

    def serve(name: str) -> Callable[[Request], Response]:
        def answer(_: Request) -> Response:
            return Response(content[name], headers={"content-type": _TYPES[name.rpartition(".")[2]]})

        return answer

    def elsewhere(_: Request) -> Response:
        return RedirectResponse("unknowns")

    first = Route("/", serve(start) if start else elsewhere)
    pages = [first, Route("/unknowns", serve("unknowns.html"))]
    return pages + [Route(f"/{name}", serve(name)) for name in sorted(content) if not name.endswith(".html")]


def _board_routes(board: Board, desk: UnknownsDesk) -> list[Route]:
    def everything(_: Request) -> Response:
        return JSONResponse({**board.everything(), "unknowns": desk.keeping or bool(desk.shelf.faces())})

    def standing(_: Request) -> Response:
        return JSONResponse(board.standing())

    def history(_: Request) -> Response:
        return JSONResponse(board.history())

    def detail(request: Request) -> Response:
        return JSONResponse(_found(lambda: board.detail(request.path_params["number"])))

    def thumb(request: Request) -> Response:
        return _jpeg(_found(lambda: board.picture(request.path_params["number"], whole=False)))

    def preview(request: Request) -> Response:
        return _jpeg(_found(lambda: board.picture(request.path_params["number"], whole=True)))

    return [
        Route("/api/board", everything),
        Route("/api/standing", standing),
        Route("/api/history", history),
        Route("/api/picture/{number:int}", detail),
        Route("/thumb/{number:int}", thumb),
        Route("/preview/{number:int}", preview),
        _post("/api/change", Change, board.change),
        _post("/api/merge", Merge, board.merge),
        _post("/api/undo", Undo, board.undo),
    ]


def _unknown_routes(desk: UnknownsDesk, board: Board | None) -> list[Route]:
    def faces(_: Request) -> Response:
        return JSONResponse({**desk.listed(), "board": board is not None})

    def crop(request: Request) -> Response:
        try:
            # Unlike the pictures of a data set it can be deleted, and must then be gone: never cached.
            return Response(desk.crop(request.path_params["face_id"]), media_type="image/jpeg")
        except DataError as error:
            raise HTTPException(404, error.message) from None

    return [
        Route("/api/unknowns", faces),
        Route("/unknown/{face_id}", crop),
        _post("/api/unknowns/name", Naming, desk.name),
        _post("/api/unknowns/remove", FaceIds, desk.remove),
    ]


def _post(path: str, model: type[B], work: Callable[[B], dict[str, Any]]) -> Route:
    """A route that takes one strict record and answers with JSON."""

    async def answer(request: Request) -> Response:
        try:
            asked = model.model_validate_json(await request.body())
        except ValidationError as error:
            raise HTTPException(422, _told(error)) from None
        return JSONResponse(await run_in_threadpool(work, asked))

    return Route(path, answer, methods=["POST"])


def _told(error: ValidationError) -> str:
    first = error.errors()[0]
    if first["type"] == "value_error":  # of our own wording; a person may have typed it
        return first["msg"].removeprefix("Value error, ")
    where = ".".join(str(part) for part in first["loc"])
    return f"{where}: {first['msg']}" if where else first["msg"]


T = TypeVar("T")


def _found(read: Callable[[], T]) -> T:
    try:
        return read()
    except IndexError:
        raise HTTPException(404, "there is no such picture") from None


def _jpeg(data: bytes) -> Response:
    return Response(data, media_type="image/jpeg", headers=_FOREVER)


def _our_error(_: Request, error: Exception) -> Response:
    assert isinstance(error, ActorRecError)
    status = 500 if isinstance(error, ArtifactError) else 422
    return JSONResponse({"error": error.message, "hint": error.hint}, status)


def _http_error(_: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    return JSONResponse({"error": error.detail, "hint": ""}, error.status_code, headers=error.headers)
