// Calls of /v1, with the token that this tab was given.

const KEPT = "inq-token";
let askForToken = async () => {};

/** Who is called when a token is needed; it settles once there is another one. */
export function onLocked(ask) {
  askForToken = ask;
}

export function keepToken(token) {
  sessionStorage.setItem(KEPT, token);
}

export const hasToken = () => sessionStorage.getItem(KEPT) !== null;

/** What the service says is wrong, or that it says nothing. */
export class Problem extends Error {
  constructor(status, detail, field) {
    super(detail);
    this.status = status;
    this.field = field;
  }
}

/** Numbers that JavaScript cannot hold exactly stay what they are. */
const exact = (_, value, context) =>
  typeof value === "number" && Number.isInteger(value) && !Number.isSafeInteger(value) && context?.source
    ? BigInt(context.source)
    : value;

export const read = (text) => JSON.parse(text, exact);

/** As text for people. */
export const pretty = (value) =>
  JSON.stringify(value, (_, it) =>
    typeof it === "bigint" ? (JSON.rawJSON ? JSON.rawJSON(String(it)) : String(it)) : it, 2);

async function asked(method, path, body) {
  const headers = new Headers();
  const token = sessionStorage.getItem(KEPT);
  if (token !== null) headers.set("Authorization", `Bearer ${token}`);
  if (body !== undefined) headers.set("Content-Type", "application/json");
  try {
    const answer = await fetch(path, { method, headers, body, signal: AbortSignal.timeout(15_000) });
    return [answer.status, await answer.text()];
  } catch {
    throw new Problem(0, "The service does not answer.");
  }
}

/** A request; `body` is JSON as text. Throws a Problem. */
export async function call(method, path, body) {
  for (;;) {
    const [status, text] = await asked(method, path, body);
    if (status === 401) {
      await askForToken();
      continue;
    }
    let answer;
    try {
      answer = read(text);
    } catch {
      throw new Problem(status, "The service answers in a way that this page does not understand.");
    }
    if (status >= 200 && status < 300) return answer;
    throw new Problem(status, answer.detail ?? `The service answers ${status}.`, answer.field);
  }
}

export const get = (path) => call("GET", path);
export const post = (path, body) => call("POST", path, body);

let role;

/** Whether whoever looks may also change something. */
export async function mayChange() {
  role ??= get("/v1/access").then((answer) => answer.role === "operator");
  try {
    return await role;
  } catch (problem) {
    role = undefined;
    throw problem;
  }
}
