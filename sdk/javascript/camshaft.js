// The SDK that a plugin in JavaScript imports: `handler` combines functions by event type into the contract's one
// export.
//
// The runtime calls that export, and so do tests with an in-memory context (testing.js). This module does not
// implement retries or ordering; the runtime does.

import * as component from "#host";
import { Context } from "./context.js";
import { Event } from "./event.js";
import { Rejection, reject, toFailure } from "./outcome.js";
import { checkPattern, matches } from "./pattern.js";
import { kind } from "./text.js";

export { Context } from "./context.js";
export { Event } from "./event.js";
export { accepted } from "./http.js";
export { Rejection, Retry, reject, retry } from "./outcome.js";

/**
 * Creates the plugin's export: `export const handle = handler({ "order.placed": (event, ctx) => { … } })`.
 *
 * A key is an event type, in which `*` matches one dotted segment and a final `**` one or more. The function's return
 * value is ignored; a returned promise is awaited. An exception means a retry, unless `reject` threw it. In a component
 * the attempt ends when the timers and requests that the function started are also done. An unhandled promise rejection
 * fails the attempt. Generators are rejected, because their body would never run.
 *
 * @param {Record<string, (event: Event, ctx: Context) => unknown>} functions handler functions by event type
 */
export function handler(functions) {
  const routes = Object.entries(functions);
  for (const [pattern, run] of routes) {
    checkPattern(pattern);
    if (typeof run !== "function") throw new TypeError(`the handler of "${pattern}" is not a function`);
    if (isGenerator(run)) throw new TypeError(`the handler of "${pattern}" is a generator: its body would never run; use a plain or \`async\` function`);
  }
  checkSubscriptions(routes.map(([pattern]) => pattern));

  /** Handles one event in the form of the contract. Tests pass their own host. */
  return function handle(record, host = component.host()) {
    try {
      const event = new Event(record);
      const route = routes.find(([pattern]) => matches(pattern, event.type));
      if (route === undefined) reject(`the plugin has no handler for \`${event.type}\``);
      const done = route[1](event, new Context(host));
      if (typeof done?.then === "function") return ending(done, host.work);
      refuseIterator(done);
      return host.work === undefined || host.work.isIdle ? undefined : ending(undefined, host.work);
    } catch (error) {
      throw toFailure(error);
    }
  };
}

/** Waits for the handler's promise, then for the work that the handler started. Throws the contract's `failure`. */
async function ending(done, work) {
  try {
    refuseIterator(await done);
    await work?.settled();
  } catch (error) {
    throw toFailure(error);
  }
}

function isGenerator(run) {
  const tag = Object.prototype.toString.call(run);
  // The build compiles an `async` generator to a function that creates a generator.
  return tag.endsWith("GeneratorFunction]") || /^[^{]*\{\s*return __asyncGenerator\d*\(/.test(String(run));
}

/** Rejects a returned iterator: its author expects its code to run, but nothing iterates over it. */
function refuseIterator(returned) {
  if (typeof returned?.next !== "function") return;
  reject(`the handler returned ${kind(returned)}, which is never iterated: make the handler a plain or \`async\` function`);
}

/**
 * Compares the functions with the types of plugin.toml, which `camshaft build` inserts here. So the build finds a
 * type without a function, and a function without a subscription.
 */
function checkSubscriptions(patterns) {
  if (typeof CAMSHAFT_SUBSCRIPTIONS === "undefined") return;
  const missing = CAMSHAFT_SUBSCRIPTIONS.find((type) => !patterns.includes(type));
  if (missing !== undefined) {
    throw new Rejection(`plugin.toml subscribes to "${missing}", but no function handles it`);
  }
  const silent = patterns.find((pattern) => !CAMSHAFT_SUBSCRIPTIONS.includes(pattern));
  if (silent !== undefined) {
    throw new Rejection(`a function handles "${silent}", but plugin.toml does not subscribe to it`);
  }
}
