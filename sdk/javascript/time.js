// Times and delays that cross the contract: whole milliseconds in 64 bits. A number outside of them would wrap.

import { Rejection } from "./outcome.js";
import { kind } from "./text.js";

/** Latest time that a `Date` can hold, in milliseconds. */
const LATEST_MS = 8_640_000_000_000_000;

/**
 * A time in milliseconds since 1970, rounded up; one before that is 1970. What is no time is rejected.
 *
 * @param {Date | number | bigint} at
 * @returns {bigint}
 */
export function timeMs(at, what) {
  const isNumeric = at instanceof Date || typeof at === "number" || typeof at === "bigint";
  const ms = isNumeric ? Number(at) : Number.NaN;
  if (!Number.isFinite(ms) || ms > LATEST_MS) {
    const found = isNumeric ? String(at) : kind(at);
    throw new Rejection(`${what} is a Date or milliseconds since 1970, up to ${LATEST_MS}, not ${found}`);
  }
  return BigInt(Math.max(0, Math.ceil(ms)));
}

/**
 * A delay in milliseconds, rounded up, not below 0 and not above what a number holds exactly; undefined stays so. What
 * is no number is rejected.
 *
 * @param {number | bigint | undefined} after
 * @returns {number | undefined}
 */
export function delayMs(after, what) {
  if (after === undefined || after === null) return undefined;
  const ms = typeof after === "number" || typeof after === "bigint" ? Number(after) : Number.NaN;
  if (Number.isNaN(ms)) {
    throw new Rejection(`${what} is a number of milliseconds, not ${typeof after === "number" ? "NaN" : kind(after)}`);
  }
  return Math.min(Math.max(0, Math.ceil(ms)), Number.MAX_SAFE_INTEGER);
}
