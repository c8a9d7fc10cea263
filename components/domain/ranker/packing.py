"""Packing: many people's menus in few forward passes, each dish seeing only what it would see alone.

A *block* is one person's header and history, followed by every dish of every question that shares this
history as a prefix. A *packed sequence* is one or more blocks up to a token budget. The mask lets a history
token see the history before it. A dish's token sees the history up to its own question, and its own line,
nothing else. Positions continue from the history, so a packed score equals the score of the dish alone
(tested).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np

from components.domain.preferences.arrays import Bools, Ints
from components.domain.preferences.tables import Questions
from components.domain.ranker.prompts import DishTokens

LENGTH_STEP = 64  # lengths are padded to a multiple of this: each new tensor shape costs a kernel build
OPEN_SEQUENCES = 16  # sequences that are still filled: more of them pack tighter and mix people more


@dataclass
class Block:
    """One person's shared history and the dishes asked about after it.

    Attributes:
        tokens: Token ids, history first.
        positions: Position of each token as if its line stood alone behind its history.
        prefix: Number of header and history tokens.
        sees: For each token the number of prefix tokens that it may attend to; a history token sees the
            prefix up to itself.
        line: For each token the start of its own dish line; 0 for history tokens.
        offered: Position in the questions' `offered` of each dish asked about.
        answer_at: Token index at which each of these dishes is read.
    """

    tokens: list[int]
    positions: list[int]
    prefix: int
    sees: list[int]
    line: list[int]
    offered: list[int] = field(default_factory=list)
    answer_at: list[int] = field(default_factory=list)


@dataclass(frozen=True)
class Packed:
    """One packed sequence, ready for a tensor.

    Attributes:
        tokens: (length,) token ids, zero-padded.
        positions: (length,) position ids.
        mask: (length, length) True where the first index's token may attend to the second's.
        answer_at: (dishes,) token index at which each dish is read; the largest is the last before padding.
    """

    tokens: Ints
    positions: Ints
    mask: Bools
    answer_at: Ints


def pack(questions: Questions, tokens: DishTokens, budget: int) -> list[tuple[Packed, Ints]]:
    """Packs questions into sequences of at most `budget` tokens (a longer question gets a sequence alone).

    Args:
        questions: The questions. A person's questions share a prefix where one history extends another.
            People keep roughly their order.
        tokens: The prompt's lines as token ids.
        budget: Largest number of tokens in a sequence.

    Returns:
        Sequences that together hold each of the given questions once, each with the positions in the
        questions' `offered` of the dishes that are read at its `answer_at`.
    """
    sequences: list[list[Block]] = []
    free: dict[int, int] = {}  # open sequence -> tokens that still fit
    for block in _blocks(questions, tokens, budget):
        need = len(block.tokens)
        fitting = [number for number, space in free.items() if space >= need]
        if fitting:
            number = min(fitting, key=free.__getitem__)
        else:
            number = len(sequences)
            sequences.append([])
            free[number] = budget
            if len(free) > OPEN_SEQUENCES:
                del free[min(free, key=free.__getitem__)]
        sequences[number].append(block)
        if number in free:
            free[number] -= need
    return [_joined(blocks) for blocks in sequences]


@dataclass(frozen=True)
class _Lines:
    """The history lines and the dishes on offer of all questions, by the question's number."""

    questions: Questions
    past: list[Ints]
    dishes: list[Sequence[int]]


def _blocks(questions: Questions, tokens: DishTokens, budget: int) -> Iterator[Block]:
    history = questions.lines
    whole = np.split(history.line, np.cumsum(history.sizes)[:-1])
    past = [lines[tokens.first_line(len(lines)) :] for lines in whole]
    dishes = np.split(questions.offered, np.cumsum(questions.sizes)[:-1])
    lines = _Lines(questions, past, [part.tolist() for part in dishes])
    by_person: dict[int, list[int]] = {}
    for number, person in enumerate(questions.person.tolist()):
        by_person.setdefault(person, []).append(number)
    for numbers in by_person.values():
        group: list[int] = []
        of_person = np.array(numbers)
        order = np.lexsort([of_person, history.sizes[of_person], questions.stop[of_person]])
        for number in of_person[order].tolist():
            if group and not _fits(group, number, lines, tokens, budget):
                yield _block(group, lines, tokens)
                group = []
            group.append(number)
        yield _block(group, lines, tokens)


def _fits(group: list[int], number: int, lines: _Lines, tokens: DishTokens, budget: int) -> bool:
    last, history = lines.past[group[-1]], lines.past[number]
    if not np.array_equal(history[: len(last)], last):
        return False
    offers = {(len(lines.past[each]), dish) for each in (*group, number) for dish in lines.dishes[each]}
    log = lines.questions.log
    size = len(tokens.header()) + sum(len(tokens.past(log.past(line))) for line in history)
    return size + sum(len(tokens.offer(log.dishes[dish])) for _, dish in offers) <= budget


def _block(group: list[int], lines: _Lines, tokens: DishTokens) -> Block:
    log, firsts = lines.questions.log, lines.questions.firsts
    ids = list(tokens.header())
    ends = [len(ids)]  # ends[n] is the number of prefix tokens once n history lines are read
    for past in lines.past[group[-1]]:
        ids.extend(tokens.past(log.past(past)))
        ends.append(len(ids))
    prefix = len(ids)
    block = Block(ids, list(range(prefix)), prefix, list(range(1, prefix + 1)), [0] * prefix)
    answers: dict[tuple[int, int], int] = {}  # a dish asked about twice after one history is read once
    for number in group:
        sees = ends[len(lines.past[number])]
        for index, dish in enumerate(lines.dishes[number]):
            if (sees, dish) not in answers:
                line = tokens.offer(log.dishes[dish])
                start = len(block.tokens)
                block.tokens.extend(line)
                block.positions.extend(range(sees, sees + len(line)))
                block.sees.extend([sees] * len(line))
                block.line.extend([start] * len(line))
                answers[sees, dish] = len(block.tokens) - 1
            block.offered.append(int(firsts[number]) + index)
            block.answer_at.append(answers[sees, dish])
    return block


def _joined(blocks: list[Block]) -> tuple[Packed, Ints]:
    size = sum(len(block.tokens) for block in blocks)
    length = -(-size // LENGTH_STEP) * LENGTH_STEP
    tokens = np.zeros(length, np.int64)
    positions = np.zeros(length, np.int64)
    mask = np.eye(length, dtype=np.bool_)  # padding attends to itself, so that no softmax is over nothing
    answer_at: list[int] = []
    start = 0
    for block in blocks:
        stop = start + len(block.tokens)
        tokens[start:stop] = block.tokens
        positions[start:stop] = block.positions
        mask[start:stop, start:stop] = _mask(block)
        answer_at += [start + token for token in block.answer_at]
        start = stop
    offered = [position for block in blocks for position in block.offered]
    return Packed(tokens, positions, mask, np.array(answer_at)), np.array(offered)


def _mask(block: Block) -> Bools:
    """Marks where a token may attend, (tokens, tokens): to its share of the prefix and to its own line."""
    index = np.arange(len(block.tokens))
    sees, line = np.array(block.sees), np.array(block.line)
    in_prefix = index[None, :] < np.minimum(sees, block.prefix)[:, None]
    in_line = (index[None, :] >= line[:, None]) & (index[None, :] <= index[:, None]) & (line[:, None] > 0)
    return np.asarray(in_prefix | in_line)
