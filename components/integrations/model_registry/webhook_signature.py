"""MLflow's signature of a webhook call: v1,BASE64(HMAC-SHA256(secret, DELIVERY.TIMESTAMP.BODY))."""

from __future__ import annotations

import base64
import hashlib
import hmac

MAX_AGE_S = 300


def why_forged(
    body: str, delivery: str, timestamp: str, signature: str, secret: str, now: float
) -> str | None:
    """Why a call is not MLflow's, as a sentence; None if it is signed with the secret and recent.

    Args:
        body: Text of the request's body.
        delivery: Id of the delivery; MLflow repeats it when it tries again.
        timestamp: Time of the signature in seconds since 1970, as the header has it.
        signature: `v1,` and the HMAC in base64, as the header has it.
        secret: Key that MLflow signs with.
        now: Current time in seconds since 1970.
    """
    digest = hmac.new(secret.encode(), f"{delivery}.{timestamp}.{body}".encode(), hashlib.sha256).digest()
    expected = f"v1,{base64.b64encode(digest).decode()}"
    if not hmac.compare_digest(signature.encode(), expected.encode()):
        return "its signature is not ours"
    age_s = abs(now - float(timestamp))
    return f"it is {age_s:.0f} s old" if age_s > MAX_AGE_S else None
