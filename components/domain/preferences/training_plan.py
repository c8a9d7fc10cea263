"""What a training reads: all comparisons, or, on a start, the new ones and a sample of the old ones."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from components.domain.params import CandidateParams, TrainParams
from components.domain.records import Comparison

TRAINING_FILE = "training.json"  # beside an adapter's weights: what made it


@dataclass(frozen=True)
class Training:
    """What an adapter was made of; lies beside its weights and travels with it.

    Attributes:
        settings: The candidate's section of params.yaml.
        trained_until: Moment of the newest comparison that it or an adapter it started from has read.
        full_until: That of the last training from scratch in its line.
        started_from: Version of the champion it started from; empty from scratch.
        new: Comparisons read for the first time.
        replayed: Comparisons that the start had read already.
    """

    settings: dict[str, Any]
    trained_until: datetime
    full_until: datetime
    started_from: str
    new: int
    replayed: int

    def to_json(self) -> dict[str, Any]:
        """Plain values, moments in ISO 8601."""
        moments = {"trained_until": self.trained_until, "full_until": self.full_until}
        return {**vars(self), **{name: moment.isoformat() for name, moment in moments.items()}}

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> Training:
        """The inverse of `to_json`."""
        moments = {name: datetime.fromisoformat(values[name]) for name in ("trained_until", "full_until")}
        return cls(**{**values, **moments})


@dataclass(frozen=True)
class Plan:
    """The comparisons of a training in their order, how often they are read, and what will be said of it."""

    comparisons: list[Comparison]
    epochs: int
    training: Training


def whole_people(train: Sequence[Comparison], budget: int, seed: int) -> list[Comparison]:
    """Whole people in random order until `budget` comparisons are reached (or all there are)."""
    by_person: dict[str, list[Comparison]] = {}
    for each in train:
        by_person.setdefault(each.person_id, []).append(each)
    people = sorted(by_person)
    random.Random(seed).shuffle(people)
    taken: list[Comparison] = []
    for person in people:
        if len(taken) >= budget:
            break
        taken += by_person[person]
    return taken


def from_scratch(train: Sequence[Comparison], candidate: CandidateParams, seed: int) -> Plan:
    """Whole people, up to the candidate's budget, for all its epochs."""
    newest = max(each.at for each in train)
    taken = whole_people(train, candidate.comparisons, seed)
    made = Training(candidate.model_dump(mode="json"), newest, newest, "", len(taken), 0)
    return Plan(taken, candidate.epochs, made)


def from_start(
    train: Sequence[Comparison],
    candidate: CandidateParams,
    params: TrainParams,
    start: Training,
    version: str,
) -> Plan:
    """What is newer than the start, and `incremental.replay` times as many older comparisons.

    Which old ones is drawn anew every night, since their number enters the seed.

    Args:
        train: All comparisons of the night.
        candidate: With the settings of the start.
        params: Section `train`.
        start: What the starting adapter was made of.
        version: Of the starting adapter.
    """
    new = [each for each in train if each.at > start.trained_until]
    old = [each for each in train if each.at <= start.trained_until]
    draw = random.Random(f"{params.seed}-{len(old)}")
    replayed = draw.sample(old, min(len(old), round(params.incremental.replay * len(new))))
    both = new + replayed
    draw.shuffle(both)
    newest = max((each.at for each in new), default=start.trained_until)
    settings = candidate.model_dump(mode="json")
    made = Training(settings, newest, start.full_until, version, len(new), len(replayed))
    return Plan(both, params.incremental.epochs, made)


def why_from_scratch(
    params: TrainParams, split_by: str, start: Training | None, changed: str, newest: datetime, *, full: bool
) -> str:
    """Why tonight's trainings may not start from the champion; empty where they may.

    Args:
        params: Section `train`.
        split_by: `split.by`; without real times no comparison is newer than another.
        start: What the champion was made of, where there is one that says so.
        changed: Which of base and prompt is not the champion's any more; empty where both are.
        newest: Moment of tonight's newest event.
        full: Whether a full training was asked for.
    """
    most = timedelta(days=params.incremental.full_every_days)
    if full:
        return "a full training was asked for"
    if not params.incremental.enabled:
        return "train.incremental.enabled is false"
    if split_by != "time":
        return f"split.by is {split_by}, so no comparison is newer than another"
    if start is None:
        return "there is no champion to start from"
    if changed:
        return f"the champion was trained with another {changed}"
    if newest - start.full_until >= most:
        return f"the last full training read data until {start.full_until:%Y-%m-%d}"
    return ""
