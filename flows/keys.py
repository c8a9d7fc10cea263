"""Keys that this clone made for itself, in a file that only its owner can read."""

from __future__ import annotations

import base64
import json
import os
import secrets as random
from pathlib import Path


def keys(state: Path) -> dict[str, str]:
    """The webhook's signing secret, and the key with which MLflow encrypts it; made once.

    Args:
        state: Folder of the file.
    """
    path = state / "secrets.json"
    if not path.exists():
        made = {
            "webhook": random.token_urlsafe(32),
            "webhook_encryption": base64.urlsafe_b64encode(random.token_bytes(32)).decode(),
        }
        state.mkdir(exist_ok=True)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            json.dump(made, file)
    known: dict[str, str] = json.loads(path.read_text(encoding="utf-8"))
    return known
