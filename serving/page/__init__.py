"""/app: a page to see and try the service; HTML, CSS and ES modules without a build step."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from http import HTTPStatus
from pathlib import Path
from typing import Any

from starlette.requests import Request
from starlette.responses import FileResponse, RedirectResponse, Response
from starlette.routing import Route

from serving.refusals import refusal

_FOLDER = Path(__file__).resolve().parent
_TYPES = {".html": "text/html", ".css": "text/css", ".js": "text/javascript"}
_FILES = {f"/app/{file.name}": file for file in _FOLDER.iterdir() if file.suffix in (".css", ".js")} | {
    "/app": _FOLDER / "index.html"
}
PATHS = {"/", *_FILES}  # nothing in them is anybody's
_HEADERS = {
    # Nothing from another host and no inline script: a dish's name can only be read.
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-cache",  # another release may have another page
}


def routes(settings: Callable[[], Mapping[str, Any]]) -> list[Route]:
    """Builds the routes of the page's files, and of `/`, which leads to the page or the OpenAPI document.

    Args:
        settings: Reads the section `serve` of params.yaml.
    """

    async def file(request: Request) -> Response:
        found = _FILES[request.url.path]
        if not settings()["page"]:
            return refusal(HTTPStatus.NOT_FOUND, "This service has no page: set serve.page to true.")
        return FileResponse(found, headers=_HEADERS, media_type=_TYPES[found.suffix])

    async def front_door(_: Request) -> Response:
        return RedirectResponse("app" if settings()["page"] else "docs.json")

    return [Route("/", front_door), *(Route(path, file) for path in _FILES)]
