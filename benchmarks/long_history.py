"""`make benchmark NAME=long-history`: a night that goes on from the champion, at 1 and 10 times the history.

The canteen without its last day is a first night, whose version is promoted and released as a person would;
then the last day arrives. The longer history has every person's older days again under other names, so that
what is new and what is tested stay the same. Writes results/long-history.md.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from mlflow.tracking import MlflowClient

from benchmarks.clones import (
    clone_head,
    commit_of,
    fill_inbox,
    flows,
    read_events,
    write_events,
    write_params,
)
from benchmarks.pages import RESULTS, publish, table
from benchmarks.sample import REPO
from components.domain.params_file import read_params
from components.domain.preferences.training_plan import TRAINING_FILE, Training
from components.files import read_json
from components.integrations import comparison_files
from components.stages import paths

TIMES = (1, 12)  # of the older days: ten times the training comparisons, of which the last day's come once
GOAL = 1.5


@dataclass(frozen=True)
class Night:
    """Number of training comparisons, what was read of them, seconds by step, and in all."""

    comparisons: int
    training: Training
    steps: dict[str, int]
    seconds: int


def main() -> None:
    """Runs both nights at every length and writes the page."""
    nights = []
    for times in TIMES:
        clone = clone_head(f"history-{times}")
        nights.append(_second_night(clone, times))
    publish(RESULTS / "long-history.md", _page(commit_of(clone), *nights))


def _second_night(clone: Path, times: int) -> Night:
    """The night of the last day, after a champion that knows all days before it."""
    inbox = fill_inbox(clone, REPO / "data" / "sample" / "canteen")
    write_params(inbox, {})
    events = read_events(inbox / "events.csv")
    day_of = [event["occurred_at"][:10] for event in events]
    days = sorted(set(day_of))
    old = days[: -read_params(clone / "params.yaml").split.test_days - 1]
    # The champion is trained on the old days; the day after them is new to training.
    copies = [
        {**event, "person_id": f"{event['person_id']}/{copy}"}
        for copy in range(1, times)
        for event, day in zip(events, day_of, strict=True)
        if day in old
    ]
    earlier = [event for event, day in zip(events, day_of, strict=True) if day != days[-1]]
    write_events(inbox / "events.csv", [*copies, *earlier])
    flows(clone, "nightly", "--data", "inbox")
    registry = MlflowClient(f"sqlite:///{clone / '.palate' / 'mlflow.db'}")
    registry.set_model_version_tag("palate", "1", "release_override", "a benchmark's champion")
    registry.set_registered_model_alias("palate", "champion", "1")
    flows(clone, "release")
    write_events(inbox / "events.csv", [*copies, *events])
    return _measured(clone, flows(clone, "nightly"))


def _measured(clone: Path, printed: str) -> Night:
    took = re.search(r"^seconds: (.*); in all (\d+)$", printed, re.MULTILINE)
    if took is None:
        raise SystemExit(f"the night's table has no line of seconds: {printed}")
    steps = {step: int(seconds) for step, seconds in re.findall(r"([a-z ]+?) (\d+)(?:, |$)", took[1])}
    training = Training.from_json(read_json(clone / paths.ADAPTERS / "vectors" / TRAINING_FILE))
    if training.started_from != "1":
        raise SystemExit(f"the night did not go on from the champion: {training}")
    comparisons = len(comparison_files.read_split(clone / paths.SPLITS).train)
    return Night(comparisons, training, steps, int(took[2]))


def _page(commit: str, short: Night, long: Night) -> str:
    training, ratio = short.training, long.seconds / short.seconds
    heading = f"step | seconds at {short.comparisons:,} training comparisons | at {long.comparisons:,}"
    rows = [[step, str(seconds), str(long.steps[step])] for step, seconds in short.steps.items()]
    lines = [
        "# A whole night with little new, at growing histories",
        "",
        f"`make benchmark NAME=long-history` at commit {commit}, one night each: the canteen's last day",
        f"arrives, and the night goes on from the champion with {training.new:,} comparisons that are new",
        f"to training and {training.replayed:,} replayed. The longer history has everybody's older days",
        "again under other names; what is new and what is tested stay the same.",
        "",
        *table(heading, [*rows, ["in all", str(short.seconds), str(long.seconds)]]),
        "",
        f"At {long.comparisons / short.comparisons:.1f} times the history and equal news the night costs "
        f"{ratio:.2f} times as much (goal: {GOAL}).",
    ]
    return "\n".join([*lines, ""])


if __name__ == "__main__":
    main()
