// Times and delays in the form of the contract: whole milliseconds in 64 bits. A number outside that range would wrap.

import { Rejection } from "./outcome.js";
import { kind } from "./text.js";

/** The latest time that a `Date` can represent, in milliseconds. */
const LATEST_MS = 8_640_000_000_000_000;

/**
 * Converts a time to milliseconds since 1970, rounded up. An earlier time becomes 1970. Rejects a value that is not a
 * time.
 *
 * @param {Date | number | bigint} at
 * @returns {bigint}
 */
export function timeMs(at, what) {
  const isNumeric = at instanceof Date || typeof at === "number" || typeof at === "bigint";
  const ms = isNumeric ? Number(at) : Number.NaN;
  if (!Number.isFinite(ms) || ms > LATEST_MS) {
    const found = isNumeric ? String(at) : kind(at);
    throw new Rejection(`${what} must be a Date or milliseconds since 1970, up to ${LATEST_MS}, not ${found}`);
  }
  return BigInt(Math.max(0, Math.ceil(ms)));
}

/**
 * Converts a delay to whole milliseconds, rounded up and limited to the range from 0 to the largest safe integer. An
 * absent delay is undefined. Rejects a value that is not a number.
 *
 * @param {number | bigint | undefined} after
 * @returns {number | undefined}
 */
export function delayMs(after, what) {
  if (after === undefined || after === null) return undefined;
  const ms = typeof after === "number" || typeof after === "bigint" ? Number(after) : Number.NaN;
  if (Number.isNaN(ms)) {
    throw new Rejection(`${what} must be a number of milliseconds, not ${typeof after === "number" ? "NaN" : kind(after)}`);
  }
  return Math.min(Math.max(0, Math.ceil(ms)), Number.MAX_SAFE_INTEGER);
}
