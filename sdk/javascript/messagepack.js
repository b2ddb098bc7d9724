// MessagePack for all JSON values, and also for bytes, maps and 64-bit integers. Extension types are not supported.
//
// State values are encoded with it, byte for byte as by the SDKs of the other languages. All SDKs are tested with the
// vectors in ../messagepack.json. The SDK has its own implementation so that a plugin and its tests need no installed
// package.

import { isRecord } from "./json.js";
import { kind } from "./text.js";

/** The maximum nesting depth, the same as in the runtime. */
const MAX_DEPTH = 128;

/** Text shorter than this many characters is encoded in JavaScript, which is cheaper than a native call. */
const SHORT = 32;

const SAFE_MIN = BigInt(Number.MIN_SAFE_INTEGER);
const SAFE_MAX = BigInt(Number.MAX_SAFE_INTEGER);

// Each object and each call is expensive in an interpreter. Only one encoding and one decoding can run at a time, so
// their state is kept in module variables.
const utf8 = new TextEncoder();
// A byte order mark at the beginning is part of the text.
const strictUtf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
let output = new Uint8Array(1024);
let outputView = new DataView(output.buffer);
let written = 0;
let input;
let inputView;
let place = 0;

/** Encodes `value`. Integers use their shortest form, other numbers are 64-bit floats. */
export function encode(value) {
  // A value's own `toJSON` may call `encode` itself. Its output is placed after the bytes written so far.
  const start = written;
  try {
    write(value, 0);
    return output.slice(start, written);
  } finally {
    written = start;
  }
}

/** Decodes all of `bytes` as one value. Integers beyond 2^53 are `bigint`, binary data is `Uint8Array`. */
export function decode(bytes) {
  input = bytes;
  inputView = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  place = 0;
  const value = read(0);
  if (place !== bytes.length) throw new RangeError(`${bytes.length - place} bytes follow the value`);
  return value;
}

/** Makes room for `count` bytes and returns their start. */
function room(count) {
  const start = written;
  written += count;
  if (written > output.length) {
    const larger = new Uint8Array(Math.max(written, output.length * 2));
    larger.set(output);
    output = larger;
    outputView = new DataView(larger.buffer);
  }
  return start;
}

function byte(value) {
  const start = room(1);
  output[start] = value;
}

/** Writes a marker, then a number in `size` bytes. */
function number(marker, size, value) {
  const start = room(1 + size);
  output[start] = marker;
  switch (size) {
    case 1: output[start + 1] = value; break;
    case 2: outputView.setUint16(start + 1, value); break;
    case 4: outputView.setUint32(start + 1, value); break;
    default: outputView.setBigUint64(start + 1, BigInt.asUintN(64, BigInt(value)));
  }
}

/** Writes a marker and a length of one, two or four bytes. The four-byte marker is `two` + 1. */
function sized(length, one, two) {
  if (one !== 0 && length < 0x100) number(one, 1, length);
  else if (length < 0x10000) number(two, 2, length);
  else number(two + 1, 4, length);
}

function raw(bytes) {
  const start = room(bytes.length);
  output.set(bytes, start);
}

function write(value, depth) {
  if (depth > MAX_DEPTH) throw new RangeError(`the value is nested deeper than ${MAX_DEPTH} levels`);
  if (value === null || value === undefined) return byte(0xc0);
  switch (typeof value) {
    case "boolean": return byte(value ? 0xc3 : 0xc2);
    case "number": return Number.isSafeInteger(value) ? writeInteger(value) : writeFloat(value);
    case "bigint": return writeBigInt(value);
    case "string": return writeString(value);
    case "object": return writeObject(value, depth);
    default: throw new TypeError(`${kind(value)} is not supported`);
  }
}

function writeInteger(value) {
  if (value >= 0) {
    if (value < 0x80) return byte(value);
    if (value < 0x100) return number(0xcc, 1, value);
    if (value < 0x10000) return number(0xcd, 2, value);
    if (value < 0x100000000) return number(0xce, 4, value);
    return number(0xcf, 8, value);
  }
  if (value >= -0x20) return byte(value & 0xff);
  if (value >= -0x80) return number(0xd0, 1, value);
  if (value >= -0x8000) return number(0xd1, 2, value);
  if (value >= -0x80000000) return number(0xd2, 4, value);
  return number(0xd3, 8, value);
}

function writeFloat(value) {
  const start = room(9);
  output[start] = 0xcb;
  outputView.setFloat64(start + 1, value);
}

function writeBigInt(value) {
  if (isSafe(value)) return writeInteger(Number(value));
  if (value >= 0n && value < 1n << 64n) return number(0xcf, 8, value);
  if (value < 0n && value >= -(1n << 63n)) return number(0xd3, 8, value);
  throw new RangeError(`${value} does not fit into 64 bits`);
}

function writeString(value) {
  if (value.length < SHORT) {
    const start = room(1 + value.length);
    output[start] = 0xa0 | value.length;
    let at = 0;
    for (; at < value.length; at += 1) {
      const code = value.charCodeAt(at);
      if (code >= 0x80) break;
      output[start + 1 + at] = code;
    }
    if (at === value.length) return;
    written = start;
  }
  if (!value.isWellFormed()) {
    throw new TypeError(`${JSON.stringify(value)} contains an unpaired surrogate`);
  }
  const bytes = utf8.encode(value);
  if (bytes.length < 32) byte(0xa0 | bytes.length);
  else sized(bytes.length, 0xd9, 0xda);
  raw(bytes);
}

function writeObject(value, depth) {
  if (value instanceof Uint8Array) {
    sized(value.length, 0xc4, 0xc5);
    return raw(value);
  }
  if (Array.isArray(value)) {
    if (value.length < 16) byte(0x90 | value.length);
    else sized(value.length, 0, 0xdc);
    for (let at = 0; at < value.length; at += 1) write(value[at], depth + 1);
    return undefined;
  }
  if (typeof value.toJSON === "function") return write(value.toJSON(), depth + 1);
  const isMap = value instanceof Map;
  if (!isMap && !isRecord(value)) throw new TypeError(`${kind(value)} is not supported`);
  // As in JSON, a property that is undefined is omitted.
  const keys = isMap ? [...value.keys()] : Object.keys(value).filter((key) => value[key] !== undefined);
  if (keys.length < 16) byte(0x80 | keys.length);
  else sized(keys.length, 0, 0xde);
  for (let at = 0; at < keys.length; at += 1) {
    const key = keys[at];
    write(key, depth + 1);
    write(isMap ? value.get(key) : value[key], depth + 1);
  }
  return undefined;
}

/** Skips `count` bytes and returns their start. */
function take(count) {
  const start = place;
  place += count;
  if (place > input.length) throw new RangeError("the data ends in the middle of a value");
  return start;
}

function read(depth) {
  if (depth > MAX_DEPTH) throw new RangeError(`the value is nested deeper than ${MAX_DEPTH} levels`);
  const marker = input[take(1)];
  if (marker < 0x80) return marker;
  if (marker < 0x90) return readMap(marker & 0x0f, depth);
  if (marker < 0xa0) return readArray(marker & 0x0f, depth);
  if (marker < 0xc0) return readString(marker & 0x1f);
  if (marker >= 0xe0) return marker - 0x100;
  switch (marker) {
    case 0xc0: return null;
    case 0xc2: return false;
    case 0xc3: return true;
    case 0xc4: return readBytes(readUint8());
    case 0xc5: return readBytes(readUint16());
    case 0xc6: return readBytes(readUint32());
    case 0xca: return inputView.getFloat32(take(4));
    case 0xcb: return inputView.getFloat64(take(8));
    case 0xcc: return readUint8();
    case 0xcd: return readUint16();
    case 0xce: return readUint32();
    case 0xcf: return shortest(inputView.getBigUint64(take(8)));
    case 0xd0: return inputView.getInt8(take(1));
    case 0xd1: return inputView.getInt16(take(2));
    case 0xd2: return inputView.getInt32(take(4));
    case 0xd3: return shortest(inputView.getBigInt64(take(8)));
    case 0xd9: return readString(readUint8());
    case 0xda: return readString(readUint16());
    case 0xdb: return readString(readUint32());
    case 0xdc: return readArray(readUint16(), depth);
    case 0xdd: return readArray(readUint32(), depth);
    case 0xde: return readMap(readUint16(), depth);
    case 0xdf: return readMap(readUint32(), depth);
    default: throw new TypeError(`type 0x${marker.toString(16)} is not supported`);
  }
}

function readUint8() {
  return input[take(1)];
}

function readUint16() {
  return inputView.getUint16(take(2));
}

function readUint32() {
  return inputView.getUint32(take(4));
}

function readBytes(length) {
  const start = take(length);
  return input.slice(start, start + length);
}

function readString(length) {
  const start = take(length);
  if (length < SHORT) {
    let text = "";
    let at = start;
    for (; at < place && input[at] < 0x80; at += 1) text += String.fromCharCode(input[at]);
    if (at === place) return text;
  }
  return strictUtf8.decode(input.subarray(start, place));
}

function readArray(length, depth) {
  const items = [];
  for (let index = 0; index < length; index += 1) items.push(read(depth + 1));
  return items;
}

/** Returns an object if all keys are text, else a `Map`. */
function readMap(length, depth) {
  const keys = [];
  const values = [];
  let isPlain = true;
  for (let index = 0; index < length; index += 1) {
    const key = read(depth + 1);
    // An assignment to `__proto__` would set the object's prototype.
    isPlain &&= typeof key === "string" && key !== "__proto__";
    keys.push(key);
    values.push(read(depth + 1));
  }
  if (!isPlain) {
    const entries = keys.map((key, index) => [key, values[index]]);
    return keys.every((key) => typeof key === "string") ? Object.fromEntries(entries) : new Map(entries);
  }
  const object = {};
  for (let index = 0; index < length; index += 1) object[keys[index]] = values[index];
  return object;
}

function shortest(value) {
  return isSafe(value) ? Number(value) : value;
}

function isSafe(value) {
  return value >= SAFE_MIN && value <= SAFE_MAX;
}
