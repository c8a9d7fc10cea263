// The week: a plan as a grid, with locks, skips, bounds and rules.

import { ask, Refused } from "./api.js";
import { attempt, button, byId, element, listed } from "./elements.js";
import { request } from "./person.js";

const QUANTITIES = ["kcal", "protein_g", "fat_g", "saturated_g", "carbs_g", "sugars_g", "fibre_g", "sodium_mg", "price", "minutes"];
const STATUS = {
  optimal: "No plan is better.",
  within_gap: "Near the best plan.",
  stopped_early: "The best plan that was found in time.",
  impossible: "These wishes contradict each other:",
};
let locks = [];
let skips = [];
let kept = []; // the dishes of the plan that is shown

const field = (label, properties) => element("label", {}, `${label} `, element("input", { autocomplete: "off", ...properties }));

function choice(label, name, options) {
  const select = element("select", { name }, ...options.map(([value, text]) => element("option", { value }, text)));
  return element("label", {}, `${label} `, select);
}

function addRow(place, what, ...fields) {
  const row = element("div", { className: "row", role: "group", ariaLabel: what }, ...fields);
  row.append(button("Remove", what, () => row.remove()));
  byId(place).append(row);
}

const addSlot = (name = "") =>
  addRow("slots", "meal", field("Name", { name: "name", value: name, maxLength: 40, required: true }),
    field("Tag of its dishes", { name: "tag", placeholder: "any" }),
    choice("from", "pool", [["", "all dishes"], ["menu", "the day's menu"]]),
    field("Dishes", { name: "count", type: "number", min: 1, max: 4, value: 1, required: true }));

const LIMITS = [["at_most", "at most"], ["at_least", "at least"]];
const addBound = () =>
  addRow("bounds", "bound", choice("Of", "nutrient", QUANTITIES.map((name) => [name, name.replace("_", " ")])),
    choice("it is", "limit", LIMITS), field("Amount", { name: "amount", type: "number", min: 0, step: "any", required: true }));

const addRule = () =>
  addRow("rules", "rule", choice("It is", "limit", LIMITS),
    field("Dishes", { name: "amount", type: "number", min: 0, max: 100, required: true }),
    field("with the tag", { name: "tag", required: true }));

// Reads the rows of a place as objects, by the names of their fields.
const rows = (place) =>
  [...byId(place).children].map((row) =>
    Object.fromEntries([...row.querySelectorAll("input, select")].map(({ name, value }) => [name, value])));

function bounds() {
  const found = { at_most: {}, at_least: {} };
  for (const { nutrient, limit, amount } of rows("bounds")) found[limit][nutrient] = Number(amount);
  return found;
}

// Reads what is asked; a plan that is changed keeps as much of the shown one as it can.
function body(isChange) {
  const form = byId("plan").elements;
  const others = listed(form.others.value).map((id) => ({ person_id: id }));
  const days = Number(form.days.value);
  const slots = rows("slots").map(({ name, tag, pool, count }) =>
    ({ name, tags: listed(tag), on_menu: pool === "menu", count: Number(count) }));
  const isThere = ({ day, slot }) => day <= days && slots.some(({ name }) => name === slot);
  return {
    people: [{ ...request(), ...bounds(), bounds: form.reference.checked ? "reference" : null }, ...others],
    days,
    slots,
    rules: rows("rules").map(({ tag, limit, amount }) => ({ tag, [limit]: Number(amount) })),
    locks: locks.filter(isThere),
    skips: skips.filter(isThere),
    kept: isChange ? kept.filter(isThere) : [],
    first_day: form.first.value || null,
    repeat_after_days: Number(form.rest.value),
  };
}

async function plan(isChange = false) {
  const sent = body(isChange);
  const answer = await ask("plan", sent);
  const gap = answer.gap ? ` Another could be better by ${(100 * answer.gap).toFixed(1)} % at most.` : "";
  const parts = [element("p", {}, STATUS[answer.status] + gap)];
  if (answer.status === "impossible") {
    parts.push(element("ul", {}, ...answer.reasons.map((reason) => element("li", {}, reason))));
    if (answer.change) parts.push(element("p", {}, answer.change));
  } else {
    kept = answer.meals.flatMap(({ day, slot, dishes }) =>
      dishes.map(({ dish_id, portion, liking }) => ({ day, slot, dish_id, portion, people: Object.keys(liking) })));
    parts.push(grid(sent, answer), ...answer.people.map((person) => totals(person, sent.people)), shopping(answer));
  }
  byId("planned").replaceChildren(...parts);
}

// Plans anew with other skips and locks; those of before stay where that is refused.
const planWith = (otherSkips, otherLocks = locks) =>
  attempt(async () => {
    const before = [skips, locks];
    [skips, locks] = [otherSkips, otherLocks];
    try {
      await plan(true);
    } catch (error) {
      [skips, locks] = before;
      throw error;
    }
  }, "Planned anew.");

const isAt = (day, slot) => (place) => place.day === day && place.slot === slot;

function grid(sent, answer) {
  const days = [...Array(sent.days).keys()].map((index) => index + 1);
  const head = element("tr", {}, element("th", { scope: "col" }, "Day"),
    ...sent.slots.map(({ name }) => element("th", { scope: "col" }, name)));
  const lines = days.map((day) => element("tr", {}, element("th", { scope: "row" }, String(day)),
    ...sent.slots.map(({ name }) => cell(day, name, answer.meals.find(isAt(day, name))))));
  const table = element("table", {}, element("caption", {}, "What is eaten"), head, ...lines);
  return element("div", { className: "scroll", tabIndex: 0, role: "region", ariaLabel: "The plan" }, table);
}

function cell(day, slot, meal) {
  const isElsewhere = (place) => !isAt(day, slot)(place);
  const where = `${slot} of day ${day}`;
  if (!meal) return element("td", {}, button("Plan it", where, () => planWith(skips.filter(isElsewhere))));
  const skip = () => planWith([...skips, { day, slot }], locks.filter(isElsewhere));
  return element("td", {}, ...meal.dishes.map((dish) => served(day, slot, dish)),
    element("div", { className: "buttons" }, button("Skip", where, skip)));
}

function served(day, slot, dish) {
  const isThis = (lock) => isAt(day, slot)(lock) && lock.dish_id === dish.dish_id;
  const onchange = ({ target }) => {
    locks = locks.filter((lock) => !isThis(lock));
    if (target.checked) locks = [...locks, { day, slot, dish_id: dish.dish_id }];
  };
  const box = element("input", { type: "checkbox", checked: locks.some(isThis), onchange, ariaLabel: `Keep ${dish.name}` });
  const portion = dish.portion === 1 ? "" : ` × ${dish.portion}`;
  return element("label", {}, box, ` ${dish.name}${portion}`);
}

// Totals of the days, as bars where the person has a bound.
function totals(person, sent) {
  const asked = sent.find(({ person_id }) => person_id === person.person_id);
  const known = QUANTITIES.filter((name) => person.days.some((day) => day[name]));
  if (!known.length) return element("p", {}, `No amount is known of all dishes of ${person.person_id}.`);
  const head = element("tr", {}, element("th", { scope: "col" }, "Day"),
    ...known.map((name) => element("th", { scope: "col" }, name.replace("_", " "))));
  const lines = person.days.map((day, index) => element("tr", {}, element("th", { scope: "row" }, String(index + 1)),
    ...known.map((name) => amount(day, name, asked))));
  const caption = element("caption", {}, `Totals of ${person.person_id}; no medical advice`);
  const table = element("table", {}, caption, head, ...lines);
  return element("div", { className: "scroll", tabIndex: 0, role: "region", ariaLabel: `Totals of ${person.person_id}` }, table);
}

function amount(day, name, { at_least = {}, at_most = {} }) {
  const [interval, least, most] = [day[name], at_least[name], at_most[name]];
  if (!interval) return element("td", {}, Object.keys(day).length ? "unknown" : "–");
  const [low, high] = [Math.round(interval.low), Math.round(interval.high)];
  const words = low === high ? `${low}` : `${low} to ${high}`;
  if (least === undefined && most === undefined) return element("td", {}, words);
  const end = 1.2 * Math.max(interval.high, least ?? 0, most ?? 0, 1e-9);
  const share = (value) => `${(100 * value) / end}%`;
  const [surely, maybe] = [element("i"), element("i", { className: "maybe" })];
  surely.style.width = share(interval.low);
  maybe.style.left = share(interval.low);
  maybe.style.width = share(interval.high - interval.low);
  const marks = [least, most].filter((bound) => bound !== undefined).map((bound) => {
    const mark = element("b");
    mark.style.left = share(bound);
    return mark;
  });
  const wishes = [least === undefined ? "" : `at least ${least}`, most === undefined ? "" : `at most ${most}`];
  const bar = element("span", { className: "bar", ariaHidden: "true" }, surely, maybe, ...marks);
  return element("td", {}, `${words} (${wishes.filter(Boolean).join(", ")})`, bar);
}

function shopping({ shopping: { ingredients, unlisted } }) {
  const lines = ingredients.map(({ ingredient, servings }) => `${ingredient}: ${servings} servings`);
  if (unlisted.length) lines.push(`Without a list of ingredients: ${unlisted.join(", ")}`);
  return element("details", {}, element("summary", {}, "What to buy"),
    element("ul", {}, ...lines.map((line) => element("li", {}, line))));
}

// Saves the plan that is shown as a calendar file.
async function saveCalendar() {
  const text = await ask("plan", body(true), "text/calendar");
  if (typeof text !== "string") throw new Refused("There is no plan yet: make one first.");
  const link = element("a", { download: "palate.ics", href: URL.createObjectURL(new Blob([text], { type: "text/calendar" })) });
  link.click();
  URL.revokeObjectURL(link.href);
}

// Forgets the plan, and what was kept and skipped in it.
export function forget() {
  [locks, skips, kept] = [[], [], []];
  byId("planned").replaceChildren();
}

export function prepare() {
  addSlot("dinner");
  byId("add-slot").onclick = () => addSlot();
  byId("add-bound").onclick = addBound;
  byId("add-rule").onclick = addRule;
  byId("print").onclick = () => window.print();
  byId("calendar").onclick = () => attempt(saveCalendar, "Saved.");
  byId("plan").onsubmit = (event) => {
    event.preventDefault();
    attempt(() => plan(), "Planned.");
  };
}
