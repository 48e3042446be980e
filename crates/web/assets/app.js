// What pages do beside what they do without a script: every form and link works without it.
document.documentElement.classList.add('scripted');

const live = document.getElementById('live');
const say = (words) => { if (live) live.textContent = words; };

// After a form was sent, reading goes on at what came of it.
document.querySelector('[data-focus]')?.focus();

// A file that is dropped is a file that was chosen.
for (const zone of document.querySelectorAll('.drop')) {
  const input = zone.querySelector('input[type=file]');
  if (!input) continue;
  const names = zone.querySelector('.chosen');
  const told = () => {
    const text = Array.from(input.files, (file) => `${file.name} (${size(file.size)})`).join(', ');
    if (names) names.textContent = text;
    if (text) say(`Chosen: ${text}`);
  };
  input.addEventListener('change', told);
  for (const name of ['dragenter', 'dragover']) {
    zone.addEventListener(name, (event) => {
      event.preventDefault();
      zone.classList.add('over');
    });
  }
  for (const name of ['dragleave', 'drop']) {
    zone.addEventListener(name, () => zone.classList.remove('over'));
  }
  zone.addEventListener('drop', (event) => {
    event.preventDefault();
    if (!event.dataTransfer.files.length) return;
    input.files = event.dataTransfer.files;
    told();
  });
}

function size(bytes) {
  if (bytes < 1000) return `${bytes} bytes`;
  return bytes < 1e6 ? `${(bytes / 1e3).toFixed(1)} kB` : `${(bytes / 1e6).toFixed(1)} MB`;
}

// A form is sent once; while it is on its way the page says so.
document.addEventListener('submit', (event) => {
  const form = event.target;
  if (form.dataset.sent) { event.preventDefault(); return; }
  const question = event.submitter?.dataset.ask ?? form.dataset.ask;
  if (question && !window.confirm(question)) { event.preventDefault(); return; }
  const elsewhere = form.dataset.download !== undefined || event.submitter?.formTarget === '_blank';
  if (form.method !== 'post' || elsewhere) return;
  form.dataset.sent = '1';
  form.setAttribute('aria-busy', 'true');
  if (form.dataset.wait) say(form.dataset.wait);
});
window.addEventListener('pageshow', () => {
  for (const form of document.querySelectorAll('form[data-sent]')) {
    delete form.dataset.sent;
    form.removeAttribute('aria-busy');
  }
});

// The zone of this browser's clock, where a form asks for one and nothing is known.
for (const input of document.querySelectorAll('input[data-zone]')) {
  if (!input.value) input.value = Intl.DateTimeFormat().resolvedOptions().timeZone ?? '';
}

// Copying: the button names what it copies by the id of the element that holds it.
for (const button of document.querySelectorAll('button[data-copy]')) {
  button.addEventListener('click', async () => {
    const text = document.getElementById(button.dataset.copy)?.textContent?.trim() ?? '';
    try {
      await navigator.clipboard.writeText(text);
      say('Copied.');
      button.textContent = 'Copied';
    } catch {
      say('This browser does not let a page copy; select the text instead.');
    }
  });
}

// Choosing in a form with `data-auto` sends it.
for (const form of document.querySelectorAll('form[data-auto]')) {
  form.addEventListener('change', () => form.requestSubmit());
}

// A running capture job: ask until it has finished, then show its result.
const job = document.querySelector('[data-job]');
if (job) {
  const bar = job.querySelector('progress');
  const words = job.querySelector('.doing');
  let wait = 400;
  const ask = async () => {
    try {
      const answer = await fetch(job.dataset.job, { headers: { Accept: 'application/json' } });
      if (answer.status === 401 || answer.status === 403) { location.reload(); return; }
      if (answer.ok) {
        const state = await answer.json();
        if (!state.running) { location.reload(); return; }
        const progress = state.progress;
        if (bar && progress?.total) { bar.max = progress.total; bar.value = progress.done; }
        if (words && progress?.total) words.textContent = `${progress.done} of ${progress.total}`;
      }
    } catch {
      say('The server cannot be reached at the moment; trying again.');
    }
    wait = Math.min(wait * 1.5, 5000);
    setTimeout(ask, wait);
  };
  setTimeout(ask, wait);
}
