// The plugin's own durable state: values by key, stored as MessagePack so that every language can read them.

import * as messagepack from "./messagepack.js";
import { Rejection } from "./outcome.js";
import { kind, text } from "./text.js";

/** Number of keys and values that a scan fetches per call. */
const PAGE = 256;

const utf8 = new TextEncoder();
// A byte order mark at the beginning is part of the key.
const strictUtf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** The state. This attempt sees its own writes at once. They become durable together with the event's completion. */
export class State {
  #state;

  constructor(state) {
    this.#state = state;
  }

  /**
   * Returns the value of `key`, or undefined if it has none.
   *
   * @param {string | Uint8Array} key
   */
  get(key) {
    const bytes = refusing(key, () => this.#state.get(toBytes(key)));
    return bytes === undefined ? undefined : decode(key, bytes);
  }

  /**
   * Sets the value of `key` and replaces an earlier value.
   *
   * @param {string | Uint8Array} key
   * @param {unknown} value any JSON value, and also `Uint8Array`, `Map` and `bigint`
   */
  set(key, value) {
    const bytes = encode(key, value);
    refusing(key, () => this.#state.set(toBytes(key), bytes));
  }

  /** Deletes the value of `key`, if it has one. */
  delete(key) {
    refusing(key, () => this.#state.delete(toBytes(key)));
  }

  /**
   * Iterates over all keys that begin with `prefix`, in ascending order, as `[key, value]`. A key that is
   * not UTF-8 is a `Uint8Array`.
   *
   * A scan depends on all keys with the prefix, up to the last one that was fetched; keys are fetched in pages. If a
   * parallel attempt sets or deletes one of them, this attempt may run again. Use `get` if you know the keys.
   *
   * @param {string | Uint8Array} prefix
   */
  *scan(prefix = "") {
    const cursor = refusing(prefix, () => this.#state.scan(toBytes(prefix)));
    try {
      for (;;) {
        const page = cursor.nextPage(PAGE);
        if (page.length === 0) return;
        for (const [key, value] of page) {
          const name = fromBytes(key);
          yield [name, decode(name, value)];
        }
      }
    } finally {
      // The runtime limits the number of open cursors.
      cursor[Symbol.dispose ?? Symbol.for("dispose")]?.();
    }
  }
}

function toBytes(key) {
  if (key instanceof Uint8Array) return key;
  if (typeof key === "string") return utf8.encode(text(key, "the state key"));
  throw new Rejection(`a state key must be text or bytes, not ${kind(key)}`);
}

function fromBytes(bytes) {
  try {
    return strictUtf8.decode(bytes);
  } catch {
    return bytes;
  }
}

function encode(key, value) {
  try {
    return messagepack.encode(value);
  } catch (error) {
    throw new Rejection(`state value of \`${shown(key)}\` cannot be encoded: ${error.message}`);
  }
}

function decode(key, bytes) {
  try {
    return messagepack.decode(bytes);
  } catch (error) {
    throw new Rejection(`state value of \`${shown(key)}\` cannot be decoded as MessagePack: ${error.message}`);
  }
}

function shown(key) {
  return typeof key === "string" ? key : new TextDecoder().decode(key);
}

function refusing(key, call) {
  try {
    return call();
  } catch (error) {
    const refusal = error?.payload ?? error;
    switch (refusal?.tag) {
      case "invalid-key":
        throw new Rejection(`state key \`${shown(key)}\` is empty or longer than ${refusal.val} bytes`);
      case "value-too-large":
        throw new Rejection(`state value of \`${shown(key)}\` is larger than ${refusal.val} bytes`);
      case "attempt-too-large":
        throw new Rejection(`the effects of this attempt together exceed ${refusal.val} bytes`);
      default:
        throw error;
    }
  }
}
