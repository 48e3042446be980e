// What stands behind the code on a pack, on a phone: nothing until it is released, then light, checked
// in place, in the reader's language; a recall before everything else.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { browser, demo, expected, look, LOT, narrow, shot, signIn, visitor } from "./harness.mjs";

const PATH = new URL(LOT).pathname;
const phone = { viewport: narrow, deviceScaleFactor: 1, isMobile: true, hasTouch: true };

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

/** A consumer of his own: no cookie, nothing cached. */
async function consumer(work, options = {}, status = 200) {
  const who = await visitor(engine, node, { ...phone, locale: "en-GB", ...options });
  try {
    await work(who);
    assert.deepEqual(await who.context.cookies(), [], "no cookie is set");
    assert.deepEqual(expected(who.faults, status), []);
  } finally {
    await who.context.close();
  }
}

const main = (page) => page.locator("body").innerText();

test("nothing of the lot is shown before it is released, just as for a code that nobody knows", () =>
  consumer(async ({ page }) => {
    await page.goto(node.url + PATH);
    const known = await main(page);
    assert.match(known, /Nothing has been released for this code/);
    assert.doesNotMatch(known, /Romaine|Packhouse/);
    assert.deepEqual(await look(page, "consumer-unpublished"), []);
    await page.goto(`${node.url}/01/19506000134359/10/UNKNOWN`);
    assert.equal((await main(page)).replace("UNKNOWN", "L26318A"), known);
  }, {}, 404));

test("an operator sees the page as a consumer would before he releases it", async () => {
  const { page } = owner;
  await page.goto(`${node.url}/app/publications`);
  await page.locator("#id").fill("(01)19506000134359(10)L26318A");
  await page.getByRole("button", { name: "Choose what to release" }).click();
  await page.locator("#member").selectOption("Example Packhouse");
  await page.locator("#product").fill("Romaine hearts");
  await page.locator("#description").fill("Two romaine hearts, washed, from one field.");
  await page.locator("#made").fill("2026-11-14");
  await page.locator("#best_before").fill("2099-11-28");
  await page.locator("textarea#claim").fill("Grown without synthetic pesticides | Example Certifier");
  const steps = page.locator("[name=step][type=checkbox]");
  for (let n = 0; n < Math.min(4, await steps.count()); n++) await steps.nth(n).check();
  const proof = page.locator("fieldset fieldset", { hasText: "Example Packhouse" }).first();
  for (const box of await proof.locator("input").all()) await box.check();
  await shot(page, "publish");
  const [preview] = await Promise.all([
    owner.context.waitForEvent("page"),
    page.getByRole("button", { name: "See it as a consumer does" }).click(),
  ]);
  await preview.waitForLoadState();
  assert.match(await main(preview), /Romaine hearts/);
  await preview.close();
  await page.getByRole("button", { name: "Release to the public" }).click();
  await page.waitForURL(/done=released/);
  assert.deepEqual(expected(owner.faults, 200), []);
});

test("the first screen weighs at most 40 KB, and the verifier comes only when it is asked for", () =>
  consumer(async ({ context, page }) => {
    const session = await context.newCDPSession(page);
    await session.send("Network.enable");
    let weight = 0;
    session.on("Network.loadingFinished", ({ encodedDataLength }) => (weight += encodedDataLength));
    await page.goto(node.url + PATH, { waitUntil: "networkidle" });
    assert.ok(weight > 1000 && weight <= 40 * 1024, `${weight} bytes for the first screen`);
    const told = await main(page);
    for (const what of ["Romaine hearts", "Example Certifier", "2099"]) assert.match(told, new RegExp(what));
    await shot(page, "consumer");
    await page.getByRole("link", { name: "Check it" }).tap();
    await page.locator(".verdict.good").waitFor();
    const verdict = await page.locator("#verdicts").innerText();
    assert.match(verdict, /Example Packhouse/);
    assert.doesNotMatch(verdict, /by the server/);
    assert.equal(new URL(page.url()).pathname, PATH, "it was checked in place");
    await shot(page, "consumer-checked");
    console.log(`consumer page: ${weight} bytes in all`);
  }));

test("the released page has no fault, wide and narrow, light and dark", () =>
  consumer(async ({ page }) => {
    await page.goto(node.url + PATH);
    assert.deepEqual(await look(page, "consumer-published"), []);
  }, { viewport: narrow, isMobile: false, hasTouch: false, deviceScaleFactor: 1 }));

test("without a script the server checks, and says that it was the server", () =>
  consumer(async ({ page }) => {
    await page.goto(node.url + PATH);
    await page.getByRole("link", { name: "Check it" }).click();
    await page.locator(".verdict.good").waitFor();
    assert.match(await page.locator("#verdicts").innerText(), /Checked by the server of .*, not by your phone/);
  }, { javaScriptEnabled: false }));

for (const [locale, words, lang] of [
  ["de-DE", "Jetzt prüfen", "de"], ["es-ES", "Comprobar", "es"], ["fr-FR", "Vérifier", "fr"],
  ["pt-BR", "Check it", "en"],
]) {
  test(`a phone set to ${locale} reads ${lang}, and can read another language`, () =>
    consumer(async ({ page }) => {
      await page.goto(node.url + PATH);
      assert.equal(await page.locator("html").getAttribute("lang"), lang);
      assert.match(await page.locator("#check a.button").innerText(), new RegExp(words, "i"));
      await page.locator("footer a[hreflang=en]").click();
      assert.equal(await page.locator("html").getAttribute("lang"), "en");
    }, { locale }));
}

test("a code of wrong digits is refused in words, and no link leads to another host", () =>
  consumer(async (who) => {
    const { page } = who;
    const answer = await page.goto(`${node.url}/01/19506000134358`);
    assert.equal(answer.status(), 400);
    assert.match(await main(page), /check digit/i);
    for (const path of [`${PATH}?linkType=gs1:verificationService`, `${PATH}?linkType=all`,
      "/01/19506000134359//evil.example/", "/01/19506000134359/10/%2F%2Fevil.example", `${PATH}?next=//evil.example`]) {
      const got = await fetch(node.url + path, { redirect: "manual" });
      const to = got.headers.get("location");
      if (to) assert.equal(new URL(to, node.url).origin, node.url, path);
    }
    who.faults.length = 0;
  }));

test("a recall stands first, over the full width, with what to do, in every state of the release", async () => {
  const { page } = owner;
  owner.faults.length = 0;
  await page.goto(`${node.url}/app/publications`);
  await page.locator("details.forms summary").click();
  await page.locator("#recall-id").fill(LOT);
  await page.locator("#recall-title").fill("May contain glass");
  await page.locator("#recall-what").fill("Do not eat it. Bring it back to the shop.");
  await page.locator("#recall-member").selectOption("Example Packhouse");
  page.once("dialog", (dialog) => dialog.accept());
  await page.getByRole("button", { name: "Recall", exact: true }).click();
  await page.waitForURL(/done=recalled/);
  await consumer(async (who) => {
    await who.page.goto(node.url + PATH);
    const first = await who.page.locator("h1, h2, p").first().innerText();
    assert.match(first, /recall/i);
    assert.match(await main(who.page), /May contain glass[\s\S]*Bring it back to the shop/);
    const box = await who.page.locator(".recall").boundingBox();
    assert.equal(Math.round(box.x), 0);
    assert.equal(Math.round(box.y), 0);
    assert.equal(Math.round(box.width), narrow.width);
    await shot(who.page, "consumer-recalled");
    assert.deepEqual(await look(who.page, "consumer-recalled"), []);
  }, { isMobile: false, hasTouch: false, deviceScaleFactor: 1 });
  // Withdrawn: the notice stays.
  page.once("dialog", (dialog) => dialog.accept());
  await page.getByRole("button", { name: "Withdraw" }).first().click();
  await page.waitForURL(/done=withdrawn/);
  await consumer(async (who) => {
    await who.page.goto(node.url + PATH);
    const told = await main(who.page);
    assert.match(told, /May contain glass/);
    assert.doesNotMatch(told, /Romaine hearts/);
  });
});
