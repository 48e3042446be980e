// Without a script: pages answer, and what people come for works by links and forms alone.

import assert from "node:assert/strict";
import path from "node:path";
import { after, before, test } from "node:test";
import { browser, empty, files, signIn, visitor } from "./harness.mjs";

let node, engine, person;

before(async () => {
  [node, engine] = await Promise.all([empty("Green Farm"), browser()]);
  person = await visitor(engine, node, { javaScriptEnabled: false });
});
after(async () => {
  await engine?.close();
  await node?.stop();
});

test("sign in, import a file with faults, repair it, record it, trace it: all by forms and links", async () => {
  const { page } = person;
  await signIn(page, node.link);
  await page.getByRole("link", { name: "Import a file" }).click();
  await page.locator("#file").setInputFiles(path.join(files, "green-farm-shipments.csv"));
  await page.getByRole("button", { name: "Look at it" }).click();
  const form = page.locator("form.card:has([name=gln])", { hasText: "Market Hall" });
  await form.locator("[name=gln]").fill("9520001000027");
  await form.getByRole("button").click();
  await page.waitForURL(/done=known/);
  await page.locator("button[value=leave-out]").click();
  await page.waitForURL(/done=left/);
  await page.locator("button[value=let-in]").click();
  await page.waitForURL(/\/app\/import\/[^/]+$/);
  for (let n = 0; n < 40 && !/recorded/.test(await page.locator("h1").innerText()); n++) {
    await page.waitForTimeout(250);
    await page.reload();
  }
  assert.match(await page.locator("h1").innerText(), /recorded/);
  await page.locator("#find").fill("(01)19520001000017(10)A-318");
  await page.locator(".find button").click();
  await page.waitForURL(/\/app\/trace/);
  assert.match(await page.locator("main").innerText(), /A-318/);
  assert.deepEqual(person.faults, []);
});

test("every page of the rail answers and shows the same heading as with a script", async () => {
  const { page } = person;
  await page.goto(`${node.url}/app`);
  const links = await page.locator(".rail a").evaluateAll((all) => all.map((one) => one.getAttribute("href")));
  assert.ok(links.length >= 8, `${links}`);
  for (const link of [...links, "/verify", "/docs/"]) {
    const answer = await page.goto(node.url + link);
    assert.equal(answer.status(), 200, link);
    assert.notEqual((await page.locator("h1").first().innerText()).trim(), "", link);
  }
});

test("signing out ends the session", async () => {
  const { page } = person;
  await page.goto(`${node.url}/app`);
  await page.getByRole("button", { name: "Sign out" }).click();
  await page.goto(`${node.url}/app/events`);
  assert.match(page.url(), /\/sign-in\?next=/);
});
