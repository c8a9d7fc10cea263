"""TRL's trainers as peers: a pair for every dish passed over (DPO), or yes or no for every dish (SFT)."""

from __future__ import annotations

import tempfile
import time
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from benchmarks.sample import base, canteen_split
from components.domain.params import CandidateParams
from components.domain.ranker.language_model import LanguageModel
from components.domain.ranker.prompts import ANSWERS, HEADER, MARKS, OFFER_LINE, PAST_LINE, dish_text
from components.domain.records import Comparison, Dish
from components.integrations import scoring

STEPS, MOST_STEPS = 6, 10_000  # measured, after one that is not; TRL wants to know an end
BATCHES, TRIED_STEPS = (
    (4, 16, 32),
    2,
)  # each batch is tried, after one step that is not counted; the fastest trains
ROW_TOKENS = 384
FIELDS = ("name", "description")
Scores = dict[str, npt.NDArray[np.float64]]


@dataclass(frozen=True)
class Task:
    """What a trainer is given: settings of the LoRA, data, the cases to score, and seconds at least."""

    candidate: CandidateParams
    dishes: dict[str, Dish]
    train: list[Comparison]
    cases: list[Comparison]
    budget: float


@dataclass(frozen=True)
class Peer:
    """Comparisons a second, its batch, seconds trained, and (dishes,) scores of each case afterwards."""

    rate: float
    batch: int
    seconds: float
    scores: Scores


@dataclass(frozen=True)
class _Run:
    """A training: examples a second, when it started and each step ended, and the adapted network."""

    rate: float
    batch: int
    stamps: list[float]
    network: Any


def dpo(task: Task) -> Peer:
    """DPOTrainer; a case's score is how much likelier the dish became, DPO's own idea of a reward."""
    from trl import DPOConfig, DPOTrainer

    dishes = task.dishes
    rows = [
        {"prompt": prompt, "chosen": _offer(dishes, each.chosen), "rejected": _offer(dishes, dish)}
        for each, prompt in ((each, _prompt(dishes, each)) for each in task.train)
        for dish in each.dishes
        if dish != each.chosen
    ]
    pairs = len(rows) / len(task.train)
    model, run = _fastest(task, rows, DPOTrainer, DPOConfig)
    told = _continuations(model, dishes, task.cases)
    with run.network.disable_adapter():
        plain = _continuations(model, dishes, task.cases)
    scores = {key: told[key] - plain[key] for key in told}
    return Peer(run.rate / pairs, run.batch, run.stamps[-1] - run.stamps[0], scores)


def sft(task: Task) -> Peer:
    """SFTTrainer; its answers are read as ours are."""
    from trl import SFTConfig, SFTTrainer

    dishes = task.dishes
    rows = [
        {
            "prompt": _prompt(dishes, each) + OFFER_LINE.format(dish=_text(dishes, dish)),
            "completion": ANSWERS[0] if dish == each.chosen else ANSWERS[1],
        }
        for each in task.train
        for dish in each.dishes
    ]
    examples = len(rows) / len(task.train)
    model, run = _fastest(task, rows, SFTTrainer, SFTConfig)
    scores = scoring.score(model, model.dish_tokens(dishes, FIELDS), task.cases, ROW_TOKENS, "")
    return Peer(run.rate / examples, run.batch, run.stamps[-1] - run.stamps[0], scores)


def _fastest(task: Task, rows: list[dict[str, str]], trainer: Any, config: Any) -> tuple[LanguageModel, _Run]:
    """Tries every batch for a few steps, and trains with the fastest for the task's seconds."""
    tried = [
        _train(base(canteen_split()[0]), task, rows, trainer, config, batch, TRIED_STEPS, 0.0)
        for batch in BATCHES
    ]
    best = max(tried, key=lambda each: each.rate).batch
    model = base(canteen_split()[0])
    return model, _train(model, task, rows, trainer, config, best, STEPS, task.budget)


def _train(
    model: LanguageModel,
    task: Task,
    rows: list[dict[str, str]],
    trainer: Any,
    config: Any,
    batch: int,
    steps: int,
    budget: float,
) -> _Run:
    """Trains one step that is not counted, `steps` at least that are, and `budget` seconds at least.

    A batch has rows of like length, so that hardly any of it is padding, and comes in a random order.
    """
    from datasets import Dataset
    from peft import LoraConfig, get_peft_model

    lora = LoraConfig(
        r=task.candidate.rank,
        lora_alpha=task.candidate.alpha,
        target_modules=list(task.candidate.targets),
        layers_to_transform=list(range(*task.candidate.layers)),
        task_type="CAUSAL_LM",
    )
    # bfloat16 adapters on a bfloat16 base, as ours: PEFT's own float32 ones are slower on a CPU.
    network = get_peft_model(model.network, lora, autocast_adapter_dtype=False)
    stamps: list[float] = []
    with tempfile.TemporaryDirectory() as folder:
        arguments = config(
            output_dir=folder,
            per_device_train_batch_size=batch,
            max_steps=MOST_STEPS,
            learning_rate=task.candidate.learning_rate,
            activation_checkpointing=False,
            report_to="none",
            save_strategy="no",
            logging_strategy="no",
            disable_tqdm=True,
            use_cpu=model.device.type == "cpu",
            bf16=False,
            max_length=512,
            train_sampling_strategy="sequential",
        )
        training = trainer(
            model=network,
            args=arguments,
            train_dataset=Dataset.from_list(_by_length(rows, batch)),
            processing_class=model.tokenizer,
            callbacks=[_clock(stamps, steps, budget)],
        )
        training.train()
    model.network.eval()
    rate = batch * (len(stamps) - 2) / (stamps[-1] - stamps[1])  # batches differ in length: the mean
    return _Run(rate, batch, stamps, training.model)


def _by_length(rows: list[dict[str, str]], batch: int) -> list[dict[str, str]]:
    """Rows in batches of like length, the batches in a random order; those that fill none are left out."""
    ordered = sorted(rows, key=lambda row: sum(map(len, row.values())))
    order = np.random.default_rng(1).permutation(len(ordered) // batch)
    return [row for each in order for row in ordered[each * batch : (each + 1) * batch]]


def _clock(stamps: list[float], steps: int, budget: float) -> Any:
    from transformers import TrainerCallback

    class Clock(TrainerCallback):  # type: ignore[misc]  # untyped
        def on_train_begin(self, *_: Any, **__: Any) -> None:
            stamps.append(time.monotonic())

        def on_step_end(self, _args: Any, _state: Any, control: Any, **__: Any) -> None:
            stamps.append(time.monotonic())
            control.should_training_stop = len(stamps) > steps + 1 and stamps[-1] - stamps[0] > budget

    return Clock()


def _continuations(model: LanguageModel, dishes: dict[str, Dish], cases: list[Comparison]) -> Scores:
    """(dishes,) log likelihood of each dish's line after the person's, by case."""
    found = {}
    for case in cases:
        prompt = model.encode(_prompt(dishes, case))
        lines = [model.encode(_offer(dishes, dish)) for dish in case.dishes]
        ids = torch.nn.utils.rnn.pad_sequence(
            [torch.tensor([*prompt, *line]) for line in lines], batch_first=True
        )
        mask = torch.arange(ids.shape[1])[None] < torch.tensor([[len(prompt) + len(line)] for line in lines])
        with torch.inference_mode():
            logits = model.network(
                input_ids=ids.to(model.device), attention_mask=mask.long().to(model.device), use_cache=False
            ).logits
        told = logits[:, :-1].float().log_softmax(-1).cpu().gather(2, ids[:, 1:, None])[:, :, 0]
        told[~mask[:, 1:]] = 0.0
        found[case.key] = told[:, len(prompt) - 1 :].sum(1).double().numpy()
    return found


def _prompt(dishes: dict[str, Dish], each: Comparison) -> str:
    said = ((MARKS[past.verdict], _text(dishes, past.dish_id)) for past in each.history)
    return HEADER + "".join(PAST_LINE.format(mark=mark, dish=dish) for mark, dish in said)


def _offer(dishes: dict[str, Dish], dish: str) -> str:
    return PAST_LINE.format(mark=MARKS[1], dish=_text(dishes, dish))


def _text(dishes: dict[str, Dish], dish: str) -> str:
    return dish_text(dishes[dish], FIELDS)
