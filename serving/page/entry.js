// Who it is: the form, the questions to somebody new, and keeping them.

import { ask, Refused } from "./api.js";
import { showDishes } from "./dishes.js";
import { attempt, byId, listed } from "./elements.js";
import { become, id, isNew, judge, keepAs, request } from "./person.js";
import { forget as forgetWeek } from "./week.js";

const QUESTIONS = 10;
let questions = [];

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
    id: form.id.value.trim(),
    isNew,
    diet: listed(form.diet.value).join(";"),
    allergies: form.none.checked || allergies.length ? allergies : null,
    avoids: listed(form.avoids.value),
  };
}

async function start() {
  await orTakeBack(become(entered()), async () => {
    const asked = isNew() ? (await ask("questions", { ...request(), k: QUESTIONS })).dishes : [];
    await showDishes();
    questions = asked;
  });
  byId("question").hidden = !questions.length;
  nextQuestion();
  forgetWeek();
  byId("week").hidden = false;
  await showStanding();
}

async function orTakeBack(takeBack, work) {
  try {
    await work();
  } catch (error) {
    takeBack();
    throw error;
  }
}

// Says how well the model knows a stored person, or lets somebody new be stored.
async function showStanding() {
  byId("keep").hidden = !isNew();
  const stored = isNew() ? {} : await ask(`people/${encodeURIComponent(id())}`).catch(() => ({}));
  byId("ranking").textContent = stored.ranking ? `How well Palate knows this person: ${stored.ranking.sentence}` : "";
}

function nextQuestion() {
  const [dish] = questions;
  byId("asked").textContent = dish ? [dish.name, dish.description].filter(Boolean).join(": ") : "Thank you.";
  byId("progress").textContent = dish ? `${questions.length} left; stop whenever you like.` : "";
  for (const answer of ["liked", "disliked", "unsure"]) byId(answer).hidden = !dish;
}

const reply = (verdict) =>
  attempt(async () => {
    if (verdict) await orTakeBack(judge(questions[0], verdict), showDishes);
    questions = questions.slice(1);
    nextQuestion();
    byId("asked").focus();
  });

async function keep() {
  const form = byId("person").elements;
  const chosen = byId("keep-id").value.trim();
  await keepAs(chosen);
  form.who.value = "known";
  form.id.value = chosen;
  showId();
  byId("question").hidden = true;
  await showDishes();
  await showStanding();
}

function showId() {
  const form = byId("person").elements;
  const isKnown = form.who.value === "known";
  byId("of-id").hidden = !isKnown;
  form.id.required = isKnown;
}

export function prepare() {
  byId("person").onchange = showId;
  const submits = { person: () => attempt(start), keep: () => attempt(keep, "Kept.") };
  for (const [form, submit] of Object.entries(submits)) {
    byId(form).onsubmit = (event) => {
      event.preventDefault();
      submit();
    };
  }
  byId("liked").onclick = () => reply("liked");
  byId("disliked").onclick = () => reply("disliked");
  byId("unsure").onclick = () => reply("");
  showId();
}
