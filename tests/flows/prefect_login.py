"""What a call of Prefect's API must bring: the clone's login and, for a change, a CSRF token."""

from __future__ import annotations

import base64
import json
import urllib.request


def authorization(login: str) -> dict[str, str]:
    return {"Authorization": f"Basic {base64.b64encode(login.encode()).decode()}"}


def prefect_headers(address: str, login: str) -> dict[str, str]:
    """Headers for the server at an address, whose login is the clone's key `prefect`."""
    request = urllib.request.Request(f"{address}/api/csrf-token?client=tests", headers=authorization(login))
    with urllib.request.urlopen(request, timeout=60) as answer:
        token = json.load(answer)["token"]
    return {**authorization(login), "Prefect-Csrf-Token": token, "Prefect-Csrf-Client": "tests"}
