// What a handler can do besides computing: state, events, timers, configuration, log lines, time, chance.
//
// All of it goes through a host: the contract's imports in a component, memory in a test.

import { encode } from "./event.js";
import { Rejection } from "./outcome.js";
import { State } from "./state.js";
import { optionalText, readable, text } from "./text.js";
import { timeMs } from "./time.js";

/** Most random bytes of one call; the contract says so. */
const MAX_RANDOM_BYTES = 65_536;

/**
 * The running attempt. All that is done through it takes effect if the handler returns, exactly once, and not
 * at all if it throws. Only log lines stay.
 */
export class Context {
  #host;

  constructor(host) {
    this.#host = host;
    /** The plugin's durable state. */
    this.state = new State(host.state);
  }

  /**
   * Publishes an event about the cause's subject, ordered by the cause's key, unless `options` say otherwise.
   *
   * @param {string} type one that plugin.toml lists in `publishes`
   * @param {unknown} data written as JSON, or as MessagePack if `contentType` says so
   * @param {{ subject?: string, key?: string, time?: string, contentType?: string, schema?: string,
   *           extensions?: Record<string, string> }} options
   */
  publish(type, data, options = {}) {
    refusing(() => this.#host.publisher.publish(newEvent(type, data, options)));
  }

  /**
   * Sets the timer `name`: the event is published at `at`, or soon after. It replaces a timer of that name.
   *
   * @param {string} name unique within the plugin
   * @param {Date | number | bigint} at a time, or milliseconds since 1970-01-01T00:00:00Z
   * @param {string} type
   * @param {unknown} data
   * @param {object} options as those of `publish`
   */
  schedule(name, at, type, data, options = {}) {
    const timer = text(name, "a timer's name");
    const atMs = timeMs(at, `the time of the timer \`${timer}\``);
    refusing(() => this.#host.publisher.schedule(timer, newEvent(type, data, options), atMs));
  }

  /** Removes the timer `name`; one that is not set is no error. */
  cancel(name) {
    const timer = text(name, "a timer's name");
    refusing(() => this.#host.publisher.cancel(timer));
  }

  /** The configuration's value for `key`, the operator's or else plugin.toml's; undefined if there is none. */
  config(key) {
    return this.#host.config.get(text(key, "a key of the configuration"));
  }

  /** Writes a line to the plugin's log; so do `info`, `warn`, `error`, and `console.log`. */
  debug(message, fields) {
    this.#log("debug", message, fields);
  }

  /** Writes a line about a change worth knowing later. */
  info(message, fields) {
    this.#log("info", message, fields);
  }

  /** Writes a line about something that was not expected and has been dealt with. */
  warn(message, fields) {
    this.#log("warn", message, fields);
  }

  /** Writes a line about something that is broken. */
  error(message, fields) {
    this.#log("error", message, fields);
  }

  #log(level, message, fields = {}) {
    const pairs = Object.entries(fields).map(([name, value]) => [readable(name), readable(value)]);
    this.#host.logging.log(level, readable(message), pairs);
  }

  /** The attempt's time. It stands still while the handler runs; `Date.now()` tells the same. */
  get now() {
    return new Date(this.nowMs);
  }

  /** The attempt's time in milliseconds since 1970-01-01T00:00:00Z. */
  get nowMs() {
    return Number(this.#host.context.nowMs());
  }

  /** Random bytes, the same ones at every attempt at this event. Unfit for secrets. */
  random(length) {
    if (!Number.isInteger(length) || length < 0 || length > MAX_RANDOM_BYTES) {
      throw new Rejection(`${String(length)} random bytes were asked for; one call gives 0 to ${MAX_RANDOM_BYTES}`);
    }
    return this.#host.context.random(length);
  }

  /** Which attempt this is at this event, counted from 1. */
  get attempt() {
    return this.#host.context.attempt();
  }

  /** The event's place in the log. */
  get offset() {
    return Number(this.#host.context.offset());
  }

  /** The consumer's generation; each reset starts the next one. */
  get generation() {
    return this.#host.context.generation();
  }

  /** The name of the consumer that the plugin runs as. */
  get consumer() {
    return this.#host.context.consumer();
  }
}

function newEvent(eventType, data, options) {
  const { subject, key, time, contentType = "application/json", schema, extensions = {} } = options;
  const mediaType = text(contentType, "`contentType`");
  return {
    eventType: text(eventType, "the type of an event"),
    subject: optionalText(subject, "`subject`"),
    time: optionalText(time, "`time`"),
    datacontenttype: mediaType,
    dataschema: optionalText(schema, "`schema`"),
    partitionkey: optionalText(key, "`key`"),
    extensions: Object.entries(extensions).map(([name, value]) => [name, text(String(value), `the extension \`${name}\``)]),
    data: encode(eventType, mediaType, data),
  };
}

/** What no attempt can mend is a reject, which is what the runtime makes of it anyway. */
function refusing(call) {
  try {
    return call();
  } catch (error) {
    const refusal = error?.payload ?? error;
    const sentence = SENTENCES[refusal?.tag];
    if (sentence === undefined) throw error;
    throw new Rejection(sentence(refusal.val));
  }
}

const SENTENCES = {
  "undeclared-type": (type) =>
    `\`${type}\` is published but not declared. Add it to \`publishes\` in plugin.toml.`,
  "invalid-event": (reason) => reason,
  "event-too-large": (limit) => `the event is longer than ${limit} bytes`,
  "too-many-timers": (limit) => `${limit} timers are set, and no plugin may have more`,
  "attempt-too-large": (limit) => `the effects of this attempt together exceed ${limit} bytes`,
  "invalid-timer-name": (limit) => `the timer's name is empty or longer than ${limit} bytes`,
};
