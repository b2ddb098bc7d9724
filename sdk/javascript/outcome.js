// The two outcomes of a failed attempt, retry and reject, and the conversion of exceptions to the contract's `failure`.

import { authorsPlaces } from "./places.js";
import { readable } from "./text.js";
import { delayMs } from "./time.js";

/** Thrown by `reject`: no attempt can succeed, and the event becomes a dead letter now. */
export class Rejection extends Error {
  name = "Rejection";
}

/** Thrown by `retry`: the event is handled again later. */
export class Retry extends Error {
  name = "Retry";

  /** @param {string} reason @param {{ afterMs?: number }} options */
  constructor(reason, { afterMs } = {}) {
    super(reason);
    this.afterMs = delayMs(afterMs, "`afterMs` of a retry");
  }
}

/**
 * Rejects the event: it becomes a dead letter with this reason. A call can follow `??`:
 * `ctx.state.get(sku) ?? reject("unknown article")`.
 *
 * @param {string} reason
 * @returns {never}
 */
export function reject(reason) {
  throw new Rejection(reason);
}

/**
 * Retries the event: it is handled again after the plugin's backoff, or after at least `afterMs` milliseconds.
 *
 * @param {string} reason
 * @param {{ afterMs?: number }} options
 * @returns {never}
 */
export function retry(reason, options) {
  throw new Retry(reason, options);
}

/** Converts an exception of a handler to the contract's `failure`. Every exception except a `Rejection` is a retry. */
export function toFailure(thrown) {
  if (thrown instanceof Rejection) return { tag: "reject", val: readable(thrown.message) };
  if (thrown instanceof Retry) {
    const after = thrown.afterMs;
    const afterMs = after === undefined ? undefined : BigInt(after);
    return { tag: "retry", val: { afterMs, reason: readable(thrown.message) } };
  }
  return { tag: "retry", val: { afterMs: undefined, reason: readable(describe(thrown)) } };
}

/** The message with all its causes, and the locations in the author's files. */
function describe(thrown) {
  if (!(thrown instanceof Error)) return `the handler threw ${String(thrown)}`;
  let text = `${thrown.name}: ${thrown.message}`;
  for (let cause = thrown.cause; cause !== undefined; cause = cause?.cause) {
    text += `: ${cause instanceof Error ? cause.message : String(cause)}`;
  }
  const stack = String(thrown.stack ?? "").trim();
  // In some engines the stack begins with the message.
  const places = authorsPlaces(stack.split("\n").filter((line) => /^\s*at |@/.test(line)).map((line) => line.trim()));
  return places.length === 0 ? text : `${text}\n${places.join("\n")}`;
}
