"""Records as tables: for the service, for stored questions, and wherever records are few."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields

import numpy as np

from components.domain.preferences.opinion_log import NO_MENU, NO_MENUS, OpinionLog, timestamp
from components.domain.preferences.tables import Comparisons, Questions
from components.domain.records import Comparison, Question


def question_table(questions: Sequence[Question]) -> Questions:
    """Converts questions to a table with a log of its own, in which each question has lines of its own."""
    people = sorted({question.person_id for question in questions})
    dishes = {dish for question in questions for dish in question.dishes}
    dishes |= {past.dish_id for question in questions for past in question.history}
    number = {dish: index for index, dish in enumerate(sorted(dishes))}
    code = {person: index for index, person in enumerate(people)}
    person = np.array([code[question.person_id] for question in questions], np.int64)
    order = np.argsort(person, kind="stable")
    sizes = np.array([len(question.history) for question in questions], np.int64)
    stop = np.empty(len(questions), np.int64)
    stop[order] = np.cumsum(sizes[order])
    offered = [number[dish] for question in questions for dish in question.dishes]
    return Questions(
        log=_log([questions[index] for index in order], code, number),
        person=person,
        start=stop - sizes,
        stop=stop,
        hidden=np.empty(0, np.int64),
        hidden_sizes=np.zeros(len(questions), np.int64),
        offered=np.array(offered, np.int64),
        sizes=np.array([len(question.dishes) for question in questions], np.int64),
    )


def _log(questions: Sequence[Question], code: Mapping[str, int], number: Mapping[str, int]) -> OpinionLog:
    lines = [(code[question.person_id], past) for question in questions for past in question.history]
    ratings = [np.nan if past.rating is None else past.rating for _, past in lines]
    return OpinionLog(
        people=tuple(code),
        dishes=tuple(number),
        menus=NO_MENUS,
        sources=("",),
        person=np.array([person for person, _ in lines], np.int64),
        dish=np.array([number[past.dish_id] for _, past in lines], np.int64),
        at=np.zeros(len(lines), "datetime64[us]"),
        verdict=np.array([past.verdict for _, past in lines], np.int64),
        rating=np.array(ratings, np.float64),
        menu=np.full(len(lines), NO_MENU, np.int64),
        source=np.zeros(len(lines), np.int64),
        is_order=np.ones(len(lines), bool),  # so that no line replaces another: a history is taken as it is
        day=np.zeros(len(lines), "datetime64[D]"),
        offset=np.zeros(1),
    )


def comparison_table(comparisons: Sequence[Comparison]) -> Comparisons:
    """Converts comparisons to a table; see `question_table`."""
    chosen = [comparison.dishes.index(comparison.chosen) for comparison in comparisons]
    questions = question_table(comparisons)
    at = np.array([timestamp(comparison.at) for comparison in comparisons], "datetime64[us]")
    return Comparisons(
        **{field.name: getattr(questions, field.name) for field in fields(Questions)},
        key=np.array([comparison.key for comparison in comparisons], object),
        at=at,
        day=at.astype("datetime64[D]"),
        menu=np.full(len(comparisons), NO_MENU, np.int64),
        chosen=np.array(chosen, np.int64),
    )
