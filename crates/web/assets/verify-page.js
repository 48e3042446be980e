// The page around the verifier: takes files, shows what was found. Whatever comes from a bundle is
// put into the document as text and in no other way.

import * as verifier from "./verifier.js";

const { DOES_NOT_HOLD, HOLDS, KEY_NOT_CHECKED, NOT_CHECKED } = verifier;

/** Lines of the checklist: words, the verifier's steps that they stand for, and what is said if all hold. */
const LINES = [
  [
    "The content is exactly what was recorded",
    ["record header", "disclosed values", "statement"],
    () => "Every value below leads by hashes to a record that its member signed.",
  ],
  [
    "It stands in the log",
    ["checkpoint form", "genesis statement", "place of the genesis", "newest block", "place in the log"],
    ({ record, records, log }) =>
      `Block ${record.height}, ${moment(record.blockTime)}${records.length > 1 ? ", and later" : ""}; ` +
      `${log.size} entries in the log ${log.origin}.`,
  ],
  [
    "The log and its members are the ones you trust",
    ["checkpoint signature", "log key", "ledger", "members"],
    () => "Key, first statement and members are those of the trust policy.",
  ],
  [
    "The one who made this bundle answers for it",
    ["keys", "issuer", "bundle signature"],
    ({ issuer }) => `Made by ${whose(issuer)}; the signature covers every byte.`,
  ],
  ["Others countersigned the log", ["cosignatures"], () => ""],
];

const LATER = {
  words: "Nothing was corrected or erased since",
  state: "not available",
  detail: "A bundle says nothing about later. Ask the member that recorded it.",
  vouched: "the member that recorded it",
};

const NOT_PROVEN = [
  "that what was recorded is true: a wrong weight stays wrong",
  "that the goods before you are the goods that were recorded",
  "that nothing else was recorded: a bundle shows what its issuer chose to show",
  "that the issuer's own clock was right",
];

/** A text that cannot turn the direction of reading: what would is shown as a mark instead. */
const plain = (text) => String(text).replace(/[\u202a-\u202e\u2066-\u2069]/g, "\ufffd");

/** An element; children are elements or texts. */
function element(name, className, ...children) {
  const made = document.createElement(name);
  if (className) made.className = className;
  made.append(...children.map((child) => (child instanceof Node ? child : plain(child))));
  return made;
}

function moment(iso) {
  const time = new Date(iso);
  if (Number.isNaN(time.getTime())) return iso;
  const style = { dateStyle: "long", timeStyle: "short", timeZone: "UTC" };
  return `${time.toLocaleString("en-GB", style)} UTC`;
}

function whose({ member, memberName }) {
  return memberName ?? `a member that is not named here (${member.slice(0, 8)}…)`;
}

/** The answer in one sentence. */
function sentence(report) {
  if (report.verdict === DOES_NOT_HOLD) {
    const { check } = report.checks.find(({ state }) => state === "contradicted");
    return ["log key", "ledger", "members"].includes(check)
      ? "This is not of the log and members that the trust policy names. Nothing in it can be relied on."
      : "Altered, or not the original. Nothing in it can be relied on.";
  }
  if (report.verdict === NOT_CHECKED) return "Not checked: this browser cannot check Ed25519 signatures.";
  const { record, records } = report;
  const members = [...new Set(records.map(whose))].join(", ");
  const what =
    records.length === 1
      ? `Recorded by ${members} on ${moment(record.blockTime)}, unchanged since.`
      : `${records.length} records by ${members}, unchanged since they were recorded.`;
  return report.verdict === HOLDS
    ? `${what} Checked in your browser just now.`
    : "It fits together, but whose log it is was not checked: anyone could have made it.";
}

function tone(report) {
  if (report.verdict === HOLDS) return "proven";
  return report.verdict === DOES_NOT_HOLD ? "contradicted" : "not-checked";
}

/** The line of the checklist over these steps, or nothing where there are none. */
function lineOf([words, names, proven], report, trustFrom) {
  const steps = report.checks.filter(({ check }) => names.includes(check.replace(/ of record \d+$/, "")));
  if (steps.length === 0) return null;
  const open = steps.find(({ state }) => state !== "proven");
  let detail = open ? open.detail : proven(report);
  if (trustFrom && names.includes("log key")) detail += ` The policy came from ${trustFrom}.`;
  return {
    words,
    state: open ? open.state : "proven",
    detail,
    vouched: [...new Set(steps.map(({ vouchedBy }) => vouchedBy))].join("; "),
  };
}

function checklist(report, trustFrom) {
  const lines = LINES.map((line) => lineOf(line, report, trustFrom)).filter((line) => line);
  const items = [...lines, LATER].map(({ words, state, detail, vouched }) => {
    const mark = element("span", "verify-state", state);
    mark.dataset.state = state.replace(" ", "-");
    const small = element("span", "verify-small", `${detail} (vouched for by ${vouched})`);
    return element("li", "", mark, element("span", "verify-words", element("strong", "", words), small));
  });
  return element("ul", "verify-list", ...items);
}

function valueText(value) {
  return typeof value === "string" ? value : verifier.jsonText(value);
}

/** What one record shows. */
function recordPart(record, isOpen) {
  const rows = [];
  const add = (name, shown) => {
    rows.push(element("dt", "", name), element("dd", "", shown));
  };
  for (const { pointer, absent, value } of record.disclosed) {
    if (absent) add(pointer, element("em", "", "is absent"));
    else if (pointer !== "") add(pointer, valueText(value));
    else for (const [name, item] of value.members) add(`/${name}`, valueText(item));
  }
  const when = `Recorded by ${whose(record)}, ${moment(record.blockTime)}, block ${record.height}`;
  const part = element("details", "verify-record", element("summary", "", when));
  part.open = isOpen;
  part.append(element("dl", "verify-fields", ...rows));
  for (const fact of record.facts) part.append(element("p", "verify-small", fact));
  if (record.partly.length > 0) {
    const classes = record.partly.join(", ");
    part.append(element("p", "", element("strong", "", "Shown in part: "), `${classes}. There may be more in these.`));
  }
  if (record.withheld.length > 0) {
    const classes = record.withheld.join(", ");
    part.append(
      element("p", "", element("strong", "", "Not shown: "), `${classes}. The issuer withheld these, or they were erased; a bundle does not say which.`),
    );
  }
  return part;
}

function everyStep(report) {
  const rows = report.checks.map(({ check, state, detail, vouchedBy }) => {
    const cells = [check, state, detail, vouchedBy].map((text) => element("td", "", text));
    return element("tr", "", ...cells);
  });
  const heads = ["Step", "State", "What was found", "Vouched for by"].map((text) => {
    const head = element("th", "", text);
    head.scope = "col";
    return head;
  });
  const table = element(
    "table",
    "verify-steps",
    element("thead", "", element("tr", "", ...heads)),
    element("tbody", "", ...rows),
  );
  return element("details", "", element("summary", "", "Every step"), element("div", "verify-scroll", table));
}

function notProven() {
  const items = NOT_PROVEN.map((text) => element("li", "", text));
  const title = element("h3", "", "What this does not prove");
  return element("aside", "verify-not", title, element("ul", "", ...items));
}

function answer(text, state) {
  const said = element("h2", "verify-answer", text);
  said.dataset.state = state;
  return said;
}

/** Shows a report in place of what stood there. */
export function show(into, report, { trustFrom } = {}) {
  const parts = [answer(sentence(report), tone(report))];
  if (report.verdict === DOES_NOT_HOLD || report.verdict === NOT_CHECKED) {
    // Nothing else of it is shown, so that nothing unproven is believed.
    parts.push(element("p", "", report.message));
  } else {
    const records = report.records.map((record) => recordPart(record, report.records.length <= 3));
    const { issuer, log } = report;
    const made = `Bundle made by ${whose(issuer)}, ${moment(issuer.issuedAt)} by its own clock; log ${log.origin}, ${log.size} entries, root ${log.root}`;
    parts.push(
      checklist(report, trustFrom),
      ...records,
      element("p", "verify-small verify-break", made),
      notProven(),
      everyStep(report),
    );
  }
  into.replaceChildren(...parts);
}

function showUnreadable(into, error) {
  const known = error instanceof verifier.Unreadable;
  const text = known && error.place === "trust policy" ? "The trust policy cannot be read." : "This cannot be read as a bundle.";
  const said = known ? error.message : String(error?.message ?? error);
  into.replaceChildren(answer(text, "contradicted"), element("p", "", said));
}

async function run(into, bundle, trust, options) {
  into.replaceChildren(element("p", "", "Checking…"));
  // A moment for the line above to be painted: a large bundle keeps the page busy.
  await new Promise((done) => setTimeout(done));
  try {
    const report = await verifier.verify(bundle, trust ? { trust } : {});
    show(into, report, options);
    return report;
  } catch (error) {
    showUnreadable(into, error);
    return null;
  }
}

async function load(url) {
  const target = new URL(url, document.baseURI);
  if (target.origin !== location.origin) throw new Error("only files of this site are loaded");
  const answered = await fetch(target, { redirect: "error", credentials: "same-origin" });
  if (!answered.ok) throw new Error(`${target.pathname}: ${answered.status}`);
  return new Uint8Array(await answered.arrayBuffer());
}

/**
 * Loads a bundle and, if given, a trust policy of the same site, and shows the answer in `into`.
 * Gives the report, or null where there is none.
 */
export async function check(into, bundleUrl, trustUrl) {
  let files;
  try {
    files = await Promise.all([load(bundleUrl), trustUrl ? load(trustUrl) : null]);
  } catch (error) {
    const text = "Not checked: the proof could not be loaded.";
    into.replaceChildren(answer(text, "not-checked"), element("p", "", String(error?.message ?? error)));
    return null;
  }
  return run(into, files[0], files[1], trustUrl ? { trustFrom: "this site" } : {});
}

/** Bytes from base64, its URL form, or hexadecimal digits; null for anything else. */
export function bytesOfText(text) {
  const plain = text.replace(/\s+/g, "");
  if (plain === "") return null;
  if (/^([0-9a-fA-F]{2})+$/.test(plain)) {
    return Uint8Array.from(plain.match(/../g), (pair) => parseInt(pair, 16));
  }
  try {
    const raw = atob(plain.replace(/-/g, "+").replace(/_/g, "/"));
    return Uint8Array.from(raw, (c) => c.charCodeAt(0));
  } catch {
    return null;
  }
}

async function bytesOfFile(file) {
  return file ? new Uint8Array(await file.arrayBuffer()) : null;
}

/** Makes the form of verify-body.html work. */
export function start(root) {
  const find = (name) => root.querySelector(`[data-verify-${name}]`);
  const [form, drop, bundle, paste, trust, result] = ["form", "drop", "bundle", "paste", "trust", "result"].map(find);
  let dropped = null;
  const submit = async () => {
    const file = dropped ?? bundle.files[0] ?? null;
    const bytes = (await bytesOfFile(file)) ?? bytesOfText(paste.value);
    if (!bytes) {
      const words = paste.value.trim() === "" ? "Choose a bundle first." : "The pasted text is neither base64 nor hexadecimal digits.";
      result.replaceChildren(element("p", "", words));
      return;
    }
    await run(result, bytes, await bytesOfFile(trust.files[0]));
  };
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    submit();
  });
  bundle.addEventListener("change", () => {
    dropped = null;
    if (bundle.files.length > 0) submit();
  });
  trust.addEventListener("change", () => {
    if (dropped || bundle.files.length > 0 || paste.value !== "") submit();
  });
  drop.addEventListener("dragover", (event) => {
    event.preventDefault();
    drop.dataset.over = "";
  });
  drop.addEventListener("dragleave", () => delete drop.dataset.over);
  drop.addEventListener("drop", (event) => {
    event.preventDefault();
    delete drop.dataset.over;
    dropped = event.dataTransfer.files[0] ?? null;
    if (dropped) submit();
  });
}

if (typeof document !== "undefined") {
  const root = document.querySelector("[data-verify]");
  if (root) start(root);
  for (const into of document.querySelectorAll("[data-verify-check]")) {
    const { verifyCheck, verifyTrust } = into.dataset;
    check(into, verifyCheck, verifyTrust);
  }
}
