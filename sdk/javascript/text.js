// Text that leaves the plugin. The contract's text is UTF-8, which has no form for half of a surrogate pair: two
// keys that differ only in such halves would become one.

import { reject } from "./outcome.js";

/**
 * The text itself. What is none, or has no form in UTF-8, is rejected.
 *
 * @param {unknown} value
 * @param {string} what names it in the reason, such as "a state key"
 * @returns {string}
 */
export function text(value, what) {
  if (typeof value !== "string") reject(`${what} is text, not ${kind(value)}`);
  if (!value.isWellFormed()) reject(`${what} holds half of a surrogate pair, which is no text: ${JSON.stringify(value)}`);
  return value;
}

/** As `text`; what is not there stays so. */
export function optionalText(value, what) {
  return value === undefined || value === null ? undefined : text(value, what);
}

/** Any text for people: halves of surrogate pairs become replacement characters. */
export function readable(value) {
  return String(value).toWellFormed();
}

/** What a value is, for people. */
export function kind(value) {
  if (value === null || value === undefined) return String(value);
  if (typeof value !== "object") return `a ${typeof value}`;
  return `a ${Object.prototype.toString.call(value).slice(8, -1)}`;
}
