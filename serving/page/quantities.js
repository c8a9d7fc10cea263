// What a dish holds and costs, by the names that the service gives: a word and often its unit, such as protein_g.

import { ask } from "./api.js";

// Reads the names from the OpenAPI document.
export async function names() {
  const { components } = await ask("docs.json");
  return Object.keys(components.schemas.EaterBody.properties.at_most.properties);
}

export const heading = (name) => name.replace("_", " in ");

export function range({ low, high }) {
  const [least, most] = [low, high].map((value) => (value < 10 ? Math.round(10 * value) / 10 : Math.round(value)));
  return least === most ? `${least}` : `${least} to ${most}`;
}

export function amount(name, interval) {
  const [word, unit] = name.split("_");
  return [range(interval), unit, word].filter(Boolean).join(" ");
}
