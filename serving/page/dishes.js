// For you: dishes with their reasons, what was left out, and what the person says of them.

import { ask } from "./api.js";
import { attempt, button, byId, element } from "./elements.js";
import { amount } from "./quantities.js";
import { isNew, request, say } from "./person.js";

const COUNT = 10;
const SHOWN = 200; // of what was left out, at once

export async function showDishes() {
  const answer = await ask("recommend", { ...request(), k: COUNT });
  byId("dishes").hidden = false;
  byId("version").textContent = inWords(answer);
  byId("how").textContent = answer.cold_start
    ? "Nothing is known of the person yet: popularity ranks."
    : `The best of ${answer.considered.toLocaleString()} dishes.${ofPerson(answer.sure_of_person)}`;
  byId("list").replaceChildren(...answer.dishes.map((dish) => item(dish, answer.answer_id)));
  byId("notes").replaceChildren(...answer.notes.map((note) => element("li", {}, note)));
  byId("left-out-count").textContent = `Left out: ${answer.left_out.length.toLocaleString()}`;
  byId("left-out-search").oninput = () => showLeftOut(answer.left_out);
  showLeftOut(answer.left_out);
}

const ofPerson = (share) =>
  share === null ? "" : ` Of two of them the order should be right in ${Math.round(100 * share)} % of cases.`;

function inWords(answer) {
  const standing = answer.preview ? "a preview, promoted by nobody" : answer.standing;
  return `Version ${answer.model_version} (${answer.ranked_by}), ${standing}; data ${answer.data_version.slice(0, 8)}.`;
}

function item(dish, answer) {
  const lines = [because(dish), nutrition(dish), sureness(dish)].filter(Boolean);
  const tell = (kind) => attempt(async () => { await say(dish, kind, answer); await showDishes(); }, "Noted.");
  return element(
    "li",
    {},
    element("h3", {}, dish.name),
    ...lines.map((line) => element("p", {}, line)),
    element(
      "div",
      { className: "buttons" },
      button("Like", dish.name, () => tell("like")),
      button("Not again", dish.name, () => tell("dislike")),
      button("Ate it", dish.name, () => tell(isNew() ? "like" : "choice")),
    ),
  );
}

const because = (dish) => (dish.because.length ? `Because of ${dish.because.join(" and ")}.` : "");

const sureness = (dish) =>
  dish.sure === null ? "" : `Such a lead over the next dish was right in ${Math.round(100 * dish.sure)} % of tested cases.`;

function nutrition({ nutrition: { nutrients } }) {
  const known = Object.entries(nutrients);
  return known.length ? `${known.map(([name, interval]) => amount(name, interval)).join(", ")} per ${known[0][1].per}` : "";
}

function showLeftOut(all) {
  const sought = byId("left-out-search").value.toLowerCase();
  const lines = all.map(({ dish_id, reasons }) => `${dish_id}: ${reasons.join("; ")}`);
  const found = lines.filter((line) => line.toLowerCase().includes(sought)).slice(0, SHOWN);
  byId("left-out").replaceChildren(...found.map((line) => element("li", {}, line)));
}
