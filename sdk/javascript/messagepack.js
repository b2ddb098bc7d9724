// MessagePack for what JSON can hold, and bytes, maps and 64-bit integers beside it.
//
// State values are written with it, byte for byte as the SDKs of the other languages write them; the vectors in
// ../messagepack.json hold all to it. It is written here rather than taken from a package so that a plugin and
// its tests need nothing installed. No extension types.

/** Values nested deeper than this are refused, as the runtime does. */
const MAX_DEPTH = 128;

// Made once: in a component they cost more than what they are used for.
const utf8 = new TextEncoder();
const strictUtf8 = new TextDecoder("utf-8", { fatal: true });

/** The bytes of `value`. Integers are written as short as can be, other numbers as 64-bit floats. */
export function encode(value) {
  const writer = new Writer();
  write(writer, value, 0);
  return writer.finish();
}

/** The value in `bytes`, all of them. Integers beyond 2^53 are `bigint`, binary data is `Uint8Array`. */
export function decode(bytes) {
  const reader = new Reader(bytes);
  const value = read(reader, 0);
  if (reader.place !== bytes.length) throw new RangeError(`${bytes.length - reader.place} bytes are left over`);
  return value;
}

class Writer {
  #bytes = new Uint8Array(256);
  #view = new DataView(this.#bytes.buffer);
  #length = 0;

  #room(count) {
    const place = this.#length;
    this.#length += count;
    if (this.#length > this.#bytes.length) {
      const larger = new Uint8Array(Math.max(this.#length, this.#bytes.length * 2));
      larger.set(this.#bytes);
      this.#bytes = larger;
      this.#view = new DataView(larger.buffer);
    }
    return place;
  }

  u8(value) {
    const place = this.#room(1);
    this.#bytes[place] = value;
  }

  /** A marker, then a number of `setter`'s kind. */
  marked(marker, setter, size, value) {
    this.u8(marker);
    const place = this.#room(size);
    this.#view[setter](place, value);
  }

  raw(bytes) {
    const place = this.#room(bytes.length);
    this.#bytes.set(bytes, place);
  }

  /** The marker of something with a length: within itself, or in one, two or four bytes. */
  sized(length, { fix, fixMax, one, two, four }) {
    if (fix !== undefined && length <= fixMax) this.u8(fix | length);
    else if (one !== undefined && length < 0x100) this.marked(one, "setUint8", 1, length);
    else if (length < 0x10000) this.marked(two, "setUint16", 2, length);
    else this.marked(four, "setUint32", 4, length);
  }

  finish() {
    return this.#bytes.slice(0, this.#length);
  }
}

const STRING = { fix: 0xa0, fixMax: 31, one: 0xd9, two: 0xda, four: 0xdb };
const BINARY = { one: 0xc4, two: 0xc5, four: 0xc6 };
const ARRAY = { fix: 0x90, fixMax: 15, two: 0xdc, four: 0xdd };
const MAP = { fix: 0x80, fixMax: 15, two: 0xde, four: 0xdf };

function write(writer, value, depth) {
  if (depth > MAX_DEPTH) throw new RangeError(`it is nested deeper than ${MAX_DEPTH} levels`);
  if (value === null || value === undefined) return writer.u8(0xc0);
  switch (typeof value) {
    case "boolean":
      return writer.u8(value ? 0xc3 : 0xc2);
    case "number":
      if (Number.isSafeInteger(value)) return writeInteger(writer, value);
      return writer.marked(0xcb, "setFloat64", 8, value);
    case "bigint":
      return writeBigInt(writer, value);
    case "string": {
      const bytes = utf8.encode(value);
      writer.sized(bytes.length, STRING);
      return writer.raw(bytes);
    }
    case "object":
      return writeObject(writer, value, depth);
    default:
      throw new TypeError(`a ${typeof value} is no data`);
  }
}

function writeObject(writer, value, depth) {
  if (value instanceof Uint8Array) {
    writer.sized(value.length, BINARY);
    return writer.raw(value);
  }
  if (Array.isArray(value)) {
    writer.sized(value.length, ARRAY);
    for (const item of value) write(writer, item, depth + 1);
    return undefined;
  }
  if (typeof value.toJSON === "function") return write(writer, value.toJSON(), depth + 1);
  // As in JSON, a property that is undefined is not there.
  const entries = value instanceof Map
    ? [...value]
    : Object.entries(value).filter(([, item]) => item !== undefined);
  writer.sized(entries.length, MAP);
  for (const [key, item] of entries) {
    write(writer, key, depth + 1);
    write(writer, item, depth + 1);
  }
  return undefined;
}

function writeInteger(writer, value) {
  if (value >= 0) {
    if (value < 0x80) return writer.u8(value);
    if (value < 0x100) return writer.marked(0xcc, "setUint8", 1, value);
    if (value < 0x10000) return writer.marked(0xcd, "setUint16", 2, value);
    if (value < 0x100000000) return writer.marked(0xce, "setUint32", 4, value);
    return writer.marked(0xcf, "setBigUint64", 8, BigInt(value));
  }
  if (value >= -0x20) return writer.u8(value & 0xff);
  if (value >= -0x80) return writer.marked(0xd0, "setInt8", 1, value);
  if (value >= -0x8000) return writer.marked(0xd1, "setInt16", 2, value);
  if (value >= -0x80000000) return writer.marked(0xd2, "setInt32", 4, value);
  return writer.marked(0xd3, "setBigInt64", 8, BigInt(value));
}

function writeBigInt(writer, value) {
  if (value >= BigInt(Number.MIN_SAFE_INTEGER) && value <= BigInt(Number.MAX_SAFE_INTEGER)) {
    return writeInteger(writer, Number(value));
  }
  if (value >= 0n && value < 1n << 64n) return writer.marked(0xcf, "setBigUint64", 8, value);
  if (value < 0n && value >= -(1n << 63n)) return writer.marked(0xd3, "setBigInt64", 8, value);
  throw new RangeError(`${value} is no integer of 64 bits`);
}

class Reader {
  place = 0;
  #bytes;
  #view;

  constructor(bytes) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  /** A number of `getter`'s kind. */
  number(getter, size) {
    const value = this.#view[getter](this.take(size));
    return typeof value === "bigint" && isSafe(value) ? Number(value) : value;
  }

  bytes(length) {
    const start = this.take(length);
    return this.#bytes.slice(start, start + length);
  }

  take(count) {
    const start = this.place;
    if (start + count > this.#bytes.length) throw new RangeError("it ends in the middle of a value");
    this.place += count;
    return start;
  }
}

function isSafe(value) {
  return value >= BigInt(Number.MIN_SAFE_INTEGER) && value <= BigInt(Number.MAX_SAFE_INTEGER);
}

function read(reader, depth) {
  if (depth > MAX_DEPTH) throw new RangeError(`it is nested deeper than ${MAX_DEPTH} levels`);
  const marker = reader.number("getUint8", 1);
  if (marker < 0x80) return marker;
  if (marker < 0x90) return readMap(reader, marker & 0x0f, depth);
  if (marker < 0xa0) return readArray(reader, marker & 0x0f, depth);
  if (marker < 0xc0) return readString(reader, marker & 0x1f);
  if (marker >= 0xe0) return marker - 0x100;
  const length = (size) => reader.number(["getUint8", "getUint16", "getUint32"][size], 1 << size);
  switch (marker) {
    case 0xc0: return null;
    case 0xc2: return false;
    case 0xc3: return true;
    case 0xc4: case 0xc5: case 0xc6: return reader.bytes(length(marker - 0xc4));
    case 0xca: return reader.number("getFloat32", 4);
    case 0xcb: return reader.number("getFloat64", 8);
    case 0xcc: return reader.number("getUint8", 1);
    case 0xcd: return reader.number("getUint16", 2);
    case 0xce: return reader.number("getUint32", 4);
    case 0xcf: return reader.number("getBigUint64", 8);
    case 0xd0: return reader.number("getInt8", 1);
    case 0xd1: return reader.number("getInt16", 2);
    case 0xd2: return reader.number("getInt32", 4);
    case 0xd3: return reader.number("getBigInt64", 8);
    case 0xd9: case 0xda: case 0xdb: return readString(reader, length(marker - 0xd9));
    case 0xdc: case 0xdd: return readArray(reader, length(marker - 0xdb), depth);
    case 0xde: case 0xdf: return readMap(reader, length(marker - 0xdd), depth);
    default: throw new TypeError(`the type 0x${marker.toString(16)} is not known here`);
  }
}

function readString(reader, length) {
  return strictUtf8.decode(reader.bytes(length));
}

function readArray(reader, length, depth) {
  const items = [];
  for (let index = 0; index < length; index += 1) items.push(read(reader, depth + 1));
  return items;
}

/** An object where all keys are text, else a `Map`. */
function readMap(reader, length, depth) {
  const entries = [];
  for (let index = 0; index < length; index += 1) {
    entries.push([read(reader, depth + 1), read(reader, depth + 1)]);
  }
  const isPlain = entries.every(([key]) => typeof key === "string");
  return isPlain ? Object.fromEntries(entries) : new Map(entries);
}
