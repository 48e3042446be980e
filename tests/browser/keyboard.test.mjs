// Without a mouse: sign in, import, trace and prove by Tab, Enter and Space; the focus can be seen, and
// goes to what went wrong. And on paper: the page's own words without its navigation.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import path from "node:path";
import { after, before, test } from "node:test";
import { browser, demo, files, LOT, visitor } from "./harness.mjs";

let node, engine, person;

before(async () => {
  [node, engine] = await Promise.all([demo(), browser()]);
  person = await visitor(engine, node);
});
after(async () => {
  await engine?.close();
  await node?.stop();
});

/** Presses Tab until the focus is on an element that matches; fails where it cannot be seen there. */
async function tabTo(page, selector, most = 120) {
  for (let n = 0; n < most; n++) {
    await page.keyboard.press("Tab");
    const at = await page.evaluate((wanted) => {
      const element = document.activeElement;
      const style = getComputedStyle(element);
      return {
        found: element.matches(wanted),
        // A mark of a picture shows it by the stroke of its touch area.
        seen: (style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2) ||
          (element.closest("svg") !== null && getComputedStyle(element.querySelector(".touch")).stroke !== "none"),
        is: element.outerHTML.slice(0, 120),
        isBody: element === document.body,
      };
    }, selector);
    assert.ok(at.seen || at.isBody, `the focus cannot be seen on ${at.is}`);
    if (at.found) return;
  }
  assert.fail(`${selector} is not reached by Tab`);
}

test("a one-time link is used by keyboard", async () => {
  const { page } = person;
  await page.goto(node.link);
  await tabTo(page, "main form button");
  await page.keyboard.press("Enter");
  await page.waitForURL(/\/app/);
});

test("the first Tab leads past the navigation", async () => {
  const { page } = person;
  await page.goto(`${node.url}/app/events`);
  await page.keyboard.press("Tab");
  assert.match(await page.evaluate(() => document.activeElement.textContent), /To the content/);
  await page.keyboard.press("Enter");
  await page.keyboard.press("Tab");
  assert.ok(await page.evaluate(() => document.querySelector("main").contains(document.activeElement)));
});

test("a file is imported by keyboard, and the focus goes to what went wrong on the way", async () => {
  const { page } = person;
  await page.goto(`${node.url}/app/import`);
  await tabTo(page, "#file");
  const [chooser] = await Promise.all([page.waitForEvent("filechooser"), page.keyboard.press("Space")]);
  await chooser.setFiles(path.join(files, "green-farm-shipments.csv"));
  await tabTo(page, "main form button");
  await page.keyboard.press("Enter");
  await page.waitForURL(/\/app\/import\/draft\//);
  await tabTo(page, "[name=gln]");
  await page.keyboard.type("9520001000028");
  await page.keyboard.press("Enter");
  await page.locator("#notice").waitFor();
  assert.equal(await page.evaluate(() => document.activeElement.id), "notice", "the summary has the focus");
  await tabTo(page, "[name=gln]");
  await page.keyboard.type("9520001000027");
  await page.keyboard.press("Enter");
  await page.waitForURL(/done=known/);
  await tabTo(page, "button[value=leave-out]");
  await page.keyboard.press("Space");
  await page.waitForURL(/done=left/);
  await tabTo(page, "button[value=let-in]");
  await page.keyboard.press("Enter");
  await page.locator("h1", { hasText: "recorded" }).waitFor();
});

test("a lot is traced by keyboard, from mark to event", async () => {
  const { page } = person;
  await page.goto(`${node.url}/app`);
  await tabTo(page, "#find");
  await page.keyboard.type(LOT);
  await page.keyboard.press("Enter");
  await page.waitForURL(/\/app\/trace/);
  await tabTo(page, ".picture a");
  await page.keyboard.press("Enter");
  await page.waitForURL(/\/app\/events\//);
});

test("an event is proven by keyboard", async () => {
  const { page } = person;
  await page.goto(`${node.url}/app/events`);
  await tabTo(page, "tbody th a");
  await page.keyboard.press("Enter");
  await page.waitForURL(/\/app\/events\/./);
  await tabTo(page, "[name=field]");
  await page.keyboard.press("Space");
  await tabTo(page, "[data-download] button");
  const [download] = await Promise.all([page.waitForEvent("download"), page.keyboard.press("Enter")]);
  assert.ok(readFileSync(await download.path()).length > 500);
});

test("a failed sign-in says so, and has the focus", async () => {
  const guest = await visitor(engine, node);
  const { page } = guest;
  await page.goto(`${node.url}/sign-in`);
  await tabTo(page, "#name");
  await page.keyboard.type("nobody");
  await tabTo(page, "#password");
  await page.keyboard.type("a wrong pass phrase");
  await page.keyboard.press("Enter");
  await page.locator("#notice").waitFor();
  assert.equal(await page.evaluate(() => document.activeElement.id), "notice");
  assert.equal(await page.locator("#notice").getAttribute("role"), "alert");
  assert.equal(await page.locator("#name").inputValue(), "nobody", "what was typed is kept");
  await guest.context.close();
});

test("on paper stands the page's title and content, and no navigation", async () => {
  const { page } = person;
  await page.goto(`${node.url}/app/events`);
  const event = await page.locator("tbody th a").first().getAttribute("href");
  for (const address of [event, `/app/trace?id=${encodeURIComponent(LOT)}`]) {
    await page.goto(node.url + address);
    const title = await page.title();
    const pdf = await page.pdf({ format: "A4", tagged: true });
    assert.equal(pdf.subarray(0, 5).toString(), "%PDF-");
    const start = Buffer.from(title.slice(0, 12), "utf16le").swap16().toString("hex");
    const text = pdf.toString("latin1");
    assert.ok(text.includes(title.slice(0, 12)) || text.toLowerCase().includes(start), `${address}: the sheet is named ${title}`);
    await page.emulateMedia({ media: "print" });
    for (const hidden of [".rail", ".foot", ".find", ".actions", "main form"]) {
      for (const one of await page.locator(hidden).all()) assert.ok(await one.isHidden(), `${hidden} is printed`);
    }
    assert.ok(await page.locator("h1").isVisible());
    await page.emulateMedia({ media: "screen" });
  }
});
