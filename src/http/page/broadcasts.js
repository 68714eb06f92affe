// Broadcasts: how each one comes on, holding it up, and starting one after it was counted.

import { get, mayChange, post } from "./api.js";
import { ask } from "./ask.js";
import { h, put, say } from "./dom.js";
import { many, number, plain, utc } from "./words.js";

const again = () => dispatchEvent(new Event("again"));

const whom = (segment) => (segment === null ? "every known user" : `the segment ${segment}`);

/** What can be ordered in which state: the deed, and what it means. */
const ORDERS = {
  running: [["pause", "Pause", "It makes no more events until it is resumed."], ["stop", "Stop", "It ends for good. The events that it has made stay."]],
  paused: [["resume", "Resume", "It goes on where it stands."], ["stop", "Stop", "It ends for good. The events that it has made stay."]],
};

export async function broadcasts(root) {
  const [{ broadcasts: all, next_cursor }, operator] = await Promise.all([get("/v1/broadcasts"), mayChange()]);
  put(root,
    h("h1", { tabindex: "-1" }, "Broadcasts"),
    h("p", { class: "quiet" }, "An event, made once for each user of a segment, at a set rate."),
    operator && form(),
    ...(all.length === 0 ? [h("p", {}, "There is none.")] : all.map((broadcast) => shown(broadcast, operator))),
    next_cursor && h("p", { class: "quiet" }, "There are more: inq broadcast list shows them."));
}

function shown(broadcast, operator) {
  const { id, name, state, segment, rate, expected, produced, looked_at: looked, started_by: by } = broadcast;
  const of = expected === null ? "" : ` of ${number(expected)}`;
  const moved = broadcast.ended_at ? `ended ${utc(broadcast.ended_at)}` : `moved last ${utc(broadcast.updated_at)}`;
  const label = `broadcast-${id}`;
  return h("article", { class: "entry", "aria-labelledby": label },
    h("h2", { id: label }, `Broadcast ${id}`, name !== null && h("small", {}, ` ${name}`)),
    h("p", {}, h("span", { class: "status" }, plain(state)), ` · ${number(produced)}${of} events for ${whom(segment)}, ${rate} a second`),
    expected > 0 && h("progress", { max: expected, value: produced, "aria-labelledby": label }),
    h("p", { class: "quiet" }, `Started ${utc(broadcast.created_at)} by ${by} · ${moved} · ${many(looked, "user")} looked at`),
    h("details", {}, h("summary", {}, "Its event"), h("pre", { tabindex: "0" }, JSON.stringify(broadcast.event, null, 2))),
    operator && ORDERS[state] && h("div", { class: "row" }, ORDERS[state].map(([order, deed, meaning]) =>
      h("button", { type: "button", click: () => give(id, order, deed, meaning) }, `${deed}…`))));
}

async function give(id, order, deed, meaning) {
  if (!await ask(`${deed} broadcast ${id}?`, meaning, deed)) return say("Nothing was changed.");
  try {
    const now = await post(`/v1/broadcasts/${id}/${order}`);
    again();
    say(`Broadcast ${id} is ${now.state}.`);
  } catch (problem) {
    say(problem.message);
  }
}

function field(id, words, attributes) {
  return [h("label", { for: id }, words), h(attributes.rows ? "textarea" : "input", { id, autocomplete: "off", spellcheck: "false", ...attributes })];
}

function form() {
  const event = field("broadcast-event", "Event (JSON, without event_id and user_id)", { rows: "5", required: true });
  const segment = field("broadcast-segment", "Segment", { required: true, maxlength: "64" });
  const rate = field("broadcast-rate", "Events a second", { required: true, type: "number", min: "1", max: "10000", value: "100" });
  const fault = h("p", { class: "fault", role: "alert", hidden: true });
  const said = () => ({ event: event[1].value, segment: segment[1].value, rate: rate[1].value });
  const submit = (asked) => {
    asked.preventDefault();
    fault.hidden = true;
    start(said()).catch((problem) => {
      fault.textContent = problem.message;
      fault.hidden = false;
    });
  };
  return h("details", {}, h("summary", {}, "Start one"),
    h("form", { submit }, event, segment, rate, h("button", { type: "submit" }, "Count…")), fault);
}

/** What the first of them would be told, when, and why not at once. */
function wouldBe({ user_id, message_title, due_at, held, gathered, suppressed }) {
  if (suppressed) return `User ${user_id} would not be told: ${suppressed.rule === "cap" ? "they get enough notifications without it" : "they have opted out"}.`;
  const quiet = held && `${held.from} to ${held.to} are quiet hours in ${held.timezone}`;
  const together = gathered && `others of its type are gathered with it for ${gathered.window} (if some are gathered already, with them)`;
  const why = [quiet, together].filter(Boolean).join(", and ");
  return `User ${user_id} would be told “${message_title}”${why && ` at ${utc(due_at)}, for ${why}`}.`;
}

/** Counts first, then asks. Numbers of the event go as they were written. */
async function start({ event, segment, rate }) {
  // Without TLS there is no randomUUID.
  const name = `page-${Array.from(crypto.getRandomValues(new Uint32Array(3)), (part) => part.toString(36)).join("-")}`;
  const order = (dry) => `{"event":${event},"segment":${JSON.stringify(segment)},"rate":${Number(rate)},"name":${JSON.stringify(name)},"dry_run":${dry}}`;
  const counted = await post("/v1/broadcasts", order(true));
  const users = `${counted.is_complete ? "" : "at least "}${many(counted.users, "user")}`;
  const first = counted.previews[0];
  const words = first ? ` ${wouldBe(first)}` : "";
  if (!await ask("Start this broadcast?", `It makes an event for ${users} of the segment ${segment}, ${rate} a second.${words}`, "Start")) {
    return say("Nothing was started.");
  }
  const { broadcast } = await post("/v1/broadcasts", order(false));
  again();
  return say(`Broadcast ${broadcast.id} is running.`);
}
