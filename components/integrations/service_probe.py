"""HTTP: what a running service tells of itself, by /canary and its Prometheus counters."""

from __future__ import annotations

import json
import re
import urllib.request

from components.domain.verdict.admission import Served

TIMEOUT_S = 10
_COUNTED = re.compile(
    r'^bentoml_service_request_total\{(?=.*endpoint="/rank").*?http_response_code="(\d+)".*\} (\S+)$'
)


def probe(address: str) -> Served | None:
    """What the service at an address reports; None where no service of Palate answers.

    Args:
        address: `http://HOST:PORT`.
    """
    try:
        canary = json.loads(_get(f"{address}/canary", b"{}"))
        metrics = _get(f"{address}/metrics")
        version, reason = str(canary["model_version"]), str(canary["reason"]) or None
    except (OSError, ValueError, KeyError, TypeError):  # down, or something else that listens there
        return None
    counts = [(match[1], float(match[2])) for line in metrics.splitlines() if (match := _COUNTED.match(line))]
    return Served(
        version,
        reason,
        int(sum(count for _, count in counts)),
        int(sum(count for status, count in counts if status >= "500")),
    )


def _get(url: str, body: bytes | None = None) -> str:
    if not url.startswith(("http://", "https://")):
        raise ValueError(url)
    asked = urllib.request.Request(url, body, {"Content-Type": "application/json"})  # noqa: S310  # checked above
    with urllib.request.urlopen(asked, timeout=TIMEOUT_S) as answer:  # noqa: S310
        told: bytes = answer.read()
    return told.decode()
