// JSON without losses: whole numbers beyond 2^53 are `bigint`, and what JSON has no form for is refused.
//
// The engine's own `JSON` rounds such numbers and writes a Set as `{}`.

import { kind } from "./text.js";

/** Values nested deeper than this are refused, as the runtime does. */
const MAX_DEPTH = 128;

/** Text in which a number may be one that the engine's parser would change. */
const SUSPECT = /\d{16}|[eE]\+?\d{3}/;

/** Text and numbers of a JSON document. */
const TOKENS = /"(?:[^"\\]|\\.)*"|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/g;

/** The value of a JSON document. Throws a SyntaxError, or a RangeError for a number that no float can hold. */
export function parse(text) {
  const value = JSON.parse(text);
  if (!SUSPECT.test(text)) return value;
  const mark = unusedIn(text);
  // It is a JSON document, so the tokens are told apart with ease.
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

/** The JSON document for a value; `bigint` becomes a whole number. Throws for what has no form in JSON. */
export function stringify(value) {
  const hasBigInt = check(value, 0);
  if (!hasBigInt) return JSON.stringify(value);
  const mark = unusedIn(JSON.stringify(value, (_, item) => (typeof item === "bigint" ? 0 : item)));
  const marked = JSON.stringify(value, (_, item) => (typeof item === "bigint" ? `${mark}${item}` : item));
  return marked.replace(new RegExp(`"${mark}(-?\\d+)"`, "g"), "$1");
}

/** Whether a value holds a `bigint`; throws if it holds what JSON would change or leave out. */
function check(value, depth) {
  if (depth > MAX_DEPTH) throw new RangeError(`it is nested deeper than ${MAX_DEPTH} levels`);
  switch (typeof value) {
    case "bigint": return true;
    case "string": return checkText(value);
    case "number":
      if (!Number.isFinite(value)) throw new RangeError(`${value} is no number of JSON`);
      return false;
    case "object": return value !== null && checkObject(value, depth);
    case "boolean": case "undefined": return false;
    default: throw new TypeError(`${kind(value)} is no data`);
  }
}

function checkText(value) {
  if (value.isWellFormed()) return false;
  throw new TypeError(`${JSON.stringify(value)} holds half of a surrogate pair, which is no text`);
}

function checkObject(value, depth) {
  let hasBigInt = false;
  if (Array.isArray(value)) {
    for (let at = 0; at < value.length; at += 1) hasBigInt = check(value[at], depth + 1) || hasBigInt;
    return hasBigInt;
  }
  if (typeof value.toJSON === "function") return check(value.toJSON(), depth + 1);
  if (!isRecord(value)) throw new TypeError(`${kind(value)} is no data`);
  for (const key of Object.keys(value)) {
    checkText(key);
    hasBigInt = check(value[key], depth + 1) || hasBigInt;
  }
  return hasBigInt;
}

/** Whether an object is one of names and values; an object of a class of the author's is. */
export function isRecord(value) {
  const prototype = Object.getPrototypeOf(value);
  if (prototype === Object.prototype || prototype === null) return true;
  return Object.prototype.toString.call(value) === "[object Object]";
}

/** Letters that do not stand in a text. */
function unusedIn(text) {
  let mark = "bigint:";
  while (text.includes(mark)) mark = `big${mark}`;
  return mark;
}
