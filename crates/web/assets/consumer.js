// "Check it" on the device itself. Without this script, or where it cannot check, the link leads to
// the server's own verdict.
const box = document.querySelector('[data-bundles]');
const link = box?.querySelector('a.button');

link?.addEventListener('click', async (event) => {
  event.preventDefault();
  const words = box.dataset;
  const out = document.getElementById('verdicts');
  out.replaceChildren(line(words.checking));
  out.focus();
  try {
    const [{ verify, reportJson }, trust] = await Promise.all([import('./verifier.js'), bytes('/trust-policy')]);
    const verdicts = [];
    for (const path of words.bundles.split(' ')) {
      const report = reportJson(await verify(await bytes(path), { trust }));
      const answer = typeof report === 'string' ? JSON.parse(report) : report;
      if (answer.verdict !== 'holds' && answer.verdict !== 'does not hold') throw new Error(answer.message);
      verdicts.push(verdict(answer, words));
    }
    out.replaceChildren(...verdicts);
  } catch {
    location.assign(link.href);
  }
});

async function bytes(path) {
  const answer = await fetch(path);
  if (!answer.ok) throw new Error(path);
  return new Uint8Array(await answer.arrayBuffer());
}

function line(text, tag = 'p') {
  const element = document.createElement(tag);
  // What would turn the direction of reading is shown as a mark instead.
  element.textContent = String(text).replace(/[\u202a-\u202e\u2066-\u2069]/g, '\ufffd');
  return element;
}

function verdict(answer, words) {
  const holds = answer.verdict === 'holds';
  const element = document.createElement('div');
  element.className = holds ? 'verdict good' : 'verdict bad';
  if (!holds) {
    element.append(line(words.fails));
    return element;
  }
  const record = answer.record ?? {};
  const who = record.memberName ?? record.member ?? '';
  element.append(line(words.holds.replace('{member}', who).replace('{time}', day(record.blockTime))), line(words.browser));
  const list = document.createElement('dl');
  for (const { pointer, value, absent } of answer.disclosed ?? []) {
    if (!absent) list.append(line(label(pointer), 'dt'), line(text(value), 'dd'));
  }
  if (list.firstChild) element.append(line(words.shown), list);
  return element;
}

function day(time) {
  const date = new Date(time);
  if (Number.isNaN(date.getTime())) return time ?? '';
  return date.toLocaleDateString(document.documentElement.lang, { dateStyle: 'long', timeZone: 'UTC' });
}

function label(pointer) {
  return pointer.slice(1).replaceAll('~1', '/').replaceAll('~0', '~').split('/').join(' · ');
}

function text(value) {
  if (typeof value !== 'string') return JSON.stringify(value);
  return time(value).replace(/^https:\/\/ref\.gs1\.org\/cbv\/[A-Za-z]+-/, '').replaceAll('_', ' ');
}

// As a clock shows it: to the minute, with its zone.
function time(iso) {
  const parts = /^(\d{4}-\d\d-\d\d)T(\d\d:\d\d)[\d:.]*(Z|[+-]\d\d:\d\d)$/.exec(iso);
  return parts ? `${parts[1]} ${parts[2]} ${parts[3].replace('Z', 'UTC')}` : iso;
}
