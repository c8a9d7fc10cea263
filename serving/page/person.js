// The person whom the page is about. Of somebody new nothing is stored, unless they say so.

import { ask, Refused } from "./api.js";

const TRIES = `try-${Math.random().toString(36).slice(2, 12)}`;
let current = null;

// What every request says of the person.
export function request() {
  if (!current) throw new Refused("Show a person's dishes first.");
  return {
    person_id: current.id,
    diet: current.diet,
    avoids: current.avoids,
    ...(current.allergies ? { allergies: current.allergies } : {}),
    ...(current.isNew ? { history: current.history, keep: false } : {}),
  };
}

export const isNew = () => current.isNew;

export const id = () => current.id;

// Makes somebody the person, for as long as the work with them does not fail.
export const become = (described) =>
  change({ ...described, id: described.isNew ? TRIES : described.id, history: [] });

// Judges a dish in the page alone: a dish has one verdict, the latest.
export function judge(dish, verdict) {
  const others = current.history.filter((line) => line.dish.dish_id !== dish.dish_id);
  return change({ ...current, history: [...others, { dish: { dish_id: dish.dish_id }, verdict }] });
}

// Changes the person; returns what takes that back.
function change(changed) {
  const before = current;
  current = changed;
  return () => {
    current = before;
  };
}

// Keeps an opinion: in the page for somebody new, else in the service.
export async function say(dish, kind, answer) {
  if (current.isNew) judge(dish, kind === "dislike" ? "disliked" : "liked");
  else await ask("feedback", { person_id: current.id, dish_id: dish.dish_id, kind, answer_id: answer });
}

// Stores somebody new under an id of theirs, with what they have said so far.
export async function keepAs(id) {
  if (!current.history.length) throw new Refused("Nothing is known of you yet: say of a dish whether you like it.");
  if (current.claimed !== id && !(await isFree(id))) throw new Refused(`Somebody has the id “${id}”: choose another one.`);
  current.claimed = id; // so that they can go on where some of it was refused
  for (const { dish, verdict } of current.history) {
    await ask("feedback", { person_id: id, dish_id: dish.dish_id, kind: verdict.replace(/d$/, "") });
  }
  current = { ...current, id, isNew: false };
}

async function isFree(id) {
  try {
    await ask(`people/${encodeURIComponent(id)}`);
  } catch (error) {
    if (error.status === 404) return true;
    throw error;
  }
  return false;
}
