"""HTTP: reads a running service's version, its canary, and its model's error counts.

The counts come from /metrics. A service's canary is asked once a release and its verdict remembered;
afterwards the service is only asked whether it is ready.
"""

from __future__ import annotations

import json
import socket
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

from prometheus_client.parser import text_string_to_metric_families

from components.domain.verdict.service_health import Served
from components.files import read_as, write_state

TIMEOUT_S = 10
CANARY_TIMEOUT_S = 30  # it answers questions with the model, on a machine that may be busy
TOO_BUSY = {429, 504}  # statuses of a service that has too much to do
NOT_READY = "it is not ready"
Counts = Mapping[str, tuple[int, int]]  # by version the answers of its model, and the errors among them
_ANSWERS, _ERRORS = "palate_model_answers_total", "palate_model_errors_total"


@dataclass
class Looks:
    """What earlier probes of a service saw, as it is stored in a Memory's file.

    Attributes:
        canary: The canary's verdict in one release: `release` and `reason`.
        rates: By version, the share of its answers that were errors of its model.
    """

    canary: dict[str, str | None] = field(default_factory=dict)
    rates: dict[str, float] = field(default_factory=dict)


class Memory:
    """What earlier probes of a service found, kept in a file of the state folder.

    Args:
        path: JSON file; it need not exist.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.looks = self._read()

    def rate(self, version: str) -> float:
        """Looks up the share of a version's answers that failed when it was last probed; 0 if never."""
        return self.looks.rates.get(version, 0.0)

    def knows(self, release: str) -> bool:
        """Tells whether the canary was asked since this release."""
        return self.looks.canary.get("release") == release

    def remember_canary(self, release: str, reason: str | None) -> None:
        """Stores the verdict of a release's canary."""
        self.looks = self._read()
        self.looks.canary = {"release": release, "reason": reason}
        self._write()

    def remember_rates(self, counts: Counts) -> None:
        """Stores the error rate of each version that has answered."""
        self.looks = self._read()
        self.looks.rates |= {
            version: errors / answers for version, (answers, errors) in counts.items() if answers
        }
        self._write()

    def _read(self) -> Looks:
        """Reads the file anew, since another process may have written to it."""
        return read_as(Looks, self.path) if self.path.exists() else Looks()

    def _write(self) -> None:
        write_state(self.path, asdict(self.looks))


@dataclass(frozen=True)
class Expected:
    """The release that a service should serve.

    Attributes:
        version: Version number in the registry; empty where nothing is released.
        release: Name of the release, a new one each time that the same version is released.
    """

    version: str
    release: str


def probe(
    address: str,
    expected: Expected,
    memory: Memory,
    token: str = "",
    canary_timeout_s: float = CANARY_TIMEOUT_S,
) -> list[Served]:
    """Asks the service at an address for its reports, one from each machine that its name leads to.

    Args:
        address: `http://HOST:PORT`; each request but the canary's waits at most TIMEOUT_S seconds. The name
            of a headless Service leads to every ready pod.
        expected: The canary is asked if this version answers and it was not asked since this release.
        memory: What earlier probes found; the findings of this one are added.
        token: The service's token; without the right one, its readiness is the verdict.
        canary_timeout_s: Seconds in which a canary must answer; one that does not is asked again.

    Returns:
        The reports of the expected version, or else of the versions that answer; empty where none does.
    """
    total: dict[str, tuple[int, int]] = {}
    reports: list[Served] = []
    for machine in _machines(address):
        try:
            counts = _counts(machine)
            reports.append(_report(machine, counts, expected, memory, (token, canary_timeout_s)))
        except (OSError, ValueError, KeyError, TypeError):  # it is down, or another program listens there
            continue
        for name, (answers, errors) in counts.items():
            before = total.get(name, (0, 0))
            total[name] = before[0] + answers, before[1] + errors
    memory.remember_rates(total)
    newest = [served for served in reports if served.version == expected.version]
    return newest or reports


def _report(
    machine: str, counts: Counts, expected: Expected, memory: Memory, asking: tuple[str, float]
) -> Served:
    """Builds the report of a machine whose counts are known; `asking` are the canary's token and timeout."""
    version = expected.version if expected.version in counts else next(iter(counts))
    reason, is_slow = None, False
    try:
        if expected.version in counts and not memory.knows(expected.release):
            reason = _canary(machine, *asking)
            memory.remember_canary(expected.release, reason)
        else:
            reason = _why_not_ready(machine, expected, memory)
    except TimeoutError:
        is_slow = True
    return Served(version, reason, *counts[version], address=machine, is_slow=is_slow)


def _machines(address: str) -> list[str]:
    """Lists an address for each machine of that name.

    With HTTPS the address itself: certificates name hosts.
    """
    url = urllib.parse.urlsplit(address)
    if url.scheme != "http" or not url.hostname:
        return [address]
    try:
        entries = socket.getaddrinfo(url.hostname, url.port or 80, type=socket.SOCK_STREAM)
    except OSError:
        return []
    hosts = sorted({str(entry[4][0]) for entry in entries})
    return [f"http://{f'[{host}]' if ':' in host else host}:{url.port or 80}" for host in hosts]


def _counts(machine: str) -> Counts:
    """Reads the answers and errors of each version that a machine answers with.

    Raises:
        KeyError: The service is not Palate's, or has no version.
    """
    families = text_string_to_metric_families(_get(f"{machine}/metrics"))
    samples = [one for family in families for one in family.samples if one.name in {_ANSWERS, _ERRORS}]
    numbers = {(one.name, one.labels["model_version"]): int(one.value) for one in samples}
    versions = [version for name, version in numbers if name == _ANSWERS]
    if not versions:
        raise KeyError(machine)
    return {version: (numbers[_ANSWERS, version], numbers[_ERRORS, version]) for version in versions}


def _canary(address: str, token: str, timeout_s: float) -> str | None:
    """Asks the canary, and explains why it failed; None where it passed.

    Raises:
        TimeoutError: The canary did not answer in time, by this clock or by the service's own limit.
    """
    try:
        return str(json.loads(_get(f"{address}/canary", b"{}", token, timeout_s))["reason"]) or None
    except urllib.error.HTTPError as error:
        if error.code in TOO_BUSY:
            raise TimeoutError(address) from error
        if error.code not in {401, 403}:
            raise
        return None if _is_ready(address) else NOT_READY


def _why_not_ready(machine: str, expected: Expected, memory: Memory) -> str | None:
    """Explains why the service there is not ready; None where it is ready.

    If its canary failed in this release, that reason is repeated.
    """
    if _is_ready(machine):
        return None
    return (memory.looks.canary.get("reason") if memory.knows(expected.release) else None) or NOT_READY


def _is_ready(address: str) -> bool:
    try:
        _get(f"{address}/readyz")
    except urllib.error.HTTPError as error:
        if error.code != 503:
            raise
        return False
    return True


def _get(url: str, body: bytes | None = None, token: str = "", timeout_s: float = TIMEOUT_S) -> str:
    if not url.startswith(("http://", "https://")):
        raise ValueError(url)
    headers = {"Content-Type": "application/json"}
    if token:
        headers["Authorization"] = f"Bearer {token}"
    request = urllib.request.Request(url, body, headers)  # noqa: S310  # the scheme was checked
    try:
        with urllib.request.urlopen(request, timeout=timeout_s) as response:  # noqa: S310
            content: bytes = response.read()
    except urllib.error.HTTPError as error:
        error.close()
        raise
    return content.decode()
