"""MLflow's signature of a webhook call: v1,BASE64(HMAC-SHA256(secret, DELIVERY.TIMESTAMP.BODY))."""

from __future__ import annotations

import base64
import hashlib
import hmac

MOST_AGE_S = 300


def why_forged(body: str, delivery: str, timestamp: str, signature: str, secret: str, now: float) -> str:
    """The reason not to believe a call; empty if it is signed with our secret and recent.

    Args:
        body: As received.
        delivery: Its id; repeated when MLflow tries again.
        timestamp: Seconds since 1970, as MLflow sent it.
        signature: `v1,` and the base64 of the HMAC.
        secret: Shared with MLflow.
        now: Seconds since 1970.
    """
    digest = hmac.new(secret.encode(), f"{delivery}.{timestamp}.{body}".encode(), hashlib.sha256).digest()
    expected = f"v1,{base64.b64encode(digest).decode()}"
    if not hmac.compare_digest(signature.encode(), expected.encode()):
        return "its signature is not ours"
    if abs(now - float(timestamp)) > MOST_AGE_S:
        return f"it is {abs(now - float(timestamp)):.0f} s old"
    return ""
