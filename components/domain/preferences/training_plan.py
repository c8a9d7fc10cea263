"""Plans what a training reads: all comparisons, or, from a champion on, the new ones and some old ones."""

from __future__ import annotations

import random
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import numpy as np

from components.domain.preferences.arrays import Bools
from components.domain.preferences.opinion_log import timestamp
from components.domain.preferences.tables import Comparisons
from components.domain.training_params import CandidateParams, TrainParams

TRAINING_FILE = "training.json"  # beside an adapter's weights
REPLAY = 3  # old comparisons that a training from a champion reads again for each new one
EPOCHS = 5  # passes of such a training, at rates that follow the number of comparisons


@dataclass(frozen=True)
class Training:
    """Description of an adapter's training; stored beside the adapter's weights and shipped with them.

    Attributes:
        settings: The candidate's section of params.yaml.
        trained_until: Moment of the newest comparison that was read by the adapter, or by an adapter that it
            started from.
        full_until: Moment of the newest comparison that was read by the last training from scratch behind it.
        started_from: Version number of the champion that the training started from; empty from scratch.
        new: Number of comparisons read for the first time.
        replayed: Number of comparisons that the starting adapter had read already.
        epochs: Passes over the comparisons; 0 where the starting adapter was kept unchanged, or before 0.3.0,
            when passes were not recorded.
    """

    settings: dict[str, Any]
    trained_until: datetime
    full_until: datetime
    started_from: str
    new: int
    replayed: int
    epochs: int = 0

    def to_json(self) -> dict[str, Any]:
        """Converts the description to plain values, moments in ISO 8601."""
        moments = {"trained_until": self.trained_until, "full_until": self.full_until}
        return {**vars(self), **{name: moment.isoformat() for name, moment in moments.items()}}

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> Training:
        """Reads the values that `to_json` writes."""
        moments = {name: datetime.fromisoformat(values[name]) for name in ("trained_until", "full_until")}
        return cls(**{**values, **moments})


@dataclass(frozen=True)
class Plan:
    """The comparisons that a training reads.

    Attributes:
        comparisons: Comparisons in the order of training.
        training: The description that will be stored beside the adapter.
    """

    comparisons: Comparisons
    training: Training

    @property
    def epochs(self) -> int:
        """Passes over the comparisons."""
        return self.training.epochs

    def with_epochs(self, epochs: int) -> Plan:
        """Sets the number of passes, in a copy."""
        return replace(self, training=replace(self.training, epochs=epochs))


def whole_people(train: Comparisons, budget: int, seed: int) -> Comparisons:
    """Chooses whole people in random order until they have `budget` comparisons, or else everybody."""
    people = np.unique(train.person).tolist()
    random.Random(seed).shuffle(people)
    counts = np.bincount(train.person)
    before = np.cumsum([0, *counts[people][:-1]])
    rank = np.full(len(counts), len(people))
    rank[people] = np.where(before < budget, np.arange(len(people)), len(people))
    order = np.argsort(rank[train.person], kind="stable")
    return train.take(order[rank[train.person][order] < len(people)])


def from_scratch(train: Comparisons, candidate: CandidateParams, seed: int) -> Plan:
    """Plans a training from scratch: whole people, up to the candidate's budget, for all its epochs."""
    chosen, newest = whole_people(train, candidate.comparisons, seed), train.newest
    settings = candidate.model_dump(mode="json")
    return Plan(chosen, Training(settings, newest, newest, "", len(chosen), 0, candidate.epochs))


def of_everything(train: Comparisons, candidate: CandidateParams) -> Plan:
    """Plans one pass over all comparisons, for a candidate that is fitted in closed form."""
    settings, newest = candidate.model_dump(mode="json"), train.newest
    return Plan(train, Training(settings, newest, newest, "", len(train), 0, 1))


def unread(comparisons: Comparisons, training: Training) -> Bools:
    """Marks the comparisons that are newer than all that a training has read, (Q,)."""
    return np.asarray(comparisons.at > timestamp(training.trained_until))


def from_start(
    train: Comparisons, candidate: CandidateParams, params: TrainParams, start: Training, version: str
) -> Plan:
    """Plans a training from a champion: the new comparisons, and REPLAY times as many old ones.

    The number of old comparisons enters the seed, so other ones are drawn when it changes. With fewer new
    comparisons than `incremental.min_new` nothing is read, and the champion's adapter is kept; the new
    comparisons wait for a later night.

    Args:
        candidate: The candidate, with the settings of the start.
        version: Version number of the starting adapter in the registry.
    """
    is_new = unread(train, start)
    new, old = np.flatnonzero(is_new).tolist(), np.flatnonzero(~is_new).tolist()
    settings = candidate.model_dump(mode="json")
    if len(new) < params.incremental.min_new:
        unchanged = replace(start, settings=settings, started_from=version, new=0, replayed=0, epochs=0)
        return Plan(train.take([]), unchanged)
    draw = random.Random(f"{params.seed}-{len(old)}")
    replayed = draw.sample(old, min(len(old), REPLAY * len(new)))
    both = new + replayed
    draw.shuffle(both)
    newest = train.take(new).newest
    training = Training(settings, newest, start.full_until, version, len(new), len(replayed), EPOCHS)
    return Plan(train.take(both), training)


def why_from_scratch(
    params: TrainParams,
    split_by: str,
    start: Training | None,
    changed: str | None,
    newest: datetime,
    *,
    full: bool,
) -> str | None:
    """Explains why tonight's trainings may not start from the champion; None if they may.

    Args:
        split_by: `split.by`; without real times no comparison is newer than another.
        start: Description of the champion's training; None without a champion, or if it has no description.
        changed: `base` or `prompt`, if it differs from the champion's; else None.
        newest: Moment of tonight's newest comparison to train on.
        full: Whether the user wants a training from scratch.
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
    if start.trained_until > newest:
        return (
            f"the champion has read data until {start.trained_until:%Y-%m-%d}, later than tonight's training"
        )
    if newest - start.full_until >= most:
        return f"the last full training read data until {start.full_until:%Y-%m-%d}"
    return None
