// What the answer to a request means for the event: done, again later, or never. The requests are `fetch`'s.

import { reject, retry } from "./outcome.js";

/** Longest reason that is quoted of an answer's body, in characters. */
const MAX_QUOTED = 300;

/**
 * The answer itself if its status is 2xx. A retry for what may go better later: 408, 425, 429 and 5xx, not before
 * `retry-after` if that is a number of seconds. A reject for every other status.
 *
 * @example
 * await accepted(await fetch("https://hooks.internal/orders", { method: "POST", body: event.bytes }));
 *
 * @param {Response} response what `fetch` answered
 * @returns {Promise<Response>}
 */
export async function accepted(response) {
  if (response.ok) return response;
  const { status } = response;
  const said = (await response.text()).slice(0, MAX_QUOTED).trim();
  const reason = `the receiver answered ${status}${said === "" ? "" : `: ${said}`}`;
  const isPassing = [408, 425, 429].includes(status) || (status >= 500 && status < 600);
  if (!isPassing) reject(reason);
  const after = response.headers.get("retry-after")?.trim() ?? "";
  return retry(reason, { afterMs: /^\d+$/.test(after) ? Number(after) * 1000 : undefined });
}
