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

/** What the service tells without a subject or a capital, as a sentence begins. */
export const capital = (told) => told.charAt(0).toUpperCase() + told.slice(1);

/** Whose the notifications are of those who were forgotten. */
const NOBODY = 0;

export const canBeRetried = (row) => row.user_id !== NOBODY
  && (["failed", "cancelled"].includes(row.status) || (row.status === "pending" && row.attempts > 0));
export const canBeCancelled = (row) => row.status === "pending";
