// The contract's imports, which only a component has. `camshaft build` selects this file by the condition "camshaft" in
// package.json. All other programs load no-host.js.

import * as config from "camshaft:plugin/config@0.1.0";
import * as context from "camshaft:plugin/context@0.1.0";
import * as logging from "camshaft:plugin/logging@0.1.0";
import * as publisher from "camshaft:plugin/publisher@0.1.0";
import * as state from "camshaft:plugin/state@0.1.0";

import { reject } from "./outcome.js";
import { watch } from "./work.js";

// Without the capability the engine is built without HTTP, and its own `fetch` would end the handler without an error.
if (!CAMSHAFT_SENDS) {
  globalThis.fetch = async () =>
    reject('this plugin cannot send requests: plugin.toml does not contain `capabilities = ["http"]`');
}

const imports = { config, context, logging, publisher, state, work: watch(globalThis) };

/** Returns the host for the attempt that begins. */
export function host() {
  // The engine's own generator keeps its state between events, so its numbers would differ between instances.
  Math.random = fraction;
  imports.work.begin();
  return imports;
}

/** A number from 0 (inclusive) to 1 (exclusive), made from the attempt's random bytes. */
function fraction() {
  const bytes = context.random(7);
  const number = bytes.reduce((sum, byte, place) => sum + (place === 6 ? byte & 0x1f : byte) * 2 ** (8 * place), 0);
  return number / 2 ** 53;
}
