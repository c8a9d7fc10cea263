"""HTTP: a running service's version, canary and counts of its model's errors, from /metrics and /canary.

A service's canary is asked once a release and its verdict remembered; afterwards only whether it is ready.
"""

from __future__ import annotations

import json
import re
import urllib.error
import urllib.request
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from components.domain.verdict.admission import Served
from components.files import read_json, write_json

TIMEOUT_S = 10
NOT_READY = "it is not ready"
_COUNT = re.compile(
    r'^palate_model_(answers|errors)_total\{model_version="([^"]+)"\} (\d+)(?:\.0)?$', re.MULTILINE
)


class Memory:
    """What earlier looks at services found, in a file of the state folder.

    Args:
        path: JSON file; it need not exist.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        stored: dict[str, Any] = read_json(path) if path.exists() else {}
        self.canary: dict[str, Any] = stored.get("canary", {})  # of one release: `release` and `reason`
        self.rates: dict[str, float] = stored.get("rates", {})  # by version

    def rate(self, version: str) -> float:
        """Share of a version's answers that were errors of its model when it was last looked at; else 0."""
        return self.rates.get(version, 0.0)

    def knows(self, release: str) -> bool:
        """Whether the canary was asked since this release."""
        return self.canary.get("release") == release

    def remember(
        self, served: Served, release: str, *, new_verdict: bool, beside: Sequence[Served] = ()
    ) -> None:
        """Stores a look at a service.

        Args:
            served: What it reported.
            release: Name of the release that it serves.
            new_verdict: Whether its canary was asked in this look.
            beside: What it reported of other versions with which it answers a share of the people.
        """
        if new_verdict:
            self.canary = {"release": release, "reason": served.canary}
        self.rates |= {each.version: each.error_rate for each in (served, *beside) if each.answers}
        write_json(self.path, {"canary": self.canary, "rates": self.rates})


@dataclass(frozen=True)
class Expected:
    """The release that a service should serve.

    Attributes:
        version: Version number in the registry; empty where nothing is released.
        release: Name of the release, another one where the same version is released again.
    """

    version: str
    release: str


def probe(address: str, expected: Expected, memory: Memory, token: str = "") -> Served | None:
    """The report of the service at an address; None where no service of Palate answers.

    Args:
        address: `http://HOST:PORT`; each request waits at most TIMEOUT_S seconds.
        expected: Its canary is asked where this version answers and was not asked since this release.
        memory: What earlier looks found; what this one finds is added.
        token: What the service asks for; without the right one its readiness is the verdict.
    """
    try:
        matches = _COUNT.findall(_get(f"{address}/metrics"))
        counts = {(name, version): int(count) for name, version, count in matches}
        version, *others = [version for name, version in counts if name == "answers"]
        new_verdict = version == expected.version and not memory.knows(expected.release)
        reason = _canary(address, token) if new_verdict else _readiness(address, expected, memory)
        served, *beside = (
            Served(name, reason, counts["answers", name], counts["errors", name])
            for name in (version, *others)
        )
        memory.remember(served, expected.release, new_verdict=new_verdict, beside=beside)
    except (OSError, ValueError, KeyError, TypeError):  # it is down, or another program listens there
        return None
    return served


def _canary(address: str, token: str) -> str | None:
    """Why the canary failed; None where it passed."""
    try:
        return str(json.loads(_get(f"{address}/canary", b"{}", token))["reason"]) or None
    except urllib.error.HTTPError as error:
        if error.code not in {401, 403}:
            raise
        return None if _is_ready(address) else NOT_READY


def _readiness(address: str, expected: Expected, memory: Memory) -> str | None:
    """Why the service is not ready, which it is unless a canary failed; None where it is."""
    if _is_ready(address):
        return None
    return (memory.canary.get("reason") if memory.knows(expected.release) else None) or NOT_READY


def _is_ready(address: str) -> bool:
    try:
        _get(f"{address}/readyz")
    except urllib.error.HTTPError as error:
        if error.code != 503:
            raise
        return False
    return True


def _get(url: str, body: bytes | None = None, token: str = "") -> str:
    if not url.startswith(("http://", "https://")):
        raise ValueError(url)
    headers = {"Content-Type": "application/json"}
    if token:
        headers["Authorization"] = f"Bearer {token}"
    request = urllib.request.Request(url, body, headers)  # noqa: S310  # the scheme was checked
    try:
        with urllib.request.urlopen(request, timeout=TIMEOUT_S) as response:  # noqa: S310
            content: bytes = response.read()
    except urllib.error.HTTPError as error:
        error.close()
        raise
    return content.decode()
