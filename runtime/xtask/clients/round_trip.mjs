// Publishes events with the official CloudEvents SDK for JavaScript, reads them back with it, and compares.

import assert from "node:assert/strict";
import { CloudEvent, HTTP } from "cloudevents";

const url = process.argv[2];
const subjects = ["o-17", 'sübject "q" 100%', '"quoted" twice "quoted"', "50% off, 100%"];
const time = "2026-01-31T12:00:00.000Z";

async function publish({ headers, body }) {
  const answer = await fetch(`${url}/events`, { method: "POST", headers, body });
  const text = await answer.text();
  assert.equal(answer.status, 200, `${text} to ${JSON.stringify(headers)}`);
  return JSON.parse(text).results[0].offset;
}

async function read(offset) {
  const answer = await fetch(`${url}/events?from=${offset}&limit=1`);
  const body = (await answer.text()).trim();
  return HTTP.toEvent({ headers: { "content-type": "application/cloudevents+json" }, body });
}

let count = 0;
for (const [number, subject] of subjects.entries()) {
  for (const mode of ["binary", "structured"]) {
    const data = { n: number, text: "ü" };
    const event = new CloudEvent({
      id: `${mode}-${number}`, source: "/javascript", type: "client.sent", subject, time, tenant: "ä c",
      datacontenttype: "application/json", data,
    });
    const found = await read(await publish(HTTP[mode](event)));
    assert.deepEqual([found.subject, found.data, found.tenant, found.time], [subject, data, "ä c", time], mode);
    count += 1;
  }
}
console.log(`${count} events of the CloudEvents SDK for JavaScript went there and back`);
