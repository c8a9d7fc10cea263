"""A week's plan: which dishes each person eats at which meal, so that they like them most under hard rules.

request    what is asked, and the plan that answers it
model      columns and rows of a linear program in whole numbers
repeats    what a repeated dish, or one that shares its main tags, costs
program    what HiGHS solves: worth, rows and repetitions of some columns
repair     a plan of narrow bounds, by exchanging dishes
solve      the best plan, with the gap that is proven
conflicts  wishes that contradict each other, and the least change that helps
"""

from components.domain.plan.request import Conflict, Kept, Limit, Lock, Meal, Plan, Request, Served
from components.domain.plan.solve import plan_of

__all__ = ["Conflict", "Kept", "Limit", "Lock", "Meal", "Plan", "Request", "Served", "plan_of"]
