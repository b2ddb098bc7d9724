// What a plugin in JavaScript imports: `handler` makes the contract's one export of functions by event type.
//
// Called by the runtime through that export, and by tests with a context in memory (testing.js). It knows
// nothing of retries or order: those are the runtime's.

import * as component from "#host";
import { Context } from "./context.js";
import { Event } from "./event.js";
import { Rejection, reject, toFailure } from "./outcome.js";
import { checkPattern, matches } from "./pattern.js";

export { Context } from "./context.js";
export { Event } from "./event.js";
export { accepted } from "./http.js";
export { Rejection, Retry, reject, retry } from "./outcome.js";

/**
 * The plugin's export: `export const handle = handler({ "order.placed": (event, ctx) => { … } })`.
 *
 * A key is an event type; in it `*` stands for one dotted segment and a final `**` for one or more. What a
 * function returns is ignored, a promise is waited for; what it throws is a retry, unless `reject` threw it.
 *
 * @param {Record<string, (event: Event, ctx: Context) => unknown>} functions by event type
 */
export function handler(functions) {
  const routes = Object.entries(functions);
  for (const [pattern, run] of routes) {
    checkPattern(pattern);
    if (typeof run !== "function") throw new TypeError(`the handler of "${pattern}" is not a function`);
  }
  checkSubscriptions(routes.map(([pattern]) => pattern));

  /** Handles one event as the contract has it; tests pass their own host. */
  return function handle(record, host = component.host()) {
    try {
      const event = new Event(record);
      const route = routes.find(([pattern]) => matches(pattern, event.type));
      if (route === undefined) reject(`the plugin has no handler for \`${event.type}\``);
      const done = route[1](event, new Context(host));
      if (typeof done?.then !== "function") return undefined;
      return done.then(
        () => undefined,
        (error) => { throw toFailure(error); },
      );
    } catch (error) {
      throw toFailure(error);
    }
  };
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
