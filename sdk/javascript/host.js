// The contract's imports. Only a component has them; `camshaft build` picks this file by the condition
// "camshaft" of package.json, and everyone else gets no-host.js.

import * as config from "camshaft:plugin/config@0.1.0";
import * as context from "camshaft:plugin/context@0.1.0";
import * as logging from "camshaft:plugin/logging@0.1.0";
import * as publisher from "camshaft:plugin/publisher@0.1.0";
import * as state from "camshaft:plugin/state@0.1.0";

import { reject } from "./outcome.js";
import { watch } from "./work.js";

// Without the capability the engine has no HTTP inside, and its own `fetch` would end the handler without a word.
if (!CAMSHAFT_SENDS) {
  globalThis.fetch = async () =>
    reject('this plugin cannot send requests: plugin.toml does not say `capabilities = ["http"]`');
}

const imports = { config, context, logging, publisher, state, work: watch(globalThis) };

/** The host of the attempt that begins. */
export function host() {
  // The engine's own generator would go on from one event to the next, and each instance would differ.
  Math.random = fraction;
  imports.work.begin();
  return imports;
}

/** A number from 0 to 1, without 1, of the attempt's random bytes. */
function fraction() {
  const bytes = context.random(7);
  const number = bytes.reduce((sum, byte, place) => sum + (place === 6 ? byte & 0x1f : byte) * 2 ** (8 * place), 0);
  return number / 2 ** 53;
}
