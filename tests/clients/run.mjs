// The TypeScript client against a running server: node run.mjs URL TOKEN DOCUMENT IDENTIFIER
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";

const [url, token, document, identifier, built] = process.argv.slice(2);
const { Countermark, Problem } = await import(built);
const client = new Countermark(url, token);

const sent = JSON.parse(await readFile(document, "utf8"));
const job = await client.wait(await client.capture(sent, { name: "typescript.json" }));
assert.equal(job.success, true, JSON.stringify(job));
assert.equal(job.accepted + job.duplicates, sent.epcisBody.eventList.length);

const events = [];
for await (const event of client.events("perPage=7")) events.push(event);
assert.ok(events.length > 10);
const named = new Set(events.map((event) => event.eventID));
for (const event of sent.epcisBody.eventList) assert.ok(named.has(event.eventID));

const trace = await client.trace(identifier, "up");
assert.ok(trace.nodes.length > 1);

const bundle = await client.bundle(events[0].eventID, ["/bizStep"]);
const verdict = await client.verify(bundle);
assert.equal(verdict.verdict, "holds");
assert.deepEqual(verdict.disclosed.map((shown) => shown.pointer), ["/bizStep"]);

await assert.rejects(client.trace("nothing at all"), (error) => {
  assert.ok(error instanceof Problem);
  assert.equal(error.details.status, 404);
  return true;
});
console.log("TypeScript client: holds");
