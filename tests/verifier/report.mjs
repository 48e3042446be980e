// Prints the report over one bundle as `countermark verify --json` does, on one line.
//
//   node report.mjs BUNDLE [TRUST]

import { readFile } from "node:fs/promises";

import { reportJson, verify } from "../../crates/web/assets/verifier.js";

const [bundle, trust] = await Promise.all(
  process.argv.slice(2, 4).map(async (path) => new Uint8Array(await readFile(path))),
);
console.log(reportJson(await verify(bundle, { trust })));
