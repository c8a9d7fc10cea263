"""Only MLflow's own, recent calls are believed."""

from __future__ import annotations

import pytest
from mlflow.webhooks.delivery import _generate_hmac_signature

from components.integrations.model_registry.webhook_signature import why_forged

BODY, SECRET, NOW = '{"name": "palate"}', "a secret", 1_700_000_000.0


def _call(**changes: str) -> str | None:
    call = {"body": BODY, "delivery": "d1", "timestamp": str(int(NOW)), "secret": SECRET}
    signature = _generate_hmac_signature(SECRET, call["delivery"], call["timestamp"], BODY)
    return why_forged(**({**call, "signature": signature} | changes), now=NOW)


def test_a_call_that_mlflow_signed_is_believed() -> None:
    assert _call() is None


@pytest.mark.parametrize(
    "change", [{"body": "{}"}, {"delivery": "d2"}, {"timestamp": "1"}, {"secret": "x"}, {"signature": ""}]
)
def test_a_changed_call_is_not(change: dict[str, str]) -> None:
    assert _call(**change) == "its signature is not ours"


def test_an_old_call_is_not() -> None:
    old = str(int(NOW) - 301)
    signature = _generate_hmac_signature(SECRET, "d1", old, BODY)
    assert why_forged(BODY, "d1", old, signature, SECRET, NOW) == "it is 301 s old"
