// The week: what is asked of a plan, and what is changed in it.

import { ask, Refused } from "./api.js";
import { attempt, button, byId, element, listed } from "./elements.js";
import { heading, names } from "./quantities.js";
import { request } from "./person.js";
import { grid, shopping, totals } from "./planned.js";

const STATUS = {
  optimal: "No plan is better.",
  within_gap: "Near the best plan.",
  stopped_early: "The best plan that was found in time.",
  impossible: "These wishes contradict each other:",
};
const NOTHING = { locks: [], skips: [], exclusions: [] };
let wishes = NOTHING; // of single meals
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
const addBound = async () =>
  addRow("bounds", "bound", choice("Of", "nutrient", (await names()).map((name) => [name, heading(name)])),
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
    ...Object.fromEntries(Object.entries(wishes).map(([wish, places]) => [wish, places.filter(isThere)])),
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
    const reasons = [...answer.reasons, ...(answer.change ? [answer.change] : [])];
    if (isChange) throw new Refused(`${STATUS.impossible} ${reasons.join("; ")}.`); // the plan of before stays
    parts.push(element("ul", {}, ...reasons.map((reason) => element("li", {}, reason))));
  } else {
    kept = answer.meals.flatMap(({ day, slot, dishes }) =>
      dishes.map(({ dish_id, portion, liking }) => ({ day, slot, dish_id, portion, people: Object.keys(liking) })));
    parts.push(grid(sent, answer, changes), ...answer.people.map(totals), shopping(answer.shopping));
  }
  byId("planned").replaceChildren(...parts);
}

// Plans anew with other wishes; those of before stay where that is refused.
const planWith = (other) =>
  attempt(async () => {
    const before = wishes;
    wishes = { ...wishes, ...other };
    try {
      await plan(true);
    } catch (error) {
      wishes = before;
      throw error;
    }
    byId("planned").focus();
  }, "Planned anew.");

const isAt = ({ day, slot, dish_id }) => (place) =>
  place.day === day && place.slot === slot && (!dish_id || place.dish_id === dish_id);
const without = (places, gone) => places.filter((place) => !isAt(gone)(place));

const changes = {
  isKept: (place) => wishes.locks.some(isAt(place)),
  keep: (place, isKept) => {
    wishes = { ...wishes, locks: [...without(wishes.locks, place), ...(isKept ? [place] : [])] };
  },
  replace: (place) =>
    planWith({ exclusions: [...wishes.exclusions, place], locks: without(wishes.locks, place) }),
  skip: (place) => planWith({ skips: [...wishes.skips, place], locks: without(wishes.locks, place) }),
  unskip: (place) => planWith({ skips: without(wishes.skips, place) }),
};

// Saves the plan that is shown as a calendar file; it is stored already.
async function saveCalendar() {
  const sent = body(true);
  const people = sent.people.map((person) => ({ ...person, keep: false }));
  const text = await ask("plan", { ...sent, people }, "text/calendar");
  if (typeof text !== "string") throw new Refused("There is no plan yet: make one first.");
  const link = element("a", { download: "palate.ics", href: URL.createObjectURL(new Blob([text], { type: "text/calendar" })) });
  link.click();
  URL.revokeObjectURL(link.href);
}

// Forgets the plan, and what was kept, replaced and skipped in it.
export function forget() {
  [wishes, kept] = [NOTHING, []];
  byId("planned").replaceChildren();
}

export function prepare() {
  addSlot("dinner");
  byId("add-slot").onclick = () => addSlot();
  byId("add-bound").onclick = () => attempt(addBound);
  byId("add-rule").onclick = addRule;
  byId("print").onclick = () => window.print();
  byId("calendar").onclick = () => attempt(saveCalendar, "Saved.");
  byId("plan").onsubmit = (event) => {
    event.preventDefault();
    wishes = { ...wishes, exclusions: [] };
    attempt(() => plan(), "Planned.");
  };
}
