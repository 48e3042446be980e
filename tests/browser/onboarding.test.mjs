// From an invitation link with a dirty CSV to the first recorded event: what a newcomer has to decide
// and to type is counted, and may not grow.

import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import path from "node:path";
import { after, before, test } from "node:test";
import { browser, corpus, empty, files, shot, signIn, visitor } from "./harness.mjs";

const DECISIONS_MAX = 12;
const TYPED_MAX = 5;

let node, engine, owner;

before(async () => {
  [node, engine] = await Promise.all([empty("Green Farm"), browser()]);
  owner = await visitor(engine, node);
  await signIn(owner.page, node.link);
});
after(async () => {
  await engine?.close();
  await node?.stop();
});

/** The owner invites somebody who works for the member; gives the link. */
async function invitation() {
  const { page } = owner;
  await page.goto(`${node.url}/app/accounts`);
  await page.locator("#invite-member").selectOption("Green Farm");
  await page.getByRole("button", { name: "Make an invitation link" }).click();
  return (await page.locator("#secret").innerText()).trim();
}

/** A newcomer whose every choice and every typed field is counted. */
class Newcomer {
  decisions = [];
  typed = [];
  constructor(page) { this.page = page; }
  async press(locator) {
    this.decisions.push(`press "${(await locator.innerText()).trim()}"`);
    await locator.click();
  }
  async choose(selector, option) {
    this.decisions.push(`choose ${selector}: ${option.label ?? option}`);
    await this.page.locator(selector).selectOption(option);
  }
  async bring(selector, file) {
    this.decisions.push(`choose the file ${path.basename(file)}`);
    await this.page.locator(selector).setInputFiles(file);
  }
  async type(locator, text) {
    this.typed.push(`type ${text} into ${await locator.getAttribute("name")}`);
    await locator.fill(text);
  }
  counted(name) {
    const told = [...this.decisions, ...this.typed].join("\n  ");
    console.log(`${name}: ${this.decisions.length} decisions, ${this.typed.length} typed fields\n  ${told}`);
    assert.ok(this.decisions.length <= DECISIONS_MAX, `more than ${DECISIONS_MAX} decisions:\n  ${told}`);
    assert.ok(this.typed.length <= TYPED_MAX, `more than ${TYPED_MAX} typed fields:\n  ${told}`);
  }
}

/** Accepts the invitation and brings a file to its preview. */
async function begin(who, link, name, file) {
  const { page } = who;
  await page.goto(link);
  who.decisions.push("open the invitation");
  await who.type(page.locator("#name"), name);
  await who.type(page.locator("#password"), "four words of my own");
  await who.press(page.locator("main form button"));
  await page.waitForURL(/\/app\/import/);
  await who.bring("#file", file);
  await who.press(page.getByRole("button", { name: "Look at it" }));
  await page.waitForURL(/\/app\/import\/draft\//);
}

const know = (page, words) => page.locator("form.card:has([name=gln])", { hasText: words });

/** Leaves out what is wrong, records the rest, and sees that an event is there. */
async function end(who) {
  const { page } = who;
  await who.press(page.locator("button[value=leave-out]"));
  await page.waitForURL(/done=left/);
  await who.press(page.locator("button[value=let-in]"));
  await page.locator("h1", { hasText: "recorded" }).waitFor();
  assert.match(await page.locator("h1").innerText(), /^[1-9]\d* events? recorded/);
}

test("a table of a known layout: an unknown party, a wrong date, a lot left out", async () => {
  const { context, page, faults } = await visitor(engine, node);
  const who = new Newcomer(page);
  await begin(who, await invitation(), "quality", path.join(files, "green-farm-shipments.csv"));
  const form = know(page, "Market Hall");
  await who.type(form.locator("[name=gln]"), "9520001000027");
  await who.press(form.getByRole("button"));
  await page.waitForURL(/done=known/);
  await end(who);
  who.counted("known layout");
  assert.deepEqual(faults, []);
  await context.close();
});

test("a table of a layout that no mapping knows: its columns are proposed, and the gaps asked for", async (t) => {
  const file = path.join(corpus, "erp/csv/own_partner_shipments_dirty.csv");
  if (!existsSync(file)) {
    assert.ok(!process.env.CI, `${file} is missing: set COUNTERMARK_CORPUS`);
    t.skip(`${file} is not here`);
    return;
  }
  const { context, page, faults } = await visitor(engine, node, { timezoneId: "America/Chicago" });
  const who = new Newcomer(page);
  await begin(who, await invitation(), "stock", file);
  await shot(page, "columns");
  await who.choose("#step", "shipping");
  await who.type(page.locator("#place"), "9520001000010");
  await who.choose("#dates", "mdy");
  await who.press(page.locator("button[value=columns]"));
  await page.waitForURL(/done=columns/);
  const form = know(page, "Example DC");
  await who.type(form.locator("[name=gln]"), "9506000100036");
  await who.press(form.getByRole("button"));
  await page.waitForURL(/done=known/);
  await shot(page, "columns-read");
  await end(who);
  who.counted("unknown layout");
  assert.deepEqual(faults, []);
  await context.close();
});
