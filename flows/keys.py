"""Random keys of this clone, in a file that only its owner can read."""

from __future__ import annotations

import base64
import json
import os
import secrets as random
from pathlib import Path

from components.files import read_json


def keys(state: Path) -> dict[str, str]:
    """The secret with which webhook calls are signed, and the key with which MLflow encrypts that secret.

    Args:
        state: Folder of the file, which is created at the first call.
    """
    path = state / "secrets.json"
    if not path.exists():
        new = {
            "webhook": random.token_urlsafe(32),
            "webhook_encryption": base64.urlsafe_b64encode(random.token_bytes(32)).decode(),
        }
        state.mkdir(exist_ok=True)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            json.dump(new, file)
    return dict(read_json(path))
