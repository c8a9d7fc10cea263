// The model: which versions answer, their data and gates, and in a trial what both would show a person.

import { ask } from "./api.js";
import { attempt, byId, element, table } from "./elements.js";
import { request } from "./person.js";

const COUNT = 10;
let versions = [];

async function showVersions() {
  ({ versions } = await ask("versions"));
  byId("versions").replaceChildren(...versions.map(card));
  byId("compare").hidden = versions.length < 2;
}

function card(version) {
  const facts = {
    "Ranked by": version.ranked_by,
    Standing: version.preview ? `${version.standing}, a preview that nobody promoted` : version.standing,
    "Share of people": `${Math.round(100 * version.share)} %`,
    Gate: version.gate_reason || version.gate,
    Night: [version.night, version.registered_at].filter(Boolean).join(", registered "),
    Data: version.data_version,
    Code: version.git_sha,
  };
  const pages = { "The version in MLflow": version.version_page, "The night's run in MLflow": version.night_page };
  const lines = Object.entries(facts).filter(([, fact]) => fact);
  const links = Object.entries(pages).filter(([, href]) => href);
  return element("article", {}, element("h3", {}, `Version ${version.model_version}`),
    element("dl", {}, ...lines.flatMap(([name, fact]) => [element("dt", {}, name), element("dd", {}, fact)])),
    element("p", {}, ...links.flatMap(([text, href]) => [element("a", { href, rel: "noreferrer" }, text), " "])));
}

// Shows side by side what each version would show the person; nothing of it is stored.
async function compare() {
  const person = { ...request(), keep: false };
  const lists = [];
  for (const { model_version } of versions) {
    lists.push((await ask("recommend", { ...person, k: COUNT, model_version })).dishes);
  }
  const places = [...Array(Math.max(...lists.map(({ length }) => length))).keys()];
  byId("compared").replaceChildren(
    table("Both versions", `What each version would show ${person.person_id}`,
      ["Place", ...versions.map(({ model_version }) => `Version ${model_version}`)],
      places.map((place) => [String(place + 1), ...lists.map((list) => [list[place]?.name ?? ""])])));
}

export function prepare() {
  byId("show-versions").onclick = () => attempt(showVersions);
  byId("compare").onclick = () => attempt(compare);
}
