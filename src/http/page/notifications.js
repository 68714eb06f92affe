// Notifications: found by user, event or status, one with its story, and what can be done about them.

import { get, mayChange, post, pretty, Problem } from "./api.js";
import { ask } from "./ask.js";
import { h, put, say, table } from "./dom.js";
import { canBeCancelled, canBeRetried, capital, many, plain, PRIORITIES, time, utc } from "./words.js";

const ON_A_PAGE = 25;
const PAUSE = 2000;
const WAYS = {
  user: (value) => [`Notifications of user ${value}`, `/v1/users/${encodeURIComponent(value)}/notifications?`],
  event: (value) => [`Notification of event ${value}`, `/v1/notifications?event_id=${encodeURIComponent(value)}&`],
  status: (value) => [`Notifications that are ${value}`, `/v1/notifications?status=${encodeURIComponent(value)}&`],
};

/** Those that were searched for. */
export async function found(root, parameters) {
  const [by, value] = [parameters.get("by"), parameters.get("value") ?? ""];
  if (!Object.hasOwn(WAYS, by)) throw new Problem(0, "There is no such way to search.");
  const [title, path] = WAYS[by](value);
  root.append(h("h1", { tabindex: "-1" }, title));
  const list = h("div", { class: "results" });
  const page = async (cursor) => {
    const part = await get(`${path}limit=${ON_A_PAGE}${cursor ? `&cursor=${cursor}` : ""}`);
    list.append(...part.notifications.map(entry));
    if (part.next_cursor) {
      const more = h("button", { type: "button", click: async () => {
        more.disabled = true;
        try {
          const next = await page(part.next_cursor);
          more.remove();
          next?.querySelector("a").focus();
        } catch (problem) {
          more.disabled = false;
          say(problem.message);
        }
      } }, "More");
      list.append(more);
    }
    const entries = list.querySelectorAll("article");
    return entries[entries.length - part.notifications.length];
  };
  const any = await page();
  if (by === "user" && await mayChange()) root.append(ofUser(value));
  root.append(list);
  if (!any) list.append(h("p", {}, "There is none."), by === "event" ? none() : "");
}

const none = () => h("p", { class: "quiet" }, "It has not been stored yet, or was removed, or it is among the ",
  h("a", { href: "#/letters" }, "dead letters"), ".");

function entry(row) {
  return h("article", { class: "entry" },
    h("h2", {}, h("a", { href: `#/notification/${row.id}` }, h("bdi", { lang: row.language }, row.message_title || `Notification ${row.id}`))),
    h("p", {}, h("span", { class: `status ${row.status}` }, row.status), ` It ${row.standing}.`),
    h("p", { class: "quiet" }, `${row.id} · user ${row.user_id} · ${plain(row.incentive_type)} · ${utc(row.created_at)}`));
}

function ofUser(user) {
  const all = (verb, status, deed, what) => h("button", { type: "button", click: async () => {
    try {
      await change(`/v1/notifications/${verb}`, `{"user_id":${BigInt(user)},"status":"${status}"}`, user, deed, what);
    } catch (problem) {
      say(problem.message);
    }
  } }, `${deed} all ${status}…`);
  return h("div", { class: "row" },
    all("cancel", "pending", "Cancel", "They will not be sent, unless somebody retries them."),
    all("retry", "failed", "Retry", "They become due now and are sent again."));
}

/** Counts first, and asks with that number. */
async function change(path, filter, user, deed, what) {
  const { matched } = await post(path, `{"filter":${filter},"dry_run":true}`);
  if (matched === 0) return say(`User ${user} has none of those.`);
  const those = many(matched, "notification");
  if (!await ask(`${deed} ${those} of user ${user}?`, what, `${deed} ${those}`)) return say("Nothing was changed.");
  let [changed, cursor] = [0, undefined];
  do {
    const part = await post(path, `{"filter":${filter}${cursor ? `,"cursor":"${cursor}"` : ""}}`);
    changed += part.changed;
    cursor = part.next_cursor;
  } while (cursor);
  dispatchEvent(new Event("again"));
  say(`${many(changed, "notification")} of user ${user} changed: ${deed.toLowerCase()}.`);
}

const byEvent = (id) => h("a", { href: `#/search?by=event&value=${encodeURIComponent(id)}` }, id);

const byId = (id) => h("a", { href: `#/notification/${id}` }, `Notification ${id}`);

/** What a person can do about a part. */
const ofPart = ({ id }) => h("p", {}, byId(id), " is the digest that tells of it: cancel or retry that one for all that it " +
  "tells of. To take this one out, send an event with the action “cancel” and this event’s id.");

/** One with its story. */
export async function one(root, id) {
  const [row, operator] = await Promise.all([get(`/v1/notifications/${encodeURIComponent(id)}`), mayChange()]);
  const wall = (at, local) => at && (local ? `${utc(at)} (${local} in ${row.reader_timezone})` : utc(at));
  const act = (verb, deed, what) => h("button", { type: "button", click: () => changeOne(row, verb, deed, what) }, `${deed}…`);
  const facts = [["User", h("a", { href: `#/search?by=user&value=${row.user_id}` }, `${row.user_id}`)], ["Event", row.event_id],
    ["Rewards", plain(row.incentive_type)], ["Priority", `${row.priority} ${PRIORITIES[row.priority]}`],
    ["Attempts", row.attempts], ["Language", row.language], ["Wording", row.variant], ["Time zone", row.reader_timezone], ["Device", row.device_type],
    ["Due", wall(row.scheduled_at, row.scheduled_at_local)], ["Expires", wall(row.expires_at, row.expires_at_local)],
    ["Digest", row.digest_event_id && byEvent(row.digest_event_id)],
    ["Tells of", row.parts?.length ? row.parts.map(({ event_id }) => h("div", {}, byEvent(event_id))) : null]];
  put(root,
    h("h1", { tabindex: "-1" }, `Notification ${row.id}`),
    h("p", { class: "lead", id: "standing" }, h("span", { class: `status ${row.status}` }, row.status), ` It ${row.standing}.`),
    row.digest && ofPart(row.digest),
    operator && h("div", { class: "row" },
      canBeRetried(row) && act("retry", "Retry", "It becomes due now and is sent again, as one more attempt."),
      canBeCancelled(row) && act("cancel", "Cancel", "It will not be sent, unless somebody retries it.")),
    h("h2", {}, "What the user reads"),
    h("div", { class: "message", lang: row.language, dir: "auto", id: "texts" },
      h("strong", {}, row.message_title), h("p", {}, row.message_body)),
    h("h2", {}, "What happened"),
    h("ol", { class: "timeline" }, row.timeline.map(({ at, at_local, told }) => {
      const { utc, local } = time(at);
      const there = at_local ? `${at_local} in ${row.reader_timezone}, ` : "";
      return h("li", {}, h("time", { datetime: at }, utc), h("span", {}, capital(told)), h("small", {}, `${there}${local} here`));
    })),
    h("h2", {}, "What is known of it"),
    h("dl", { class: "facts" }, facts.filter(([, fact]) => fact !== null && fact !== undefined && fact !== "")
      .map(([name, fact]) => h("div", {}, h("dt", {}, name), h("dd", {}, fact)))),
    ...[["Data", row.incentive_data], ["Measured", row.metrics_data]].filter(([, data]) => data).map(([name, data]) =>
      h("details", {}, h("summary", {}, name), h("pre", { tabindex: "0", role: "region", "aria-label": name }, pretty(data)))));
  follow(root, row);
}

/** Looks again while it is shown, for it may leave, or a result may come, at any moment. */
function follow(root, row) {
  setTimeout(async () => {
    if (!root.isConnected) return;
    try {
      const now = document.hidden ? row : await get(`/v1/notifications/${row.id}`);
      if (now.updated_at !== row.updated_at || now.history.length !== row.history.length) {
        dispatchEvent(new Event("changed"));
        return;
      }
    } catch {
      // The overview's own looks tell that the service is away.
    }
    follow(root, row);
  }, PAUSE);
}

async function changeOne(row, verb, deed, what) {
  try {
    if (!await ask(`${deed} notification ${row.id}?`, what, deed)) return say("Nothing was changed.");
    await post(`/v1/notifications/${row.id}/${verb}`);
    dispatchEvent(new Event("again"));
    say(verb === "retry" ? `Notification ${row.id} is due now.` : `Notification ${row.id} was cancelled.`);
  } catch (problem) {
    say(problem.message);
  }
}
