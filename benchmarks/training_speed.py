"""`make benchmark-training`: comparisons trained per second, against TRL's trainers in the same process.

All with the same base, dtype, LoRA and data. A comparison is one choice from a menu of about six dishes: for
DPO it is a pair for every dish passed over, for SFT an example (yes or no) for every dish.
"""

from __future__ import annotations

import itertools
import json
import statistics
from collections.abc import Mapping
from dataclasses import asdict, dataclass

import numpy as np
import numpy.typing as npt
import torch

from benchmarks import trl_trainers
from benchmarks.sample import REPO, base, canteen_split
from benchmarks.trl_trainers import FIELDS, ROW_TOKENS, STEPS
from components.domain.language_model import LanguageModel
from components.domain.metrics import Interval, intervals, per_person
from components.domain.packing import pack
from components.domain.params import CandidateParams
from components.domain.records import Comparison, Dish
from components.domain.training_plan import whole_people
from components.integrations import adapters, finetuning, scoring
from components.stages.rows import subset

CASES = 200
RESULT = REPO / "benchmarks" / "results" / "speed-training.json"


@dataclass(frozen=True)
class Trained:
    """Comparisons a second, seconds trained, and pair accuracy on held-out cases afterwards."""

    rate: float
    seconds: float
    quality: Interval


def main() -> None:
    """Measures every trainer and writes results/speed-training.json and .md."""
    params, dishes, split = canteen_split()
    torch.set_num_threads(params.train.threads)
    vectors = params.train.candidates["vectors"]
    answers = vectors.model_copy(update={"vectors": None, "epochs": 1})
    some = whole_people(split.train, 400, 1)
    cases = subset(split.test, CASES, 1)
    ours = _vectors(vectors, dishes, list(split.train), cases)
    told = {
        "Palate, dish vectors (default)": ours,
        "Palate, answers in context, packed": _answers(answers, dishes, some, cases),
    }
    for name, peer in (
        ("TRL SFTTrainer, yes or no a dish", trl_trainers.sft),
        ("TRL DPOTrainer, a pair a dish passed over", trl_trainers.dpo),
    ):
        theirs = peer(trl_trainers.Task(answers, dishes, some, cases, ours.seconds))
        told[name] = Trained(theirs.rate, theirs.seconds, _quality(theirs.scores, cases))
    rows = {name: asdict(each) for name, each in told.items()}
    RESULT.write_text(json.dumps({"trainers": rows, "steps": STEPS}, indent=1) + "\n")
    page = _page(told, len({case.person_id for case in cases}))
    RESULT.with_suffix(".md").write_text(page)
    print(page)


def _page(told: dict[str, Trained], people: int) -> str:
    slowest = min(each.rate for each in told.values())
    lines = [
        "# Training speed on the canteen",
        "",
        f"`make benchmark-training`, one process, median of at least {STEPS} steps after one that is not",
        "counted; the same base, dtype, LoRA (layers, rank, targets) and data for all; activation",
        "checkpointing off. Dish vectors train to their end, TRL's trainers for at least as long; then the",
        f"pair accuracy on {CASES} test comparisons of {people} people, with its 95 % interval over people.",
        "",
        "| trainer | comparisons a second | times the slowest | seconds trained | pair accuracy after them |",
        "|---|---|---|---|---|",
    ]
    for name, each in told.items():
        known = f"{each.quality.mean:.3f} ({each.quality.low:.3f} to {each.quality.high:.3f})"
        lines.append(
            f"| {name} | {each.rate:,.2f} | {each.rate / slowest:,.0f} | {each.seconds:.0f} | {known} |"
        )
    return "\n".join([*lines, ""])


def _quality(scores: Mapping[str, npt.NDArray[np.float64]], cases: list[Comparison]) -> Interval:
    return intervals(per_person(scores, cases), 2000, 0.95, 1)["pair_accuracy"]


def _read(model: LanguageModel, dishes: dict[str, Dish], cases: list[Comparison]) -> Interval:
    tokens = model.dish_tokens(dishes, FIELDS)
    return _quality(scoring.score(model, tokens, cases, ROW_TOKENS, ""), cases)


def _vectors(
    candidate: CandidateParams, dishes: dict[str, Dish], train: list[Comparison], cases: list[Comparison]
) -> Trained:
    if candidate.vectors is None:
        raise SystemExit("the candidate `vectors` of params.yaml has no section `vectors`.")
    model = base(canteen_split()[0])
    adapters.attach(model.network, candidate, 1)
    seen: list[finetuning.Step] = []
    finetuning.fit_vectors(
        model, model.dish_tokens(dishes, FIELDS), train, candidate, candidate.vectors, candidate.epochs, 1.0,
        seen.append,
    )  # fmt: skip
    return Trained(_median(seen), seen[-1].seconds, _read(model, dishes, cases))


def _answers(
    candidate: CandidateParams, dishes: dict[str, Dish], train: list[Comparison], cases: list[Comparison]
) -> Trained:
    params = canteen_split()[0]
    model = base(params)
    adapters.attach(model.network, candidate, 1)
    tokens = model.dish_tokens(dishes, FIELDS)
    rows = pack(train, tokens, ROW_TOKENS)[: (STEPS + 1) * params.train.rows_per_step]
    seen: list[finetuning.Step] = []
    finetuning.fit_answers(model, rows, candidate, 1, params.train.rows_per_step, seen.append)
    return Trained(_median(seen), seen[-1].seconds, _read(model, dishes, cases))


def _median(seen: list[finetuning.Step]) -> float:
    pairs = itertools.pairwise(seen)
    return statistics.median(
        (after.comparisons - before.comparisons) / (after.seconds - before.seconds) for before, after in pairs
    )


if __name__ == "__main__":
    main()
