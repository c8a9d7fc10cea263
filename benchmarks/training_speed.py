"""`make benchmark NAME=training`: comparisons trained per second, against TRL's trainers in the same process.

All with the same base, dtype (adapters too) and LoRA. A comparison is one choice from a menu of about six
dishes: for DPO it is a pair for every dish passed over, for SFT an example (yes or no) for every dish.
"""

from __future__ import annotations

import statistics
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace

import numpy as np
import torch

from benchmarks import trl_trainers
from benchmarks.bootstrap import intervals
from benchmarks.measuring import BOOTSTRAP, metrics_of, seconds
from benchmarks.pages import RESULTS, in_words, publish, table
from benchmarks.sample import base, canteen
from benchmarks.trl_trainers import BATCHES, STEPS, Task
from components.domain.preferences.arrays import Floats
from components.domain.preferences.tables import Comparisons
from components.domain.preferences.training_plan import from_scratch, whole_people
from components.domain.ranker.language_model import LanguageModel
from components.domain.ranker.packing import pack
from components.domain.ranker.prompts import DishTokens
from components.domain.verdict.gate import METRIC
from components.domain.verdict.metrics import Interval
from components.integrations import adapters, finetuning, scoring
from components.stages.contenders import subset

TESTED, READ_BY_PEERS, SEED = 200, 400, 1


@dataclass(frozen=True)
class Trained:
    """What one trainer gave.

    Attributes:
        rate: Comparisons a second.
        seconds: Trained.
        quality: Pair accuracy on held-out comparisons afterwards.
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
    setting = canteen()
    test = setting.test.take(subset(setting.test, np.arange(len(setting.test)), TESTED, SEED))
    some = whole_people(setting.train, READ_BY_PEERS, SEED)
    vectors = Task(setting, setting.params.train.candidates["vectors"], setting.train, test)
    answers = vectors.candidate.model_copy(update={"vectors": None, "epochs": 1})
    ours = _vectors(vectors)
    task = Task(setting, answers, some, test, budget=ours.seconds)
    trained = {
        "Palate, dish vectors (default)": ours,
        "Palate, answers in context, packed": _answers(task),
        "TRL SFTTrainer, yes or no a dish": _peer(trl_trainers.sft(task), test),
        "TRL DPOTrainer, a pair a dish passed over": _peer(trl_trainers.dpo(task), test),
    }
    rows = {name: asdict(trainer) for name, trainer in trained.items()}
    page = _page(trained, len(np.unique(test.person)))
    publish(RESULTS / "speed-training.md", page, {"trainers": rows, "steps": STEPS})


def _page(trained: Mapping[str, Trained], people: int) -> str:
    *_, sft, dpo = trained.values()
    rows = []
    for name, trainer in trained.items():
        label = f"{name}, batch {trainer.batch}" if trainer.batch else name
        times = (f"{trainer.rate / peer.rate:,.0f}" for peer in (sft, dpo))
        tokens = "" if trainer.tokens is None else f"{trainer.tokens:,.0f}"
        share = "" if trainer.share is None else f"{trainer.share:.0%}"
        cells = [label, f"{trainer.rate:,.2f}", *times, tokens, share, f"{trainer.seconds:.0f}"]
        rows.append([*cells, in_words(trainer.quality)])
    lines = [
        "# Training speed on the canteen",
        "",
        f"`make benchmark NAME=training`, one process, median (TRL: mean) of at least {STEPS} steps after",
        "one that is not counted; the same base, dtype (also of the adapters) and LoRA (layers, rank,",
        "targets) for all; TRL's trainers without activation checkpointing, in batches of examples of like",
        f"length, of the fastest size of {BATCHES}. Dish vectors train to their end on all comparisons,",
        f"TRL's trainers at least as long on {READ_BY_PEERS} (more than they come to read); then the pair",
        f"accuracy on {TESTED} test comparisons of {people} people, with its 95 % interval over people. The",
        "share is of the bfloat16 products that this machine makes in a second of nothing else, for the",
        "layers that these tokens pass (forward, and back through the tuned ones).",
        "",
        *table(
            "trainer | comparisons a second | times SFT | times DPO | real tokens a second | share"
            " | seconds trained | pair accuracy after them",
            rows,
        ),
    ]
    return "\n".join([*lines, ""])


def _quality(scores: Floats, test: Comparisons) -> Interval:
    return intervals(metrics_of(scores, test), BOOTSTRAP)[METRIC]


def _peer(peer: trl_trainers.Peer, test: Comparisons) -> Trained:
    return Trained(peer.rate, peer.seconds, _quality(peer.scores, test), batch=peer.batch)


def _vectors(task: Task) -> Trained:
    model, tokens = base(task.setting)
    adapters.attach(model.network, task.candidate, SEED)
    return _trained(task, model, tokens, 4 * _weights(model, task.candidate.layers))


def _answers(task: Task) -> Trained:
    """Reads no more than what is needed to measure."""
    settings = task.setting.params.train
    model, tokens = base(task.setting)
    adapters.attach(model.network, task.candidate, SEED)
    first = pack(task.train, tokens, settings.sequence_tokens)[: (STEPS + 1) * settings.sequences_per_step]
    train = task.train.take(np.concatenate([packed.questions for packed in first]))
    layers = task.candidate.layers
    operations = 2 * _weights(model, (0, layers[1])) + 2 * _weights(model, layers)
    return _trained(replace(task, train=train), model, tokens, operations)


def _weights(model: LanguageModel, layers: tuple[int, int]) -> int:
    """Of the base's matrices in these layers: a token costs twice as many operations each way."""
    return sum(
        weight.numel()
        for layer in list(model.decoder.layers)[layers[0] : layers[1]]
        for name, weight in layer.named_parameters()
        if weight.ndim == 2 and "lora" not in name
    )


def _trained(task: Task, model: LanguageModel, tokens: DishTokens, operations: int) -> Trained:
    """Means over the training; `operations` are those of a token."""
    settings, steps = task.setting.params.train, list[finetuning.Step]()
    plan = from_scratch(task.train, task.candidate, settings.seed)
    finetuning.fit(model, tokens, plan, task.setting.ratings, task.candidate, settings, steps.append)
    scores = scoring.score(model, tokens, task.test, settings.sequence_tokens, "")
    last, quality = steps[-1], _quality(scores, task.test)
    read = last.tokens / last.seconds
    share = read * operations / _machine()
    return Trained(last.comparisons / last.seconds, last.seconds, quality, read, share)


def _machine() -> float:
    """Operations a second of bfloat16 products in the shapes of the base's layers; median of 5 runs."""
    one = torch.randn(1024, 576, dtype=torch.bfloat16)
    other = torch.randn(576, 1536, dtype=torch.bfloat16)

    def products() -> None:
        for _ in range(50):
            one @ other

    runs = [seconds(products) for _ in range(6)]
    return 50 * 2 * 1024 * 576 * 1536 / statistics.median(runs[1:])


if __name__ == "__main__":
    main()
