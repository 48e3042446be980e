// Every page: nothing serious by axe, no message in the console, nothing asked for elsewhere, nothing
// wider than a phone; and pages answer and their forms work where no script runs.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { browser, demo, expected, look, LOT, signIn, visitor } from "./harness.mjs";

let node, engine, owner;

before(async () => {
  [node, engine] = await Promise.all([demo(), browser()]);
  owner = await visitor(engine, node);
  await signIn(owner.page, node.link);
});
after(async () => {
  await engine?.close();
  await node?.stop();
});

/** Opens a path, looks at it, and fails with all that is wrong. */
async function seen(who, path, name, status = 200) {
  who.faults.length = 0;
  const answer = await who.page.goto(node.url + path);
  assert.equal(answer.status(), status, path);
  assert.equal(await who.page.locator("h1").count(), 1, `${path} has one first heading`);
  assert.notEqual(await who.page.title(), "", `${path} has a title`);
  const wrong = await look(who.page, name);
  assert.deepEqual([...wrong, ...expected(who.faults, status)], [], path);
}

const trace = `/app/trace?id=${encodeURIComponent(LOT)}&direction=both`;

const PAGES = [
  ["/app", "overview"],
  ["/app/events", "events"],
  ["/app/events?step=shipping&type=AggregationEvent", "events-asked"],
  ["/app/trace", "trace-empty"],
  [trace, "trace"],
  ["/app/trace?id=nonsense", "trace-nonsense"],
  ["/app/import", "import"],
  ["/app/documents", "documents"],
  ["/app/members", "members"],
  ["/app/ledger", "ledger"],
  ["/app/ledger/blocks/1", "block"],
  ["/app/ledger/leaves/3", "leaf"],
  ["/app/publications", "publications"],
  [`/app/publications/new?id=${encodeURIComponent(LOT)}`, "publication"],
  ["/app/accounts", "accounts"],
  ["/app/accounts/log", "access-log"],
  ["/app/settings", "settings"],
  ["/app/me", "me"],
  ["/app/benchmark", "benchmark"],
  ["/verify", "verify"],
  ["/docs/", "docs"],
  ["/docs/tutorial/first-hour", "docs-first-hour"],
  ["/docs/how-to/import-a-file", "docs-import"],
  ["/docs/how-to/verify-a-bundle-in-a-browser", "docs-verify"],
  ["/docs/reference/statements", "docs-statements"],
  ["/docs/explanation/proofs", "docs-proofs"],
];

for (const [path, name] of PAGES) {
  test(`${path} has no fault, wide and narrow, light and dark`, () => seen(owner, path, name));
}
for (const [path, name, status] of [
  ["/app/events/unknown", "not-found", 404],
  ["/app/trace?direction=sideways", "bad-request", 400],
  ["/nowhere", "nowhere", 404],
]) {
  test(`${path} says what is wrong, on a page without a fault`, () => seen(owner, path, name, status));
}
