"""/metrics, by prometheus_client: what was answered, by which model, for which new people, and how fast.

BentoML's own metrics are off: they remember every path that anybody asks for. A single process answers, so
these metrics are not shared between processes. Labels never name a person or a dish, and never hold what a
caller sent.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any

import bentoml
import prometheus_client
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from serving.arm import Arm
from serving.exposures import Exposures

PATH = "/metrics"
ENDPOINTS = ("rank", "recommend")
SCORES = (-8, -4, -2, -1, -0.5, 0, 0.5, 1, 2, 4, 8)
MARGINS = (0, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5)
LENGTHS = (0, 1, 2, 5, 10, 20, 50, 100, 200, 500)
SECONDS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 25)

prometheus_client.disable_created_metrics()  # type: ignore[no-untyped-call]  # moments of first counts


@dataclass(frozen=True)
class Answer:
    """What /metrics counts of one answer.

    Attributes:
        endpoint: One of ENDPOINTS.
        model_version: Version that answered.
        scores: Scores of the shown dishes, best first; empty where no model scored them.
        history: Number of past dishes that were known of the person.
        dishes: Number of dishes that were ranked.
        unknown: Number of ranked dishes whose text the version had not read when it was released.
    """

    endpoint: str
    model_version: str
    scores: Sequence[float]
    history: int
    dishes: int
    unknown: int


class Metrics:
    """The metrics of one service.

    Args:
        arms: The versions that answer.
        exposures: Counts the answers that could not be stored.
    """

    def __init__(self, arms: Sequence[Arm], exposures: Exposures) -> None:
        registry = self.registry = CollectorRegistry()
        ProcessCollector(registry=registry)
        registry.register(_State(arms, exposures))
        count, measure = partial(Counter, registry=registry), partial(Histogram, registry=registry)
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
        published = "When a night last published the catalogue that is recommended from"
        self._published = Gauge("palate_published_timestamp_seconds", published, registry=registry)
        self._requests = count("palate_http_requests", "Requests of any kind", ["path", "status"])
        seconds = "From a request to its answer"
        self._seconds = measure("palate_http_request_seconds", seconds, ["path"], buckets=SECONDS)
        self._begin_at_zero([arm.outcomes.version for arm in arms])

    def _begin_at_zero(self, versions: Sequence[str]) -> None:
        """Creates all series at zero, so that even the first answer shows as an increase."""
        for endpoint in ENDPOINTS:
            for metric in (self._history, self._cold, self._dishes, self._unknown):
                metric.labels(endpoint)
            for version in versions:
                self._best.labels(endpoint, version)
                self._margin.labels(endpoint, version)

    def answered(self, answer: Answer) -> None:
        """Adds an answer to the metrics."""
        self._history.labels(answer.endpoint).observe(answer.history)
        self._cold.labels(answer.endpoint).inc(not answer.history)
        self._dishes.labels(answer.endpoint).inc(answer.dishes)
        self._unknown.labels(answer.endpoint).inc(answer.unknown)
        of_version = answer.endpoint, answer.model_version
        if answer.scores:
            self._best.labels(*of_version).observe(answer.scores[0])
        if len(answer.scores) > 1:
            self._margin.labels(*of_version).observe(answer.scores[0] - answer.scores[1])

    def published(self, at: datetime | None) -> None:
        """Notes when the catalogue of an answer was published."""
        if at:
            self._published.set(at.timestamp())

    def requested(self, path: str, status: int, seconds: float) -> None:
        """Adds a request of any kind to the metrics."""
        self._requests.labels(path, status).inc()
        self._seconds.labels(path).observe(seconds)


class _State(Collector):
    """Metrics that are read when the page is requested: the versions, and counts that others keep."""

    def __init__(self, arms: Sequence[Arm], exposures: Exposures) -> None:
        self._arms, self._exposures = arms, exposures

    def collect(self) -> Iterator[Metric]:
        by_version = ["model_version"]
        answers = CounterMetricFamily(
            "palate_model_answers", "Requests that the model scored or failed on", labels=by_version
        )
        errors = CounterMetricFamily(
            "palate_model_errors", "Requests on which the model failed", labels=by_version
        )
        facts = GaugeMetricFamily(
            "palate_model_info", "The versions that answer", labels=[*by_version, "data_version", "preview"]
        )
        since = GaugeMetricFamily(
            "palate_model_registered_timestamp_seconds", "When a version was registered", labels=by_version
        )
        for arm in self._arms:
            version = [arm.outcomes.version]
            answers.add_metric(version, arm.outcomes.answers)
            errors.add_metric(version, arm.outcomes.errors)
            facts.add_metric([*version, arm.facts["data_md5"], str(arm.facts["preview"]).lower()], 1)
            if "registered_at" in arm.facts:  # versions from before 0.3.0 do not say it
                registered_at = datetime.fromisoformat(arm.facts["registered_at"])
                since.add_metric(version, registered_at.timestamp())
        failed = CounterMetricFamily("palate_exposures_failed", "Answers that could not be stored")
        failed.add_metric([], self._exposures.failed)
        yield from (answers, errors, facts, since, failed)


def application() -> Starlette:
    """Builds the page /metrics, to be mounted beside BentoML's operations."""

    async def page(_request: Request) -> Response:
        content = prometheus_client.generate_latest(current().registry)
        return Response(content, media_type=prometheus_client.CONTENT_TYPE_LATEST)

    return Starlette(routes=[Route(PATH, page)])


def current() -> Metrics:
    """Finds the metrics of the service that runs in this process."""
    service: Any = bentoml.get_current_service()
    metrics: Metrics = service.metrics
    return metrics
