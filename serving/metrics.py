"""/metrics, by prometheus_client: what was answered, by which model, for which new people, and how fast.

BentoML's own metrics are off: they remember every path that anybody asks for. A single process answers, so
these metrics are not shared between processes. Labels never name a person or a dish, and never hold what a
caller sent.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from functools import partial
from typing import Any

import bentoml
import prometheus_client
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector
from prometheus_client.core import CounterMetricFamily, Metric
from prometheus_client.registry import Collector
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from serving.variant import Ranked, Variant

PATH = "/metrics"
ENDPOINTS = ("rank", "recommend", "plan")
SCORES = (-8, -4, -2, -1, -0.5, 0, 0.5, 1, 2, 4, 8)
MARGINS = (0, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5)
LENGTHS = (0, 1, 2, 5, 10, 20, 50, 100, 200, 500)
SECONDS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 25)

prometheus_client.disable_created_metrics()  # type: ignore[no-untyped-call]  # moments of first counts


class Metrics:
    """The metrics of one service.

    Args:
        variants: The versions that answer.
    """

    def __init__(self, variants: Sequence[Variant]) -> None:
        registry = self.registry = CollectorRegistry()
        ProcessCollector(registry=registry)
        registry.register(_Outcomes(variants))
        count, measure = partial(Counter, registry=registry), partial(Histogram, registry=registry)
        gauge = partial(Gauge, registry=registry)
        of_answers, of_scores = ["endpoint"], ["endpoint", "model_version"]
        best = "Score of an answer's best dish, in logits"
        self._best = measure("palate_best_score", best, of_scores, buckets=SCORES)
        margin = "By how much an answer's best dish is above its second, in logits"
        self._margin = measure("palate_score_margin", margin, of_scores, buckets=MARGINS)
        past = "Past dishes that were known of the person, by answer"
        self._history = measure("palate_history_length", past, of_answers, buckets=LENGTHS)
        self._cold = count("palate_cold_starts", "Answers to people of whom nothing is known", of_answers)
        self._dishes = count("palate_dishes", "Ranked dishes", of_answers)
        self._unknown = count("palate_unknown_dishes", "Ranked dishes not read at release", of_answers)
        self._failed = count("palate_exposures_failed", "Answers that could not be stored")
        published = "When a night last published the catalogue that is recommended from"
        self._published = gauge("palate_published_timestamp_seconds", published)
        self._requests = count("palate_http_requests", "Requests of any kind", ["path", "status"])
        seconds = "From a request to its answer"
        self._seconds = measure("palate_http_request_seconds", seconds, ["path"], buckets=SECONDS)
        by_version = ["model_version"]
        info = "The versions that answer"
        facts = gauge("palate_model_info", info, [*by_version, "data_version", "preview"])
        registered = "When a version was registered"
        since = gauge("palate_model_registered_timestamp_seconds", registered, by_version)
        for version in (variant.facts for variant in variants):
            preview = str(version["preview"]).lower()
            facts.labels(version["model_version"], version["data_md5"], preview).set(1)
            if "registered_at" in version:  # versions from before 0.3.0 do not say it
                registered_at = datetime.fromisoformat(version["registered_at"])
                since.labels(version["model_version"]).set(registered_at.timestamp())
        self._begin_at_zero([variant.facts["model_version"] for variant in variants])

    def _begin_at_zero(self, versions: Sequence[str]) -> None:
        """Creates all series at zero, so that even the first answer shows as an increase."""
        for endpoint in ENDPOINTS:
            for metric in (self._history, self._cold, self._dishes, self._unknown):
                metric.labels(endpoint)
            for version in versions:
                self._best.labels(endpoint, version)
                self._margin.labels(endpoint, version)

    def answered(self, endpoint: str, version: str, ranked: Ranked) -> None:
        """Adds an answer to the metrics: one of ENDPOINTS, and the version that answered."""
        self._history.labels(endpoint).observe(ranked.history)
        self._cold.labels(endpoint).inc(not ranked.history)
        self._dishes.labels(endpoint).inc(ranked.considered)
        self._unknown.labels(endpoint).inc(ranked.unknown)
        scores = [] if ranked.cold_start else [score for _, score in ranked.dishes]
        if scores:
            self._best.labels(endpoint, version).observe(scores[0])
        if len(scores) > 1:
            self._margin.labels(endpoint, version).observe(scores[0] - scores[1])

    def not_stored(self) -> None:
        """Adds an answer that could not be stored."""
        self._failed.inc()

    def published(self, at: datetime | None) -> None:
        """Notes when the catalogue of an answer was published."""
        if at:
            self._published.set(at.timestamp())

    def requested(self, path: str, status: int, seconds: float) -> None:
        """Adds a request of any kind to the metrics."""
        self._requests.labels(path, status).inc()
        self._seconds.labels(path).observe(seconds)


class _Outcomes(Collector):
    """What the versions' models did, read when the page is requested."""

    def __init__(self, variants: Sequence[Variant]) -> None:
        self._arms = variants

    def collect(self) -> Iterator[Metric]:
        texts = {
            "answers": "Requests that the model scored or failed on",
            "errors": "Requests on which the model failed",
        }
        for outcome, text in texts.items():
            family = CounterMetricFamily(f"palate_model_{outcome}", text, labels=["model_version"])
            for variant in self._arms:
                family.add_metric([variant.facts["model_version"]], variant.outcomes[outcome])
            yield family


async def _page(_request: Request) -> Response:
    content = prometheus_client.generate_latest(current().registry)
    return Response(content, media_type=prometheus_client.CONTENT_TYPE_LATEST)


def current() -> Metrics:
    """Finds the metrics of the service that runs in this process."""
    service: Any = bentoml.get_current_service()
    metrics: Metrics = service.metrics
    return metrics


ROUTES = [Route(PATH, _page)]
