// The event that a handler is given, and its data in and out of bytes.

import * as json from "./json.js";
import * as messagepack from "./messagepack.js";
import { reject } from "./outcome.js";

const utf8 = new TextEncoder();
// A byte order mark before JSON is skipped.
const strictUtf8 = new TextDecoder("utf-8", { fatal: true });

/** A CloudEvents 1.0 event. It never changes. */
export class Event {
  #data;
  #isDecoded = false;

  /** @param record the contract's event */
  constructor(record) {
    /** Unique within `source`. @type {string} */
    this.id = record.id;
    /** Who published it; `/plugins/<name>` if a plugin did. @type {string} */
    this.source = record.source;
    /** What happened, such as `order.placed`. @type {string} */
    this.type = record.eventType;
    /** The thing that it is about. @type {string | undefined} */
    this.subject = record.subject;
    /** When it happened, as an RFC 3339 timestamp. @type {string | undefined} */
    this.time = record.time;
    /** The media type of the data; absent means JSON. @type {string | undefined} */
    this.datacontenttype = record.datacontenttype;
    /** The URI of a schema of the data. @type {string | undefined} */
    this.dataschema = record.dataschema;
    /** The ordering key as it was given; see `key`. @type {string | undefined} */
    this.partitionkey = record.partitionkey;
    /** All other attributes by name, such as `traceparent`. @type {Record<string, string>} */
    this.extensions = Object.fromEntries(record.extensions);
    /** The data, undecoded. @type {Uint8Array} */
    this.bytes = record.data;
  }

  /**
   * The data, decoded by its media type. Whole numbers beyond 2^53 are `bigint`. What is no JSON or MessagePack is
   * rejected; `bytes` takes all.
   */
  get data() {
    if (!this.#isDecoded) {
      this.#data = decode(this.type, this.datacontenttype, this.bytes);
      this.#isDecoded = true;
    }
    return this.#data;
  }

  /** The ordering key: `partitionkey`, else `subject`, else undefined. */
  get key() {
    return this.partitionkey ?? this.subject;
  }

  /** The id that all events of one story share. */
  get correlationId() {
    return this.extensions.correlationid ?? this.id;
  }
}

/** The encoding that a media type stands for, if it is one that handlers need not care about. */
function encodingOf(mediaType) {
  if (mediaType === undefined) return "json";
  const essence = mediaType.split(";")[0].trim().toLowerCase();
  if (["application/json", "text/json"].includes(essence) || essence.endsWith("+json")) return "json";
  const isMessagePack = /^application\/(x-|vnd\.)?msgpack$/.test(essence) || essence.endsWith("+msgpack");
  return isMessagePack ? "messagepack" : undefined;
}

function decode(type, mediaType, bytes) {
  const encoding = encodingOf(mediaType);
  if (encoding === undefined) {
    reject(`data of \`${type}\`: \`${mediaType}\` is neither JSON nor MessagePack; read \`event.bytes\``);
  }
  // An event without data reads like one whose data is null.
  if (bytes.length === 0) return null;
  try {
    if (encoding === "messagepack") return messagepack.decode(bytes);
    return json.parse(strictUtf8.decode(bytes));
  } catch (error) {
    const name = encoding === "json" ? "JSON" : "MessagePack";
    return reject(`data of \`${type}\` is no ${name}: ${error.message}`);
  }
}

/** The bytes of `data` as the given media type. A `Uint8Array` is taken as it is. */
export function encode(type, mediaType, data) {
  if (data instanceof Uint8Array) return data;
  const encoding = encodingOf(mediaType);
  if (encoding === undefined) {
    reject(`data of \`${type}\`: \`${mediaType}\` is neither JSON nor MessagePack; publish a Uint8Array`);
  }
  try {
    if (encoding === "messagepack") return messagepack.encode(data ?? null);
    return utf8.encode(json.stringify(data ?? null));
  } catch (error) {
    return reject(`data of \`${type}\` cannot be written: ${error.message}`);
  }
}
