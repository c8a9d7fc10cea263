"""HTTP: a running service's version, canary and counts of answers, from /canary and /metrics."""

from __future__ import annotations

import json
import re
import urllib.request

from components.domain.verdict.admission import Served

TIMEOUT_S = 10
_RANK_ANSWERS = re.compile(
    r'^bentoml_service_request_total\{(?=.*endpoint="/rank").*?http_response_code="(\d+)".*\} (\S+)$'
)


def probe(address: str) -> Served | None:
    """The report of the service at an address; None where no service of Palate answers.

    Args:
        address: `http://HOST:PORT`; each of the two requests waits at most TIMEOUT_S seconds.
    """
    try:
        canary = json.loads(_get(f"{address}/canary", b"{}"))
        metrics = _get(f"{address}/metrics")
        version, reason = str(canary["model_version"]), str(canary["reason"]) or None
    except (OSError, ValueError, KeyError, TypeError):  # it is down, or another program listens there
        return None
    counts = [
        (match[1], float(match[2])) for line in metrics.splitlines() if (match := _RANK_ANSWERS.match(line))
    ]
    return Served(
        version,
        reason,
        int(sum(count for _, count in counts)),
        int(sum(count for status, count in counts if status >= "500")),
    )


def _get(url: str, body: bytes | None = None) -> str:
    if not url.startswith(("http://", "https://")):
        raise ValueError(url)
    headers = {"Content-Type": "application/json"}
    request = urllib.request.Request(url, body, headers)  # noqa: S310  # the scheme was checked
    with urllib.request.urlopen(request, timeout=TIMEOUT_S) as response:  # noqa: S310
        content: bytes = response.read()
    return content.decode()
