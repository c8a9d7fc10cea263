"""The webhook's receiver bounds what it reads before it computes a signature."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from starlette.testclient import TestClient

from flows import webhook


def test_a_body_that_says_it_is_too_large_is_not_read() -> None:
    with TestClient(webhook.app) as client:
        answer = client.post("/mlflow", content=b"x" * (webhook.MAX_BODY_BYTES + 1))
    assert answer.status_code == 413


@pytest.mark.parametrize("length", [None, b"5", b"-1", b"x"])
def test_a_body_that_grows_and_grows_is_read_up_to_the_limit(length: bytes | None) -> None:
    parts, sent = 0, []

    async def receive() -> dict[str, Any]:
        nonlocal parts
        parts += 1
        return {"type": "http.request", "body": b"x" * 50_000, "more_body": True}

    async def send(message: Any) -> None:
        sent.append(message)

    headers = [] if length is None else [(b"content-length", length)]
    scope = {
        "type": "http", "method": "POST", "path": "/mlflow", "headers": headers, "query_string": b"",
    }  # fmt: skip
    asyncio.run(asyncio.wait_for(webhook.app(scope, receive, send), 10))
    assert sent[0]["status"] == 413
    assert parts <= 3


def test_a_small_call_without_signature_is_refused() -> None:
    with TestClient(webhook.app) as client:
        assert client.post("/mlflow", content=b"{}").status_code == 401
