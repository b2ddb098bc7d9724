// The two ways not to succeed, and what the contract makes of whatever was thrown.

import { authorsPlaces } from "./places.js";
import { readable } from "./text.js";
import { delayMs } from "./time.js";

/** Thrown by `reject`: the event can never be handled and becomes a dead letter now. */
export class Rejection extends Error {
  name = "Rejection";
}

/** Thrown by `retry`: the event shall be handled again. */
export class Retry extends Error {
  name = "Retry";

  /** @param {string} reason @param {{ afterMs?: number }} options */
  constructor(reason, { afterMs } = {}) {
    super(reason);
    this.afterMs = delayMs(afterMs, "`afterMs` of a retry");
  }
}

/**
 * Never again: the event becomes a dead letter with this reason. It fits behind `??`:
 * `ctx.state.get(sku) ?? reject("unknown article")`.
 *
 * @param {string} reason
 * @returns {never}
 */
export function reject(reason) {
  throw new Rejection(reason);
}

/**
 * Not now: the event is handled again after the plugin's backoff, or after `afterMs` milliseconds or later.
 *
 * @param {string} reason
 * @param {{ afterMs?: number }} options
 * @returns {never}
 */
export function retry(reason, options) {
  throw new Retry(reason, options);
}

/** The contract's `failure` for what a handler threw. Anything but `reject` means another attempt. */
export function toFailure(thrown) {
  if (thrown instanceof Rejection) return { tag: "reject", val: readable(thrown.message) };
  if (thrown instanceof Retry) {
    const after = thrown.afterMs;
    const afterMs = after === undefined ? undefined : BigInt(after);
    return { tag: "retry", val: { afterMs, reason: readable(thrown.message) } };
  }
  return { tag: "retry", val: { afterMs: undefined, reason: readable(describe(thrown)) } };
}

/** A message with all its causes, and where it came from. */
function describe(thrown) {
  if (!(thrown instanceof Error)) return `the handler threw ${String(thrown)}`;
  let text = `${thrown.name}: ${thrown.message}`;
  for (let cause = thrown.cause; cause !== undefined; cause = cause?.cause) {
    text += `: ${cause instanceof Error ? cause.message : String(cause)}`;
  }
  const stack = String(thrown.stack ?? "").trim();
  // Some engines begin a stack with the message, some do not.
  const places = authorsPlaces(stack.split("\n").filter((line) => /^\s*at |@/.test(line)).map((line) => line.trim()));
  return places.length === 0 ? text : `${text}\n${places.join("\n")}`;
}
