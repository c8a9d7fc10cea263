// Asks the service. What it answers is data: it is only ever written as text.

const PLACE = "palate-token";
const AWAY = "The service does not answer. What you entered is kept: try again.";

export class Refused extends Error {
  constructor(sentence, status = 0) {
    super(sentence);
    this.status = status;
  }
}

// Sends a body, or reads where there is none; asks for the token where the service needs it.
// Resolves to what was answered as JSON, or to the text of another type that is named.
export async function ask(path, body, type = "") {
  for (;;) {
    const answer = await send(path, body, type);
    if (answer.status === 401) {
      if (!(await enterToken())) throw new Refused("Without its token the service answers nothing.");
      continue;
    }
    if (type && answer.headers.get("Content-Type")?.startsWith(type)) return answer.text();
    const content = await answer.json().catch(() => ({}));
    if (!answer.ok) throw new Refused(content.error ?? `The service answered ${answer.status}: try again.`, answer.status);
    return content;
  }
}

async function send(path, body, type) {
  const token = sessionStorage.getItem(PLACE);
  const headers = { ...(token ? { Authorization: `Bearer ${token}` } : {}), ...(type ? { Accept: type } : {}) };
  const request = body
    ? { method: "POST", headers: { ...headers, "Content-Type": "application/json" }, body: JSON.stringify(body) }
    : { headers };
  try {
    return await fetch(path, request);
  } catch {
    throw new Refused(AWAY);
  }
}

// Resolves to whether a token was entered.
function enterToken() {
  const dialog = document.getElementById("token-dialog");
  const field = document.getElementById("token");
  field.value = "";
  dialog.showModal();
  document.getElementById("no-token").onclick = () => dialog.close();
  document.getElementById("token-form").onsubmit = (event) => {
    event.preventDefault();
    sessionStorage.setItem(PLACE, field.value);
    dialog.close("entered");
  };
  dialog.returnValue = "";
  return new Promise((resolve) => {
    dialog.onclose = () => resolve(dialog.returnValue === "entered");
  });
}
