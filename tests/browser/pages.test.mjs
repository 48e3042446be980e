// Every page: nothing serious by axe, no message in the console, nothing asked for elsewhere, nothing
// wider than a phone; and pages answer and their forms work where no script runs.

import assert from "node:assert/strict";
import path from "node:path";
import { after, before, test } from "node:test";
import { browser, demo, expected, files, look, LOT, shot, signIn, visitor } from "./harness.mjs";

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
async function seen(who, address, name, status = 200) {
  who.faults.length = 0;
  const answer = await who.page.goto(node.url + address);
  assert.equal(answer.status(), status, address);
  assert.equal(await who.page.locator("h1").count(), 1, `${address} has one first heading`);
  assert.notEqual(await who.page.title(), "", `${address} has a title`);
  const wrong = await look(who.page, name);
  assert.deepEqual([...wrong, ...expected(who.faults, status)], [], address);
}

const trace = `/app/trace?id=${encodeURIComponent(LOT)}&direction=both`;

const PAGES = [
  ["/app", "overview"],
  ["/app/events", "events"],
  ["/app/events?step=shipping&type=AggregationEvent", "events-asked"],
  ["/app/trace", "trace-empty"],
  [trace, "trace"],
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
  ["/docs/how-to/import-a-file-in-the-browser", "docs-import"],
  ["/docs/how-to/verify-a-bundle-in-a-browser", "docs-verify"],
  ["/docs/reference/commands", "docs-commands"],
  ["/docs/reference/words", "docs-words"],
  ["/docs/decisions/", "docs-decisions"],
];

for (const [address, name] of PAGES) {
  test(`${address} has no fault, wide and narrow, light and dark`, () => seen(owner, address, name));
}
test("the rail leads only to pages that are looked at here, and the trace has its picture", async () => {
  const { page } = owner;
  await page.goto(`${node.url}/app`);
  const links = await page.locator(".rail a, .foot a").evaluateAll((all) => all.map((one) => one.getAttribute("href")));
  const known = PAGES.map(([address]) => address);
  assert.deepEqual(links.filter((link) => !known.includes(link)), []);
  await page.goto(node.url + trace);
  assert.equal(await page.locator(".picture svg").count(), 1);
  await page.evaluate(() => document.getElementById("path").scrollIntoView());
  await shot(page, "demo-trace", 820);
});

test("an event of the demonstration has no fault, and so its erasure and its proof", async () => {
  await owner.page.goto(`${node.url}/app/events?step=creating_class_instance`);
  const event = await owner.page.locator("tbody th a").first().getAttribute("href");
  await seen(owner, event, "event");
});

test("people who are not signed in see the sign-in page, an invitation, a link that ended", async () => {
  const guest = await visitor(engine, node);
  await seen(guest, "/sign-in", "sign-in");
  await seen(guest, "/app/events", "sign-in-next");
  assert.match(guest.page.url(), /\/sign-in\?next=/);
  await guest.page.goto(`${node.url}/sign-in`);
  await guest.page.locator("#name").fill("nobody");
  await guest.page.locator("#password").fill("not the pass phrase");
  await guest.page.locator("main form button").click();
  await guest.page.locator("#notice").waitFor();
  assert.deepEqual(await look(guest.page, "sign-in-refused"), []);
  await owner.page.goto(`${node.url}/app/accounts`);
  await owner.page.locator("#invite-member").selectOption("Example Farm");
  await owner.page.getByRole("button", { name: "Make an invitation link" }).click();
  const invitation = (await owner.page.locator("#secret").innerText()).trim();
  assert.deepEqual(await look(owner.page, "invitation-made"), []);
  await seen(guest, new URL(invitation, node.url).pathname, "invitation");
  await seen(guest, "/sign-in/link/0000", "link-ended", 404);
  await guest.context.close();
});

test("a file with faults on its way: preview, columns, result", async () => {
  for (const [file, name] of [["green-farm-shipments.csv", "import-look"], ["unknown-columns.csv", "import-columns"]]) {
    await owner.page.goto(`${node.url}/app/import`);
    await owner.page.locator("#file").setInputFiles(path.join(files, file));
    await owner.page.getByRole("button", { name: "Look at it" }).click();
    await owner.page.waitForURL(/\/app\/import\/draft\//);
    await seen(owner, new URL(owner.page.url()).pathname, name);
  }
  await owner.page.goto(`${node.url}/app`);
  const job = await owner.page.locator("tbody th a").first().getAttribute("href");
  await seen(owner, job, "import-result");
});

for (const [address, name, status] of [
  ["/app/events/unknown", "not-found", 404],
  ["/app/trace?id=nonsense", "trace-nonsense", 404],
  ["/01/19506000134358", "wrong-code", 400],
  ["/nowhere", "nowhere", 404],
]) {
  test(`${address} says what is wrong, on a page without a fault`, () => seen(owner, address, name, status));
}
