// Parts of the verifier in JavaScript that no comparison over bundles reaches. No packages.

import assert from "node:assert/strict";
import crypto from "node:crypto";
import test from "node:test";

import * as verifier from "../../crates/web/assets/verifier.js";
import { bytesOfText } from "../../crates/web/assets/verify-page.js";

const bytes = (hex) => Uint8Array.from(Buffer.from(hex, "hex"));
const sha = (data) => new Uint8Array(crypto.createHash("sha256").update(data).digest());

test("SHA-256 is that of Node at every length around a block", () => {
  for (let length = 0; length < 300; length++) {
    const data = Uint8Array.from({ length }, (_, i) => (i * 7 + length) & 255);
    assert.deepEqual(verifier.sha256(data), sha(data), String(length));
  }
  const long = new Uint8Array(1 << 20).fill(0xa5);
  assert.deepEqual(verifier.sha256(long), sha(long));
});

/** The points of small order (RFC 8032 leaves them to the verifier), in every encoding. */
const SMALL = [
  "0100000000000000000000000000000000000000000000000000000000000000",
  "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
  "0000000000000000000000000000000000000000000000000000000000000000",
  "0000000000000000000000000000000000000000000000000000000000000080",
  "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
  "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",
  "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
  "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
].map(bytes);

test("a signature by a key of small order holds for WebCrypto here and not for the verifier", async () => {
  const { subtle } = globalThis.crypto;
  let taken = 0;
  for (const key of SMALL) {
    const imported = await subtle.importKey("raw", key, { name: "Ed25519" }, false, ["verify"]);
    for (const point of SMALL) {
      const signature = new Uint8Array(64);
      signature.set(point);
      for (let i = 0; i < 4; i++) {
        const message = Uint8Array.of(i);
        taken += await subtle.verify({ name: "Ed25519" }, imported, signature, message);
        assert.equal(await verifier.signatureHolds(key, message, signature), false);
      }
    }
  }
  assert.ok(taken > 10, `WebCrypto took ${taken}: this test no longer shows anything`);
});

test("a signature holds for its message and key, and neither with a scalar past the order", async () => {
  const { publicKey, privateKey } = crypto.generateKeyPairSync("ed25519");
  const key = new Uint8Array(Buffer.from(publicKey.export({ format: "jwk" }).x, "base64url"));
  const message = Uint8Array.from(Buffer.from("message"));
  const signature = Uint8Array.from(crypto.sign(null, message, privateKey));
  assert.equal(await verifier.signatureHolds(key, message, signature), true);
  const order = (1n << 252n) + 27742317777372353535851937790883648493n;
  const scalar = BigInt(`0x${Buffer.from(signature.slice(32)).reverse().toString("hex")}`) + order;
  const past = Uint8Array.from(signature);
  past.set(bytes(scalar.toString(16).padStart(64, "0")).reverse(), 32);
  assert.equal(await verifier.signatureHolds(key, message, past), false);
  // The same y beyond p, and a y that no point has.
  for (const other of ["eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f", "02".padEnd(64, "0")]) {
    assert.equal(await verifier.signatureHolds(bytes(other), message, signature), false);
  }
});

function treeHash(leaves) {
  if (leaves.length === 1) return sha(Buffer.concat([Buffer.of(0), leaves[0]]));
  let split = 1;
  while (2 * split < leaves.length) split *= 2;
  const halves = [treeHash(leaves.slice(0, split)), treeHash(leaves.slice(split))];
  return sha(Buffer.concat([Buffer.of(1), ...halves]));
}

/** SUBPROOF of RFC 9162 §2.1.4.1. */
function consistencyPath(leaves, old, isWhole = true) {
  if (old === leaves.length) return isWhole ? [] : [treeHash(leaves)];
  let split = 1;
  while (2 * split < leaves.length) split *= 2;
  const [left, right] = [leaves.slice(0, split), leaves.slice(split)];
  if (old <= split) return [...consistencyPath(left, old, isWhole), treeHash(right)];
  return [...consistencyPath(right, old - split, false), treeHash(left)];
}

test("consistency of every pair of sizes up to 20 holds, and not once anything is altered", () => {
  const leaves = Array.from({ length: 20 }, (_, i) => Buffer.of(i));
  for (let size = 1; size <= 20; size++) {
    for (let old = 1; old <= size; old++) {
      const roots = [old, size].map((n) => treeHash(leaves.slice(0, n)));
      const path = consistencyPath(leaves.slice(0, size), old);
      const holds = (proof, [first, second] = roots) =>
        verifier.isConsistent(BigInt(old), BigInt(size), first, second, proof);
      assert.ok(holds(path), `${old} ${size}`);
      assert.ok(!holds([...path, roots[0]]));
      if (path.length > 0) assert.ok(!holds(path.slice(1)));
      if (old < size) assert.ok(!holds(path, [roots[1], roots[0]]));
    }
  }
  assert.ok(!verifier.isConsistent(2n, 1n, sha(""), sha(""), []));
});

test("a pasted bundle is read from base64, its URL form and hexadecimal digits", () => {
  assert.deepEqual(bytesOfText(" fb ef\n"), bytes("fbef"));
  assert.deepEqual(bytesOfText("++8="), bytes("fbef"));
  assert.deepEqual(bytesOfText("--8"), bytes("fbef"));
  assert.equal(bytesOfText("{}"), null);
  assert.equal(bytesOfText(" "), null);
});
