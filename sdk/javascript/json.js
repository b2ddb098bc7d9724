// Lossless JSON: whole numbers beyond 2^53 are `bigint`, and values that JSON cannot represent are rejected.
//
// The engine's own `JSON` rounds such numbers and encodes a Set as `{}`.

import { kind } from "./text.js";

/** The maximum nesting depth, the same as in the runtime. */
const MAX_DEPTH = 128;

/** Matches text that may contain a number that the engine's parser would change. */
const SUSPECT = /\d{16}|[eE]\+?\d{3}/;

/** Matches the strings and numbers of a JSON document. */
const TOKENS = /"(?:[^"\\]|\\.)*"|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/g;

/** Parses a JSON document. Throws a SyntaxError, or a RangeError for a number that is too large for a float. */
export function parse(text) {
  const value = JSON.parse(text);
  if (!SUSPECT.test(text)) return value;
  const mark = unusedIn(text);
  // The text is valid JSON, so a regular expression can separate its tokens.
  const marked = text.replace(TOKENS, (token) => (isInexact(token) ? `"${mark}${token}"` : token));
  return JSON.parse(marked, (_, item) =>
    typeof item === "string" && item.startsWith(mark) ? BigInt(item.slice(mark.length)) : item,
  );
}

function isInexact(token) {
  if (token.startsWith('"')) return false;
  const number = Number(token);
  if (!Number.isFinite(number)) throw new RangeError(`the number ${token} is too large`);
  return !Number.isSafeInteger(number) && /^-?\d+$/.test(token);
}

/** Encodes a value as JSON; a `bigint` becomes a whole number. Throws for a value that JSON cannot represent. */
export function stringify(value) {
  const hasBigInt = check(value, 0);
  if (!hasBigInt) return JSON.stringify(value);
  const mark = unusedIn(JSON.stringify(value, (_, item) => (typeof item === "bigint" ? 0 : item)));
  const marked = JSON.stringify(value, (_, item) => (typeof item === "bigint" ? `${mark}${item}` : item));
  return marked.replace(new RegExp(`"${mark}(-?\\d+)"`, "g"), "$1");
}

/** Whether a value contains a `bigint`. Throws if it contains a value that JSON would change or omit. */
function check(value, depth) {
  if (depth > MAX_DEPTH) throw new RangeError(`the value is nested deeper than ${MAX_DEPTH} levels`);
  switch (typeof value) {
    case "bigint": return true;
    case "string": return checkText(value);
    case "number":
      if (!Number.isFinite(value)) throw new RangeError(`${value} is not a JSON number`);
      return false;
    case "object": return value !== null && checkObject(value, depth);
    case "boolean": case "undefined": return false;
    default: throw new TypeError(`${kind(value)} is not supported`);
  }
}

function checkText(value) {
  if (value.isWellFormed()) return false;
  throw new TypeError(`${JSON.stringify(value)} contains an unpaired surrogate`);
}

function checkObject(value, depth) {
  let hasBigInt = false;
  if (Array.isArray(value)) {
    for (let at = 0; at < value.length; at += 1) hasBigInt = check(value[at], depth + 1) || hasBigInt;
    return hasBigInt;
  }
  if (typeof value.toJSON === "function") return check(value.toJSON(), depth + 1);
  if (!isRecord(value)) throw new TypeError(`${kind(value)} is not supported`);
  for (const key of Object.keys(value)) {
    checkText(key);
    hasBigInt = check(value[key], depth + 1) || hasBigInt;
  }
  return hasBigInt;
}

/** Whether an object is a record of names and values. Objects of the author's own classes are records. */
export function isRecord(value) {
  const prototype = Object.getPrototypeOf(value);
  if (prototype === Object.prototype || prototype === null) return true;
  return Object.prototype.toString.call(value) === "[object Object]";
}

/** Returns a marker that does not occur in a text. */
function unusedIn(text) {
  let mark = "bigint:";
  while (text.includes(mark)) mark = `big${mark}`;
  return mark;
}
