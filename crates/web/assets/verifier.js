// Verifier of Countermark bundles: one module, no dependency, no document, no network.
//
// Written from docs/internals/formats.md and apart from the Rust verifier; tests/verifier/agree.mjs
// runs both over the same bundles. Section numbers below are those of that document.
//
// Signatures are checked by WebCrypto. Hashing is done here, because one event takes hundreds of
// hashes of a hundred bytes and a call of WebCrypto costs ten times the hash; before anything is
// verified, the two are compared.

/** A file that is no bundle or no trust policy at all. */
export class Unreadable extends Error {
  constructor(place, what) {
    super(what);
    this.name = "Unreadable";
    this.place = place;
  }
}

/** Something does not hold; what, in words. */
class Fault extends Error {}

function need(holds, what) {
  if (!holds) throw new Fault(typeof what === "function" ? what() : what);
}

const BUNDLE_BYTES_MAX = 4 * 1024 * 1024;
const BUNDLE_RECORDS_MAX = 1000;
const CBOR_DEPTH_MAX = 16;
const LEAF_BYTES_MAX = 65535;
const ORIGIN_BYTES_MAX = 128;
const PATH_HASHES_MAX = 63;
const JSON_DEPTH_MAX = 64;
const ENTRIES_MAX = 60000;
const SCALAR_BYTES_MAX = 1024 * 1024;
const TRUST_BYTES_MAX = 1024 * 1024;
const NOTE_BYTES_MAX = 128 * 1024;
/** Bytes that one verification hashes at most: a long name above many values must not stop a page. */
const HASHED_BYTES_MAX = 256 * 1024 * 1024;

const MAGIC = ascii("countermark bundle v1\n");
const NO_ED25519 = "not checked: this browser cannot check Ed25519";

// ---- bytes ------------------------------------------------------------------------------------

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

function ascii(text) {
  return Uint8Array.from(text, (c) => c.charCodeAt(0));
}

function utf8(text) {
  return encoder.encode(text);
}

/** The text, or null where the bytes are no UTF-8. */
function textOf(bytes) {
  try {
    return decoder.decode(bytes);
  } catch {
    return null;
  }
}

function concat(...parts) {
  const out = new Uint8Array(parts.reduce((n, part) => n + part.length, 0));
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}

function equal(a, b) {
  return a.length === b.length && a.every((byte, i) => byte === b[i]);
}

const DIGITS = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, "0"));

function hex(bytes) {
  let text = "";
  for (const byte of bytes) text += DIGITS[byte];
  return text;
}

/** Exactly so many bytes from lower-case digits, or null. */
function unhex(text, length) {
  if (text.length !== 2 * length || !/^[0-9a-f]*$/.test(text)) return null;
  return Uint8Array.from({ length }, (_, i) => parseInt(text.slice(2 * i, 2 * i + 2), 16));
}

/** Base64 in its one form, or null. */
function unbase64(text) {
  if (text.length % 4 !== 0 || !/^[A-Za-z0-9+/]*={0,2}$/.test(text)) return null;
  let raw;
  try {
    raw = atob(text);
  } catch {
    return null;
  }
  return btoa(raw) === text ? ascii(raw) : null;
}

function u32(n) {
  return Uint8Array.of(n >>> 24, n >>> 16, n >>> 8, n);
}

/** Order of the UTF-8 bytes of two texts, which is that of their code points. */
function compare(a, b) {
  const end = Math.min(a.length, b.length);
  for (let i = 0; i < end; i++) {
    const [x, y] = [a.charCodeAt(i), b.charCodeAt(i)];
    if (x !== y) return rankOfUnit(x) - rankOfUnit(y);
  }
  return a.length - b.length;
}

/** UTF-16 has the characters past U+FFFF between U+D7FF and U+E000. */
function rankOfUnit(unit) {
  if (unit >= 0xe000) return unit - 0x800;
  return unit >= 0xd800 ? unit + 0x2000 : unit;
}

// ---- SHA-256 (FIPS 180-4) ---------------------------------------------------------------------

const ROUNDS = Int32Array.from(
  (
    "428a2f98 71374491 b5c0fbcf e9b5dba5 3956c25b 59f111f1 923f82a4 ab1c5ed5 " +
    "d807aa98 12835b01 243185be 550c7dc3 72be5d74 80deb1fe 9bdc06a7 c19bf174 " +
    "e49b69c1 efbe4786 0fc19dc6 240ca1cc 2de92c6f 4a7484aa 5cb0a9dc 76f988da " +
    "983e5152 a831c66d b00327c8 bf597fc7 c6e00bf3 d5a79147 06ca6351 14292967 " +
    "27b70a85 2e1b2138 4d2c6dfc 53380d13 650a7354 766a0abb 81c2c92e 92722c85 " +
    "a2bfe8a1 a81a664b c24b8b70 c76c51a3 d192e819 d6990624 f40e3585 106aa070 " +
    "19a4c116 1e376c08 2748774c 34b0bcb5 391c0cb3 4ed8aa4a 5b9cca4f 682e6ff3 " +
    "748f82ee 78a5636f 84c87814 8cc70208 90befffa a4506ceb bef9a3f7 c67178f2"
  ).split(" "),
  (word) => parseInt(word, 16) | 0,
);
const START = Int32Array.from(
  "6a09e667 bb67ae85 3c6ef372 a54ff53a 510e527f 9b05688c 1f83d9ab 5be0cd19".split(" "),
  (word) => parseInt(word, 16) | 0,
);
const schedule = new Int32Array(64);

function block(state, bytes, from) {
  const w = schedule;
  for (let i = 0, at = from; i < 16; i++, at += 4) {
    w[i] = (bytes[at] << 24) | (bytes[at + 1] << 16) | (bytes[at + 2] << 8) | bytes[at + 3];
  }
  for (let i = 16; i < 64; i++) {
    const x = w[i - 15];
    const y = w[i - 2];
    const s0 = ((x >>> 7) | (x << 25)) ^ ((x >>> 18) | (x << 14)) ^ (x >>> 3);
    const s1 = ((y >>> 17) | (y << 15)) ^ ((y >>> 19) | (y << 13)) ^ (y >>> 10);
    w[i] = (w[i - 16] + s0 + w[i - 7] + s1) | 0;
  }
  let a = state[0];
  let b = state[1];
  let c = state[2];
  let d = state[3];
  let e = state[4];
  let f = state[5];
  let g = state[6];
  let h = state[7];
  for (let i = 0; i < 64; i++) {
    const s1 = ((e >>> 6) | (e << 26)) ^ ((e >>> 11) | (e << 21)) ^ ((e >>> 25) | (e << 7));
    const t1 = (h + s1 + ((e & f) ^ (~e & g)) + ROUNDS[i] + w[i]) | 0;
    const s0 = ((a >>> 2) | (a << 30)) ^ ((a >>> 13) | (a << 19)) ^ ((a >>> 22) | (a << 10));
    const t2 = (s0 + ((a & b) ^ (a & c) ^ (b & c))) | 0;
    h = g;
    g = f;
    f = e;
    e = (d + t1) | 0;
    d = c;
    c = b;
    b = a;
    a = (t1 + t2) | 0;
  }
  state[0] += a;
  state[1] += b;
  state[2] += c;
  state[3] += d;
  state[4] += e;
  state[5] += f;
  state[6] += g;
  state[7] += h;
}

/** SHA-256 of bytes. */
export function sha256(bytes) {
  const state = Int32Array.from(START);
  const whole = bytes.length - (bytes.length % 64);
  for (let at = 0; at < whole; at += 64) block(state, bytes, at);
  const rest = bytes.length - whole;
  const last = new Uint8Array(rest < 56 ? 64 : 128);
  last.set(bytes.subarray(whole));
  last[rest] = 0x80;
  const view = new DataView(last.buffer);
  view.setUint32(last.length - 8, Math.floor(bytes.length / 0x20000000));
  view.setUint32(last.length - 4, (bytes.length << 3) >>> 0);
  for (let at = 0; at < last.length; at += 64) block(state, last, at);
  const out = new Uint8Array(32);
  const words = new DataView(out.buffer);
  state.forEach((word, i) => words.setInt32(4 * i, word));
  return out;
}

/** Hashes, and keeps count. */
class Hasher {
  left = HASHED_BYTES_MAX;

  hash(...parts) {
    const bytes = parts.length === 1 ? parts[0] : concat(...parts);
    this.left -= bytes.length + 64;
    need(this.left >= 0, `the bundle needs more than ${HASHED_BYTES_MAX} bytes to be hashed`);
    return sha256(bytes);
  }

  leaf(...parts) {
    return this.hash(Uint8Array.of(0), ...parts);
  }

  node(left, right) {
    return this.hash(Uint8Array.of(1), left, right);
  }
}

// ---- Merkle trees of RFC 9162 -----------------------------------------------------------------

function merkleRoot(hasher, leaves) {
  if (leaves.length === 1) return leaves[0];
  let split = 1;
  while (2 * split < leaves.length) split *= 2;
  const [left, right] = [leaves.slice(0, split), leaves.slice(split)];
  return hasher.node(merkleRoot(hasher, left), merkleRoot(hasher, right));
}

/** RFC 9162 §2.1.3.2; `leaf` is the leaf's hash, index and size are BigInt. */
function included(hasher, leaf, index, size, path, root) {
  need(index < size, () => `index ${index} is not below the tree's size ${size}`);
  let [at, last, found] = [index, size - 1n, leaf];
  for (const sibling of path) {
    need(last > 0n, "the audit path is too long");
    if ((at & 1n) === 1n || at === last) {
      found = hasher.node(sibling, found);
      while ((at & 1n) === 0n && at > 0n) [at, last] = [at >> 1n, last >> 1n];
    } else {
      found = hasher.node(found, sibling);
    }
    [at, last] = [at >> 1n, last >> 1n];
  }
  need(last === 0n, "the audit path is too short");
  need(equal(found, root), "the audit path does not lead to the root");
}

/**
 * Whether the tree of `oldSize` leaves is an earlier state of that of `newSize`, RFC 9162 §2.1.4.2.
 * Sizes are BigInt, roots and the items of `path` 32 bytes.
 */
export function isConsistent(oldSize, newSize, oldRoot, newRoot, path) {
  const hasher = new Hasher();
  if (oldSize > newSize) return false;
  if (oldSize === 0n) return path.length === 0;
  if (oldSize === newSize) return path.length === 0 && equal(oldRoot, newRoot);
  let [at, last] = [oldSize - 1n, newSize - 1n];
  while ((at & 1n) === 1n) [at, last] = [at >> 1n, last >> 1n];
  const hashes = at === 0n ? [oldRoot, ...path] : path;
  if (hashes.length === 0) return false;
  let [older, newer] = [hashes[0], hashes[0]];
  for (const hash of hashes.slice(1)) {
    if (last === 0n) return false;
    if ((at & 1n) === 1n || at === last) {
      older = hasher.node(hash, older);
      newer = hasher.node(hash, newer);
      while ((at & 1n) === 0n && at > 0n) [at, last] = [at >> 1n, last >> 1n];
    } else {
      newer = hasher.node(newer, hash);
    }
    [at, last] = [at >> 1n, last >> 1n];
  }
  return last === 0n && equal(older, oldRoot) && equal(newer, newRoot);
}

// ---- CBOR (§2) --------------------------------------------------------------------------------
// Integers are BigInt, byte strings Uint8Array, maps Entries, tags Tag; the rest is itself.

class Entries {
  constructor(entries) {
    this.entries = entries;
  }
}

class Tag {
  constructor(number, item) {
    this.number = number;
    this.item = item;
  }
}

/** One item in its deterministic encoding, and nothing else. */
function decodeCbor(bytes, what) {
  let at = 0;
  const fault = (offset, problem) => {
    throw new Fault(`${what}: CBOR byte ${offset}: ${problem}`);
  };
  const take = (count, start) => {
    if (count > bytes.length - at) fault(start, "the bytes end inside an item; are they cut off?");
    at += count;
    return bytes.subarray(at - count, at);
  };
  const argument = (info, start) => {
    if (info < 24) return BigInt(info);
    if (info === 31) fault(start, "indefinite lengths are not deterministic");
    if (info > 27) fault(start, "a reserved initial byte");
    const width = 1 << (info - 24);
    const n = take(width, start).reduce((sum, byte) => (sum << 8n) | BigInt(byte), 0n);
    const least = width === 1 ? 24n : 1n << BigInt(4 * width);
    if (n < least) fault(start, "a number is not written in its shortest form");
    return n;
  };
  const count = (n, least, start) => {
    if (n * least > BigInt(bytes.length - at)) {
      fault(start, "the bytes end inside an item; are they cut off?");
    }
    return Number(n);
  };
  const map = (n, start, depth) => {
    const entries = [];
    let before = null;
    for (let i = count(n, 2n, start); i > 0; i--) {
      const from = at;
      const key = item(depth + 1);
      const written = bytes.subarray(from, at);
      if (before && compareBytes(before, written) >= 0) {
        fault(from, "map keys are not in bytewise order, each once");
      }
      before = written;
      entries.push([key, item(depth + 1)]);
    }
    return new Entries(entries);
  };
  const item = (depth) => {
    const start = at;
    if (depth > CBOR_DEPTH_MAX) fault(start, `nested deeper than ${CBOR_DEPTH_MAX} levels`);
    const first = take(1, start)[0];
    const [major, info] = [first >> 5, first & 31];
    if (major === 7) {
      if (info === 20 || info === 21) return info === 21;
      if (info === 22) return null;
      fault(start, "floats and simple values other than false, true and null are not taken");
    }
    const n = argument(info, start);
    if (major === 0) return n;
    if (major === 1) return -1n - n;
    if (major === 2) return take(count(n, 1n, start), start);
    if (major === 3) {
      const text = textOf(take(count(n, 1n, start), start));
      if (text === null) fault(start, "a text is not UTF-8");
      return text;
    }
    if (major === 4) {
      const items = [];
      for (let i = count(n, 1n, start); i > 0; i--) items.push(item(depth + 1));
      return items;
    }
    return major === 5 ? map(n, start, depth) : new Tag(n, item(depth + 1));
  };
  if (bytes.length > BUNDLE_BYTES_MAX) fault(0, "too long");
  const value = item(0);
  if (at < bytes.length) fault(at, "bytes follow the end of the item");
  return value;
}

function compareBytes(a, b) {
  const end = Math.min(a.length, b.length);
  for (let i = 0; i < end; i++) if (a[i] !== b[i]) return a[i] - b[i];
  return a.length - b.length;
}

/** Head of an item: major type and length. */
function cborHead(major, n) {
  if (n < 24) return Uint8Array.of((major << 5) | n);
  if (n < 0x100) return Uint8Array.of((major << 5) | 24, n);
  if (n < 0x10000) return Uint8Array.of((major << 5) | 25, n >> 8, n);
  return concat(Uint8Array.of((major << 5) | 26), u32(n));
}

function cborBytes(bytes) {
  return concat(cborHead(2, bytes.length), bytes);
}

/** A map with unsigned integer keys: `keys` must be there, `optional` may. */
class Fields {
  constructor(value, what, keys, optional = []) {
    need(value instanceof Entries, `${what}: expected a map`);
    this.what = what;
    this.values = new Map();
    for (const [key, item] of value.entries) {
      need(typeof key === "bigint" && key >= 0n, `${what}: a key is no unsigned integer`);
      const known = [...keys, ...optional].some((number) => BigInt(number) === key);
      need(known, () => `${what}, key ${key}: the key is not allowed here`);
      this.values.set(Number(key), item);
    }
    for (const key of keys) need(this.values.has(key), `${what}, key ${key}: the key is missing`);
  }

  has(key) {
    return this.values.has(key);
  }

  get(key) {
    return this.values.get(key);
  }

  need(key, holds, expected) {
    need(holds, `${this.what}, key ${key}: expected ${expected}`);
  }

  uint(key) {
    const value = this.get(key);
    this.need(key, typeof value === "bigint" && value >= 0n, "an unsigned integer");
    return value;
  }

  bytes(key, length) {
    return this.bytesOf(key, this.get(key), length);
  }

  bytesOf(key, value, length) {
    const fits = value instanceof Uint8Array && (length === undefined || value.length === length);
    this.need(key, fits, length === undefined ? "a byte string" : `${length} bytes`);
    return value;
  }

  text(key, max) {
    const value = this.get(key);
    const fits = typeof value === "string" && value !== "" && utf8(value).length <= max;
    this.need(key, fits, `a text of 1 to ${max} bytes`);
    return value;
  }

  items(key, max) {
    const value = this.get(key);
    this.need(key, Array.isArray(value) && value.length <= max, `an array of at most ${max} items`);
    return value;
  }

  arrays(key, length, max) {
    return this.items(key, max).map((item) => this.bytesOf(key, item, length));
  }

  version(key, known) {
    const found = this.uint(key);
    need(found === known, () => `${this.what}, key ${key}: format version ${found} is not known`);
  }

  /** A path: whole hashes in one byte string. */
  path(key, value = this.get(key)) {
    const bytes = this.bytesOf(key, value);
    const fits = bytes.length % 32 === 0 && bytes.length <= 32 * PATH_HASHES_MAX;
    this.need(key, fits, `an audit path of at most ${PATH_HASHES_MAX} whole hashes`);
    return hashes(bytes);
  }
}

function hashes(bytes) {
  return Array.from({ length: bytes.length / 32 }, (_, i) => bytes.subarray(32 * i, 32 * i + 32));
}

// ---- Ed25519 (§3) -----------------------------------------------------------------------------

const P = (1n << 255n) - 19n;
const ORDER = (1n << 252n) + 27742317777372353535851937790883648493n;
const D = 37095705934669439343138083508754565189542113879843219016388785533085940283555n;
/** The y coordinates of the eight points of small order. */
const SMALL_ORDER_Y = new Set([
  0n,
  1n,
  P - 1n,
  2707385501144840649318225287225658788936804267575313519463743609750303402022n,
  55188659117513257062467267217118295137698188065244968500265048394206261417927n,
]);

function littleEndian(bytes) {
  return BigInt(`0x${hex(Uint8Array.from(bytes).reverse())}`);
}

/** A point in its one encoding, and not of small order. */
function isSoundPoint(bytes) {
  const y = littleEndian(bytes) & ((1n << 255n) - 1n);
  return y < P && !SMALL_ORDER_Y.has(y);
}

/** Whether the bytes are a public key: sound, and on the curve. */
function isUsableKey(bytes) {
  if (bytes.length !== 32 || !isSoundPoint(bytes)) return false;
  const y = littleEndian(bytes) & ((1n << 255n) - 1n);
  // x² = (y² − 1) / (d·y² + 1) has a root where the product of the two is a square.
  const square = ((y * y - 1n) * ((D * y * y) % P + 1n)) % P;
  let [power, base] = [1n, square];
  for (let exponent = (P - 1n) / 2n; exponent > 0n; exponent >>= 1n) {
    if (exponent & 1n) power = (power * base) % P;
    base = (base * base) % P;
  }
  return power <= 1n;
}

let found = null;

/** WebCrypto here: null where there is none that knows Ed25519. Looked for once. */
function findCrypto() {
  found ??= lookForCrypto();
  return found;
}

async function lookForCrypto() {
  const subtle = globalThis.crypto?.subtle;
  if (!subtle) return null;
  const probe = ascii("countermark");
  if (!equal(new Uint8Array(await subtle.digest("SHA-256", probe)), sha256(probe))) {
    throw new Unreadable("browser", "this browser computes SHA-256 wrongly; nothing was checked");
  }
  // RFC 8032 §7.1, test 1: the empty message; with a flipped bit it must fail.
  const key = unhex("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a", 32);
  const signature = unhex(
    "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555" +
      "fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b",
    64,
  );
  try {
    const wrong = Uint8Array.from(signature);
    wrong[40] ^= 1;
    const none = new Uint8Array(0);
    const right = await verifyWith(subtle, key, none, signature);
    return right && !(await verifyWith(subtle, key, none, wrong)) ? subtle : null;
  } catch {
    return null;
  }
}

async function verifyWith(subtle, key, message, signature) {
  const imported = await subtle.importKey("raw", key, { name: "Ed25519" }, false, ["verify"]);
  return subtle.verify({ name: "Ed25519" }, imported, signature, message);
}

const usableKeys = new Map();
const KEYS_KEPT = 4096;

/** Whether the bytes are a public key; remembered, since one key signs much. */
function isKey(bytes) {
  const name = hex(bytes);
  if (!usableKeys.has(name)) {
    if (usableKeys.size === KEYS_KEPT) usableKeys.clear();
    usableKeys.set(name, isUsableKey(bytes));
  }
  return usableKeys.get(name);
}

/** What checks signatures; where nothing can, every answer is null. */
class Signatures {
  constructor(subtle) {
    this.subtle = subtle;
  }

  /** true, false, or null where it cannot be said. */
  async holds(key, message, signature) {
    const sound =
      signature.length === 64 &&
      isKey(key) &&
      isSoundPoint(signature.subarray(0, 32)) &&
      littleEndian(signature.subarray(32)) < ORDER;
    if (!sound) return false;
    if (!this.subtle) return null;
    try {
      return await verifyWith(this.subtle, key, message, signature);
    } catch {
      return false;
    }
  }

  /** Whether it was checked; a signature that does not hold is a fault. */
  async need(key, message, signature, problem = "the signature does not hold") {
    const answer = await this.holds(key, message, signature);
    need(answer !== false, problem);
    return answer === true;
  }
}

/** Whether an Ed25519 signature holds, as strictly as here: true, false, or null where nothing can say. */
export async function signatureHolds(key, message, signature) {
  return new Signatures(await findCrypto()).holds(key, message, signature);
}

// ---- signed notes and checkpoints (§11) -------------------------------------------------------

function isKeyName(name) {
  return name !== "" && utf8(name).length <= 255 && !/[\p{White_Space}\p{Cc}+]/u.test(name);
}

function parseNote(bytes) {
  need(bytes.length <= NOTE_BYTES_MAX, `a note has at most ${NOTE_BYTES_MAX} bytes`);
  const note = textOf(bytes);
  const plain = note !== null && !/[\u0000-\u0009\u000b-\u001f]/.test(note);
  need(plain, "a note is UTF-8 without control characters other than newline");
  const blank = note.lastIndexOf("\n\n");
  const structure = "a note is a text, a blank line and signature lines, each ended by a newline";
  need(blank >= 0 && note.endsWith("\n") && blank + 2 < note.length, structure);
  const lines = note.slice(blank + 2, -1).split("\n");
  need(lines.length <= 16, "a note has 1 to 16 signature lines");
  const signatures = lines.map((line, i) => {
    const found = /^\u2014 ([^ ]*) (.*)$/u.exec(line);
    const blob = found && isKeyName(found[1]) ? unbase64(found[2]) : null;
    need(blob && blob.length > 4, `signature line ${i + 1} is no key name and base64`);
    return { name: found[1], keyId: hex(blob.subarray(0, 4)), signature: blob.subarray(4) };
  });
  return { text: note.slice(0, blank + 1), signatures };
}

/** A number without sign and leading zeros, below 2^64, or null. */
function decimal(text) {
  if (!/^(0|[1-9][0-9]{0,19})$/.test(text)) return null;
  const n = BigInt(text);
  return n < 1n << 64n ? n : null;
}

function parseCheckpoint(text) {
  const lines = text.split("\n");
  need(lines.length === 4 && lines[3] === "", "a checkpoint is three lines: origin, size, root");
  const [origin, size, root] = [lines[0], decimal(lines[1]), unbase64(lines[2])];
  need(origin !== "" && !/\p{Cc}/u.test(origin), "line 1: an origin without control characters");
  need(size !== null, "line 2: the size must be a decimal number");
  need(root && root.length === 32, "line 3: the root must be the base64 of 32 bytes");
  return { origin, size, root };
}

const TYPE_LOG = 1;
const TYPE_WITNESS = 4;

function noteKey(name, type, key) {
  const id = sha256(concat(utf8(`${name}\n`), Uint8Array.of(type), key)).subarray(0, 4);
  return { name, type, key, id: hex(id) };
}

/** true, false, or null where it cannot be said. */
async function noteSignatureHolds(signatures, key, text, line) {
  if (key.type === TYPE_LOG) return signatures.holds(key.key, utf8(text), line);
  if (line.length !== 72) return false;
  const time = new DataView(line.buffer, line.byteOffset, 8).getBigUint64(0);
  if (time >= 1n << 63n) return false;
  const message = utf8(`cosignature/v1\ntime ${time}\n${text}`);
  return signatures.holds(key.key, message, line.subarray(8));
}

/** Positions of the keys that signed; null where that cannot be said. A bad line is a fault. */
async function noteSigners(signatures, note, keys) {
  const signed = [];
  let unknown = false;
  for (const [i, line] of note.signatures.entries()) {
    const known = [...keys.keys()].filter(
      (at) => keys[at].name === line.name && keys[at].id === line.keyId,
    );
    if (known.length === 0) continue;
    let found = null;
    for (const at of known) {
      const answer = await noteSignatureHolds(signatures, keys[at], note.text, line.signature);
      unknown ||= answer === null;
      if (answer !== false && found === null) found = at;
    }
    const whose = `by ${line.name} (signature line ${i + 1})`;
    need(found !== null, `the signature ${whose} does not hold`);
    need(!signed.includes(found), `a second signature ${whose}`);
    signed.push(found);
  }
  need(signed.length > 0, "none of the known keys signed the note");
  return unknown ? null : signed;
}

// ---- trust policy (§13) -----------------------------------------------------------------------

/** Reads a trust policy; throws Unreadable. */
export function parseTrust(bytes) {
  const refuse = (what) => {
    throw new Unreadable("trust policy", what);
  };
  if (bytes.length > TRUST_BYTES_MAX) refuse(`a trust policy has at most ${TRUST_BYTES_MAX} bytes`);
  const text = textOf(bytes);
  if (text === null) refuse("the trust policy is not UTF-8 text");
  const policy = new PolicyReader();
  const lines = text.split("\n");
  const cut = lines.map((line, i) => (i + 1 < lines.length ? line.replace(/\r$/, "") : line));
  if (cut.at(-1) === "") cut.pop();
  for (const [i, line] of cut.entries()) {
    const fault = policy.line(line);
    if (fault) refuse(`trust policy, line ${i + 1}: ${fault}`);
  }
  if (policy.quorum === undefined) {
    refuse('a policy needs a quorum line; "quorum none" asks for no witnesses');
  }
  if (!policy.genesis) refuse("the trust policy has no genesis line");
  return policy;
}

const DEFINITIONS_MAX = 64;
const MEMBERS_MAX = 4096;

/** Logs, witnesses, groups, quorum, genesis and members, line by line. */
class PolicyReader {
  logs = [];
  witnesses = [];
  groups = [];
  /** undefined: not said; null: no witnesses. */
  quorum = undefined;
  genesis = null;
  members = new Map();
  names = new Map();
  grouped = new Set();

  /** What is wrong with the line, or nothing. */
  line(line) {
    if (line.startsWith("genesis ")) return this.genesisLine(line.slice(8));
    if (line.startsWith("member ")) return this.memberLine(line.slice(7));
    if (utf8(line).length > 8192 || /[\u0000-\u0008\u000a-\u001f\u007f]/.test(line)) {
      return "a line has at most 8192 bytes and no control character but tab";
    }
    const words = line.split(/[ \t]/).filter((word) => word !== "");
    if (words.length === 0 || words[0].startsWith("#")) return null;
    const [keyword, ...rest] = words;
    if (keyword === "log" && (rest.length === 1 || rest.length === 2)) {
      return this.key(this.logs, rest[0], TYPE_LOG, {});
    }
    if (keyword === "witness" && (rest.length === 2 || rest.length === 3)) {
      const fault = this.key(this.witnesses, rest[1], TYPE_WITNESS, {});
      return fault ?? this.define(rest[0], this.witnesses.at(-1));
    }
    if (keyword === "group" && rest.length >= 3) return this.group(...rest);
    if (keyword === "quorum" && rest.length === 1) return this.quorumLine(rest[0]);
    return "expected log, witness, group, quorum, genesis or member";
  }

  genesisLine(text) {
    const hash = unhex(text, 32);
    if (!hash) return "a genesis is 64 lower-case hex digits";
    if (this.genesis) return "a policy has one genesis line";
    this.genesis = hash;
    return null;
  }

  memberLine(text) {
    const space = text.indexOf(" ");
    if (space < 0) return "a member is an id and a name";
    const [id, name] = [text.slice(0, space), text.slice(space + 1)];
    if (!unhex(id, 16)) return "a member's id is 32 lower-case hex digits";
    if (name === "" || /^\p{White_Space}|\p{White_Space}$|\p{Cc}/u.test(name)) {
      return "a member's name is text without control characters or outer spaces";
    }
    if (this.members.has(id)) return "this member stands here already";
    if (this.members.size === MEMBERS_MAX) return `a policy names at most ${MEMBERS_MAX} members`;
    this.members.set(id, name);
    return null;
  }

  /** `name+id+base64`, as C2SP signed-note writes keys. */
  key(list, text, type, party) {
    const [name, id, ...blob] = text.split("+");
    const bytes = unbase64(blob.join("+"));
    const fits = blob.length > 0 && isKeyName(name) && bytes && bytes.length === 33;
    if (!fits || !isKey(bytes.subarray(1))) return "the key cannot be read";
    if (bytes[0] !== type) return "a log has a key of type 0x01, a witness one of type 0x04";
    const key = noteKey(name, type, bytes.subarray(1));
    if (key.id !== id) return `the key cannot be read: its id should be ${key.id}`;
    if (list.some((other) => equal(other.key.key, key.key))) return "this key is listed already";
    if (list.length === DEFINITIONS_MAX) return `at most ${DEFINITIONS_MAX} of a kind`;
    list.push({ ...party, key });
    return null;
  }

  define(name, party) {
    if (name === "none" || this.names.has(name)) return `the name ${name} is taken`;
    this.names.set(name, party);
    return null;
  }

  group(name, threshold, ...members) {
    for (const member of members) {
      if (!this.names.has(member)) return `no earlier line defines ${member}`;
      if (this.grouped.has(member)) return `${member} is a member of a group already`;
      this.grouped.add(member);
    }
    const words = { all: BigInt(members.length), any: 1n };
    const least = Object.hasOwn(words, threshold) ? words[threshold] : decimal(threshold);
    if (least === null || least < 1n || least > BigInt(members.length)) {
      return `the threshold must be all, any or a number from 1 to ${members.length}`;
    }
    if (this.groups.length === DEFINITIONS_MAX) return `at most ${DEFINITIONS_MAX} of a kind`;
    const parties = members.map((member) => this.names.get(member));
    const group = { threshold: Number(least), members: parties };
    this.groups.push(group);
    return this.define(name, group);
  }

  quorumLine(name) {
    if (name !== "none" && !this.names.has(name)) return `no earlier line defines ${name}`;
    if (this.quorum !== undefined) return "a policy has one quorum line";
    this.quorum = name === "none" ? null : this.names.get(name);
    return null;
  }

  /** Whether these witnesses make the quorum. A group refers to earlier ones only. */
  isQuorum(cosigned) {
    const settled = new Set(cosigned);
    for (const group of this.groups) {
      const present = group.members.filter((party) => settled.has(party)).length;
      if (present >= group.threshold) settled.add(group);
    }
    return this.quorum === null || settled.has(this.quorum);
  }

  /** How many signature lines are of keys listed here; null where that cannot be said. */
  async check(signatures, note, checkpoint) {
    const parties = [...this.logs, ...this.witnesses];
    const stranger = "the checkpoint is not signed by a log of the trust policy";
    let signed;
    try {
      const keys = parties.map((party) => party.key);
      signed = await noteSigners(signatures, note, keys);
    } catch (error) {
      throw error instanceof Fault ? new Fault(stranger) : error;
    }
    if (signed === null) return null;
    const ofLogs = signed.filter(
      (at) => at < this.logs.length && parties[at].key.name === checkpoint.origin,
    );
    need(ofLogs.length > 0, stranger);
    const cosigned = signed.filter((at) => at >= this.logs.length).map((at) => parties[at]);
    const few = `the ${cosigned.length} witnesses of the policy that cosigned do not make its quorum`;
    need(this.isQuorum(cosigned), few);
    return ofLogs.length + cosigned.length;
  }
}

// ---- JSON of openings (§8) --------------------------------------------------------------------

/** A number as it was captured. */
export class Lexeme {
  constructor(text) {
    this.text = text;
  }
}

/** Members in their order, as [name, value]. */
export class JsonObject {
  constructor(members) {
    this.members = members;
  }

  get(name) {
    return this.members.find(([other]) => other === name)?.[1];
  }
}

const ESCAPES = new Map([
  ['"', '\\"'],
  ["\\", "\\\\"],
  ["\n", "\\n"],
  ["\r", "\\r"],
  ["\t", "\\t"],
]);

function jsonString(text) {
  const escaped = text.replace(/["\\\u0000-\u001f]/g, (c) => {
    const code = c.charCodeAt(0).toString(16).padStart(4, "0");
    return ESCAPES.get(c) ?? `\\u${code}`;
  });
  return `"${escaped}"`;
}

/** The compact JSON text of a value; of `null`, booleans, texts, arrays, Lexeme, JsonObject. */
export function jsonText(value) {
  if (typeof value === "string") return jsonString(value);
  if (value instanceof Lexeme) return value.text;
  if (Array.isArray(value)) return `[${value.map(jsonText).join(",")}]`;
  if (value instanceof JsonObject) {
    const members = value.members.map(([name, item]) => `${jsonString(name)}:${jsonText(item)}`);
    return `{${members.join(",")}}`;
  }
  return String(value);
}

const NUMBER = /-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?/y;

/** Reads JSON in its one compact form; anything else is a fault. */
function parseJson(text, what) {
  let at = 0;
  const wrong = () => {
    throw new Fault(`${what} is not in canonical JSON form`);
  };
  const eat = (word) => {
    if (!text.startsWith(word, at)) wrong();
    at += word.length;
  };
  const match = (pattern) => {
    pattern.lastIndex = at;
    const found = pattern.exec(text);
    if (found) at += found[0].length;
    return found;
  };
  const string = () => {
    // A long text in one step: the pattern with escapes would need a stack as deep as it is long.
    const end = closingQuote(text, at);
    const inner = end < 0 ? wrong() : text.slice(at + 1, end);
    at = end + 1;
    let value = inner;
    if (inner.includes("\\")) {
      try {
        value = JSON.parse(`"${inner}"`);
      } catch {
        wrong();
      }
    }
    if (jsonString(value) !== `"${inner}"`) wrong();
    if (value.length > SCALAR_BYTES_MAX / 3 && utf8(value).length > SCALAR_BYTES_MAX) wrong();
    return value;
  };
  const list = (open, close, one) => {
    const items = [];
    eat(open);
    if (text[at] !== close) {
      do {
        items.push(one());
        if (items.length > ENTRIES_MAX) wrong();
      } while (text[at] === "," && ++at);
    }
    eat(close);
    return items;
  };
  const value = (depth) => {
    if (depth > JSON_DEPTH_MAX) wrong();
    const first = text[at];
    if (first === '"') return string();
    if (first === "[") return list("[", "]", () => value(depth + 1));
    if (first === "{") {
      const names = new Set();
      const member = () => {
        if (text[at] !== '"') wrong();
        const name = string();
        if (names.has(name)) wrong();
        names.add(name);
        eat(":");
        return [name, value(depth + 1)];
      };
      return new JsonObject(list("{", "}", member));
    }
    for (const [word, meaning] of [["null", null], ["true", true], ["false", false]]) {
      if (text.startsWith(word, at)) {
        at += word.length;
        return meaning;
      }
    }
    const lexeme = match(NUMBER) ?? wrong();
    if (lexeme[0].length > SCALAR_BYTES_MAX) wrong();
    return new Lexeme(lexeme[0]);
  };
  const found = value(0);
  if (at < text.length) wrong();
  return found;
}

/** Where the string that starts at a quote ends, or -1. */
function closingQuote(text, start) {
  for (let at = start + 1; ; ) {
    const end = text.indexOf('"', at);
    if (end < 0) return -1;
    let slashes = 0;
    while (text[end - 1 - slashes] === "\\") slashes++;
    if (slashes % 2 === 0) return end;
    at = end + 1;
  }
}

// ---- pointers (RFC 6901) ----------------------------------------------------------------------

function escapeToken(name) {
  return name.replaceAll("~", "~0").replaceAll("/", "~1");
}

/** The tokens of a pointer, or null where it is not written as RFC 6901 says. */
function tokensOf(pointer) {
  const parts = pointer.split("/").slice(1);
  const tokens = parts.map((token) => token.replaceAll("~1", "/").replaceAll("~0", "~"));
  const again = tokens.map((token) => `/${escapeToken(token)}`).join("");
  return again === pointer ? tokens : null;
}

// ---- field classes (§7) -----------------------------------------------------------------------

const names = (text) => (text === "" ? [] : text.split(" "));

/** Name and standard members of the classes 1 to 11. */
const CLASSES = [
  ["identity", "@context type eventID action parentID epcList childEPCs inputEPCList outputEPCList"],
  [
    "transport",
    "eventTime eventTimeZoneOffset recordTime errorDeclaration bizStep disposition " +
      "persistentDisposition transformationID bizTransactionList sourceList destinationList",
  ],
  ["quality", "sensorElementList ilmd"],
  ["quantity", "quantityList childQuantityList inputQuantityList outputQuantityList"],
  ["location", "readPoint bizLocation"],
  ["certificate", "certificationInfo"],
  ["cost", ""],
  ["medical", ""],
  ["personal", ""],
  ["provenance", ""],
  ["other", ""],
].map(([name, members], i) => ({ name, number: i + 1, members: names(members) }));

const QUALITY = CLASSES[2];
const PROVENANCE = CLASSES[9];
const PROVENANCE_NAME = "_provenance";
const OF_EVENTS = CLASSES.filter((one) => one !== PROVENANCE);
const CLASS_OF = new Map(CLASSES.flatMap((one) => one.members.map((name) => [name, one])));

/** Canonical order of an event's standard members. */
const EVENT_ORDER = names(
  "@context type eventID eventTime eventTimeZoneOffset recordTime errorDeclaration " +
    "certificationInfo action bizStep disposition persistentDisposition readPoint bizLocation " +
    "transformationID parentID epcList quantityList childEPCs childQuantityList inputEPCList " +
    "inputQuantityList outputEPCList outputQuantityList bizTransactionList sourceList " +
    "destinationList sensorElementList ilmd",
);

/** A kind of object: its standard members, and the kinds below some of them. */
function kind(members, inner = {}) {
  return { members: names(members), inner: new Map(Object.entries(inner)) };
}

const NO_KIND = kind("");
const QUANTITY_ELEMENT = kind("epcClass quantity uom");
const PROCESSING = "deviceID deviceMetadata rawData dataProcessingMethod bizRules";
const SENSOR_ELEMENT = kind("sensorMetadata sensorReport", {
  sensorMetadata: kind(`time startTime endTime ${PROCESSING}`),
  sensorReport: kind(
    `type exception ${PROCESSING} time microorganism chemicalSubstance coordinateReferenceSystem ` +
      "value component stringValue booleanValue hexBinaryValue uriValue minValue maxValue " +
      "meanValue sDev percRank percValue uom",
  ),
});
const EVENT = kind("", {
  quantityList: QUANTITY_ELEMENT,
  childQuantityList: QUANTITY_ELEMENT,
  inputQuantityList: QUANTITY_ELEMENT,
  outputQuantityList: QUANTITY_ELEMENT,
  bizTransactionList: kind("type bizTransaction"),
  sourceList: kind("type source"),
  destinationList: kind("type destination"),
  sensorElementList: SENSOR_ELEMENT,
  readPoint: kind("id"),
  bizLocation: kind("id"),
  persistentDisposition: kind("set unset"),
  errorDeclaration: kind("declarationTime reason correctiveEventIDs"),
});

function kindBelow(of, member) {
  return of.inner.get(member) ?? NO_KIND;
}

// ---- the salted tree of a class (§7) ----------------------------------------------------------

const [ABSENT, NULL, FALSE, TRUE, NUMBER_TYPE, STRING_TYPE, COUNT, ORDER_TYPE, NO_EXTENSIONS] =
  Array(9).keys();
const [OBJECT_GROUP, LIST_GROUP, EXTENSIONS_GROUP] = [1, 2, 3];
const NOTHING = new Uint8Array(0);
const ZEROS = new Uint8Array(31);

function depthOf(places) {
  let depth = 0;
  while (2 ** depth < places) depth++;
  return depth;
}

function lengthAnd(text) {
  const bytes = utf8(text);
  return concat(u32(bytes.length), bytes);
}

class Tree {
  constructor(hasher) {
    this.hasher = hasher;
  }

  prf(key, role, place, height) {
    const tail = new Uint8Array(32);
    tail[0] = role;
    tail.set(u32(place), 1);
    tail[5] = height;
    return this.hasher.hash(ZEROS, Uint8Array.of(3), key, tail);
  }

  salt(key, place) {
    return this.prf(key, 1, place, 0).subarray(0, 16);
  }

  field(salt, type, pointer, value) {
    const head = Uint8Array.of(0x00, 0x10);
    return this.hasher.hash(head, salt, Uint8Array.of(type), lengthAnd(pointer), value);
  }

  group(groupKind, depth, pointer, root) {
    const head = Uint8Array.of(0x00, 0x15, groupKind, depth);
    return this.hasher.hash(head, lengthAnd(pointer), root);
  }

  entry(key, hash) {
    return this.hasher.hash(Uint8Array.of(0x00, 0x16), lengthAnd(key), hash);
  }

  sentinel(salt, isEnd, pointer) {
    const end = Uint8Array.of(isEnd ? 1 : 0);
    return this.hasher.hash(Uint8Array.of(0x00, 0x17), salt, end, lengthAnd(pointer));
  }

  classDigest(number, root) {
    return this.hasher.hash(Uint8Array.of(0x00, 0x15, 0x00, number), root);
  }

  /** Depth and root of a group from its key; a place is a function of its salt and group key. */
  row(places, key) {
    const leaves = places.map((place, i) => place(key, i));
    const over = (from, height) => {
      if (from >= leaves.length) {
        const salt = this.prf(key, 3, from, height).subarray(0, 16);
        return this.hasher.hash(Uint8Array.of(0x00, 0x14), salt);
      }
      if (height === 0) return leaves[from];
      const middle = from + 2 ** (height - 1);
      return this.hasher.node(over(from, height - 1), over(middle, height - 1));
    };
    const depth = depthOf(leaves.length);
    return [depth, over(0, depth)];
  }

  fieldPlace(type, pointer, value = NOTHING) {
    return (key, place) => this.field(this.salt(key, place), type, pointer, value);
  }

  valuePlace(value, of, pointer) {
    const scalar = scalarLeaf(value);
    if (scalar) return this.fieldPlace(scalar[0], pointer, scalar[1]);
    return (key, place) => this.wholeGroup(value, of, this.prf(key, 2, place, 0), pointer);
  }

  /** Hash of a list or object from its group key. */
  wholeGroup(value, of, key, pointer) {
    if (Array.isArray(value)) {
      const items = value.map((item, i) => this.valuePlace(item, of, `${pointer}/${i}`));
      const [depth, root] = this.row(
        [this.fieldPlace(COUNT, pointer, u32(value.length)), ...items],
        key,
      );
      return this.group(LIST_GROUP, depth, pointer, root);
    }
    const standard = new Map();
    const extensions = [];
    for (const [i, [name, item]] of value.members.entries()) {
      if (of.members.includes(name)) standard.set(name, [item, i]);
      else extensions.push([`/${escapeToken(name)}`, item, i]);
    }
    extensions.sort(([a], [b]) => compare(a, b));
    const present = of.members.filter((name) => standard.has(name));
    const places = [
      ...present.map((name) => standard.get(name)[1]),
      ...extensions.map(([, , i]) => i),
    ];
    const rising = places.every((place, i) => i === 0 || places[i - 1] < place);
    const order = rising ? NOTHING : Uint8Array.from(places.flatMap((n) => [n >> 8, n]));
    const slots = of.members.map((name) => [name, standard.get(name)?.[0], kindBelow(of, name)]);
    const [depth, root] = this.objectRow(slots, extensions, order, key, pointer);
    return this.group(OBJECT_GROUP, depth, pointer, root);
  }

  /** Slots are [name, value or undefined, kind below], extensions [key, value]. */
  objectRow(slots, extensions, order, key, pointer) {
    const members = slots.map(([name, value, below]) => {
      const at = `${pointer}/${escapeToken(name)}`;
      return value === undefined ? this.fieldPlace(ABSENT, at) : this.valuePlace(value, below, at);
    });
    const places = [
      this.extensionsPlace(extensions, pointer),
      this.fieldPlace(ORDER_TYPE, pointer, order),
      ...members,
    ];
    return this.row(places, key);
  }

  extensionsPlace(extensions, pointer) {
    if (extensions.length === 0) return this.fieldPlace(NO_EXTENSIONS, pointer);
    const end = (isEnd) => (key, place) => this.sentinel(this.salt(key, place), isEnd, pointer);
    const entries = extensions.map(([name, value]) => {
      const inner = this.valuePlace(value, NO_KIND, pointer + name);
      return (key, place) => this.entry(name, inner(key, place));
    });
    return (key, place) => {
      const [depth, root] = this.row(
        [end(false), ...entries, end(true)],
        this.prf(key, 2, place, 0),
      );
      return this.group(EXTENSIONS_GROUP, depth, pointer, root);
    };
  }
}

/** Type and value bytes of a scalar; null of lists and objects. */
function scalarLeaf(value) {
  if (value === null) return [NULL, NOTHING];
  if (typeof value === "boolean") return [value ? TRUE : FALSE, NOTHING];
  if (typeof value === "string") return [STRING_TYPE, utf8(value)];
  return value instanceof Lexeme ? [NUMBER_TYPE, ascii(value.text)] : null;
}

// ---- a class shown whole (§7, §8) -------------------------------------------------------------

/** What one class holds of an event, from its text; refuses any form but the one. */
class Part {
  constructor(of, order, text) {
    this.of = of;
    this.order = order;
    const value = parseJson(text, `the ${of.name} text`);
    this.need(value instanceof JsonObject, "the root");
    this.standard = new Map();
    this.extensions = [];
    this.inner = [];
    for (const [name, item] of value.members) this.take(name, item);
    this.needOneOrder(value);
    /** Extensions of the class and moved members, ascending by key. */
    this.entries = [...this.extensions, ...this.inner].sort(([a], [b]) => compare(a, b));
    [this.topOrder, this.ilmdOrder] = this.ordinals();
  }

  need(holds, place) {
    need(holds, `the ${this.of.name} text is not in canonical form at ${place}`);
  }

  take(name, value) {
    const place = `/${escapeToken(name)}`;
    const owner = CLASS_OF.get(name);
    if (this.of === PROVENANCE) this.need(name === PROVENANCE_NAME, place);
    if (owner === this.of) {
      this.standard.set(name, value);
    } else if (name === PROVENANCE_NAME || name === "ilmd") {
      this.need(name === "ilmd" || this.of === PROVENANCE, place);
      this.need(value instanceof JsonObject && value.members.length > 0, place);
      for (const [inner, item] of value.members) {
        this.inner.push([`/${name}/${escapeToken(inner)}`, item, inner]);
      }
    } else {
      this.need(owner === undefined, place);
      this.extensions.push([place, value, name]);
    }
  }

  /** Standard members as listed, then extensions ascending, then moved ones ascending. */
  needOneOrder(value) {
    const rising = (list) => list.every(([key], i) => i === 0 || compare(list[i - 1][0], key) < 0);
    const standard = this.of.members.filter((name) => this.standard.has(name));
    const order = [...standard, ...this.extensions.map(([, , name]) => name)];
    const said = value.members.map(([name]) => name);
    const inOrder = order.every((name, i) => said[i] === name);
    this.need(inOrder && rising(this.extensions) && rising(this.inner), "the order of members");
  }

  /** Members at the top of the event: [name, value]. */
  top() {
    const standard = this.of.members.filter((name) => this.standard.has(name));
    const extensions = this.extensions.map(([, value, name]) => [name, value]);
    return [...standard.map((name) => [name, this.standard.get(name)]), ...extensions];
  }

  moved() {
    if (this.of === PROVENANCE) return [];
    return this.inner.map(([, value, name]) => [name, value]);
  }

  ordinals() {
    if (this.order.length === 0) return [[], []];
    const words = [];
    for (let i = 0; i + 1 < this.order.length; i += 2) {
      words.push((this.order[i] << 8) | this.order[i + 1]);
    }
    const count = words.shift();
    const [top, ilmd] = [words.slice(0, count), words.slice(count)];
    const own = this.standard.get("ilmd");
    const members = own instanceof JsonObject ? own.members.length : this.moved().length;
    const fits = (given, there) => given.length === 0 || given.length === there;
    const whole =
      this.order.length % 2 === 0 &&
      top.length === count &&
      fits(top, this.top().length) &&
      fits(ilmd, members) &&
      words.length > 0;
    this.need(whole, "the order");
    return [top, ilmd];
  }

  digest(tree, key) {
    const slots = this.of.members.map((name) => {
      return [name, this.standard.get(name), kindBelow(EVENT, name)];
    });
    const [, root] = tree.objectRow(slots, this.entries, this.order, key, "");
    return tree.classDigest(this.of.number, root);
  }
}

/** The event as captured, from all its parts. */
function joinParts(parts) {
  const tops = [];
  const moved = [];
  let rest = [];
  for (const part of parts) {
    part.top().forEach(([name, value], i) => tops.push([part.topOrder[i], name, value]));
    part.moved().forEach(([name, value], i) => moved.push([part.ilmdOrder[i], name, value]));
    if (part.of === QUALITY) rest = part.ilmdOrder;
  }
  sortCaptured(tops);
  const members = tops.map(([, name, value]) => [name, value]);
  if (moved.length > 0) {
    const there = members.find(([name]) => name === "ilmd");
    if (there?.[1] instanceof JsonObject) {
      there[1].members.forEach(([name, value], i) => moved.push([rest[i], name, value]));
    }
    sortCaptured(moved);
    const ilmd = new JsonObject(moved.map(([, name, value]) => [name, value]));
    if (there) there[1] = ilmd;
    else members.push(["ilmd", ilmd]);
  }
  return new JsonObject(members);
}

/** By captured place where every member has one, else in canonical order. */
function sortCaptured(members) {
  if (members.every(([place]) => place !== undefined)) {
    members.sort(([a], [b]) => a - b);
    return;
  }
  const rank = (name) => (EVENT_ORDER.includes(name) ? EVENT_ORDER.indexOf(name) : Infinity);
  const inOrder = (a, b) => {
    const [x, y] = [rank(a), rank(b)];
    if (x !== y) return x < y ? -1 : 1;
    return x === Infinity ? compare(escapeToken(a), escapeToken(b)) : 0;
  };
  members.sort(([, a], [, b]) => inOrder(a, b));
}

// ---- openings (§8) ----------------------------------------------------------------------------

const [ITEM_GROUP, ITEM_WHOLE, ITEM_HIDDEN, ITEM_SENTINEL] = [16, 17, 18, 19];
/** How many elements an item of a type has after place and type, without its key. */
const ITEM_ELEMENTS = new Map(
  [[0, 1], [1, 1], [2, 1], [3, 1], [4, 2], [5, 2], [6, 2], [8, 1], [16, 2], [17, 2], [18, 1], [19, 1]],
);
const GROUPS_NESTED_MAX = 2 * JSON_DEPTH_MAX + 4;

function shape(holds, what) {
  need(holds, `openings: ${what} is not as the format says`);
}

function asBytes(value, length, what) {
  shape(value instanceof Uint8Array && value.length === length, what);
  return value;
}

function asText(value, what) {
  shape(typeof value === "string", what);
  return value;
}

/** A number up to `max`, as Number. */
function asNumber(value, max, what) {
  shape(typeof value === "bigint" && value >= 0n && value <= BigInt(max), what);
  return Number(value);
}

function decodeOpenings(bytes) {
  const value = decodeCbor(bytes, "openings");
  shape(Array.isArray(value) && value.length === 2, "the outer array");
  const [version, classes] = value;
  need(version === 1n, "openings: the layout version is not known");
  const fits = Array.isArray(classes) && classes.length > 0 && classes.length <= CLASSES.length;
  shape(fits, "the list of classes");
  const opened = classes.map(decodeClass);
  const ascending = opened.every((one, i) => i === 0 || opened[i - 1].of.number < one.of.number);
  shape(ascending, "the order of classes");
  return opened;
}

function decodeClass(value) {
  shape(Array.isArray(value) && value.length >= 2, "a class");
  const number = asNumber(value[0], CLASSES.length, "a class number");
  shape(number > 0, "a class number");
  const of = CLASSES[number - 1];
  const [form, rest] = [value[1], value.slice(2)];
  if (form === 0n && rest.length === 1) {
    return { of, form: "empty", secret: asBytes(rest[0], 32, "a dummy's secret") };
  }
  if (form === 1n && rest.length === 3) {
    shape(rest[1] instanceof Uint8Array, "a class's order");
    const key = asBytes(rest[0], 32, "a class's salt key");
    return { of, form: "whole", key, order: rest[1], text: asText(rest[2], "a class's text") };
  }
  const some = form === 2n && rest.length === 1 && Array.isArray(rest[0]);
  shape(some, "a class");
  return { of, form: "some", groups: rest[0].map(decodeGroup) };
}

function decodeGroup(value) {
  shape(Array.isArray(value) && value.length === 2 && Array.isArray(value[0]), "a group");
  const siblings = value[1];
  const whole = siblings instanceof Uint8Array && siblings.length % 32 === 0;
  shape(whole, "the siblings of a group");
  const items = value[0].map(decodeItem);
  const ascending = items.every((item, i) => i === 0 || items[i - 1].place < item.place);
  shape(items.length > 0 && ascending, "the order of items");
  return { items, siblings: hashes(siblings) };
}

function decodeItem(value) {
  shape(Array.isArray(value) && value.length >= 2, "an item");
  const place = asNumber(value[0], 2 ** 17 - 1, "a place");
  const type = asNumber(value[1], ITEM_SENTINEL, "an item's kind");
  const taken = ITEM_ELEMENTS.get(type);
  shape(taken !== undefined, "an item's kind");
  const fields = value.slice(2, 2 + taken);
  const rest = value.slice(2 + taken);
  shape(fields.length === taken && rest.length <= 1, "an item");
  const key = rest.length === 1 ? asText(rest[0], "an entry's key") : null;
  const item = { place, type, key };
  if (type === ITEM_GROUP) {
    const group = asNumber(fields[0], EXTENSIONS_GROUP, "a group's kind");
    shape(group > 0, "a group's kind");
    return { ...item, group, depth: asNumber(fields[1], 16, "a depth") };
  }
  if (type === ITEM_WHOLE) {
    const text = asText(fields[1], "a value");
    const groupKey = asBytes(fields[0], 32, "a group key");
    return { ...item, groupKey, value: parseJson(text, "a disclosed value") };
  }
  if (type === ITEM_HIDDEN) return { ...item, hash: asBytes(fields[0], 32, "a hash") };
  const salt = asBytes(fields[0], 16, "a salt");
  if (type === NUMBER_TYPE) {
    const lexeme = parseJson(asText(fields[1], "a number"), "a disclosed value");
    shape(lexeme instanceof Lexeme, "a number");
    return { ...item, salt, value: lexeme };
  }
  if (type === STRING_TYPE) {
    const text = asText(fields[1], "a string");
    shape(utf8(text).length <= SCALAR_BYTES_MAX, "a string");
    return { ...item, salt, value: text };
  }
  if (type === COUNT) return { ...item, salt, count: asNumber(fields[1], 0xffffffff, "a count") };
  const meaning = new Map([[NULL, null], [FALSE, false], [TRUE, true]]);
  return { ...item, salt, value: meaning.get(type) };
}

/** Where a walk through groups is. */
const [IN_CLASS, IN_OBJECT, IN_LIST, IN_EXTENSIONS] = ["class", "object", "list", "extensions"];

/** Walks the groups of a partly opened class; tells what is shown. */
class Walk {
  constructor(tree, of, groups, tell) {
    this.tree = tree;
    this.of = of;
    this.groups = groups;
    this.next = 0;
    this.nested = 0;
    this.tell = tell;
  }

  need(holds, problem, pointer) {
    need(holds, () => `${pointer} (${this.of.name}): ${problem}`);
  }

  classDigest() {
    const inside = { where: IN_CLASS, of: EVENT, names: this.of.members };
    const root = this.group(inside, depthOf(2 + this.of.members.length), "");
    this.need(this.next === this.groups.length, "a group that nothing refers to", "");
    return this.tree.classDigest(this.of.number, root);
  }

  group(inside, height, pointer) {
    this.need(this.next < this.groups.length, "a group is missing", pointer);
    const { items, siblings } = this.groups[this.next++];
    this.nested += 1;
    this.need(this.nested <= GROUPS_NESTED_MAX, "nested too deeply", pointer);
    this.need(items.at(-1).place < 2 ** height, "a place outside its group", pointer);
    if (inside.where === IN_EXTENSIONS) this.neighbours(items, inside, pointer);
    const count = inside.where === IN_LIST && items[0].place === 0 ? items[0].count : undefined;
    if (count !== undefined) {
      this.need(items.at(-1).place <= count, "an item beyond the list's count", pointer);
    }
    const leaves = items.map((item) => [item.place, this.item(item, inside, pointer)]);
    let used = 0;
    const fold = (from, to, start, level) => {
      if (from === to) {
        this.need(used < siblings.length, "the wrong number of siblings", pointer);
        return siblings[used++];
      }
      if (level === 0) return leaves[from][1];
      const middle = start + 2 ** (level - 1);
      let split = from;
      while (split < to && leaves[split][0] < middle) split++;
      const left = fold(from, split, start, level - 1);
      return this.tree.hasher.node(left, fold(split, to, middle, level - 1));
    };
    const root = fold(0, leaves.length, 0, height);
    this.need(used === siblings.length, "the wrong number of siblings", pointer);
    this.nested -= 1;
    return root;
  }

  /** Keys and sentinels of a sorted group; what lies between neighbours. */
  neighbours(items, inside, pointer) {
    for (const { place, type, key } of items) {
      const fits =
        key === null
          ? type === ITEM_SENTINEL
          : type !== ITEM_SENTINEL && place > 0 && this.keyFits(key, inside);
      this.need(fits, "an entry whose key cannot stand there", pointer);
    }
    for (let i = 1; i < items.length; i++) {
      const [left, right] = [items[i - 1], items[i]];
      let rising = true;
      if (left.key === null) rising = left.place === 0;
      else if (right.key !== null) rising = compare(left.key, right.key) < 0;
      this.need(rising, "entries that are not sorted", pointer);
      if (right.place === left.place + 1) {
        this.tell(pointer, { none: [left.key, right.key] });
      }
    }
  }

  /** Whether an extension may have this key here; a standard member has its own place. */
  keyFits(key, { top, of }) {
    const tokens = tokensOf(key);
    if (!tokens) return false;
    if (tokens.length === 1) {
      const [name] = tokens;
      if (!top) return !of.members.includes(name);
      return this.of !== PROVENANCE && name !== PROVENANCE_NAME && !CLASS_OF.has(name);
    }
    if (tokens.length !== 2 || !top) return false;
    if (tokens[0] === "ilmd") return this.of !== QUALITY && this.of !== PROVENANCE;
    return tokens[0] === PROVENANCE_NAME && this.of === PROVENANCE;
  }

  item(item, inside, pointer) {
    const { where, of } = inside;
    const { place, key } = item;
    const wrong = "a place that holds no such thing";
    if (where === IN_EXTENSIONS) {
      if (key === null) return this.tree.sentinel(item.salt, place > 0, pointer);
      return this.tree.entry(key, this.value(item, NO_KIND, pointer + key, false, true));
    }
    if (where === IN_LIST) {
      if (place === 0) return this.count(item, pointer);
      this.need(key === null, wrong, pointer);
      return this.value(item, of, `${pointer}/${place - 1}`, false, false);
    }
    if (place === 0) return this.extensions(item, inside, pointer);
    const name = inside.names[place - 2];
    this.need(name !== undefined && key === null, wrong, pointer);
    return this.value(item, kindBelow(of, name), `${pointer}/${escapeToken(name)}`, true, false);
  }

  count(item, pointer) {
    this.need(item.type === COUNT && item.key === null, "something else than a count", pointer);
    this.tell(pointer, { length: item.count });
    return this.tree.field(item.salt, COUNT, pointer, u32(item.count));
  }

  extensions(item, { where, of }, pointer) {
    this.need(item.key === null, "something else than extensions", pointer);
    if (item.type === NO_EXTENSIONS) {
      this.tell(pointer, { none: [null, null] });
      return this.tree.field(item.salt, NO_EXTENSIONS, pointer, NOTHING);
    }
    const is = item.type === ITEM_GROUP && item.group === EXTENSIONS_GROUP;
    this.need(is, "something else than extensions", pointer);
    const inside = { where: IN_EXTENSIONS, top: where === IN_CLASS, of };
    const root = this.group(inside, item.depth, pointer);
    return this.tree.group(EXTENSIONS_GROUP, item.depth, pointer, root);
  }

  value(item, of, pointer, isMember, isEntry) {
    const { type } = item;
    if (type === ITEM_GROUP) return this.innerGroup(item, of, pointer);
    if (type === ITEM_WHOLE) {
      const grouped = scalarLeaf(item.value) === null;
      this.need(grouped, "a scalar shown as a subtree", pointer);
      this.tell(pointer, { value: item.value });
      return this.tree.wholeGroup(item.value, of, item.groupKey, pointer);
    }
    if (type === ITEM_HIDDEN && isEntry) return item.hash;
    const leaf = type === ABSENT ? isMember : type <= STRING_TYPE;
    this.need(leaf, "a leaf that is no value", pointer);
    if (type === ABSENT) {
      this.tell(pointer, { absent: true });
      return this.tree.field(item.salt, ABSENT, pointer, NOTHING);
    }
    this.tell(pointer, { value: item.value });
    return this.tree.field(item.salt, type, pointer, scalarLeaf(item.value)[1]);
  }

  innerGroup({ group, depth }, of, pointer) {
    const isObject = group === OBJECT_GROUP && depth === depthOf(2 + of.members.length);
    this.need(isObject || group === LIST_GROUP, "a group of the wrong kind or depth", pointer);
    const inside = isObject
      ? { where: IN_OBJECT, of, names: of.members }
      : { where: IN_LIST, of };
    return this.tree.group(group, depth, pointer, this.group(inside, depth, pointer));
  }
}

/** What openings show, where they lead to the class digests. */
function verifyOpenings(hasher, bytes, digests) {
  const tree = new Tree(hasher);
  const shown = [];
  const parts = [];
  const empty = [];
  const whole = [];
  const opened = decodeOpenings(bytes);
  for (const one of opened) {
    const { of } = one;
    let digest;
    if (one.form === "empty") {
      empty.push(of);
      digest = hasher.hash(Uint8Array.of(0x13, of.number), one.secret);
    } else if (one.form === "whole") {
      const part = new Part(of, one.order, one.text);
      digest = part.digest(tree, one.key);
      const standard = of.members.filter((name) => part.standard.has(name));
      for (const name of standard) {
        shown.push({ of, pointer: `/${name}`, value: part.standard.get(name) });
      }
      for (const [pointer, value] of part.entries) shown.push({ of, pointer, value });
      whole.push(of);
      parts.push(part);
    } else {
      const tell = (pointer, what) => shown.push({ of, pointer, ...what });
      digest = new Walk(tree, of, one.groups, tell).classDigest();
    }
    const said = `the opened ${of.name} fields do not lead to the class digest in the record header`;
    need(equal(digest, digests[of.number - 1]), said);
  }
  const isOpen = (of) => whole.includes(of) || empty.includes(of);
  const event = OF_EVENTS.every(isOpen) ? joinParts(parts) : null;
  const withheld = CLASSES.filter((of) => !opened.some((one) => one.of === of));
  const leftOut = whole.some((of) => of !== PROVENANCE) ? OF_EVENTS.filter((c) => !isOpen(c)) : [];
  const partly = opened.filter((one) => one.form === "some").map((one) => one.of);
  return { shown, empty, event, withheld, partly, leftOut };
}

// ---- statements, headers, state (§4, §6, §9, §10) ---------------------------------------------

const STATEMENT_TYPE = "application/countermark-statement+cbor";
const [GENESIS, CAPTURE] = [1n, 4n];
const KIND_NAMES = new Map([[GENESIS, "genesis"], [CAPTURE, "capture"]]);

/** A genesis or capture statement from its leaf. */
function parseStatement(leaf, wanted) {
  need(leaf.length > 0 && leaf[0] === 2, "the leaf is no statement");
  need(leaf.length <= LEAF_BYTES_MAX, "the statement is too long for a leaf");
  const message = decodeCbor(leaf.subarray(1), "statement");
  const isSign1 =
    message instanceof Tag &&
    message.number === 18n &&
    Array.isArray(message.item) &&
    message.item.length === 4;
  need(isSign1, "the statement is no COSE_Sign1 message");
  const [protectedHeader, unprotected, payload, signature] = message.item;
  const typed =
    protectedHeader instanceof Uint8Array &&
    unprotected instanceof Entries &&
    unprotected.entries.length === 0 &&
    payload instanceof Uint8Array &&
    signature instanceof Uint8Array &&
    signature.length === 64;
  need(typed, "the statement is not in its one encoding");
  const fields = new Fields(
    decodeCbor(payload, "statement"),
    "statement payload",
    [1, 2, 3, 4, 5, 6, 7],
  );
  fields.version(1, 1n);
  const kindNumber = fields.uint(2);
  need(kindNumber === wanted, `the statement is no ${KIND_NAMES.get(wanted)}`);
  fields.arrays(7, 32, 16);
  const statement = {
    member: fields.bytes(3, 16),
    sequence: fields.uint(4),
    origin: fields.text(5, ORIGIN_BYTES_MAX),
    body: wanted === GENESIS ? genesisBody(fields.get(6)) : captureBody(fields.get(6)),
    key: headerKey(protectedHeader, fields.bytes(3, 16), wanted),
    signature,
  };
  const context = concat(cborHead(4, 4), cborHead(3, 10), ascii("Signature1"));
  const parts = [cborBytes(protectedHeader), cborBytes(NOTHING), cborBytes(payload)];
  statement.signed = concat(context, ...parts);
  return statement;
}

/** The key id of a protected header that agrees with the payload. */
function headerKey(bytes, member, kindNumber) {
  const what = "statement header";
  const fields = new Fields(decodeCbor(bytes, what), what, [1, 3, 4, 15]);
  fields.need(1, fields.get(1) === -8n, "the algorithm EdDSA (-8)");
  fields.need(3, fields.text(3, 64) === STATEMENT_TYPE, STATEMENT_TYPE);
  const claims = new Fields(fields.get(15), `${what}, CWT claims`, [1, 2]);
  const agree = claims.text(1, 32) === hex(member) && claims.text(2, 32) === KIND_NAMES.get(kindNumber);
  need(agree, "the statement's protected header and its payload do not agree");
  return fields.bytes(4, 32);
}

function genesisBody(value) {
  const fields = new Fields(value, "genesis body", [1, 2, 3, 4, 5], [6]);
  fields.bytes(1, 16);
  fields.uint(3);
  fields.bytes(4, 32);
  if (fields.has(6)) {
    const previous = new Fields(fields.get(6), "genesis body, previous log", [1, 2, 3]);
    previous.text(1, ORIGIN_BYTES_MAX);
    previous.uint(2);
    previous.bytes(3, 32);
  }
  return { logKey: fields.bytes(2, 32), memberKey: fields.bytes(5, 32) };
}

function captureBody(value) {
  const fields = new Fields(value, "capture body", [1, 2, 3]);
  const count = fields.uint(2);
  fields.need(2, count >= 1n && count <= 1000n, "1 to 1000 records");
  fields.bytes(3, 32);
  return { batchRoot: fields.bytes(1, 32), count };
}

function parseRecordHeader(hasher, bytes) {
  const what = "record header";
  need(bytes.length <= 1024, "a record header has at most 1024 bytes");
  const keys = [1, 2, 3, 4, 5, 6, 7, 14, 16];
  const fields = new Fields(decodeCbor(bytes, what), what, keys, [15]);
  const ruleSet = fields.uint(14);
  need(ruleSet === 1n, () => `record header, key 14: rule set ${ruleSet} is not known`);
  fields.version(1, 1n);
  fields.uint(5);
  fields.bytes(16, 32);
  if (fields.has(15)) fields.bytes(15, 16);
  const digests = fields.arrays(7, 32, CLASSES.length);
  fields.need(7, digests.length === CLASSES.length, `${CLASSES.length} digests`);
  const leaves = digests.map((digest, i) => hasher.leaf(Uint8Array.of(0x11, i + 1), digest));
  const root = fields.bytes(6, 32);
  const follows = equal(merkleRoot(hasher, leaves), root);
  need(follows, "record header, key 6: the root does not follow from the class digests");
  return {
    recordId: fields.bytes(2, 16),
    key: fields.bytes(3, 32),
    sequence: fields.uint(4),
    digests,
  };
}

function parseBlockHeader(leaf) {
  const what = "block header";
  const fits = leaf.length > 0 && leaf.length <= LEAF_BYTES_MAX && leaf[0] === 1;
  need(fits, "the leaf is no block header");
  const all = Array.from({ length: 12 }, (_, i) => i + 1);
  const fields = new Fields(decodeCbor(leaf.subarray(1), what), what, all);
  fields.version(1, 1n);
  const count = fields.uint(8);
  fields.need(8, count <= 4096n, "at most 4096 statements");
  for (const key of [5, 7, 12]) fields.bytes(key, 32);
  fields.uint(11);
  return {
    origin: fields.text(2, ORIGIN_BYTES_MAX),
    height: fields.uint(3),
    time: fields.uint(4),
    logSize: fields.uint(6),
    count,
    statementsRoot: fields.bytes(9, 32),
    stateRoot: fields.bytes(10, 32),
  };
}

function parseKeyEntry(bytes) {
  const fields = new Fields(decodeCbor(bytes, "state value"), "state key", [1, 2, 3, 5], [4]);
  fields.uint(5);
  return {
    member: fields.bytes(1, 16),
    publicKey: fields.bytes(2, 32),
    from: fields.uint(3),
    until: fields.has(4) ? fields.uint(4) : null,
  };
}

function isValidAt(key, height) {
  return key.from <= height && (key.until === null || height < key.until);
}

function parseMemberStatus(bytes) {
  const all = [1, 2, 3, 4, 5, 6, 7];
  const fields = new Fields(decodeCbor(bytes, "state value"), "state member", all);
  const status = fields.uint(3);
  fields.need(3, status >= 1n && status <= 3n, "1 active, 2 suspended or 3 left");
  fields.bytes(1, 16);
  fields.bytes(2, 32);
  fields.arrays(4, 16, 32);
  for (const key of [5, 6, 7]) fields.uint(key);
  return ["active", "suspended", "left"][Number(status) - 1];
}

/** That the state of this root holds this value for this key. */
function provenPresent(hasher, root, key, value, proof) {
  const what = "state proof";
  const fields = new Fields(decodeCbor(proof, what), what, [1, 2, 3], [4]);
  fields.version(1, 1n);
  const zeros = new Uint8Array(32);
  const siblings = fields.items(2, 256).map((item) => {
    if (item === null) return zeros;
    const hash = fields.bytesOf(2, item, 32);
    fields.need(2, !equal(hash, zeros), "an empty sibling as null");
    return hash;
  });
  const end = fields.uint(3);
  need(end === 1n && !fields.has(4), "the state proof shows no value of the key");
  const path = hasher.hash(key);
  let found = hasher.hash(Uint8Array.of(0x20), path, hasher.hash(value));
  for (let level = siblings.length - 1; level >= 0; level--) {
    const isRight = (path[level >> 3] >> (7 - (level & 7))) & 1;
    const pair = isRight ? [siblings[level], found] : [found, siblings[level]];
    found = hasher.hash(Uint8Array.of(0x21), ...pair);
  }
  need(equal(found, root), "the state proof does not lead to the state root");
}

// ---- the bundle (§12) -------------------------------------------------------------------------

function decodeBundle(bytes) {
  const body = bytes.subarray(MAGIC.length);
  const fields = new Fields(decodeCbor(body, "bundle"), "bundle", [1, 2, 3, 4, 5, 6, 7]);
  fields.version(1, 1n);
  const genesis = fields.items(3, 2);
  fields.need(3, genesis.length === 2, "a leaf and its path");
  const records = fields.items(4, BUNDLE_RECORDS_MAX).map(decodeRecord);
  fields.need(4, records.length > 0, "at least one record");
  const rising = records.every((one, i) => i === 0 || isBefore(records[i - 1], one));
  fields.need(4, rising, "records in the order of the log, each once");
  const signature = fields.bytes(7, 64);
  return {
    checkpoint: fields.bytes(2),
    genesis: { leaf: fields.bytesOf(3, genesis[0]), path: fields.path(3, genesis[1]) },
    records,
    head: decodeHead(fields.get(5)),
    issuedAt: fields.uint(6),
    signature,
    // The file with keys 1 to 6 only: key 7 and its 64 bytes are the last 67.
    signed: concat(MAGIC, Uint8Array.of(0xa6), body.subarray(1, -67)),
  };
}

function isBefore(a, b) {
  const [x, y] = [a, b].map((one) => [one.block.index, one.statementIndex, one.recordIndex]);
  const at = x.findIndex((n, i) => n !== y[i]);
  return at >= 0 && x[at] < y[at];
}

function decodeBlock(value) {
  const fields = new Fields(value, "bundle, block proof", [1, 2, 3]);
  return { leaf: fields.bytes(1), index: fields.uint(2), path: fields.path(3) };
}

function decodeRecord(value) {
  const fields = new Fields(value, "bundle, record proof", [1, 2, 3, 4, 5, 6, 7, 8]);
  return {
    block: decodeBlock(fields.get(1)),
    statement: fields.bytes(2),
    statementIndex: fields.uint(3),
    statementPath: fields.path(4),
    header: fields.bytes(5),
    recordIndex: fields.uint(6),
    recordPath: fields.path(7),
    openings: fields.bytes(8),
  };
}

function decodeHead(value) {
  const fields = new Fields(value, "bundle, head", [1, 2, 3, 4]);
  const entry = (key, item) => {
    const pair = Array.isArray(item) && item.length === 2;
    fields.need(key, pair, "an entry of the state and the state proof of it");
    return { value: fields.bytesOf(key, item[0]), proof: fields.bytesOf(key, item[1]) };
  };
  return {
    block: decodeBlock(fields.get(1)),
    issuerKey: fields.bytes(2, 32),
    keys: fields.items(3, BUNDLE_RECORDS_MAX + 1).map((item) => entry(3, item)),
    issuer: entry(4, fields.get(4)),
  };
}

// ---- verification (§12) -----------------------------------------------------------------------

export const HOLDS = "holds";
export const KEY_NOT_CHECKED = "consistent; log key not checked";
export const DOES_NOT_HOLD = "does not hold";
/** Only where the browser cannot check signatures: never a success. */
export const NOT_CHECKED = "not checked";

const BROWSER = "this program";
const LOG_KEY = "the log's key";

/**
 * Checks a bundle, and nothing else is asked: no network, no clock.
 *
 * The report has the keys of `countermark verify --json` (reportJson gives that text), and more: of
 * a check `vouchedBy`; of a record `withheld`, `partly`, `whole` and `facts`. Throws Unreadable for a file that
 * is no bundle or no trust policy.
 * @param {Uint8Array} bytes the bundle's file
 * @param {{trust?: Uint8Array}} options the trust policy's file
 */
export async function verify(bytes, { trust } = {}) {
  const policy = trust ? parseTrust(trust) : null;
  if (bytes.length > BUNDLE_BYTES_MAX) {
    throw new Unreadable("bundle", `a bundle has at most ${BUNDLE_BYTES_MAX} bytes`);
  }
  if (!equal(bytes.subarray(0, MAGIC.length), MAGIC)) {
    throw new Unreadable("bundle", 'no bundle: it does not begin with "countermark bundle v1"');
  }
  const run = new Run(policy, new Signatures(await findCrypto()));
  try {
    run.bundle = decodeBundle(bytes);
  } catch (error) {
    run.fault("encoding", BROWSER, error);
    return run.report();
  }
  await run.all();
  return run.report();
}

class Run {
  checks = [];
  records = [];
  log = null;
  issuer = null;
  bundle = null;

  constructor(policy, signatures) {
    this.policy = policy;
    this.signatures = signatures;
    this.hasher = new Hasher();
  }

  note(check, state, detail, vouchedBy) {
    this.checks.push({ check, state, detail, vouchedBy });
  }

  fault(check, vouchedBy, error) {
    if (!(error instanceof Fault)) throw error;
    this.note(check, "contradicted", error.message, vouchedBy);
  }

  /** One step: `work` gives [value, detail, whether signatures were checked]. */
  async step(check, vouchedBy, work) {
    try {
      const [value, detail, checked = true] = await work();
      if (checked) this.note(check, "proven", detail, vouchedBy);
      else this.note(check, "not checked", NO_ED25519, vouchedBy);
      return value;
    } catch (error) {
      this.fault(check, vouchedBy, error);
      return null;
    }
  }

  async all() {
    const { bundle } = this;
    const read = await this.step("checkpoint form", BROWSER, () => {
      const note = parseNote(bundle.checkpoint);
      const checkpoint = parseCheckpoint(note.text);
      return [{ note, checkpoint }, `log ${checkpoint.origin}, ${checkpoint.size} leaves`];
    });
    if (!read) return;
    this.checkpoint = read.checkpoint;
    await this.genesis(read.note);
    const head = await this.head();
    this.keys = head ? ((await this.readKeys(head)) ?? new Map()) : new Map();
    for (const i of bundle.records.keys()) await this.record(i);
    const issuer = head ? await this.readIssuer(head) : null;
    await this.trust(read.note, issuer);
    this.issuer = issuer;
    const { origin, size, root } = this.checkpoint;
    if (head) this.log = { origin, size, root: hex(root), height: head.height, time: head.time };
  }

  async genesis(note) {
    const { genesis } = this.bundle;
    const { origin } = this.checkpoint;
    const body = await this.step("genesis statement", "the first member's key", async () => {
      const statement = parseStatement(genesis.leaf, GENESIS);
      const { memberKey, logKey } = statement.body;
      need(
        equal(this.hasher.hash(memberKey), statement.key),
        "the statement's protected header and its payload name another key",
      );
      const checked = await this.signatures.need(memberKey, statement.signed, statement.signature);
      need(statement.origin === origin, () => `the genesis is of the log ${statement.origin}`);
      return [statement.body, `log key ${hex(this.hasher.hash(logKey))}`, checked];
    });
    if (!body) return;
    await this.step("checkpoint signature", LOG_KEY, async () => {
      const unsigned = "the checkpoint is not signed with the log key of the genesis";
      need(isKeyName(origin) && isKey(body.logKey), unsigned);
      const keys = [noteKey(origin, TYPE_LOG, body.logKey)];
      let signed;
      try {
        signed = await noteSigners(this.signatures, note, keys);
      } catch (error) {
        throw error instanceof Fault ? new Fault(unsigned) : error;
      }
      return [true, "by the log's own key", signed !== null];
    });
    await this.step("place of the genesis", LOG_KEY, () => {
      this.inLog(genesis.leaf, 1n, genesis.path, "the genesis statement is not the log's first");
      return [true, "first of this log"];
    });
  }

  inLog(leaf, index, path, words) {
    const { size, root } = this.checkpoint;
    this.included(this.hasher.leaf(leaf), index, size, path, root, words);
  }

  included(leaf, index, size, path, root, words) {
    try {
      included(this.hasher, leaf, index, size, path, root);
    } catch (error) {
      throw error instanceof Fault ? new Fault(`${words}: ${error.message}`) : error;
    }
  }

  /** A block's header, where its leaf stands in the checkpoint's tree and says so itself. */
  block({ leaf, index, path }) {
    const header = parseBlockHeader(leaf);
    this.inLog(leaf, index, path, `the header of block ${header.height}`);
    need(header.logSize === index, "the block's header does not stand where it says");
    const ours = header.origin === this.checkpoint.origin;
    need(ours, () => `the block is of the log ${header.origin}`);
    return header;
  }

  head() {
    return this.step("newest block", LOG_KEY, () => {
      const header = this.block(this.bundle.head.block);
      const end = header.logSize + 1n + header.count;
      const last = "the block given as the newest is not the last one of the checkpoint";
      need(end === this.checkpoint.size, last);
      return [header, `height ${header.height}`];
    });
  }

  /** The keys that the newest state proves, by id in hex: exactly those that are used, in order. */
  readKeys(head) {
    return this.step("keys", `${LOG_KEY}, by the state of the newest block`, () => {
      const keys = new Map();
      let before = null;
      for (const entry of this.bundle.head.keys) {
        const key = parseKeyEntry(entry.value);
        const id = this.hasher.hash(key.publicKey);
        try {
          const at = concat(ascii("key/"), id);
          provenPresent(this.hasher, head.stateRoot, at, entry.value, entry.proof);
        } catch (error) {
          throw error instanceof Fault ? new Fault(`key ${hex(id)}: ${error.message}`) : error;
        }
        const rising = before === null || compareBytes(before, id) < 0;
        need(rising, "the keys do not stand in the order of their ids, each once");
        before = id;
        keys.set(hex(id), key);
      }
      this.needUsed(keys);
      return [keys, `${keys.size} in the state of the newest block`];
    });
  }

  needUsed(keys) {
    const used = new Set([hex(this.bundle.head.issuerKey)]);
    for (const record of this.bundle.records) {
      try {
        used.add(hex(parseStatement(record.statement, CAPTURE).key));
      } catch (error) {
        // The record's own check names the statement as what does not hold.
        if (error instanceof Fault) return;
        throw error;
      }
    }
    for (const id of used) need(keys.has(id), `key ${id} signed but is not shown`);
    for (const id of keys.keys()) need(used.has(id), `key ${id} is shown but signed nothing here`);
  }

  async record(i) {
    const proof = this.bundle.records[i];
    const place = this.bundle.records.length === 1 ? "" : ` of record ${i + 1}`;
    const header = await this.step(`record header${place}`, BROWSER, () => {
      const read = parseRecordHeader(this.hasher, proof.header);
      return [read, `record ${hex(read.recordId)}`];
    });
    if (!header) return;
    const shown = await this.step(`disclosed values${place}`, BROWSER, () => {
      const found = verifyOpenings(this.hasher, proof.openings, header.digests);
      return [found, `${found.shown.length} lead to the record's class digests`];
    });
    if (shown?.leftOut.length > 0) {
      const classes = shown.leftOut.map((of) => of.name).join(", ");
      this.note(`classes not shown${place}`, "not checked", classes, "withheld, or erased");
    }
    const signed = await this.step(`statement${place}`, "the member's key", () => {
      return this.statement(proof, header);
    });
    const located = await this.step(`place in the log${place}`, LOG_KEY, () => {
      const found = this.block(proof.block);
      need(signed, "its statement does not hold");
      this.included(
        this.hasher.leaf(proof.statement),
        proof.statementIndex,
        found.count,
        proof.statementPath,
        found.statementsRoot,
        `the statement is not in block ${found.height}`,
      );
      const valid = isValidAt(signed.key, found.height);
      need(valid, `the signing key was not valid in block ${found.height}`);
      return [found, `block ${found.height}, ${found.logSize} leaves before it`];
    });
    if (!shown || !signed || !located) return;
    const { member } = signed.key;
    const { height, time } = located;
    this.records.push({ recordId: header.recordId, member, height, time, shown });
  }

  /** The statement: its signature, and that it captured this record. */
  async statement(proof, header) {
    const statement = parseStatement(proof.statement, CAPTURE);
    const { batchRoot, count } = statement.body;
    this.included(
      this.hasher.leaf(Uint8Array.of(0x12), proof.header),
      proof.recordIndex,
      count,
      proof.recordPath,
      batchRoot,
      "the record is not in the statement's batch",
    );
    const { origin, sequence } = statement;
    need(origin === this.checkpoint.origin, `the statement is for the log ${origin}`);
    const same = equal(header.key, statement.key) && header.sequence === sequence;
    need(same, "the record names another key or sequence than its statement");
    const key = this.keys.get(hex(statement.key));
    need(key, "the signing key is not proven");
    const ofMember = equal(key.member, statement.member);
    need(ofMember, "the signing key belongs to another member than the statement says");
    const { publicKey } = key;
    const checked = await this.signatures.need(publicKey, statement.signed, statement.signature);
    return [{ key }, `signed by key ${hex(statement.key)}`, checked];
  }

  async readIssuer(head) {
    const { head: shown, signed, signature, issuedAt } = this.bundle;
    const id = hex(shown.issuerKey);
    const key = await this.step("issuer", `${LOG_KEY}, by the state of the newest block`, () => {
      const found = this.keys.get(id);
      need(found, "the issuer's key is not proven");
      need(isValidAt(found, head.height), `the issuer's key ${id} is revoked`);
      const member = hex(found.member);
      const at = concat(ascii("member/"), found.member);
      provenPresent(this.hasher, head.stateRoot, at, shown.issuer.value, shown.issuer.proof);
      const status = parseMemberStatus(shown.issuer.value);
      need(status !== "suspended", `member ${member} is suspended`);
      need(status !== "left", `member ${member} has left`);
      return [found, `member ${member}, active at height ${head.height}`];
    });
    if (!key) return null;
    const covered = await this.step("bundle signature", "the issuer's key", async () => {
      const problem = "the issuer's signature does not cover this bundle as it is";
      const checked = await this.signatures.need(key.publicKey, signed, signature, problem);
      return [true, "covers every byte", checked];
    });
    return covered && { member: key.member, key: id, issuedAt };
  }

  async trust(note, issuer) {
    if (!this.policy) {
      const detail = "no trust policy was given: anyone could have made this log";
      this.note("log key", "not checked", detail, "nobody");
      this.unknownLines(note, 1);
      return;
    }
    const vouchedBy = "your trust policy";
    await this.step("log key", vouchedBy, async () => {
      const known = await this.policy.check(this.signatures, note, this.checkpoint);
      const detail = `log ${this.checkpoint.origin} of the trust policy`;
      return [{ known }, detail, known !== null];
    }).then((found) => found && this.unknownLines(note, found.known ?? 0));
    await this.step("ledger", vouchedBy, () => {
      const found = this.hasher.leaf(this.bundle.genesis.leaf);
      const [began, pins] = [hex(found), hex(this.policy.genesis)];
      need(began === pins, `the ledger began with ${began}, the trust policy pins ${pins}`);
      return [true, "the one that the trust policy pins"];
    });
    await this.step("members", vouchedBy, () => {
      const members = [...this.records, ...(issuer ? [issuer] : [])].map((one) => hex(one.member));
      const known = this.policy.members;
      const stranger = known.size > 0 && members.find((member) => !known.has(member));
      need(!stranger, `member ${stranger} is not in the trust policy`);
      return [true, "all in the trust policy"];
    });
  }

  /** Signature lines that nobody here knows the key of: the report says so. */
  unknownLines(note, known) {
    const unknown = note.signatures.length - known;
    if (unknown > 0) {
      const detail = `${unknown} signature lines of the checkpoint are of unknown keys`;
      this.note("cosignatures", "not checked", detail, "keys that nobody here knows");
    }
  }

  report() {
    const { checks } = this;
    const fault = checks.find((check) => check.state === "contradicted");
    const bare = (verdict, message) => ({ verdict, message, checks, disclosed: [] });
    if (fault) {
      return bare(DOES_NOT_HOLD, `Does not hold: ${fault.check}: ${fault.detail}.`);
    }
    if (!this.signatures.subtle) return bare(NOT_CHECKED, `${NO_ED25519}.`);
    const name = (member) => this.policy?.members.get(hex(member)) ?? null;
    const records = this.records.map((record) => recordReport(record, name(record.member)));
    let [verdict, message] = [
      KEY_NOT_CHECKED,
      "consistent; log key not checked: give --trust to check whose log it is.",
    ];
    if (this.policy) {
      const members = this.policy.members.size > 0 ? " and of the members" : "";
      [verdict, message] = [HOLDS, `Holds, in the log${members} that the policy trusts.`];
    }
    const { member, key, issuedAt } = this.issuer;
    const { log } = this;
    return {
      ...bare(verdict, message),
      disclosed: records.flatMap((record) => record.disclosed),
      record: records[0],
      records,
      issuer: {
        member: hex(member),
        memberName: name(member),
        key,
        issuedAt: moment(issuedAt),
      },
      log: {
        origin: log.origin,
        size: log.size,
        root: log.root,
        height: log.height,
        blockTime: moment(log.time),
      },
    };
  }
}

function recordReport({ recordId, member, height, time, shown }, memberName) {
  const values = shown.shown.filter((one) => "value" in one || one.absent);
  const lacking = shown.empty.flatMap((of) => of.members.map((name) => `/${name}`));
  const disclosed = shown.event
    ? [{ pointer: "", absent: false, value: shown.event }]
    : [
        ...values.map(({ pointer, absent, value }) =>
          absent ? { pointer, absent: true } : { pointer, absent: false, value },
        ),
        ...lacking.map((pointer) => ({ pointer, absent: true })),
      ];
  return {
    disclosed,
    recordID: hex(recordId),
    member: hex(member),
    memberName,
    height,
    blockTime: moment(time),
    withheld: shown.withheld.map((of) => of.name),
    partly: shown.partly.map((of) => of.name),
    whole: shown.event !== null,
    facts: shown.event ? [] : shown.shown.map(factOf).filter((fact) => fact !== null),
  };
}

/** What only serves to show that something is absent, in words. */
function factOf({ of, pointer, length, none }) {
  if (length !== undefined) return `${pointer} has ${length} items`;
  if (!none) return null;
  const [after, before] = [none[0] ?? "the start", none[1] ?? "the end"];
  const where = pointer === "" ? "the event" : pointer;
  return `${where} has no extension of class ${of.name} between ${after} and ${before}`;
}

/** `YYYY-MM-DDThh:mm:ss.fffZ` of Unix milliseconds, as a signed number of 64 bits. */
function moment(unixMs) {
  const ms = BigInt.asIntN(64, unixMs);
  const floor = (n, by) => (n - (((n % by) + by) % by)) / by;
  const days = floor(ms, 86400000n);
  const ofDay = Number(ms - days * 86400000n);
  const [year, month, day] = civil(days, floor);
  const two = (n) => String(n).padStart(2, "0");
  const sign = year < 0n ? "-" : "";
  const digits = String(year < 0n ? -year : year).padStart(sign ? 3 : 4, "0");
  const clock = [ofDay / 3600000, (ofDay / 60000) % 60, (ofDay / 1000) % 60];
  const fraction = String(ofDay % 1000).padStart(3, "0");
  const time = clock.map((n) => two(Math.floor(n))).join(":");
  return `${sign}${digits}-${two(month)}-${two(day)}T${time}.${fraction}Z`;
}

/** Year, month, day of a number of days since 1970-01-01, in the proleptic Gregorian calendar. */
function civil(days, floor) {
  const shifted = days + 719468n;
  const era = floor(shifted, 146097n);
  const ofEra = shifted - era * 146097n;
  const yearOfEra = (ofEra - ofEra / 1460n + ofEra / 36524n - ofEra / 146096n) / 365n;
  const ofYear = ofEra - (365n * yearOfEra + yearOfEra / 4n - yearOfEra / 100n);
  const shiftedMonth = (5n * ofYear + 2n) / 153n;
  const day = ofYear - (153n * shiftedMonth + 2n) / 5n + 1n;
  const month = shiftedMonth < 10n ? shiftedMonth + 3n : shiftedMonth - 9n;
  return [yearOfEra + era * 400n + (month <= 2n ? 1n : 0n), month, day];
}

/** The report as `countermark verify --json` prints it, on one line. */
export function reportJson(report) {
  const members = (value, keys) =>
    new JsonObject(keys.filter((key) => value[key] !== undefined).map((key) => [key, plain(value[key])]));
  const plain = (value) => (typeof value === "bigint" ? new Lexeme(String(value)) : value);
  const shown = (list) => list.map((one) => members(one, ["pointer", "absent", "value"]));
  const record = (one) =>
    new JsonObject([
      ["disclosed", shown(one.disclosed)],
      ...members(one, ["recordID", "member", "memberName", "height", "blockTime"]).members,
    ]);
  const checks = report.checks.map((check) => members(check, ["check", "state", "detail"]));
  const out = [
    ["verdict", report.verdict],
    ["message", report.message],
    ["checks", checks],
    ["disclosed", shown(report.disclosed)],
  ];
  if (report.record) {
    out.push(["record", record(report.record)]);
    out.push(["records", report.records.map(record)]);
    out.push(["issuer", members(report.issuer, ["member", "memberName", "key", "issuedAt"])]);
    out.push(["log", members(report.log, ["origin", "size", "root", "height", "blockTime"])]);
  }
  return jsonText(new JsonObject(out));
}
