// Maps the response of a `fetch` request to an outcome of the event: success, retry or reject.

import { reject, retry } from "./outcome.js";

/** Maximum number of characters of a response body that are quoted in a reason. */
const MAX_QUOTED = 300;

/**
 * Returns the response if its status is 2xx. Retries for 408, 425, 429 and 5xx, because a later request may succeed. If
 * `retry-after` is a number of seconds, the retry waits at least that long. Rejects for every other status.
 *
 * @example
 * await accepted(await fetch("https://hooks.internal/orders", { method: "POST", body: event.bytes }));
 *
 * @param {Response} response the response from `fetch`
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
