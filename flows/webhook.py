"""Receives MLflow's webhook when an alias moves, and starts a release pass.

The watcher starts them without it, too, seconds later. A call is accepted once, if its signature is right, it
is recent, and it was signed after this receiver started, which knows no calls that an earlier one accepted.
"""

from __future__ import annotations

import logging
import math
import time
from collections import OrderedDict

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from components.integrations.model_registry.webhook_signature import why_forged
from flows import keys
from flows.environment import STATE

logger = logging.getLogger(__name__)
MAX_BODY_BYTES = 100_000  # MLflow's calls have a few hundred
MAX_DELIVERIES = 1000  # ids that are remembered; calls with older ones are refused by their age
_deliveries: OrderedDict[str, None] = OrderedDict()  # ids of the calls that started a pass, oldest first
_started = math.floor(time.time())  # seconds since 1970, whole ones like MLflow's timestamps


async def alias_moved(request: Request) -> JSONResponse:
    """Starts a release pass and answers 202, or 401 or 413 with the reason to refuse the call."""
    content = await _body(request)
    if content is None:
        return JSONResponse({"refused": f"it is larger than {MAX_BODY_BYTES:,} bytes"}, 413)
    body = content.decode("utf-8", "replace")
    delivery = request.headers.get("x-mlflow-delivery-id", "")
    reason = _why_refused(
        body,
        delivery,
        request.headers.get("x-mlflow-timestamp", ""),
        request.headers.get("x-mlflow-signature", ""),
    )
    if reason:
        logger.warning("webhook refused: %s", reason)
        return JSONResponse({"refused": reason}, 401)
    # Recorded before the pass is started, so that a call that arrives twice at once starts only one.
    _deliveries[delivery] = None
    while len(_deliveries) > MAX_DELIVERIES:
        _deliveries.popitem(last=False)
    try:
        await _start_pass()
    except Exception:
        _deliveries.pop(delivery, None)  # MLflow repeats a failed delivery with the same id
        raise
    return JSONResponse({"started": "release"}, 202)


async def _body(request: Request) -> bytes | None:
    """The request's body; None where it is larger than allowed, whatever its Content-Length says."""
    length = request.headers.get("content-length", "0")
    if not length.isdecimal() or int(length) > MAX_BODY_BYTES:
        return None
    body = bytearray()
    async for part in request.stream():
        body += part
        if len(body) > MAX_BODY_BYTES:
            return None
    return bytes(body)


def _why_refused(body: str, delivery: str, timestamp: str, signature: str) -> str | None:
    forged = why_forged(body, delivery, timestamp, signature, keys.keys(STATE)["webhook"], time.time())
    if forged:
        return forged
    if float(timestamp) < _started:
        return "it was signed before this receiver started"
    return "this delivery was seen before" if delivery in _deliveries else None


async def _start_pass() -> None:
    from prefect.deployments import arun_deployment

    await arun_deployment("release/release", timeout=0)


async def health(_: Request) -> JSONResponse:
    """Answers 200 as soon as the receiver runs."""
    return JSONResponse({})


app = Starlette(routes=[Route("/mlflow", alias_moved, methods=["POST"]), Route("/health", health)])
