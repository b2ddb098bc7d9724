// The event that a handler receives, and the encoding and decoding of its data.

import * as json from "./json.js";
import * as messagepack from "./messagepack.js";
import { reject } from "./outcome.js";
import { xxh3 } from "./xxh3.js";

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
    /** The event's producer; `/plugins/<name>` if a plugin published it. @type {string} */
    this.source = record.source;
    /** What happened, such as `order.placed`. @type {string} */
    this.type = record.eventType;
    /** The thing that the event is about. @type {string | undefined} */
    this.subject = record.subject;
    /** When it happened, as an RFC 3339 timestamp. @type {string | undefined} */
    this.time = record.time;
    /** The media type of the data. If absent, JSON. @type {string | undefined} */
    this.datacontenttype = record.datacontenttype;
    /** The URI of a schema for the data. @type {string | undefined} */
    this.dataschema = record.dataschema;
    /** The ordering key that the producer set; see `key`. @type {string | undefined} */
    this.partitionkey = record.partitionkey;
    /** All other attributes by name, such as `traceparent`. @type {Record<string, string>} */
    this.extensions = Object.fromEntries(record.extensions);
    /** The data, undecoded. @type {Uint8Array} */
    this.bytes = record.data;
  }

  /**
   * The data, decoded according to its media type. Whole numbers beyond 2^53 are `bigint`. Data that is neither JSON
   * nor MessagePack is rejected; read it from `bytes`.
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

  /**
   * The correlation id, shared by all events that follow from one first event: its own `correlationid`, else
   * `<source hash>-<id>`.
   */
  get correlationId() {
    const hash = () => xxh3(utf8.encode(this.source)).toString(16).padStart(16, "0");
    return this.extensions.correlationid ?? `${hash()}-${this.id}`;
  }
}

/** The encoding of a media type, if the SDK supports it. */
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
  // An event without data is decoded as null.
  if (bytes.length === 0) return null;
  try {
    if (encoding === "messagepack") return messagepack.decode(bytes);
    return json.parse(strictUtf8.decode(bytes));
  } catch (error) {
    const name = encoding === "json" ? "JSON" : "MessagePack";
    return reject(`data of \`${type}\` cannot be decoded as ${name}: ${error.message}`);
  }
}

/** Encodes `data` as the given media type. A `Uint8Array` is used unchanged. */
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
    return reject(`data of \`${type}\` cannot be encoded: ${error.message}`);
  }
}
