"""`make benchmark NAME=training`: comparisons trained per second, against TRL's trainers in the same process.

All with the same base, dtype (adapters too) and LoRA. A comparison is one choice from a menu of about six
dishes: for DPO it is a pair for every dish passed over, for SFT an example (yes or no) for every dish.
"""

from __future__ import annotations

import itertools
import json
import statistics
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass

import numpy as np
import numpy.typing as npt
import torch

from benchmarks import trl_trainers
from benchmarks.sample import REPO, base, canteen_split
from benchmarks.trl_trainers import BATCHES, FIELDS, ROW_TOKENS, STEPS
from components.domain.params import CandidateParams
from components.domain.preferences.training_plan import whole_people
from components.domain.ranker.language_model import LanguageModel
from components.domain.ranker.packing import pack
from components.domain.records import Comparison, Dish
from components.domain.verdict.metrics import Interval, intervals, per_person
from components.integrations import adapters, finetuning, scoring
from components.stages.contenders import subset

CASES = 200
RESULT = REPO / "benchmarks" / "results" / "speed-training.json"


@dataclass(frozen=True)
class Trained:
    """What one trainer gave.

    Attributes:
        rate: Comparisons a second.
        seconds: Trained.
        quality: Pair accuracy on held-out cases afterwards.
        tokens: Read a second, padding left out; None where it is not counted.
        share: Of what the machine multiplies a second that these tokens need; None likewise.
        batch: The peer's fastest.
    """

    rate: float
    seconds: float
    quality: Interval
    tokens: float | None = None
    share: float | None = None
    batch: int | None = None


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
        quality = _quality(theirs.scores, cases)
        told[name] = Trained(theirs.rate, theirs.seconds, quality, batch=theirs.batch)
    rows = {name: asdict(each) for name, each in told.items()}
    RESULT.write_text(json.dumps({"trainers": rows, "steps": STEPS}, indent=1) + "\n")
    page = _page(told, len({case.person_id for case in cases}))
    RESULT.with_suffix(".md").write_text(page)
    print(page)


def _page(told: dict[str, Trained], people: int) -> str:
    *_, sft, dpo = told.values()
    lines = [
        "# Training speed on the canteen",
        "",
        f"`make benchmark NAME=training`, one process, median (TRL: mean) of at least {STEPS} steps after",
        "one that is not counted; the same base, dtype (also of the adapters) and LoRA (layers, rank,",
        "targets) for all; TRL's trainers without activation checkpointing,",
        "in batches of rows of like length, of the",
        f"fastest size of {BATCHES}. Dish vectors",
        "train to their end on all comparisons, TRL's trainers at least as long on 400 (more than they come",
        f"to read); then the pair accuracy on {CASES} test comparisons of {people} people, with its 95 %",
        "interval over people. The share is of the bfloat16 products that this machine makes in a second of",
        "nothing else, for the layers that these tokens pass (forward, and back through the tuned ones).",
        "",
        "| trainer | comparisons a second | times SFT | times DPO | real tokens a second | share "
        "| seconds trained | pair accuracy after them |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for name, each in told.items():
        known = f"{each.quality.mean:.3f} ({each.quality.low:.3f} to {each.quality.high:.3f})"
        read = "" if each.tokens is None else f"{each.tokens:,.0f}"
        share = "" if each.share is None else f"{each.share:.0%}"
        lines.append(
            f"| {name}{f', batch {each.batch}' if each.batch else ''} | {each.rate:,.2f} "
            f"| {each.rate / sft.rate:,.0f} | {each.rate / dpo.rate:,.0f} | {read} | {share} "
            f"| {each.seconds:.0f} | {known} |"
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
    tuned = _weights(model, candidate.layers)
    return _trained(seen, _read(model, dishes, cases), 4 * tuned)


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
    both = 2 * _weights(model, (0, candidate.layers[1])) + 2 * _weights(model, candidate.layers)
    return _trained(seen, _read(model, dishes, cases), both)


def _weights(model: LanguageModel, layers: tuple[int, int]) -> int:
    """Of the base's matrices in these layers: a token costs twice as many operations each way."""
    return sum(
        weight.numel()
        for layer in list(model.decoder.layers)[layers[0] : layers[1]]
        for name, weight in layer.named_parameters()
        if weight.ndim == 2 and "lora" not in name
    )


def _trained(seen: list[finetuning.Step], quality: Interval, operations: int) -> Trained:
    """Medians over the steps; `operations` are those of a token."""
    tokens = _median([(step.tokens, step.seconds) for step in seen])
    rate = _median([(step.comparisons, step.seconds) for step in seen])
    return Trained(rate, seen[-1].seconds, quality, tokens, tokens * operations / _machine())


def _median(seen: list[tuple[int, float]]) -> float:
    """Of what grows, a second."""
    return statistics.median(
        (after - before) / (until - since) for (before, since), (after, until) in itertools.pairwise(seen)
    )


def _machine() -> float:
    """Operations a second of bfloat16 products in the shapes of the base's layers; median of 5 runs."""
    one = torch.randn(1024, 576, dtype=torch.bfloat16)
    other = torch.randn(576, 1536, dtype=torch.bfloat16)
    seconds = []
    for _ in range(6):
        started = time.perf_counter()
        for _ in range(50):
            one @ other
        seconds.append(time.perf_counter() - started)
    return 50 * 2 * 1024 * 576 * 1536 / statistics.median(seconds[1:])


if __name__ == "__main__":
    main()
