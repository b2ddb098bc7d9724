// Runs handlers under `node --test`, without WebAssembly: an in-memory context.
//
// Within one attempt it behaves like the runtime's context. It does not retry, order or persist anything, and it counts
// no hops.

import { Context } from "./context.js";
import { Event, encode } from "./event.js";
import { Rejection, Retry } from "./outcome.js";

/** Number of pairs in one page of a scan. It is small, so that tests need several pages. */
const PAGE = 2;

/**
 * An in-memory context. Pass it to a handler function as `ctx`, or call its `handle` with the plugin's export.
 *
 * @example
 * const ctx = new TestContext({ publishes: ["order.counted"] });
 * ctx.handle(handle, { type: "order.placed", data: { sku: "b-7" } });
 * assert.equal(ctx.state.get("count"), 1);
 */
export class TestContext extends Context {
  #memory;

  /** @param {{ config?: Record<string, string>, publishes?: string[], now?: Date | number, attempt?: number,
   *            offset?: number }} options */
  constructor(options = {}) {
    const memory = new Memory(options);
    super(memory);
    this.#memory = memory;
  }

  /**
   * Runs the plugin's export for an event as the runtime would: the data is encoded and decoded, and a failed attempt
   * leaves only its log lines.
   *
   * @param {Function} handle the export, created by `handler`
   * @param {{ type: string, data?: unknown, id?: string, source?: string, subject?: string, key?: string,
   *           time?: string, contentType?: string, extensions?: Record<string, string> }} event
   * @throws {Rejection | Retry} the handler's outcome
   */
  handle(handle, event) {
    const record = toRecord(event);
    const before = this.#memory.snapshot();
    const failed = (failure) => {
      this.#memory.restore(before);
      throw toOutcome(failure);
    };
    this.#memory.cause = record;
    try {
      const done = handle(record, this.#memory);
      return done?.catch(failed);
    } catch (failure) {
      return failed(failure);
    }
  }

  /** The events published so far, oldest first. */
  get published() {
    return this.#memory.published.map((record) => new Event(record));
  }

  /** The timers that are set, by name: when each fires, in milliseconds, and the event that it publishes. */
  get timers() {
    const timers = [...this.#memory.timers].map(([name, { atMs, record }]) => [name, { atMs, event: new Event(record) }]);
    return Object.fromEntries(timers);
  }

  /** The lines logged so far, oldest first, each with level, message and fields. */
  get logged() {
    return this.#memory.logged;
  }
}

/** The event in the form of the contract. */
function toRecord({ type, data, id = "1", source = "/test", subject, key, time, contentType, extensions = {} }) {
  return {
    id,
    source,
    eventType: type,
    subject,
    time,
    datacontenttype: contentType,
    dataschema: undefined,
    partitionkey: key,
    extensions: Object.entries(extensions).sort(),
    data: encode(type, contentType, data),
  };
}

/** The error that corresponds to the contract's `failure`. */
function toOutcome(failure) {
  if (failure?.tag === "reject") return new Rejection(failure.val);
  if (failure?.tag !== "retry") return failure;
  const { afterMs, reason } = failure.val;
  return new Retry(reason, { afterMs: afterMs === undefined ? undefined : Number(afterMs) });
}

/** The contract's imports in memory. */
class Memory {
  cause;
  published = [];
  timers = new Map();
  logged = [];
  #pairs = new Map();
  #options;

  constructor(options) {
    this.#options = { config: {}, now: 0, attempt: 1, offset: 0, ...options };
  }

  snapshot() {
    return { pairs: new Map(this.#pairs), published: [...this.published], timers: new Map(this.timers) };
  }

  restore({ pairs, published, timers }) {
    this.#pairs = pairs;
    this.published = published;
    this.timers = timers;
  }

  state = {
    get: (key) => this.#pairs.get(name(key)),
    set: (key, value) => void this.#pairs.set(name(key), value),
    delete: (key) => void this.#pairs.delete(name(key)),
    scan: (prefix) => this.#scan(hexadecimal(prefix)),
  };

  publisher = {
    publish: (event) => void this.published.push(this.#resolve(event, this.published.length)),
    schedule: (timer, event, atMs) => {
      this.timers.set(timerName(timer), { atMs: Number(atMs), record: this.#resolve(event, 0) });
    },
    cancel: (timer) => void this.timers.delete(timerName(timer)),
  };

  config = { get: (key) => this.#options.config[key] };

  logging = { log: (level, message, fields) => void this.logged.push({ level, message, fields: Object.fromEntries(fields) }) };

  context = {
    attempt: () => this.#options.attempt,
    offset: () => BigInt(this.#options.offset),
    generation: () => 1,
    consumer: () => "test",
    nowMs: () => BigInt(Number(this.#options.now)),
    random: (length) => Uint8Array.from({ length }, (_, place) => (this.#options.offset * 31 + place * 197 + 11) & 0xff),
  };

  /** As in the runtime, each page shows the state at the time of its call. */
  #scan(prefix) {
    let last;
    return {
      nextPage: () => {
        const keys = [...this.#pairs.keys()].filter((key) => key.startsWith(prefix)).sort();
        const page = keys.filter((key) => last === undefined || key > last).slice(0, PAGE);
        last = page.at(-1) ?? last;
        return page.map((key) => [bytes(key), this.#pairs.get(key)]);
      },
    };
  }

  /** The event as the log would store it, as far as one attempt can see. */
  #resolve(event, number) {
    const { publishes, offset } = this.#options;
    if (publishes !== undefined && !publishes.includes(event.eventType)) {
      throw { tag: "undeclared-type", val: event.eventType };
    }
    const extensions = Object.fromEntries(event.extensions);
    if (this.cause !== undefined) {
      extensions.causationid = this.cause.id;
      extensions.causationsource = this.cause.source;
      extensions.correlationid = new Event(this.cause).correlationId;
    }
    return {
      ...event,
      id: `1-${offset}-${number}`,
      source: "/plugins/test",
      subject: event.subject ?? this.cause?.subject,
      partitionkey: event.partitionkey ?? this.cause?.partitionkey ?? this.cause?.subject,
      extensions: Object.entries(extensions).sort(),
    };
  }
}

/** Keys are stored in hexadecimal, which sorts in the order of their bytes. */
function hexadecimal(key) {
  return [...key].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

function bytes(key) {
  return Uint8Array.from(key.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));
}

function name(key) {
  if (key.length === 0) throw { tag: "invalid-key", val: 1024 };
  return hexadecimal(key);
}

function timerName(timer) {
  if (timer === "") throw { tag: "invalid-timer-name", val: 256 };
  return timer;
}
