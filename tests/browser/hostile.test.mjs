// Texts that would be scripts, links or other directions of reading, in every field that somebody may
// fill: they are shown, and never run. Pages of other origins can neither frame ours nor send its forms,
// and no path of ours leads to theirs.

import assert from "node:assert/strict";
import { createServer } from "node:http";
import { after, before, test } from "node:test";
import { browser, demo, LOT, signIn, visitor } from "./harness.mjs";

const SCRIPT = "<script>window.ran='script'</script>";
const IMAGE = '"><img src=x onerror="window.ran=\'image\'">';
const LINK = "javascript:window.ran='link'";
const TURNED = "abc\u202Edlrow";
const ALL = [SCRIPT, IMAGE, LINK, TURNED, "{{7*7}}", "'; DROP TABLE event; --"];

let node, engine, owner, foreign;
const dialogs = [];
const kept = { pages: new Set() };

before(async () => {
  [node, engine, foreign] = await Promise.all([demo(), browser(), elsewhere()]);
  owner = await visitor(engine, node);
  owner.page.on("dialog", (dialog) => {
    dialogs.push(dialog.message());
    dialog.dismiss();
  });
  await signIn(owner.page, node.link);
});
after(async () => {
  await engine?.close();
  foreign?.server.close();
  await node?.stop();
});

/** Another origin: the same host, so that the browser sends the session's cookie along. */
function elsewhere() {
  const pages = new Map();
  const server = createServer((request, response) => {
    response.setHeader("content-type", "text/html; charset=utf-8");
    response.end(pages.get(request.url) ?? "<!doctype html><title>elsewhere</title>");
  });
  return new Promise((resolve) => {
    server.listen(0, "127.0.0.1", () => {
      const url = `http://127.0.0.1:${server.address().port}`;
      resolve({ server, url, put: (path, html) => pages.set(path, `<!doctype html><title>e</title>${html}`) });
    });
  });
}

/** Opens a page and fails if anything on it ran, or could run on a click. */
async function harmless(path, ...shown) {
  const { page } = owner;
  owner.faults.length = 0;
  const answer = await page.goto(node.url + path);
  assert.ok(answer.status() < 400, `${path}: ${answer.status()}`);
  for (const details of await page.locator("details").all()) {
    await details.evaluate((element) => (element.open = true));
  }
  const found = await page.evaluate(() => ({
    ran: window.ran,
    images: document.querySelectorAll("main img, [onerror], [onload], [onclick]").length,
    inline: document.querySelectorAll("script:not([src]), style, [style]").length,
    links: Array.from(document.querySelectorAll("[href], [src], [action], [formaction]"), (one) =>
      ["href", "src", "action", "formaction"].map((name) => one.getAttribute(name) ?? "")).flat()
      .filter((to) => /^\s*(javascript|data|vbscript):/i.test(to)),
    turned: document.documentElement.textContent.match(/[\u202A-\u202E\u2066-\u2069]/g)?.length ?? 0,
    text: document.querySelector("main").textContent,
  }));
  assert.equal(found.ran, undefined, `${path}: something ran`);
  assert.equal(found.images + found.inline, 0, `${path}: an element was made of a text`);
  assert.deepEqual(found.links, [], path);
  assert.equal(found.turned, 0, `${path}: a text turns the direction of what follows`);
  for (const text of shown) assert.ok(found.text.includes(text), `${path} does not show ${text}`);
  assert.deepEqual(owner.faults, [], path);
  assert.deepEqual(dialogs, []);
}

const post = (path, options) =>
  owner.page.request.post(node.url + path, { ...options, headers: { Origin: node.url, ...options.headers } });

test("an event whose every text is hostile is shown as it is, wherever it appears", async () => {
  const event = {
    "@context": ["https://ref.gs1.org/standards/epcis/2.0.0/epcis-context.jsonld", { own: "urn:example:own:" }],
    type: "ObjectEvent", action: "ADD", bizStep: "commissioning",
    eventTime: "2026-11-18T08:00:00.000Z", eventTimeZoneOffset: "+00:00",
    epcList: [], quantityList: [{ epcClass: "https://id.gs1.org/01/19506000134359/10/HOSTILE", quantity: 3 }],
    readPoint: { id: "https://id.gs1.org/414/9506000100029" },
    bizTransactionList: [{ type: "po", bizTransaction: "urn:example:%22%3E%3Cimg" }],
    ilmd: Object.fromEntries(ALL.map((text, n) => [`own:made${n}`, text])),
    ...Object.fromEntries(ALL.map((text, n) => [`own:said${n}`, text])),
    "own:nested": { "own:deep": ALL.map((text) => text) },
  };
  const answer = await post("/events?member=Example%20Packhouse", { data: event });
  assert.equal(answer.status(), 201, await answer.text());
  kept.event = decodeURIComponent(answer.headers().location.split("/").pop());
  const lot = encodeURIComponent("https://id.gs1.org/01/19506000134359/10/HOSTILE");
  await harmless(`/app/events/${encodeURIComponent(kept.event)}`, SCRIPT, IMAGE, LINK);
  await harmless("/app/events");
  await harmless(`/app/events?id=${lot}`);
  await harmless(`/app/trace?id=${lot}`);
  await harmless(`/app/publications/new?id=${lot}`);
});

test("ids and query texts come back as text", async () => {
  for (const text of ALL) {
    const { page } = owner;
    const asked = encodeURIComponent(text);
    for (const path of [`/app/trace?id=${asked}`, `/app/events?id=${asked}`, `/app/events/${asked}`,
      `/app/publications/new?id=${asked}`, `/app?done=${asked}`, `/sign-in?next=${asked}`, `/${asked}`,
      `/01/19506000134359/10/${asked}`, `/app/import/${asked}`, `/docs/${asked}`]) {
      await page.goto(node.url + path);
      assert.equal(await page.evaluate(() => window.ran), undefined, path);
      assert.equal(await page.locator("main img, [onerror]").count(), 0, path);
    }
  }
  assert.deepEqual(dialogs, []);
});

test("names of documents, members, accounts' keys and master data are text", async () => {
  const { page } = owner;
  for (const [n, text] of ALL.entries()) {
    const file = { name: `${n}${text.replaceAll("/", "")}.pdf`, mimeType: "application/pdf", buffer: Buffer.from(`%PDF-1.7 ${n}`) };
    await page.goto(`${node.url}/app/documents`);
    await page.locator("#file").setInputFiles(file);
    await page.getByRole("button", { name: "Keep it" }).click();
    await page.waitForLoadState();
    await page.goto(`${node.url}/app/members`);
    await page.locator("#name").fill(`Member ${text}`);
    await page.getByRole("button", { name: "Add the member" }).click();
    await page.waitForLoadState();
    await page.goto(`${node.url}/app/accounts`);
    await page.locator("details", { hasText: "Make an API key" }).last().locator("summary").first().click();
    await page.locator("#label").fill(`Key ${text}`);
    await page.getByRole("button", { name: "Make the key" }).click();
    await page.waitForLoadState();
  }
  const quoted = (text) => JSON.stringify(text);
  const names = ["9520001000010", "9520001000027"].map((gln, n) =>
    `[[party]]\ngln = "${gln}"\nname = ${quoted([SCRIPT, IMAGE][n])}\n\n[[site]]\ngln = "${gln}"\nname = ${quoted([SCRIPT, IMAGE][n])}\n`);
  const items = `[[item]]\ngtin = "19520001000017"\nname = ${quoted(SCRIPT + IMAGE)}\n`;
  const answer = await post(`/master-data?name=${encodeURIComponent(SCRIPT)}`, {
    data: names.join("\n") + items, headers: { "content-type": "application/toml" },
  });
  assert.ok(answer.ok(), await answer.text());
  await harmless("/app/documents", "window.ran");
  await harmless("/app/members", SCRIPT, IMAGE, LINK);
  await harmless("/app/accounts", SCRIPT, IMAGE, LINK);
  for (const path of ["/app", "/app/settings", "/app/import", "/app/publications", "/app/accounts/log", "/app/ledger",
    `/app/trace?id=${encodeURIComponent(LOT)}`]) {
    await harmless(path);
  }
});

test("a file's name, headers and values are text on the pages of the import", async () => {
  const { page } = owner;
  const field = (text) => `"${text.replaceAll('"', '""')}"`;
  const table = [ALL.map((text) => field(text)), ALL.map((text) => field(`=1+${text}`))].map((row) => row.join(",")).join("\n");
  await page.goto(`${node.url}/app/import`);
  await page.locator("#file").setInputFiles({ name: `${SCRIPT.replaceAll("/", "")}${TURNED}.csv`, mimeType: "text/csv", buffer: Buffer.from(table) });
  await page.locator("#member").selectOption("Example Farm");
  await page.getByRole("button", { name: "Look at it" }).click();
  await page.waitForURL(/\/app\/import\/draft\//);
  await harmless(new URL(page.url()).pathname, "window.ran='image'");
  await harmless("/app/import");
});

test("a release and a recall are text, for consumers too", async () => {
  const { page } = owner;
  await page.goto(`${node.url}/app/publications/new?id=${encodeURIComponent(LOT)}`);
  await page.locator("#member").selectOption("Example Packhouse");
  for (const [name, text] of [["product", SCRIPT], ["description", IMAGE], ["contact", LINK], ["claim", `${SCRIPT} | ${IMAGE}`], ["step", `${IMAGE} | ${SCRIPT} | 2026-11-13`]]) {
    await page.locator(`:is(input, textarea)#${name}`).fill(text);
  }
  await page.getByRole("button", { name: "Release to the public" }).click();
  await page.waitForURL(/\/app\/publications(\?|$)/);
  assert.match(page.url(), /done=released/, await page.locator("main").innerText());
  await page.locator("details.forms summary").click();
  await page.locator("#recall-id").fill(LOT);
  await page.locator("#recall-title").fill(SCRIPT);
  await page.locator("#recall-what").fill(IMAGE);
  await page.locator("#recall-contact").fill(LINK);
  await page.locator("#recall-member").selectOption("Example Packhouse");
  page.removeAllListeners("dialog");
  page.once("dialog", (dialog) => dialog.accept());
  await page.getByRole("button", { name: "Recall", exact: true }).click();
  await page.waitForURL(/done=recalled|\/recall$/);
  assert.match(page.url(), /done=recalled/, await page.locator("main").innerText());
  page.on("dialog", (dialog) => { dialogs.push(dialog.message()); dialog.dismiss(); });
  await harmless("/app/publications", SCRIPT);
  await harmless(new URL(LOT).pathname, SCRIPT);
});

test("a page elsewhere that frames ours gets nothing", async () => {
  const { page, faults } = owner;
  for (const [n, path] of ["/app", "/sign-in", "/verify", new URL(LOT).pathname, "/docs/"].entries()) {
    foreign.put(`/frame${n}`, `<iframe src="${node.url}${path}" width="800" height="600"></iframe>`);
    await page.goto(`${foreign.url}/frame${n}`);
    await page.waitForTimeout(300);
    for (const frame of page.frames().slice(1)) {
      assert.match(frame.url(), /^chrome-error:/, path);
    }
  }
  faults.length = 0;
});

test("a form or a script elsewhere changes nothing here, though the browser sends the cookie", async () => {
  const { page, faults } = owner;
  const sent = [];
  page.on("response", (response) => {
    if (response.request().method() === "POST") sent.push([new URL(response.url()).pathname, response.status()]);
  });
  const form = (action, fields, type) =>
    `<form id="f" method="post" action="${node.url}${action}"${type ? ` enctype="${type}"` : ""}>${Object.entries(fields)
      .map(([name, value]) => `<input name='${name}' value='${value}'>`).join("")}</form><script>f.submit()</script>`;
  foreign.put("/member", form("/app/members", { do: "add", name: "Evil Ltd" }));
  foreign.put("/out", form("/sign-out", {}));
  foreign.put("/in", form("/sign-in", { name: "a", password: "b" }));
  foreign.put("/event", form("/events", { '{"a":"': '"}' }, "text/plain"));
  foreign.put("/fetch", `<script>fetch("${node.url}/capture", { method: "POST", credentials: "include", mode: "no-cors", body: "{}" })</script>`);
  for (const [path, to] of [["/member", "/app/members"], ["/out", "/sign-out"], ["/in", "/sign-in"], ["/event", "/events"]]) {
    sent.length = 0;
    await page.goto(foreign.url + path).catch(() => {});
    await page.waitForTimeout(500);
    assert.deepEqual(sent, [[to, 403]], `${path} was refused`);
  }
  const jobs = async () => (await page.request.get(`${node.url}/capture`)).text();
  const before = await jobs();
  await page.goto(`${foreign.url}/fetch`);
  await page.waitForTimeout(500);
  assert.equal(await jobs(), before);
  await page.goto(`${node.url}/app/members`);
  assert.doesNotMatch(await page.locator("main").innerText(), /Evil Ltd/);
  faults.length = 0;
});

test("signing in leads to pages of this server only, whatever the address says", async () => {
  const { page } = owner;
  const password = "a long enough pass phrase 7";
  await page.goto(`${node.url}/app/me`);
  await page.locator("form[action='/app/me/password'] input[type=password]").last().fill(password);
  await page.getByRole("button", { name: "Change the password" }).click();
  await page.waitForLoadState();
  const name = (await page.locator(".bar .out a").innerText()).trim();
  for (const next of [`${foreign.url}/x`, `//127.0.0.1:${new URL(foreign.url).port}/x`, "/\\evil.example", "\\\\evil.example",
    "/%2F/evil.example", "javascript:window.ran=1", "/\t/evil.example", "https:evil.example", "/app/members"]) {
    const guest = await visitor(engine, node);
    await guest.page.goto(`${node.url}/sign-in?next=${encodeURIComponent(next)}`);
    await guest.page.locator("#name").fill(name);
    await guest.page.locator("#password").fill(password);
    await guest.page.locator("main form button").click();
    await guest.page.waitForURL((url) => !url.pathname.startsWith("/sign-in"));
    const at = new URL(guest.page.url());
    assert.equal(at.origin, node.url, next);
    if (next === "/app/members") assert.equal(at.pathname, next);
    await guest.context.close();
  }
});
