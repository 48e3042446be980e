// Compares the verifier in JavaScript with the one in Rust over the same bundles.
//
//   node agree.mjs CASES     cases as written by crates/ledger/src/bundle/tests/agree.rs; - is stdin
//
// `agree` needs no Node: a page gives it the module and the bytes.

/** The frames of a file of cases: [what is said of it, its bytes]. */
function* frames(file) {
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  let at = 0;
  const part = () => {
    const length = view.getUint32(at);
    at += 4 + length;
    if (at > file.length) throw new Error("the cases are cut off");
    return file.subarray(at - length, at);
  };
  while (at < file.length) {
    const about = JSON.parse(new TextDecoder().decode(part()));
    yield [about, part()];
  }
}

/** What a report says, as the cases have it. */
function told(verifier, report) {
  const fault = report.checks.find((check) => check.state === "contradicted");
  if (fault) {
    const { verdict, record, records, issuer, log, disclosed } = report;
    const shows = record ?? records ?? issuer ?? log ?? disclosed[0];
    return { verdict, first: fault.check, ...(shows && { shows }) };
  }
  const { issuer, log } = report;
  return {
    verdict: report.verdict,
    message: report.message,
    checks: report.checks.map(({ check, state }) => [check, state]),
    records: (report.records ?? []).map((record) => ({
      who: [record.recordID, record.member, record.memberName],
      height: String(record.height),
      shown: record.disclosed.map(({ pointer, absent, value }) => {
        return [pointer, absent ? null : verifier.jsonText(value)];
      }),
    })),
    issuer: [issuer?.member, issuer?.memberName, issuer?.key],
    log: [log?.origin, String(log?.size), log?.root, String(log?.height)],
  };
}

function sorted(value) {
  if (Array.isArray(value)) return value.map(sorted);
  if (value === null || typeof value !== "object") return value;
  return Object.fromEntries(Object.keys(value).sort().map((key) => [key, sorted(value[key])]));
}

/** Runs every case; gives how many there were and those on which the two differ. */
export async function agree(verifier, file) {
  const policies = new Map();
  const differences = [];
  const counts = new Map();
  let cases = 0;
  for (const [about, bytes] of frames(file)) {
    if (about.case === undefined) {
      policies.set(about.policy, bytes);
      continue;
    }
    const { case: name, policy, ...expected } = about;
    const trust = policy === null ? undefined : policies.get(policy);
    let found;
    try {
      found = told(verifier, await verifier.verify(bytes, { trust }));
    } catch (error) {
      if (!(error instanceof verifier.Unreadable)) throw error;
      found = { unreadable: error.place };
    }
    cases += 1;
    const kind = expected.verdict ?? "unreadable";
    counts.set(kind, (counts.get(kind) ?? 0) + 1);
    const [wanted, said] = [expected, found].map((value) => JSON.stringify(sorted(value)));
    if (wanted !== said) differences.push({ name, wanted, said });
  }
  return { cases, counts: Object.fromEntries(counts), differences };
}

/** What the first good case is called where nothing can check signatures: never a success. */
async function verdictWithoutCrypto(file) {
  const policies = new Map();
  for (const [about, bytes] of frames(file)) {
    if (about.case === undefined) policies.set(about.policy, bytes);
    else if (about.verdict === "holds") {
      const { Worker } = await import("node:worker_threads");
      const module = new URL("../../crates/web/assets/verifier.js", import.meta.url).href;
      const code = `
        Object.defineProperty(globalThis, "crypto", { value: undefined });
        const { parentPort, workerData } = require("node:worker_threads");
        const { module, bytes, trust } = workerData;
        import(module)
          .then((verifier) => verifier.verify(bytes, { trust }))
          .then(({ verdict, records }) => parentPort.postMessage({ verdict, records }));`;
      const workerData = { module, bytes: bytes.slice(), trust: policies.get(about.policy)?.slice() };
      const worker = new Worker(code, { eval: true, workerData });
      return new Promise((done, failed) => worker.once("message", done).once("error", failed));
    }
  }
  throw new Error("no case holds");
}

async function main(path) {
  const { readFile } = await import("node:fs/promises");
  const verifier = await import("../../crates/web/assets/verifier.js");
  const file = path === "-" ? await standardInput() : await readFile(path);
  const start = performance.now();
  const { cases, counts, differences } = await agree(verifier, new Uint8Array(file));
  const seconds = ((performance.now() - start) / 1000).toFixed(1);
  const kinds = Object.entries(counts).map(([kind, count]) => `${count} ${kind}`);
  console.log(`${cases} cases in ${seconds} s: ${kinds.join(", ")}`);
  for (const { name, wanted, said } of differences.slice(0, 20)) {
    console.error(`${name}\n  Rust:       ${wanted}\n  JavaScript: ${said}`);
  }
  if (differences.length > 0 || cases === 0) {
    console.error(`${differences.length} of ${cases} cases differ`);
    process.exitCode = 1;
  }
  const { verdict, records } = await verdictWithoutCrypto(new Uint8Array(file));
  if (verdict !== "not checked" || records) {
    console.error(`without WebCrypto a good bundle is called "${verdict}"`);
    process.exitCode = 1;
  }
}

async function standardInput() {
  const parts = [];
  for await (const part of process.stdin) parts.push(part);
  return Buffer.concat(parts);
}

if (typeof process !== "undefined" && process.argv[1] === new URL(import.meta.url).pathname) {
  await main(process.argv[2] ?? "-");
}
