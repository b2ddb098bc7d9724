// The handler's access to the runtime: state, events, timers, configuration, log lines, time, random numbers.
//
// All calls go through a host: the contract's imports in a component, an in-memory host in a test.

import { encode } from "./event.js";
import { Rejection } from "./outcome.js";
import { State } from "./state.js";
import { optionalText, readable, text } from "./text.js";
import { timeMs } from "./time.js";

/** The maximum number of random bytes per call, fixed by the contract. */
const MAX_RANDOM_BYTES = 65_536;

/**
 * The running attempt. If the handler returns, all effects through this context are applied exactly once. If it throws,
 * none is applied; only log lines remain.
 */
export class Context {
  #host;

  constructor(host) {
    this.#host = host;
    /** The plugin's durable state. */
    this.state = new State(host.state);
  }

  /**
   * Publishes an event. It inherits the cause's subject and ordering key, unless `options` set others.
   *
   * @param {string} type a type that plugin.toml lists in `publishes`
   * @param {unknown} data encoded as JSON, or as MessagePack if `contentType` is a MessagePack type
   * @param {{ subject?: string, key?: string, time?: string, contentType?: string, schema?: string,
   *           extensions?: Record<string, string> }} options
   */
  publish(type, data, options = {}) {
    refusing(() => this.#host.publisher.publish(newEvent(type, data, options)));
  }

  /**
   * Sets the timer `name`: the event is published at `at`, or soon after. An existing timer of that name is replaced.
   * The event of a timer set less than a second ahead counts as a hop; a later one starts at hop 0.
   *
   * @param {string} name unique within the plugin
   * @param {Date | number | bigint} at a time, or milliseconds since 1970-01-01T00:00:00Z
   * @param {string} type
   * @param {unknown} data
   * @param {object} options as for `publish`
   */
  schedule(name, at, type, data, options = {}) {
    const timer = text(name, "the timer name");
    const atMs = timeMs(at, `the time of the timer \`${timer}\``);
    refusing(() => this.#host.publisher.schedule(timer, newEvent(type, data, options), atMs));
  }

  /** Removes the timer `name`. It is not an error if no such timer is set. */
  cancel(name) {
    const timer = text(name, "the timer name");
    refusing(() => this.#host.publisher.cancel(timer));
  }

  /** Returns the configuration value of `key`: the operator's, else plugin.toml's, else undefined. */
  config(key) {
    return this.#host.config.get(text(key, "a configuration key"));
  }

  /** Writes a line to the plugin's log, as do `info`, `warn`, `error` and `console.log`. */
  debug(message, fields) {
    this.#log("debug", message, fields);
  }

  /** Writes a line about a change worth knowing later. */
  info(message, fields) {
    this.#log("info", message, fields);
  }

  /** Writes a line about an unexpected condition that the plugin handled. */
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

  /** The attempt's time. It does not change while the handler runs. `Date.now()` returns the same time. */
  get now() {
    return new Date(this.nowMs);
  }

  /** The attempt's time in milliseconds since 1970-01-01T00:00:00Z. */
  get nowMs() {
    return Number(this.#host.context.nowMs());
  }

  /** Returns random bytes, the same in every attempt at this event. Do not use them for secrets. */
  random(length) {
    if (!Number.isInteger(length) || length < 0 || length > MAX_RANDOM_BYTES) {
      throw new Rejection(`${String(length)} random bytes were requested; one call returns 0 to ${MAX_RANDOM_BYTES}`);
    }
    return this.#host.context.random(length);
  }

  /** The number of this attempt at the event, counted from 1. */
  get attempt() {
    return this.#host.context.attempt();
  }

  /** The event's offset in the log. */
  get offset() {
    return Number(this.#host.context.offset());
  }

  /** The consumer's generation. Each reset starts the next one. */
  get generation() {
    return this.#host.context.generation();
  }

  /** The name of the plugin's consumer. */
  get consumer() {
    return this.#host.context.consumer();
  }
}

function newEvent(eventType, data, options) {
  const { subject, key, time, contentType = "application/json", schema, extensions = {} } = options;
  const mediaType = text(contentType, "`contentType`");
  return {
    eventType: text(eventType, "the event type"),
    subject: optionalText(subject, "`subject`"),
    time: optionalText(time, "`time`"),
    datacontenttype: mediaType,
    dataschema: optionalText(schema, "`schema`"),
    partitionkey: optionalText(key, "`key`"),
    extensions: Object.entries(extensions).map(([name, value]) => [name, text(String(value), `the extension \`${name}\``)]),
    data: encode(eventType, mediaType, data),
  };
}

/** Turns an error that no later attempt can avoid into a reject. The runtime rejects such an event in any case. */
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
  "event-too-large": (limit) => `the event is larger than ${limit} bytes`,
  "too-many-timers": (limit) => `the plugin already has ${limit} timers, the maximum`,
  "attempt-too-large": (limit) => `the effects of this attempt together exceed ${limit} bytes`,
  "invalid-timer-name": (limit) => `the timer name is empty or longer than ${limit} bytes`,
};
