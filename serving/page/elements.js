// Makes elements. Text from the service never becomes markup.

export const byId = (id) => document.getElementById(id);

// Makes an element with properties; children are elements or texts.
export function element(name, properties = {}, ...children) {
  const made = Object.assign(document.createElement(name), properties);
  made.append(...children);
  return made;
}

// Splits a text at ; and , into its parts.
export const listed = (text) => text.split(/[;,]/).map((part) => part.trim()).filter(Boolean);

export const button = (label, name, onclick) =>
  element("button", { type: "button", onclick, ariaLabel: `${label}: ${name}` }, label);

// Makes a table in a region that scrolls: its heads, and lines of a heading and the children of each cell.
export function table(label, caption, heads, lines) {
  const head = element("tr", {}, ...heads.map((text) => element("th", { scope: "col" }, text)));
  const rows = lines.map(([first, ...cells]) =>
    element("tr", {}, element("th", { scope: "row" }, first), ...cells.map((children) => element("td", {}, ...children))));
  return element("div", { className: "scroll", tabIndex: 0, role: "region", ariaLabel: label },
    element("table", {}, element("caption", {}, caption), head, ...rows));
}

let isBusy = false;

// Runs work that asks the service, one at a time; its refusal is shown in one sentence, and nothing else changes.
export async function attempt(work, done = "") {
  if (isBusy) return;
  const [notice, refusal] = [byId("notice"), byId("refusal")];
  isBusy = true;
  refusal.textContent = "";
  notice.textContent = "One moment …";
  try {
    await work();
    notice.textContent = done;
  } catch (error) {
    notice.textContent = "";
    refusal.textContent = error.message;
  } finally {
    isBusy = false;
  }
}
