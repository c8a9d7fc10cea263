// The person: by id, or somebody new, of whom nothing is stored.

import { ask, Refused } from "./api.js";
import { attempt, byId, listed } from "./elements.js";
import { showDishes } from "./dishes.js";

const QUESTIONS = 10;
const TRIES = `try-${Math.random().toString(36).slice(2, 12)}`;
let current = null;
let questions = [];

// What every request says of the person.
export const request = () => ({
  person_id: current.id,
  diet: current.diet,
  avoids: current.avoids,
  ...(current.allergies ? { allergies: current.allergies } : {}),
  ...(current.isNew ? { history: current.history, keep: false } : {}),
});

export const isNew = () => current.isNew;

// Keeps an opinion: in the page for somebody new, else in the service.
export async function say(dish, kind, answer) {
  if (current.isNew) {
    const others = current.history.filter((line) => line.dish.dish_id !== dish.dish_id);
    const verdict = kind === "dislike" ? "disliked" : "liked";
    current.history = [...others, { dish: { dish_id: dish.dish_id }, verdict }];
    return;
  }
  const feedback = { person_id: current.id, dish_id: dish.dish_id, kind, answer_id: answer };
  await ask("feedback", feedback);
}

function entered() {
  const form = byId("person").elements;
  const isNew = form.who.value === "new";
  const allergies = listed(form.allergies.value);
  if (form.none.checked && allergies.length) {
    throw new Refused("Allergies are named, and “No allergies” is ticked: keep one of the two.");
  }
  if (isNew && !form.none.checked && !allergies.length) {
    throw new Refused("Name the allergies, or tick “No allergies”: nobody is served without one of the two.");
  }
  return {
    id: isNew ? TRIES : form.id.value.trim(),
    isNew,
    diet: listed(form.diet.value).join(";"),
    allergies: form.none.checked || allergies.length ? allergies : null,
    avoids: listed(form.avoids.value),
    history: [],
  };
}

async function start(forgetWeek) {
  const before = current;
  try {
    current = entered();
    questions = current.isNew ? (await ask("questions", { ...request(), k: QUESTIONS })).dishes : [];
    byId("question").hidden = !questions.length;
    nextQuestion();
    await showDishes();
  } catch (error) {
    current = before;
    throw error;
  }
  forgetWeek();
  byId("week").hidden = false;
  byId("ranking").textContent = current.isNew ? "" : await verdict();
}

// Says how well the model knows a stored person.
async function verdict() {
  const stored = await ask(`people/${encodeURIComponent(current.id)}`).catch(() => ({}));
  return stored.ranking ? `How well Palate knows this person: ${stored.ranking.sentence}` : "";
}

function nextQuestion() {
  const [dish] = questions;
  byId("asked").textContent = dish ? [dish.name, dish.description].filter(Boolean).join(": ") : "Thank you.";
  byId("progress").textContent = dish ? `${questions.length} left; stop whenever you like.` : "";
  for (const id of ["liked", "disliked", "unsure"]) byId(id).hidden = !dish;
}

const judge = (verdict) =>
  attempt(async () => {
    const [dish] = questions;
    const before = current.history;
    current.history = verdict ? [...before, { dish: { dish_id: dish.dish_id }, verdict }] : before;
    try {
      if (verdict) await showDishes();
    } catch (error) {
      current.history = before;
      throw error;
    }
    questions = questions.slice(1);
    nextQuestion();
    byId("asked").focus();
  });

export function prepare(forgetWeek) {
  const form = byId("person");
  const showId = () => {
    const isKnown = form.elements.who.value === "known";
    byId("of-id").hidden = !isKnown;
    form.elements.id.required = isKnown;
  };
  form.onchange = showId;
  form.onsubmit = (event) => {
    event.preventDefault();
    attempt(() => start(forgetWeek));
  };
  byId("liked").onclick = () => judge("liked");
  byId("disliked").onclick = () => judge("disliked");
  byId("unsure").onclick = () => judge("");
  showId();
}

