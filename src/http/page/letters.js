// Dead letters: what was put aside and why, and the way back, corrected where it must be.

import { get, mayChange, post } from "./api.js";
import { ask } from "./ask.js";
import { h, put, say } from "./dom.js";
import { plain, utc } from "./words.js";

const ON_A_PAGE = 25;
const TOPICS = { events: "Events", results: "Results", preferences: "Preferences" };

export async function letters(root, parameters) {
  const topic = Object.hasOwn(TOPICS, parameters.get("topic")) ? parameters.get("topic") : "events";
  const reason = parameters.get("reason");
  const query = reason ? `&reason=${encodeURIComponent(reason)}` : "";
  const page = (cursor) => get(`/v1/dead-letters?topic=${topic}${query}&limit=${ON_A_PAGE}${cursor ? `&cursor=${cursor}` : ""}`);
  const [first, operator] = await Promise.all([page(), mayChange()]);
  const links = (name, entries, current) => h("nav", { class: "row", "aria-label": name }, entries.map(([value, words, href]) =>
    h("a", { href, "aria-current": value === current && "page" }, words)));
  const reasons = [...new Set(first.letters.map((letter) => letter.reason).filter(Boolean))].sort();
  put(root,
    h("h1", { tabindex: "-1" }, "Dead letters"),
    links("Topic", Object.entries(TOPICS).map(([value, words]) => [value, words, `#/letters?topic=${value}`]), topic),
    (reason || reasons.length > 1) && links("Reason", [[null, "Any reason", `#/letters?topic=${topic}`],
      ...reasons.map((code) => [code, plain(code), `#/letters?topic=${topic}&reason=${code}`])], reason),
    h("p", { class: "quiet" }, "The newest first. A letter stays here when it has gone back: this is a record, not a list of what is left to do."),
    list(first, page, (letter) => shown(letter, topic, operator)));
}

/** Page after page, each where the one before has its button. */
function list({ letters: all, next_cursor }, page, entry) {
  const part = h("div", {}, all.map(entry));
  if (next_cursor) {
    const more = h("button", { type: "button", click: async () => {
      more.disabled = true;
      try {
        const next = list(await page(next_cursor), page, entry);
        more.replaceWith(next);
        next.querySelector("textarea, button")?.focus();
      } catch (problem) {
        more.disabled = false;
        say(problem.message);
      }
    } }, "More");
    part.append(more);
  } else if (all.length === 0) {
    part.append(h("p", {}, "There is none."));
  }
  return part;
}

function shown(letter, topic, operator) {
  const id = `letter-${letter.partition}-${letter.offset}`;
  const fault = h("p", { class: "fault", role: "alert", hidden: true });
  const payload = h("textarea", { id, rows: "6", spellcheck: "false", readonly: !operator, "aria-describedby": `${id}-why` });
  payload.value = letter.payload ?? "";
  const putBack = h("button", { type: "button", click: () => replay(letter, topic, payload, fault) }, "Put back…");
  return h("article", { class: "entry letter" },
    h("h2", {}, plain(letter.reason ?? "unknown reason"), letter.event_id && h("small", {}, ` event ${letter.event_id}`)),
    h("p", { id: `${id}-why` }, letter.detail ?? "It says nothing more."),
    h("p", { class: "quiet" }, `${letter.topic}/${letter.partition}/${letter.offset}${letter.failed_at ? ` · ${utc(letter.failed_at)}` : ""}`),
    letter.payload_base64 && h("p", { class: "quiet" }, `It is no text. In base64: ${letter.payload_base64.slice(0, 200)}`),
    h("label", { for: id }, operator ? "Its content, to be corrected" : "Its content"), payload, fault,
    operator && h("div", { class: "row" }, putBack));
}

/** Looks first whether it can go back, then asks. */
async function replay(letter, topic, payload, fault) {
  const corrected = payload.value !== (letter.payload ?? "");
  const order = { topic, partition: letter.partition, offset: letter.offset, ...(corrected && { payload: payload.value }) };
  fault.hidden = true;
  payload.removeAttribute("aria-invalid");
  try {
    const looked = await post("/v1/dead-letters/replay", JSON.stringify({ ...order, dry_run: true }));
    const how = corrected ? "with the corrected content" : "as it is";
    if (!await ask("Put this letter back?", `It goes to ${looked.topic} ${how}, and is handled like any other record there.`, "Put back")) {
      return say("Nothing was put back.");
    }
    await post("/v1/dead-letters/replay", JSON.stringify(order));
    say(`The letter is in ${looked.topic}.`);
  } catch (problem) {
    const named = problem.field && !problem.message.startsWith(problem.field);
    fault.textContent = named ? `${problem.field}: ${problem.message}` : problem.message;
    fault.hidden = false;
    payload.setAttribute("aria-invalid", "true");
    payload.focus();
  }
}
