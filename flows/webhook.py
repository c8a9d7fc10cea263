"""Receives MLflow's webhook when an alias moves, and starts a release pass. Only a hint: passes run anyway.

A call is believed if its HMAC is right, it is recent, it was signed after this receiver started (what an
earlier one saw is forgotten) and its delivery was not seen before.
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
REMEMBERED = 1000  # deliveries; older ones are refused by their age
_seen: OrderedDict[str, None] = OrderedDict()
_started = math.floor(time.time())  # MLflow's stamps are whole seconds


async def moved(request: Request) -> JSONResponse:
    """202 and a release pass for a call that is MLflow's; 401 and nothing for any other."""
    body = (await request.body()).decode("utf-8", "replace")
    delivery = request.headers.get("x-mlflow-delivery-id", "")
    stamp, signature = (request.headers.get(f"x-mlflow-{name}", "") for name in ("timestamp", "signature"))
    why = why_forged(body, delivery, stamp, signature, keys.keys(STATE)["webhook"], time.time())
    if not why and float(stamp) < _started:
        why = "it was signed before this receiver started"
    if not why and delivery in _seen:
        why = "this delivery was seen before"
    if why:
        logger.warning("webhook refused: %s", why)
        return JSONResponse({"refused": why}, 401)
    _seen[delivery] = None  # before anything is waited for: two at once are one too many
    while len(_seen) > REMEMBERED:
        _seen.popitem(last=False)
    try:
        await _start_pass()
    except Exception:
        del _seen[delivery]  # MLflow tries again after a failure
        raise
    return JSONResponse({"started": "release"}, 202)


async def _start_pass() -> None:
    from prefect.deployments import arun_deployment

    await arun_deployment("release/release", timeout=0)


async def health(_: Request) -> JSONResponse:
    """Answers as soon as the receiver is there."""
    return JSONResponse({})


app = Starlette(routes=[Route("/mlflow", moved, methods=["POST"]), Route("/health", health)])
