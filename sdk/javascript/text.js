// Validates text that leaves the plugin. The contract's text is UTF-8, which cannot represent an unpaired surrogate:
// two keys that differ only in such surrogates would become one key.

import { reject } from "./outcome.js";

/**
 * Returns the text. Rejects a value that is not text, or that UTF-8 cannot represent.
 *
 * @param {unknown} value
 * @param {string} what the name of the value in the reason, such as "the state key"
 * @returns {string}
 */
export function text(value, what) {
  if (typeof value !== "string") reject(`${what} must be text, not ${kind(value)}`);
  if (!value.isWellFormed()) reject(`${what} contains an unpaired surrogate: ${JSON.stringify(value)}`);
  return value;
}

/** As `text`, but returns undefined for an absent value. */
export function optionalText(value, what) {
  return value === undefined || value === null ? undefined : text(value, what);
}

/** Converts a value to text for people. Unpaired surrogates become replacement characters. */
export function readable(value) {
  return String(value).toWellFormed();
}

/** The kind of a value, for people. */
export function kind(value) {
  if (value === null || value === undefined) return String(value);
  if (typeof value !== "object") return `a ${typeof value}`;
  return `a ${Object.prototype.toString.call(value).slice(8, -1)}`;
}
