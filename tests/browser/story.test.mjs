// The story a newcomer lives through: sign in, bring a file with faults, repair it, record it, see the
// event, trace it, prove it, and let a stranger check the proof. Its pictures illustrate the tutorial.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import path from "node:path";
import { after, before, test } from "node:test";
import { pathToFileURL } from "node:url";
import { browser, empty, files, narrow, root, shot, signIn, visitor, wide } from "./harness.mjs";

const FILE = "green-farm-shipments.csv";
const LOT = "https://id.gs1.org/01/19520001000017/10/A-318";

let node, engine, farm;
const kept = {};

before(async () => {
  [node, engine] = await Promise.all([empty("Green Farm"), browser()]);
  farm = await visitor(engine, node);
});
after(async () => {
  await engine?.close();
  await node?.stop();
});

const heading = (page) => page.locator("h1").innerText();

test("a one-time link signs in once, and an empty node says what to do first", async () => {
  const { page } = farm;
  await signIn(page, node.link);
  assert.match(await heading(page), /Nothing has come in yet/);
  await shot(page, "overview-empty");
  const stranger = await visitor(engine, node);
  const answer = await stranger.page.goto(node.link);
  assert.ok(answer.status() >= 400, "the link cannot be used again");
  await stranger.context.close();
});

test("a file with faults is shown with what is wrong and what is unknown, and nothing is recorded", async () => {
  const { page } = farm;
  await page.getByRole("link", { name: "Import a file" }).click();
  await shot(page, "import");
  await page.locator("#file").setInputFiles(path.join(files, FILE));
  await page.getByRole("button", { name: "Look at it" }).click();
  await page.waitForURL(/\/app\/import\/draft\//);
  const told = await page.locator("main").innerText();
  assert.match(told, /Market Hall/);
  assert.match(told, /2026-13-14/);
  assert.match(told, /row 4/);
  assert.match(told, /lot/);
  await shot(page, "import-repair");
  const other = await farm.context.newPage();
  await other.goto(`${node.url}/app/events`);
  assert.match(await heading(other), /^0 events/);
  await other.close();
});

test("an unknown party is named in place, with its check digit looked at", async () => {
  const { page } = farm;
  const form = page.locator("form.card:has([name=gln])", { hasText: "Market Hall" });
  await form.locator("[name=gln]").fill("9520001000028");
  await form.getByRole("button").click();
  await page.locator("#notice").waitFor();
  assert.match(await page.locator("#notice").innerText(), /9520001000028|check digit/);
  await page.locator("form.card:has([name=gln])", { hasText: "Market Hall" }).locator("[name=gln]").fill("9520001000027");
  await page.locator("form.card:has([name=gln])", { hasText: "Market Hall" }).getByRole("button").click();
  await page.waitForURL(/done=known/);
  assert.doesNotMatch(await page.locator("main").innerText(), /say what they are/);
});

test("what cannot be repaired here is left out, and the rest is recorded", async () => {
  const { page } = farm;
  await page.getByRole("button", { name: /^Leave 1 row/ }).click();
  await page.waitForURL(/done=left/);
  await shot(page, "import-preview");
  const [download] = await Promise.all([
    page.waitForEvent("download"),
    page.getByRole("link", { name: /^download/ }).first().click(),
  ]);
  const left = readFileSync(await download.path(), "utf8");
  assert.match(left, /2026-13-14/);
  assert.doesNotMatch(left, /A-318/);
  await page.getByRole("button", { name: /^Record/ }).click();
  await page.waitForURL(/\/app\/import\/[^/]+$/);
  await page.locator("h1", { hasText: "recorded" }).waitFor();
  await shot(page, "import-done");
});

test("the event is found, and says what happened, who says so and where it stands", async () => {
  const { page } = farm;
  await page.getByRole("link", { name: "See the events" }).click();
  const row = page.locator("tbody tr", { hasText: "A-318" }).first();
  await row.getByRole("link").first().click();
  await page.waitForURL(/\/app\/events\/./);
  const told = await page.locator("main").innerText();
  for (const what of [/Green Farm/, /Market Hall|9520001000027/, /40/, /block 1|block \d+/i]) {
    assert.match(told, what);
  }
  kept.event = page.url();
  await shot(page, "event");
});

test("the lot is traced: a picture, and the same rows beside it", async () => {
  const { page } = farm;
  await page.locator("#find").fill("(01)19520001000017(10)A-318");
  await page.locator("#find").press("Enter");
  await page.waitForURL(/\/app\/trace/);
  assert.ok((await page.locator(".picture svg a").count()) > 0, "the picture has marks");
  assert.match(await page.locator("main").innerText(), /A-318/);
  await shot(page, "trace");
  await page.goto(`${node.url}/app/trace?id=${encodeURIComponent(LOT)}&direction=down`);
  assert.match(await page.locator("main").innerText(), /A-318/);
});

async function saved(page, click) {
  const [download] = await Promise.all([page.waitForEvent("download"), click()]);
  return readFileSync(await download.path());
}

test("a bundle with chosen fields and the trust policy are downloaded", async () => {
  const { page } = farm;
  await page.goto(kept.event);
  await page.locator("#prove + form label", { hasText: "bizStep" }).locator("input").check();
  kept.bundle = await saved(page, () => page.getByRole("button", { name: "Download the bundle" }).click());
  const trust = page.locator("#prove + form").getByRole("link", { name: "Trust policy" });
  kept.trust = await saved(page, () => trust.click());
  assert.ok(kept.bundle.length > 500 && kept.trust.length > 50);
  const altered = Buffer.from(kept.bundle);
  const at = altered.lastIndexOf("shipping");
  assert.ok(at > 0, "the disclosed value stands in the bundle");
  altered[at] ^= 1;
  kept.altered = altered;
});

/** Lets the page check files; gives the answer's words and state. */
async function verified(page, bundle, trust) {
  const file = (name, buffer) => ({ name, mimeType: "application/octet-stream", buffer });
  if (trust) await page.locator("[data-verify-trust]").setInputFiles(file("trust-policy", trust));
  await page.locator("[data-verify-bundle]").setInputFiles(file("event.bundle", bundle));
  const answer = page.locator(".verify-answer");
  await answer.waitFor();
  return { words: await answer.innerText(), state: await answer.getAttribute("data-state") };
}

/** What the module says on the server's page and in the file from a disk. */
async function strangerChecks(page, open, name) {
  await open();
  let answer = await verified(page, kept.bundle, kept.trust);
  assert.equal(answer.state, "proven", answer.words);
  assert.match(answer.words, /Recorded by Green Farm .*unchanged since\. Checked in your browser/);
  const told = await page.locator("[data-verify-result]").innerText();
  assert.match(told, /bizStep/);
  assert.match(told, /What this does not prove/);
  assert.doesNotMatch(told, /contradicted/);
  await shot(page, name);
  await open();
  answer = await verified(page, kept.bundle);
  assert.equal(answer.state, "not-checked", answer.words);
  await open();
  answer = await verified(page, kept.altered, kept.trust);
  assert.equal(answer.state, "contradicted", answer.words);
  assert.match(answer.words, /Altered, or not the original/);
  const result = page.locator("[data-verify-result]");
  assert.equal(await result.locator("li, dl, table, details").count(), 0, "nothing of it is shown");
  assert.doesNotMatch(await result.innerText(), /Green Farm|bizStep/);
  await shot(page, `${name}-altered`);
}

test("a stranger's browser finds it proven, and an altered copy refused with nothing of it shown", async () => {
  const stranger = await visitor(engine, node);
  const posts = [];
  stranger.context.on("request", (request) => {
    if (request.method() !== "GET") posts.push(request.url());
  });
  await strangerChecks(stranger.page, () => stranger.page.goto(`${node.url}/verify`), "verify");
  assert.deepEqual(posts, [], "nothing is uploaded");
  assert.deepEqual(stranger.faults, []);
  await stranger.context.close();
});

test("the verifier as one file says the same from a disk, and asks nobody", async () => {
  const file = pathToFileURL(path.join(root, "docs/verifier/countermark-verify.html")).href;
  const stranger = await visitor(engine, { url: file });
  await strangerChecks(stranger.page, () => stranger.page.goto(file), "verify-file");
  assert.deepEqual(stranger.faults, []);
  await stranger.context.close();
});

test("without a script the server checks, and says that it was the server", async () => {
  const stranger = await visitor(engine, node, { javaScriptEnabled: false });
  const { page } = stranger;
  for (const [bundle, found] of [[kept.bundle, /holds/i], [kept.altered, /Altered|does not hold/i]]) {
    await page.goto(`${node.url}/verify`);
    await page.locator("#verify-bundle").setInputFiles({ name: "b", mimeType: "application/octet-stream", buffer: bundle });
    await page.locator("#verify-trust").setInputFiles({ name: "t", mimeType: "text/plain", buffer: kept.trust });
    await page.locator("[data-verify-run]").click();
    const told = await page.locator("#notice").innerText();
    assert.match(told, found);
    assert.match(told, /Checked by this server/);
  }
  await stranger.context.close();
});

test("the story is told on a phone too, and nothing went wrong on the way", async () => {
  const { page } = farm;
  for (const [address, name] of [["/app", "overview"], [new URL(kept.event).pathname, "event"]]) {
    await page.setViewportSize(narrow);
    await page.goto(node.url + address);
    await shot(page, `${name}-narrow`);
  }
  await page.setViewportSize(wide);
  await page.goto(`${node.url}/app`);
  await shot(page, "overview");
  assert.deepEqual(farm.faults.filter((fault) => !/status of 4\d\d/.test(fault)), []);
});
