// What the service tells, in words for people.

export const PRIORITIES = ["standard", "important", "time-sensitive", "critical", "emergency"];

export const plain = (name) => name.replaceAll("_", " ");

export const many = (count, one, more = `${one}s`) => `${count} ${Number(count) === 1 ? one : more}`;

export const number = (count) => Number(count).toLocaleString("en");

/** A time: UTC, and the same on this device's clock. */
export function time(text) {
  const at = new Date(text);
  const utc = `${at.toISOString().slice(0, 19).replace("T", " ")} UTC`;
  const local = at.toLocaleString(undefined, { dateStyle: "medium", timeStyle: "medium" });
  return { utc, local };
}

export const utc = (text) => time(text).utc;

export function span(ms) {
  const seconds = Math.round(ms / 1000);
  if (seconds < 120) return `${seconds} s`;
  if (seconds < 7200) return `${Math.round(seconds / 60)} min`;
  if (seconds < 172_800) return `${Math.round(seconds / 3600)} h`;
  return `${Math.round(seconds / 86_400)} days`;
}

/** A list has no histories, and does not know why. */
function notSent(rule) {
  switch (rule) {
    case undefined: return "It is not to be sent.";
    case "digest": return "It is not to be sent: events have cancelled all that it told of.";
    case "cap": return "It is not to be sent: the user gets enough notifications without it.";
    default: return "It is not to be sent: the user has opted out of such notifications.";
  }
}

/** How a notification stands, and why it has not arrived. */
export function standing(row) {
  const why = row.last_error ? `: ${row.last_error}` : "";
  switch (row.status) {
    case "pending":
      if (row.expires_at && new Date(row.expires_at) <= new Date(row.scheduled_at)) {
        return `It will not leave any more: it expires at ${utc(row.expires_at)}, before it may${why}.`;
      }
      if (row.attempts > 0) return `Attempt ${row.attempts} failed${why}. The next one is due at ${utc(row.scheduled_at)}.`;
      return new Date(row.scheduled_at) > new Date()
        ? `It has not left yet: it is scheduled for ${utc(row.scheduled_at)}.`
        : "It is due, and leaves when its turn comes.";
    case "processing": return `It is being published as attempt ${row.attempts}.`;
    case "sent":
      return row.delivered_at
        ? `It was delivered at ${utc(row.delivered_at)}.`
        : "It was handed to the notification service, which has not reported yet.";
    case "failed": return `It has failed after ${many(row.attempts, "attempt")}, and no other follows${why}.`;
    case "cancelled":
      return row.attempts > 0 ? "It was called off: no other attempt follows." : "It was called off before it left.";
    case "expired": return "It expired before it left.";
    case "digested": return "It does not leave on its own: its digest tells of it, once that leaves.";
    case "suppressed": return notSent(row.history?.find(({ kind }) => kind === "suppressed")?.detail.rule);
    default: return `It is ${row.status}.`;
  }
}

/** Whose the notifications are of those who were forgotten. */
const NOBODY = 0;

export const canBeRetried = (row) => row.user_id !== NOBODY
  && (["failed", "cancelled"].includes(row.status) || (row.status === "pending" && row.attempts > 0));
export const canBeCancelled = (row) => row.status === "pending";

function reason(detail) {
  const said = [detail.error_code, detail.error_message, detail.error].filter(Boolean);
  return said.length ? said.join(": ") : "no reason given";
}

/** Which quiet hours held it back, and until when. */
function keptQuiet({ due_at, held_until, from, to, days, of, segment, timezone }) {
  const on = days.length === 7 ? "" : ` of ${days.join(", ")}`;
  const whose = of === "user" ? "the user" : of === "segment" ? `the segment ${segment}` : "the settings";
  return `due at ${utc(due_at)}, held until ${utc(held_until)}, for ${from} to ${to}${on} are quiet hours of ${whose} in ${timezone}`;
}

/** Which of its times ended it. */
function expired({ expires_at, due_at }) {
  if (!expires_at || !due_at) return "It expired before it left";
  const due = new Date(due_at) < new Date(expires_at) ? `it had been due since ${utc(due_at)}` : "it was not due before";
  return `It expired at ${utc(expires_at)} before it left: ${due}`;
}

/** Who has cancelled it, and what it was spared. */
function calledOff(attempt, detail) {
  if (!detail.requested_at) return `Cancelled by ${detail.by}`;
  const by = `Cancelled by an event${inParentheses(detail.reason)}`;
  switch (detail.was) {
    case "processing": return `${by}: the attempt in hand was not published, and none follows`;
    case "sent": return `${by}: attempt ${attempt} failed (${reason(detail)}), and none follows`;
    default: return by;
  }
}

function calledOffTooLate(attempt, detail) {
  const by = `An event cancelled it${inParentheses(detail.reason)}, too late`;
  switch (detail.was) {
    case "processing": return `${by}: attempt ${attempt} was being published; no other follows it`;
    case "sent": return `${by}: attempt ${attempt} had been published; no other follows it`;
    case "digested": return `${by}: its digest had left, or was over`;
    default: return `${by}: it was ${detail.was} already`;
  }
}

const inParentheses = (text) => (text ? ` (${text})` : "");

function nextAttempt({ retry_at, expires_at }) {
  if (!retry_at) return "";
  return expires_at
    ? `; the next one would come too late, for it expires at ${utc(expires_at)}: it would be due at ${utc(retry_at)}`
    : `; the next one is due at ${utc(retry_at)}`;
}

/** What is left of an entry when its particulars are gone. */
const toldInShort = ({ kind, attempt }) => `${plain(kind)}, attempt ${attempt}`;

/** Which moment of its window was chosen, and why. */
function bestTime({ of, from, to, hour, timezone, openings, of_openings, held_until }) {
  const window = `its window, ${utc(from)} to ${utc(to)}`;
  const most = (who) =>
    `Due at ${utc(held_until)}, in the hour from ${String(hour).padStart(2, "0")}:00 in ${timezone}, for of ${window}, it is when ` +
    `${who} most (${openings.toFixed(1)} of ${of_openings.toFixed(1)} openings within three hours)`;
  switch (of) {
    case "own": return most("this reader opens");
    case "everybody": return most("readers open");
    case "late": return `Too late to choose a moment: ${window}`;
    case "quiet": return `No moment to choose: all of ${window}, is in quiet hours`;
    default: return `Due at ${utc(held_until)}, the first moment that is allowed: no openings tell a better one; ${window}`;
  }
}

/** Which cap it is over. */
function overCap({ taken, limit, scope, per, of, segment, timezone }) {
  const what = scope === "all" ? "notifications" : `${plain(scope)} notifications`;
  const span = per === "day" ? `of the day in ${timezone}` : `within ${per}`;
  return `${taken} of at most ${limit} ${what} ${span} were taken, a cap of the ${of === "user" ? "user" : of === "segment" ? `segment ${segment}` : "settings"}`;
}

/** What waits for others, and until when. */
function gathered({ first, due_at, held_until, held_until_local, timezone, window }) {
  return first
    ? `Begun with the event ${first} and a second one: more is gathered until ${utc(held_until)}`
    : `Held back: due at ${utc(due_at)}, held until ${utc(held_until)} (${held_until_local} in ${timezone}), for others of its ` +
      `type are gathered with it for ${window}`;
}

function held(detail) {
  if (detail.rule === "best_time") return bestTime(detail);
  if (detail.rule === "digest") return gathered(detail);
  if (detail.rule !== "cap") return `Held back: ${keptQuiet(detail)}`;
  const { due_at, held_until, held_until_local, timezone } = detail;
  return `Held back: due at ${utc(due_at)}, held until ${utc(held_until)} (${held_until_local} in ${timezone}), for ${overCap(detail)}`;
}

function suppressed(detail) {
  if (detail.rule === "digest") return "Not to be sent: events have cancelled all that it told of";
  return detail.rule === "cap"
    ? `Not to be sent: at ${utc(detail.due_at)} ${overCap(detail)}`
    : `Not to be sent: the user has opted out of such notifications (preferences of ${detail.since})`;
}

function told({ kind, attempt, detail }) {
  const next = nextAttempt(detail);
  switch (kind) {
    case "delivered": return `Attempt ${attempt} was delivered`;
    case "opened": return "The user opened it";
    case "clicked": return "The user followed it";
    case "dismissed": return "The user dismissed it";
    case "delivery_failed":
      return `Attempt ${attempt} failed (${reason(detail)})${next}${detail.held ? `, ${keptQuiet(detail.held)}` : ""}`;
    case "delivery_failed_finally":
      return `Attempt ${attempt} failed for good (${reason(detail)})${detail.final_because ? `: ${detail.final_because}` : ""}`;
    case "publish_failed": return `Attempt ${attempt} was refused by the broker (${reason(detail)})${next}`;
    case "publish_failed_finally": return `Attempt ${attempt} was refused by the broker (${reason(detail)}), and attempts are used up`;
    case "recovered_as_sent": return `Attempt ${attempt} was found to be published after its publisher had died`;
    case "recovered_as_pending": return `Attempt ${attempt} was not published before its publisher died; it goes out again`;
    case "expired": return expired(detail);
    case "held": return held(detail);
    case "digested": return `Told of by the digest ${detail.digest}${detail.over ? `, for ${overCap(detail.over)}` : ""}`;
    case "suppressed": return suppressed(detail);
    case "retried": return `Made due again by ${detail.by}`;
    case "cancelled": return calledOff(attempt, detail);
    case "cancel_too_late": return calledOffTooLate(attempt, detail);
    default: return plain(kind);
  }
}

/** What happened, the oldest first: [time, words]. What the row itself knows has no entry in the history. */
export function timeline(row) {
  const story = [[row.occurred_at, "The event occurred"], [row.created_at, "Stored"]];
  const published = new Set();
  for (const entry of row.history) {
    if (entry.detail.published_at && !published.has(entry.attempt)) {
      published.add(entry.attempt);
      story.push([entry.detail.published_at, `Attempt ${entry.attempt} was published`]);
    }
    story.push([entry.at, row.user_id === NOBODY ? toldInShort(entry) : told(entry)]);
  }
  if (row.status === "sent" && row.sent_at && !published.has(row.attempts)) {
    story.push([row.sent_at, `Attempt ${row.attempts} was published`]);
  }
  return story.sort(([one], [other]) => new Date(one) - new Date(other));
}
