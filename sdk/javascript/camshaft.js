// What a plugin in JavaScript imports: `handler` makes the contract's one export of functions by event type.
//
// Called by the runtime through that export, and by tests with a context in memory (testing.js). It knows
// nothing of retries or order: those are the runtime's.

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
 * The plugin's export: `export const handle = handler({ "order.placed": (event, ctx) => { … } })`.
 *
 * A key is an event type; in it `*` stands for one dotted segment and a final `**` for one or more. What a
 * function returns is ignored, a promise is waited for; what it throws is a retry, unless `reject` threw it. In a
 * component the attempt ends when the timers and requests that the function started are done, too. A promise that is
 * rejected and that no code waits for fails the attempt. Generators are refused: nothing in them would run.
 *
 * @param {Record<string, (event: Event, ctx: Context) => unknown>} functions by event type
 */
export function handler(functions) {
  const routes = Object.entries(functions);
  for (const [pattern, run] of routes) {
    checkPattern(pattern);
    if (typeof run !== "function") throw new TypeError(`the handler of "${pattern}" is not a function`);
    if (isGenerator(run)) throw new TypeError(`the handler of "${pattern}" is a generator, of which nothing would run`);
  }
  checkSubscriptions(routes.map(([pattern]) => pattern));

  /** Handles one event as the contract has it; tests pass their own host. */
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

/** Waits for what a handler returned, and then for the work that it started; throws the contract's `failure`. */
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
  // A generator that is `async` has become a function that makes one when the plugin is built.
  return tag.endsWith("GeneratorFunction]") || /^[^{]*\{\s*return __asyncGenerator\d*\(/.test(String(run));
}

/** A handler that returns an iterator means its code to run; it does not. */
function refuseIterator(returned) {
  if (typeof returned?.next !== "function") return;
  reject(`the handler returned ${kind(returned)}, which does nothing by itself: make it a plain or \`async\` function`);
}

/**
 * `camshaft build` puts the types of plugin.toml in here, so that one that has no function, or a function that
 * nobody subscribed for, is found while the plugin is built.
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
