"""One OpenAPI document: BentoML's, corrected where it says too little, with the mounted operations added."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, TypeAdapter
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from serving import calendar
from serving.endpoints import versions
from serving.middleware import login
from serving.schemas.fields import StoredId
from serving.schemas.people import ErasureAnswer, PersonAnswer
from serving.schemas.versions import VersionsAnswer

_REFERENCE = "#/components/schemas/{model}"
_TAG = "Service APIs"  # what BentoML calls a service's operations
_REFUSALS = {
    400: "The request cannot be read; the sentence says what is wrong with it.",
    401: "The service's token is missing.",
    404: "The service's store holds nothing of this person.",
    409: "The event_id names other feedback.",
    410: "The person was erased.",
    413: "The request is too large.",
    415: "The content type is not application/json.",
    421: "No token is needed, and the host is not localhost, 127.0.0.1 or [::1].",
    429: "Too many requests at once, or in a day: come again after Retry-After.",
    500: "Something broke; the service's log says what.",
    503: "Not ready, or the store does not answer.",
    504: "The request took too long.",
}
_OF_BODIES = (400, 401, 413, 415, 421, 429, 500, 503, 504)
_OF_PEOPLE = (410,)
_MORE = {
    **dict.fromkeys(("/rank", "/recommend", "/plan", "/questions"), _OF_PEOPLE),
    "/feedback": (*_OF_PEOPLE, 409),
}
_PERSON_ID = {
    "name": "person_id",
    "in": "path",
    "required": True,
    "description": "Escaped as UTF-8; a slash may be sent as it is.",
    "schema": TypeAdapter(StoredId).json_schema(),
    "example": "ada",
}


def routes(service: Any) -> list[Route]:
    """Builds `/docs.json`, which stands before BentoML's own.

    BentoML's document lacks the mounted operations, and its page would load a script from Google into this
    service's origin.

    Args:
        service: BentoML's service, whose operations are documented, too.
    """

    async def document(request: Request) -> Response:
        needs_token = bool(request.scope.get(login.NEEDS_TOKEN))
        return JSONResponse(merged(service.openapi_spec.asdict(), needs_token=needs_token))

    return [Route("/docs.json", document)]


def merged(document: dict[str, Any], *, needs_token: bool) -> dict[str, Any]:
    """Completes BentoML's document with the mounted operations, and with every status that operations answer.

    Args:
        document: BentoML's document of its own operations.
        needs_token: Whether callers must bring the service's token.
    """
    text = json.dumps(document).replace("IODescriptor", "").replace('"palate__', '"').replace(_TAG, "service")
    document = json.loads(text)  # a copy in which statuses are texts, and names are the service's own
    document["info"].pop("contact", None)  # BentoML's makers, whom no caller of this service should ask
    schemas = document["components"]["schemas"]
    for body in (PersonAnswer, ErasureAnswer, VersionsAnswer):
        schemas.update(_schemas_of(body))
    schemas["Refusal"] = {
        "type": "object",
        "required": ["error"],
        "properties": {"error": {"type": "string", "description": "One sentence."}},
        "additionalProperties": False,
        "example": {"error": "The request is larger than 1,000,000 bytes."},
    }
    for path, item in document["paths"].items():
        if "post" in item:
            _correct(item["post"], schemas, (*_OF_BODIES, *_MORE.get(path, ())))
    responses = document["paths"]["/feedback"]["post"]["responses"]
    unknown = "Stored; its dish is unknown until a night's inbox has it."
    responses["202"] = {**responses["200"], "description": unknown}
    erasures = document["paths"]["/erasures"]["post"]["responses"]
    erasures["202"] = erasures.pop("200")
    planned = document["paths"]["/plan"]["post"]["responses"]["200"]["content"]
    planned[calendar.MEDIA_TYPE] = {"schema": {"type": "string", "description": "A plan as iCalendar."}}
    document["paths"]["/people/{person_id}"] = _people()
    document["paths"][versions.PATH] = {"get": _versions()}
    without = ("TaskStatusResponse", "InvalidArgument", "NotFound", "InternalServerError", "canary__Input")
    document["components"]["schemas"] = {
        name: _in_3_0(schema) for name, schema in schemas.items() if name not in without
    }
    document["paths"]["/readyz"]["get"]["responses"].update(_refusals((503,)))
    if needs_token:
        document["components"]["securitySchemes"] = {"token": {"type": "http", "scheme": "bearer"}}
        document["security"] = [{"token": []}]
        for path in login.OPEN:
            document["paths"][path]["get"]["security"] = []
    return document


def _people() -> dict[str, Any]:
    return {
        "parameters": [_PERSON_ID],
        "get": {
            "operationId": "read_person",
            "tags": ["service"],
            "description": "All that the service's store holds of a person.",
            "responses": {
                "200": _answer("What is held.", "PersonAnswer"),
                **_refusals((400, 401, 404, 410, 413, 415, 421, 429, 503)),
            },
        },
        "delete": {
            "operationId": "erase_person",
            "tags": ["service"],
            "description": "Hides a person at once; the next night takes them out of everything else. It may "
            "be sent again, also for a person of whom nothing is held.",
            "responses": {
                "202": _answer("Hidden, and queued.", "ErasureAnswer"),
                **_refusals((400, 401, 413, 415, 421, 429, 503)),
            },
        },
    }


def _versions() -> dict[str, Any]:
    return {
        "operationId": "versions",
        "tags": ["service"],
        "description": "The versions that answer, what they come from, and what their gates said.",
        "responses": {"200": _answer("The versions.", "VersionsAnswer"), **_refusals((401, 421))},
    }


def _correct(operation: dict[str, Any], schemas: Mapping[str, Any], statuses: tuple[int, ...]) -> None:
    """Replaces inline schemas by BentoML's components, which also allow null, and adds all statuses."""
    answer = operation["responses"]["200"]
    for content in (operation["requestBody"]["content"], answer["content"]):
        body = content["application/json"]
        if body["schema"].get("title") in schemas:
            body["schema"] = {"$ref": _REFERENCE.format(model=body["schema"]["title"])}
    operation["requestBody"]["required"] = operation["operationId"] != "canary"
    operation["responses"] = {"200": answer, **_refusals(statuses)}


def _refusals(statuses: tuple[int, ...]) -> dict[str, Any]:
    return {str(status): _answer(_REFUSALS[status], "Refusal") for status in sorted(statuses)}


def _answer(description: str, schema: str) -> dict[str, Any]:
    reference = {"$ref": _REFERENCE.format(model=schema)}
    return {"description": description, "content": {"application/json": {"schema": reference}}}


def _schemas_of(body: type[BaseModel]) -> dict[str, Any]:
    schema = body.model_json_schema(ref_template=_REFERENCE, mode="serialization")
    return {**schema.pop("$defs", {}), body.__name__: schema}


def _in_3_0(schema: Any) -> Any:
    """Rewrites a schema of OpenAPI 3.1, as pydantic writes it, so that null is `nullable` as in 3.0."""
    if isinstance(schema, list):
        return [_in_3_0(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    values = {name: _in_3_0(part) for name, part in schema.items() if name != "root_input"}
    options = [option for option in values.get("anyOf", []) if option != {"type": "null"}]
    if len(options) == 1:
        del values["anyOf"]
        return {**options[0], **values, "nullable": True}
    return values
