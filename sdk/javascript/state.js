// The plugin's own durable state: values by key, MessagePack inside, so that every language reads them.

import * as messagepack from "./messagepack.js";
import { Rejection } from "./outcome.js";
import { kind, text } from "./text.js";

/** Keys and values that one call fetches for a scan. */
const PAGE = 256;

const utf8 = new TextEncoder();
// A key may begin with a byte order mark: it is part of it.
const strictUtf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** Writes are seen at once by this attempt, and durable together with the event's completion. */
export class State {
  #state;

  constructor(state) {
    this.#state = state;
  }

  /**
   * The value of `key`; undefined if it has none.
   *
   * @param {string | Uint8Array} key
   */
  get(key) {
    const bytes = refusing(key, () => this.#state.get(toBytes(key)));
    return bytes === undefined ? undefined : decode(key, bytes);
  }

  /**
   * Gives `key` a value, replacing the one it had.
   *
   * @param {string | Uint8Array} key
   * @param {unknown} value anything JSON could hold, and also `Uint8Array`, `Map` and `bigint`
   */
  set(key, value) {
    const bytes = encode(key, value);
    refusing(key, () => this.#state.set(toBytes(key), bytes));
  }

  /** Takes the value of `key` away, if it has one. */
  delete(key) {
    refusing(key, () => this.#state.delete(toBytes(key)));
  }

  /**
   * All keys that begin with `prefix`, ascending, as `[key, value]`. It depends on the plugin's whole state, so
   * prefer `get` where the keys are known. A key that is no UTF-8 is a `Uint8Array`.
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
      // The runtime lets a plugin hold a limited number of them.
      cursor[Symbol.dispose ?? Symbol.for("dispose")]?.();
    }
  }
}

function toBytes(key) {
  if (key instanceof Uint8Array) return key;
  if (typeof key === "string") return utf8.encode(text(key, "a state key"));
  throw new Rejection(`a state key is text or bytes, not ${kind(key)}`);
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
    throw new Rejection(`state value of \`${shown(key)}\` cannot be written: ${error.message}`);
  }
}

function decode(key, bytes) {
  try {
    return messagepack.decode(bytes);
  } catch (error) {
    throw new Rejection(`state value of \`${shown(key)}\` is no MessagePack: ${error.message}`);
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
        throw new Rejection(`state value of \`${shown(key)}\` is longer than ${refusal.val} bytes`);
      case "attempt-too-large":
        throw new Rejection(`the effects of this attempt together exceed ${refusal.val} bytes`);
      default:
        throw error;
    }
  }
}
