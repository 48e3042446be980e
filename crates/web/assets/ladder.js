// Climbs from a leaf to the root once more, in this browser, from the bytes that the page holds.
import { sha256 } from './verifier.js';

const ladder = document.querySelector('[data-ladder]');
const out = document.getElementById('in-browser');

const bytes = (hex) => Uint8Array.from(hex.match(/../g) ?? [], (pair) => parseInt(pair, 16));
const hex = (data) => Array.from(data, (byte) => byte.toString(16).padStart(2, '0')).join('');
const join = (...parts) => Uint8Array.from(parts.flatMap((part) => Array.from(part)));

if (ladder && out) {
  const leaf = document.querySelector('[data-leaf]');
  let hash = leaf ? sha256(join([0], bytes(leaf.dataset.leaf))) : bytes(ladder.dataset.from);
  let holds = hex(hash) === ladder.dataset.from;
  for (const rung of ladder.querySelectorAll('[data-sibling]')) {
    const sibling = bytes(rung.dataset.sibling);
    hash = sha256(rung.dataset.side === 'left' ? join([1], sibling, hash) : join([1], hash, sibling));
    holds &&= hex(hash) === rung.dataset.result;
  }
  holds &&= hex(hash) === ladder.dataset.root;
  const mark = document.createElement('span');
  mark.className = holds ? 'state proven' : 'state contradicted';
  mark.textContent = holds ? 'proven' : 'contradicted';
  const words = holds
    ? ' in this browser too: the path was computed again here and leads to the same root.'
    : ' in this browser: the path does not lead to the root that this server shows.';
  out.replaceChildren(mark, words);
  out.hidden = false;
}
