// How the queue stands, now and since this page was opened.

import { get } from "./api.js";
import { chart } from "./chart.js";
import { byId, h, put, table } from "./dom.js";
import { many, number, plain, PRIORITIES, span } from "./words.js";

const PAUSE = 5000;
/** An hour. */
const KEPT = 720;
const seen = [];
let latest;
let shown;

async function look() {
  try {
    latest = await get("/v1/status");
    const [events, deliveries, results] = latest.topics.map((topic) => topic.last_minute);
    seen.push({ at: Date.now(), due: latest.due, failed: latest.by_status.failed, events, deliveries, results });
    if (seen.length > KEPT) seen.shift();
    byId("away").hidden = true;
    if (shown?.isConnected) await draw();
  } catch (problem) {
    byId("away").textContent = `${problem.message} What is shown may be out of date; this page keeps asking.`;
    byId("away").hidden = false;
  }
}

/** Looks again and again, while somebody can see it. */
export async function watch() {
  for (;;) {
    if (!document.hidden) await look();
    await new Promise((go) => {
      const timer = setTimeout(go, PAUSE);
      document.addEventListener("visibilitychange", () => { clearTimeout(timer); go(); }, { once: true });
    });
  }
}

export async function overview(root) {
  shown = h("div", {}, h("h1", { tabindex: "-1" }, "The queue"), h("div", { id: "live" }), h("section", { id: "failures" }));
  root.append(shown);
  if (latest) await draw();
}

async function draw() {
  const live = shown.querySelector("#live");
  const of = (name) => seen.filter((moment) => moment[name] !== undefined).map((moment) => [moment.at, moment[name]]);
  const charts = [["Due now", "due"], ["Failed", "failed"], ["Events in", "events", "a minute"],
    ["Published", "deliveries", "a minute"], ["Results in", "results", "a minute"]]
    .filter(([, name]) => of(name).length > 0);
  live.replaceChildren(
    h("p", { class: "lead" }, sentence(), latest.claims_in_doubt > 0 && [" ",
      h("a", { href: "#/claims" }, `${many(latest.claims_in_doubt, "claim")} in doubt: decide`)]),
    h("div", { class: "charts" }, charts.map(([label, name, unit]) => chart(label, of(name), unit))),
    h("h2", {}, "Backlog"), backlog(),
    h("h2", {}, "By status"),
    h("dl", { class: "counts" }, Object.entries(latest.by_status).map(([status, rows]) =>
      h("div", {}, h("dt", {}, status), h("dd", {}, number(rows))))),
    h("h2", {}, "Topics"),
    latest.topics_unknown
      ? h("p", { class: "fault" }, latest.topics_unknown)
      : table("Topics", ["topic", "in the last minute", "still to read"], latest.topics.map((topic) =>
        [topic.topic, number(topic.last_minute), topic.behind === null ? "–" : number(topic.behind)])));
  await failures();
}

function sentence() {
  const due = latest.due === 0
    ? "Nothing is due."
    : `${many(number(latest.due), "notification")} due, the oldest for ${span(latest.oldest_due_ms ?? 0)}.`;
  const ahead = latest.ahead === 0 ? "" : ` ${number(latest.ahead)} scheduled for later.`;
  return due + ahead;
}

function backlog() {
  const types = [...new Set(latest.pending_by_type.map((row) => row.incentive_type))].sort();
  if (types.length === 0) return h("p", { class: "quiet" }, "Nothing waits.");
  const rows = (priority, type) =>
    latest.pending_by_type.find((row) => row.priority === priority && row.incentive_type === type)?.rows ?? 0;
  const urgent = [4, 3, 2, 1, 0];
  const counts = table("Pending notifications by priority and type", ["type", ...urgent.map((p) => `${p} ${PRIORITIES[p]}`)],
    types.map((type) => [plain(type), ...urgent.map((priority) => number(rows(priority, type)))]));
  const more = latest.pending_of_any_type;
  return h("div", {}, counts, more > 0 &&
    h("p", { class: "quiet" }, `${number(more)} more wait that are due later; their types were not looked at.`));
}

async function failures() {
  const place = shown.querySelector("#failures");
  const { notifications } = await get("/v1/notifications?status=failed&limit=10");
  const key = notifications.map((row) => `${row.id} ${row.updated_at}`).join();
  // What has not changed stays, and with it the keyboard's place.
  if (place.dataset.key === key) return;
  place.dataset.key = key;
  place.replaceChildren();
  put(place, h("h2", {}, "Recent failures"),
    notifications.length === 0
      ? h("p", { class: "quiet" }, "None.")
      : table("Recent failures", ["notification", "why", "type", "attempts"], notifications.map((row) =>
        [h("a", { href: `#/notification/${row.id}` }, `${row.id}`), row.last_error ?? "no reason given",
          plain(row.incentive_type), row.attempts])),
    notifications.length > 0 && h("p", {}, h("a", { href: "#/search?by=status&value=failed" }, "All that have failed")));
}
