"""`make benchmark NAME=nights`: how often a nightly gate passes by luck, and how soon by merit.

Daily differences of a candidate and a rival are drawn over a year of nights, as far apart as the canteen's
days are. Where days are thin or rows come late, people's differences are drawn, and the ledger pools them.
Writes results/nights.md and a plot of the share that has passed by each night.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import ville
from matplotlib.figure import Figure
from scipy.stats import t as student

from benchmarks.pages import RESULTS, publish, table
from components.domain.preferences.arrays import Floats, Ints, Moments
from components.domain.preferences.held_out_days import entries
from components.domain.verdict.gate import MIN_OTHERS, judge
from components.domain.verdict.sequence import DailyDifferences

SEEDS, NIGHTS, PEOPLE = 500, 365, 400
SPREAD = 0.05  # standard deviation of the canteen's daily differences: +0.012, +0.029 and -0.068
CONFIDENCE, CLIP = 0.95, 0.25
SITE, OF_A_DAY, NOISE = (
    60,
    40,
    0.3,
)  # people in all and on a full day; spread of a person's difference on a day
EARLY, WINDOW = 3, 4  # people whose rows are there on the night of their day; days that are held out
GAINS = (0.0, 0.01, 0.02, 0.03, 0.05)
_HEADER = f"""# A year of nights

`make benchmark NAME=nights`: {SEEDS} seeds of {NIGHTS} nights, each with one day's difference in pair
accuracy between a candidate and a rival; its standard deviation is {SPREAD}. Without a gain every pass is
luck. `ledger` is the gate. `one look` is an interval for a single look (Student's t on the days so far),
looked at every night. `Bernstein` is an empirical Bernstein confidence sequence on differences cut at {CLIP},
which holds for any distribution. All decide nothing before day {MIN_OTHERS}. Thin days have one to five of a
site's {SITE} people, each second one; late are all rows of a day but those of {EARLY} people. There a night
is an entry of the ledger, which pools days until they have 30 people.
"""


def _normal(draw: np.random.Generator, gain: float) -> Floats:
    return draw.normal(gain, SPREAD, NIGHTS)


def _heavy(draw: np.random.Generator, gain: float) -> Floats:
    """Student's t with three degrees of freedom: few days differ by much."""
    return np.asarray(gain + draw.standard_t(3, NIGHTS) * SPREAD / np.sqrt(3))


def _skewed(draw: np.random.Generator, gain: float) -> Floats:
    """Mostly a little better, on a few days much worse."""
    return gain + SPREAD - draw.exponential(SPREAD, NIGHTS)


def _weeks(draw: np.random.Generator, gain: float) -> Floats:
    """Days that resemble the day before (correlation 0.3)."""
    values, noise = np.empty(NIGHTS), draw.normal(0, SPREAD * np.sqrt(1 - 0.3**2), NIGHTS)
    values[0] = draw.normal(0, SPREAD)
    for night in range(1, NIGHTS):
        values[night] = 0.3 * values[night - 1] + noise[night]
    return gain + values


def _thin(draw: np.random.Generator, gain: float) -> Floats:
    """Each second day has a few people alone."""
    sizes = np.where(np.arange(NIGHTS) % 2, OF_A_DAY, draw.integers(1, 6, NIGHTS))
    person, day, values = _people(draw, gain, sizes)
    return np.array([values[each].mean() for each in entries(person, day)])


def _late(draw: np.random.Generator, gain: float) -> Floats:
    """Of a night's last day the rows of a few people are there; the others come a night later."""
    person, day, values = _people(draw, gain, np.full(NIGHTS, OF_A_DAY))
    judged, after = [], ""
    for night in range(WINDOW, NIGHTS):
        rows = np.arange((night - WINDOW + 1) * OF_A_DAY, night * OF_A_DAY + EARLY)
        for numbers in entries(person[rows], day[rows], after):
            judged.append(values[rows[numbers]].mean())
            after = str(day[rows[numbers]].max())
    return np.array(judged)


def _people(draw: np.random.Generator, gain: float, sizes: Ints) -> tuple[Ints, Moments, Floats]:
    """Person, day and difference of each row, day after day."""
    person = np.concatenate([draw.permutation(SITE)[:size] for size in sizes])
    number = np.repeat(np.arange(NIGHTS), sizes)
    shared = draw.normal(gain, (SPREAD**2 - NOISE**2 / OF_A_DAY) ** 0.5, NIGHTS)
    return person, np.datetime64("2026-01-01") + number, shared[number] + draw.normal(0, NOISE, len(number))


SHAPES: dict[str, Callable[[np.random.Generator, float], Floats]] = {
    "normal": _normal, "heavy tails": _heavy, "skewed to bad days": _skewed, "days that resemble": _weeks,
    "thin": _thin, "late": _late,
}  # fmt: skip


def main() -> None:
    """Draws, judges every night, and writes the page."""
    power = {gain: _passes(_normal, gain) for gain in GAINS}
    _plot(power)
    rows = [
        [f"{gain:+.2f}", name, *_shares(nights)] for gain in GAINS for name, nights in power[gain].items()
    ]
    luck = [
        [shape, name, *_shares(nights)]
        for shape, draw in SHAPES.items()
        for name, nights in _passes(draw, 0.0).items()
    ]
    columns = "passed by night 30 | by night 90 | by night 365, of " + str(SEEDS)
    page = [
        _HEADER,
        *table(f"gain | gate | {columns}", rows),
        "",
        "Without a gain, on other shapes of days:",
        "",
        *table(f"days | gate | {columns}", luck),
        "",
        "![Share of seeds that passed, by night](nights.png)",
        "",
    ]
    publish(RESULTS / "nights.md", "\n".join(page))


def _passes(draw_days: Callable[[np.random.Generator, float], Floats], gain: float) -> dict[str, list[int]]:
    """By gate the night of the first pass of each seed; NIGHTS + 1 where there is none."""
    result: dict[str, list[int]] = {"ledger": [], "one look": [], "Bernstein": []}
    for seed in range(SEEDS):
        values = draw_days(np.random.default_rng(seed), gain)
        for name, nights in result.items():
            nights.append(next(_GATES[name](values), NIGHTS + 1))
    return result


def _ledger(values: Floats) -> Iterator[int]:
    nights = np.arange(1, len(values) + 1)
    mean = np.cumsum(values) / nights
    spread = np.sqrt(np.maximum(np.cumsum(values**2) / nights - mean**2, 0.0))
    for night in nights[(nights >= MIN_OTHERS) & (mean > 2 * spread / np.sqrt(nights))].tolist():
        days = DailyDifferences(tuple(values[:night]), PEOPLE)
        if judge("new", {"rule": days}, 1, CONFIDENCE).decision == "pass":
            yield night


def _one_look(values: Floats) -> Iterator[int]:
    nights = np.arange(1, len(values) + 1)
    mean = np.cumsum(values) / nights
    variance = (np.cumsum(values**2) - nights * mean**2) / np.maximum(nights - 1, 1)
    low = mean - student.ppf((1 + CONFIDENCE) / 2, np.maximum(nights - 1, 1)) * np.sqrt(variance / nights)
    yield from (int(night) for night in nights[(low > 0) & (nights >= MIN_OTHERS)])


def _bernstein(values: Floats) -> Iterator[int]:
    sequence = ville.EmpiricalBernsteinCS(bounds=(-CLIP, CLIP), alpha=1 - CONFIDENCE)
    low = sequence.fit(np.clip(values, -CLIP, CLIP)).lower_
    yield from (night + 1 for night in np.flatnonzero(low > 0).tolist() if night + 1 >= MIN_OTHERS)


_GATES: dict[str, Callable[[Floats], Iterator[int]]] = {
    "ledger": _ledger, "one look": _one_look, "Bernstein": _bernstein,
}  # fmt: skip


def _shares(nights: list[int]) -> list[str]:
    passed = np.array(nights)
    return [f"{(passed <= night).sum()}" for night in (30, 90, 365)]


def _plot(power: dict[float, dict[str, list[int]]]) -> None:
    figure = Figure(figsize=(8, 4.2), layout="constrained")
    axes = figure.subplots()
    for gain, gates in power.items():
        passed = np.array(gates["ledger"])
        shares = [(passed <= night).mean() for night in range(1, NIGHTS + 1)]
        axes.plot(range(1, NIGHTS + 1), shares, label=f"gain {gain:+.2f}")
    luck = np.array(power[0.0]["one look"])
    shares = [(luck <= night).mean() for night in range(1, NIGHTS + 1)]
    axes.plot(range(1, NIGHTS + 1), shares, ":", color="#888888", label="no gain, one look every night")
    axes.set_xlabel("night")
    axes.set_ylabel("share of seeds that passed")
    axes.legend(frameon=False)
    axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(RESULTS / "nights.png", dpi=95, metadata={"Software": None})


if __name__ == "__main__":
    main()
