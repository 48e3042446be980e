// What the browser tests share: a node behind a server, a browser that reaches nothing else, and a
// look at a page: no message in the console, no request elsewhere, nothing serious by axe, a picture.

import { spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { chromium } from "playwright-core";

const here = path.dirname(fileURLToPath(import.meta.url));
export const root = path.resolve(here, "../..");
export const binary =
  process.env.COUNTERMARK_BINARY ?? path.join(root, "target/release/countermark");
export const corpus = process.env.COUNTERMARK_CORPUS ?? path.join(root, "../shared/corpus");
/** Files that the tests bring: our own. */
export const files = path.join(here, "files");
export const pictures = path.join(root, "target/browser");
const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

/** The lot that the demonstration follows. */
export const LOT = "https://id.gs1.org/01/19506000134359/10/L26318A";

export const wide = { width: 1280, height: 900 };
export const narrow = { width: 360, height: 740 };

const BROWSER = "/usr/bin/chromium";
const FLAGS = [
  "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
  "--disable-background-networking", "--disable-component-update", "--disable-sync",
  "--disable-default-apps", "--disable-extensions", "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
];

/** Runs a command to its end; gives what it wrote. */
export function run(args, options = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(binary, args, { stdio: ["ignore", "pipe", "pipe"], ...options });
    let out = "", err = "";
    child.stdout.on("data", (data) => (out += data));
    child.stderr.on("data", (data) => (err += data));
    child.on("error", reject);
    child.on("close", (code) => resolve({ code, out, err }));
  });
}

/** A process that serves; `pattern` finds what it prints once it can be reached. */
async function serving(args, pattern, folder) {
  const child = spawn(binary, args, { stdio: ["ignore", "pipe", "pipe"] });
  let out = "", err = "";
  const found = new Promise((resolve, reject) => {
    const late = setTimeout(() => reject(new Error(`nothing is served:\n${out}\n${err}`)), 180_000);
    child.stdout.on("data", (data) => {
      out += data;
      const match = out.match(pattern);
      if (match) { clearTimeout(late); resolve(match); }
    });
    child.stderr.on("data", (data) => (err += data));
    child.on("error", reject);
    child.on("close", (code) => reject(new Error(`it ended with ${code}:\n${out}\n${err}`)));
  });
  const match = await found;
  const stop = () => new Promise((resolve) => {
    child.removeAllListeners("close");
    child.on("close", (code) => {
      rmSync(folder, { recursive: true, force: true });
      resolve(code);
    });
    child.kill("SIGTERM");
  });
  return { match, stop, output: () => out, log: () => err };
}

const LINK = /(http:\/\/127\.0\.0\.1:\d+)(\/sign-in\/link\/\S+)/;

/** The demonstration's node, served; `link` signs its owner in, once. */
export async function demo() {
  const folder = mkdtempSync(path.join(tmpdir(), "countermark-browser-"));
  const data = path.join(folder, "node");
  const args = ["demo", "--data", data, "--listen", "127.0.0.1:0"];
  const { match, ...rest } = await serving(args, LINK, folder);
  return { url: match[1], link: match[1] + match[2], data, ...rest };
}

/** A node of one member with nothing on it, served. */
export async function empty(name = "Green Farm") {
  const folder = mkdtempSync(path.join(tmpdir(), "countermark-browser-"));
  const data = path.join(folder, "node");
  const made = await run(["init", "--data", data, "--name", name]);
  if (made.code !== 0) throw new Error(made.err);
  const args = ["serve", "--data", data, "--listen", "127.0.0.1:0"];
  const { match, ...rest } = await serving(args, LINK, folder);
  return { url: match[1], link: match[1] + match[2], data, ...rest };
}

/** A browser of its own profile. */
export async function browser() {
  return chromium.launch({ executablePath: BROWSER, args: FLAGS });
}

/** A context whose pages may ask this server only; what else happens is collected in `faults`. */
export async function visitor(engine, server, options = {}) {
  const context = await engine.newContext({ viewport: wide, reducedMotion: "reduce", ...options });
  const faults = [];
  context.on("request", (request) => {
    const url = request.url();
    if (!url.startsWith(server.url) && !url.startsWith("data:") && !url.startsWith("blob:")) {
      faults.push(`asked for ${url}`);
    }
  });
  context.on("console", (message) => {
    if (["error", "warning"].includes(message.type())) faults.push(message.text());
  });
  context.on("weberror", (error) => faults.push(String(error.error())));
  context.setDefaultTimeout(20_000);
  return { context, faults, page: await context.newPage() };
}

/** Signs in through a one-time link: its page has one button. */
export async function signIn(page, link) {
  await page.goto(link);
  await page.locator("main form button").first().click();
  await page.waitForURL(/\/app/);
}

/** Faults but for what the browser writes where a page answers with this status or a refusal of a form. */
export const expected = (faults, status) =>
  faults.filter((fault) => !(status >= 400 ? fault.includes(`status of ${status}`) : fault.includes("status of 422")));

/** What axe finds that is serious, in words. */
export async function barriers(page) {
  // The strict content policy keeps scripts out of the page; the debugger's own world may run one.
  const session = await page.context().newCDPSession(page);
  const { frameTree } = await session.send("Page.getFrameTree");
  const { executionContextId } = await session.send("Page.createIsolatedWorld", {
    frameId: frameTree.frame.id,
  });
  const evaluate = async (expression) => {
    const options = { contextId: executionContextId, expression, awaitPromise: true, returnByValue: true };
    const { result, exceptionDetails } = await session.send("Runtime.evaluate", options);
    if (exceptionDetails) throw new Error(exceptionDetails.exception?.description ?? exceptionDetails.text);
    return result.value;
  };
  await evaluate(`${axe}; 0`);
  const found = await evaluate(
    `axe.run(document, { resultTypes: ["violations"] }).then((r) => r.violations
      .filter((v) => ["serious", "critical"].includes(v.impact))
      .map((v) => v.id + ": " + v.help + ": " + v.nodes.slice(0, 5).map((n) => n.target.join(" ")).join(", ")))`,
  );
  await session.detach();
  return found;
}

/** Whether the page is wider than its window: on a phone that is a fault. */
export async function overflow(page) {
  return page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
}

/** A picture of the whole page. */
export async function picture(page, name) {
  mkdirSync(pictures, { recursive: true });
  await page.screenshot({ path: path.join(pictures, `${name}.png`), fullPage: true });
}

/** A picture of the upper part of what a person sees without scrolling, for the documentation. */
export async function shot(page, name, height = 720) {
  mkdirSync(path.join(pictures, "shots"), { recursive: true });
  const { width } = page.viewportSize();
  await page.screenshot({ path: path.join(pictures, "shots", `${name}.png`), clip: { x: 0, y: 0, width, height } });
}

/** Looks at a page wide and narrow, light and dark; gives all that is wrong with it. */
export async function look(page, name) {
  const wrong = [];
  for (const [size, viewport] of [["wide", wide], ["narrow", narrow]]) {
    await page.setViewportSize(viewport);
    for (const colorScheme of ["light", "dark"]) {
      await page.emulateMedia({ colorScheme });
      for (const fault of await barriers(page)) wrong.push(`${name}, ${size}, ${colorScheme}: ${fault}`);
      await picture(page, `${name}-${size}-${colorScheme}`);
    }
    const over = await overflow(page);
    if (over > 0) wrong.push(`${name}, ${size}: ${over} pixels wider than the window`);
  }
  await page.emulateMedia({ colorScheme: "light" });
  await page.setViewportSize(wide);
  return wrong;
}
