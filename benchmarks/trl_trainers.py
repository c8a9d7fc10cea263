"""TRL's trainers as peers: a pair for every dish passed over (DPO), or yes or no for every dish (SFT)."""

from __future__ import annotations

import itertools
import statistics
import tempfile
import time
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from benchmarks.sample import base, canteen_split
from components.domain.language_model import LanguageModel
from components.domain.params import CandidateParams
from components.domain.prompts import ANSWERS, HEADER, MARKS, OFFER_LINE, PAST_LINE, dish_text
from components.domain.records import Comparison, Dish
from components.integrations import scoring

STEPS, MOST_STEPS = 6, 10_000  # measured, after one that is not; TRL wants to know an end
PEER_BATCH, ROW_TOKENS = 16, 384
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
    """Comparisons a second, seconds trained, and (dishes,) scores of each case afterwards."""

    rate: float
    seconds: float
    scores: Scores


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
    model = base(canteen_split()[0])
    stamps, trained = _train(model, task, rows, DPOTrainer, DPOConfig)
    told = _continuations(model, dishes, task.cases)
    with trained.disable_adapter():
        plain = _continuations(model, dishes, task.cases)
    scores = {key: told[key] - plain[key] for key in told}
    return Peer(PEER_BATCH / pairs / _step_seconds(stamps), stamps[-1] - stamps[0], scores)


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
    model = base(canteen_split()[0])
    stamps, _ = _train(model, task, rows, SFTTrainer, SFTConfig)
    rate = PEER_BATCH / examples / _step_seconds(stamps)
    scores = scoring.score(model, model.dish_tokens(dishes, FIELDS), task.cases, ROW_TOKENS, "")
    return Peer(rate, stamps[-1] - stamps[0], scores)


def _step_seconds(stamps: list[float]) -> float:
    return statistics.median(after - before for before, after in itertools.pairwise(stamps[1:]))


def _train(
    model: LanguageModel, task: Task, rows: list[dict[str, str]], trainer: Any, config: Any
) -> tuple[list[float], Any]:
    """Trains at least STEPS + 1 steps: when it started, when each step ended, and the adapted model."""
    from datasets import Dataset
    from peft import LoraConfig

    lora = LoraConfig(
        r=task.candidate.rank,
        lora_alpha=task.candidate.alpha,
        target_modules=list(task.candidate.targets),
        layers_to_transform=list(range(*task.candidate.layers)),
        task_type="CAUSAL_LM",
    )
    stamps: list[float] = []
    with tempfile.TemporaryDirectory() as folder:
        arguments = config(
            output_dir=folder,
            per_device_train_batch_size=PEER_BATCH,
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
        )
        training = trainer(
            model=model.network,
            args=arguments,
            train_dataset=Dataset.from_list(rows),
            processing_class=model.tokenizer,
            peft_config=lora,
            callbacks=[_clock(stamps, task.budget)],
        )
        training.train()
    model.network.eval()
    return stamps, training.model


def _clock(stamps: list[float], budget: float) -> Any:
    from transformers import TrainerCallback

    class Clock(TrainerCallback):  # type: ignore[misc]  # untyped
        def on_train_begin(self, *_: Any, **__: Any) -> None:
            stamps.append(time.monotonic())

        def on_step_end(self, _args: Any, _state: Any, control: Any, **__: Any) -> None:
            stamps.append(time.monotonic())
            control.should_training_stop = len(stamps) > STEPS + 1 and stamps[-1] - stamps[0] > budget

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
