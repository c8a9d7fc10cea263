"""What a plan's dishes are made of: ingredients that dishes share come once."""

from __future__ import annotations

from collections.abc import Sequence

from components.domain.plan import Served
from serving.catalogue import Listing
from serving.schemas.plan_answer import IngredientBody, ShoppingAnswer


def shopping_of(served: Sequence[Served], catalogue: Listing) -> ShoppingAnswer:
    """Lists the ingredients of some dishes; those that differ by case or spaces alone are one."""
    found, unlisted = dict[str, IngredientBody](), list[str]()
    for each in served:
        dish = catalogue.dishes[each.dish].dish
        texts = [" ".join(text.split()) for text in dish.ingredients]
        words = {text.casefold(): text for text in texts if text}
        if not words:
            unlisted.append(dish.name)
        for key, text in words.items():
            entry = found.setdefault(key, IngredientBody(ingredient=text, servings=0, dishes=[]))
            entry.servings += each.portion * len(each.eaters)
            if dish.name not in entry.dishes:
                entry.dishes.append(dish.name)
    return ShoppingAnswer(
        ingredients=[found[key] for key in sorted(found)], unlisted=list(dict.fromkeys(unlisted))
    )
