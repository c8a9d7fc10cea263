"""What the service answered, beside what its versions were registered with."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime, timedelta

from components.domain.verdict.score_shift import ScoreReference, ScoreShift, score_shifts
from components.integrations.service_store import served_scores
from flows.steps.alarms import raise_alarm
from flows.steps.feedback import service_store
from flows.steps.night import Night
from flows.steps.registration import SCORES, registry

LATE_DAYS, EARLIER_DAYS = 7, 28  # answers of the last week, and of the weeks before it


def shifts(night: Night) -> list[ScoreShift]:
    """How the scores served lately are spread beside those that their versions were registered with.

    Too large a shift is an alarm. All are logged to the run that trained the version, night by night.

    Args:
        night: Its settings say how few answers tell nothing, and what is too large.

    Raises:
        StageFailed: The store does not answer.
    """
    store, alarms, model = service_store(), night.params.alarms, night.params.register_.model
    now = datetime.now(UTC)
    since = now - timedelta(days=LATE_DAYS)
    served = served_scores(store.engine, since, now) if store else []
    if store is None or len(served) < alarms.min_answers:
        return []
    earlier = served_scores(store.engine, now - timedelta(days=EARLIER_DAYS), since)
    versions = registry().versions(model)
    result = score_shifts(served, _references(versions), earlier, alarms.min_answers)
    for shift in result:
        if shift.model_version in versions:
            registry().log(model, shift.model_version, _numbers(shift))
        if shift.largest > alarms.max_score_shift:
            raise_alarm(
                "scores shifted", f"{sentence(shift)}; more than {alarms.max_score_shift:g} is large."
            )
    return result


def _references(versions: Mapping[str, Mapping[str, str]]) -> dict[str, ScoreReference]:
    """What versions were registered with; without those whose tag is missing or was changed."""
    references = {}
    for version, tags in versions.items():
        with suppress(KeyError, ValueError):  # it is from before 0.3.0, or somebody wrote into the tag
            references[version] = ScoreReference.from_text(tags[SCORES])
    return references


def _numbers(shift: ScoreShift) -> dict[str, float]:
    """What is logged of a shift."""
    numbers = {"served_score_shift": shift.best, "served_margin_shift": shift.margin}
    return {name: number for name, number in numbers.items() if number is not None}


def sentence(shift: ScoreShift) -> str:
    """A shift in words."""
    margin = "" if shift.margin is None else f", their leads over the second {shift.margin:.2f}"
    return (
        f"Version {shift.model_version}'s best scores lie {shift.best:.2f} from {shift.against}{margin} "
        f"(population stability index, {shift.answers:,} people)"
    )
