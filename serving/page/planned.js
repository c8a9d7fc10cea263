// A plan as it is shown: the grid of its meals, totals of days beside their bounds, and what to buy.

import { button, element, table } from "./elements.js";
import { heading, range } from "./quantities.js";

// Makes the grid; `changes` has what its buttons do to a place, a day and a slot and mostly a dish.
export function grid({ days, slots }, { meals }, changes) {
  const lines = [...Array(days).keys()].map((index) => [
    String(index + 1),
    ...slots.map(({ name }) => {
      const meal = meals.find(({ day, slot }) => day === index + 1 && slot === name);
      return cell({ day: index + 1, slot: name }, meal, changes);
    }),
  ]);
  return table("The plan", "What is eaten", ["Day", ...slots.map(({ name }) => name)], lines);
}

function cell(place, meal, changes) {
  const where = `${place.slot} of day ${place.day}`;
  if (!meal) return [button("Plan it", where, () => changes.unskip(place))];
  const dishes = meal.dishes.map((dish) => served({ ...place, dish_id: dish.dish_id }, dish, changes));
  return [...dishes, button("Skip", where, () => changes.skip(place))];
}

function served(place, { name, portion }, changes) {
  const keep = ({ target }) => changes.keep(place, target.checked);
  const box = element("input", { type: "checkbox", checked: changes.isKept(place), onchange: keep, ariaLabel: `Keep ${name}` });
  return element("div", { className: "served" },
    element("label", {}, box, ` ${name}${portion === 1 ? "" : ` × ${portion}`}`),
    button("Replace", name, () => changes.replace(place)));
}

export function totals({ person_id, days, at_least, at_most }) {
  const known = [...new Set(days.flatMap(Object.keys))];
  if (!known.length) return element("p", {}, `No amount is known of all dishes of ${person_id}.`);
  const lines = days.map((day, index) => [
    String(index + 1),
    ...known.map((name) => total(day[name], Object.keys(day).length, at_least[name], at_most[name])),
  ]);
  return table(`Totals of ${person_id}`, `Totals of ${person_id}; no medical advice`, ["Day", ...known.map(heading)], lines);
}

function total(interval, hasMeals, least, most) {
  if (!interval) return [hasMeals ? "unknown" : "–"];
  const wishes = [least === undefined ? "" : `at least ${least}`, most === undefined ? "" : `at most ${most}`].filter(Boolean);
  if (!wishes.length) return [range(interval)];
  return [`${range(interval)} (${wishes.join(", ")})`, bar(interval, [least, most].filter((bound) => bound !== undefined))];
}

function bar({ low, high }, bounds) {
  const end = 1.2 * Math.max(high, ...bounds, 1e-9);
  const part = (name, className, left, width) => {
    const made = element(name, { className });
    made.style.left = `${(100 * left) / end}%`;
    if (width !== undefined) made.style.width = `${(100 * width) / end}%`;
    return made;
  };
  return element("span", { className: "bar", ariaHidden: "true" }, part("i", "", 0, low), part("i", "maybe", low, high - low),
    ...bounds.map((bound) => part("b", "", bound)));
}

export function shopping({ ingredients, unlisted }) {
  const lines = ingredients.map(({ ingredient, servings }) => `${ingredient}: ${servings} servings`);
  if (unlisted.length) lines.push(`Without a list of ingredients: ${unlisted.join(", ")}`);
  return element("details", {}, element("summary", {}, "What to buy"),
    element("ul", {}, ...lines.map((line) => element("li", {}, line))));
}
