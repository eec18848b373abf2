// What all views share: elements, the connection to the server, and what it told.
export const S = { state: null, view: 'clips', side: 'a', frame: { a: 0, b: 0 }, run: null };

const SVG = /^(svg|path|circle|line|rect|polyline|g|text)$/;
const present = each => each !== null && each !== undefined && each !== false;

// h('button.primary', { onclick }, 'text'): an element; properties that are no attributes are set as they are.
export function h(what, given, ...children) {
  if (given === null || typeof given !== 'object' || given instanceof Node || Array.isArray(given)) {
    children.unshift(given);
    given = {};
  }
  const [tag, ...classes] = what.split('.');
  const svg = SVG.test(tag);
  const made = svg ? document.createElementNS('http://www.w3.org/2000/svg', tag) : document.createElement(tag);
  if (classes.length) made.setAttribute('class', classes.join(' '));
  for (const [name, value] of Object.entries(given).filter(([, value]) => present(value))) {
    if (name === 'style') Object.assign(made.style, value);
    else if (!svg && name in made) made[name] = value;
    else made.setAttribute(name, value === true ? '' : value);
  }
  made.append(...children.flat(3).filter(present));
  return made;
}

export function fill(element, ...children) {
  const kept = document.activeElement?.dataset?.key;
  element.replaceChildren(...children.flat(3).filter(present));
  if (kept) element.querySelector(`[data-key="${CSS.escape(kept)}"]`)?.focus();
  return element;
}

// The same for what is drawn again while a person uses it: what is being typed or chosen, and what is open, stays.
export function refill(element, ...children) {
  const at = document.activeElement;
  const busy = /^(TEXTAREA|SELECT)$/.test(at?.tagName) || at?.type === 'text';
  if (busy && element.contains(at) && !at.dataset.done) return element;
  const open = [...element.querySelectorAll('details[open]')].map(each => each.dataset.key);
  const top = element.scrollTop;
  fill(element, ...children);
  for (const each of element.querySelectorAll('details')) if (open.includes(each.dataset.key)) each.open = true;
  element.scrollTop = top;
  return element;
}

let socket = null;
let number = 0;
const asked = new Map();
const heard = new Set();
export const listen = hear => heard.add(hear);

export function connect() {
  socket = new WebSocket(`${location.protocol === 'https:' ? 'wss' : 'ws'}://${location.host}/live`);
  socket.onmessage = event => {
    const told = JSON.parse(event.data);
    if (told.state) {
      S.state = told.state;
      document.getElementById('lost').hidden = true;
      heard.forEach(hear => hear());
    } else if (asked.has(told.id)) {
      const [done, failed] = asked.get(told.id);
      asked.delete(told.id);
      if (told.error) failed(told.error);
      else done(told.result);
    }
  };
  socket.onclose = () => {
    for (const [, failed] of asked.values()) failed({ lost: true });
    asked.clear();
    document.getElementById('lost').hidden = false;
    setTimeout(connect, 700);
  };
}

// Ask for an action of the server. What goes wrong is shown, unless `quiet`, and thrown.
export function call(what, given = {}, quiet = false) {
  const answer = new Promise((done, failed) => {
    if (socket?.readyState !== WebSocket.OPEN) {
      failed({ lost: true });
      return;
    }
    asked.set(++number, [done, failed]);
    socket.send(JSON.stringify({ id: number, do: what, with: given }));
  });
  return answer.catch(error => {
    if (!quiet && !error.lost) toast(error, 'bad');
    throw error;
  });
}
export const ask = (what, given) => call(what, given).catch(() => null);

export async function put(address, content) {
  const answer = await fetch(address, { method: 'PUT', body: content }).catch(() => null);
  const silent = { what: 'the studio does not answer', fix: 'Start it again.' };
  const refused = { what: 'the studio refused this', fix: 'Reload the page.' };
  const told = answer ? await answer.json().catch(() => refused) : silent;
  if (answer?.ok) return told;
  toast(told, 'bad');
  throw told;
}

export function toast(said, kind = 'good') {
  const text = typeof said === 'string' ? { what: said } : said;
  const shown = h(`div.toast.${kind}`, h('div', h('strong', sentence(text.what)), ...rest(text)),
    button(null, '✕', () => shown.remove(), { kind: 'quiet', 'aria-label': 'Close' }));
  document.getElementById('toasts').append(shown);
  setTimeout(() => shown.remove(), kind === 'bad' ? 14000 : 4000);
}

export function sentence(text) {
  return text ? text[0].toUpperCase() + text.slice(1) + (/[.!?]$/.test(text) ? '' : '.') : '';
}

// An error as the command line has it: what, where, how to mend it.
export const problem = error => h('div.problem', { role: 'alert' }, h('strong', sentence(error.what)), ...rest(error));
const rest = error => [error.where && h('code.where', error.where), error.fix && h('p', error.fix)];

export function empty(title, text, ...more) {
  return h('div.empty', h('div.mark', { 'aria-hidden': 'true' }), h('h2', title), h('p', text), ...more);
}
export const section = (title, ...children) => h('section', h('h3', title), ...children);

// A button. key: under which it keeps the focus; kind: primary, quiet, large or round, with spaces between several.
export function button(key, text, onclick, { kind = '', ...more } = {}) {
  return h(['button', ...kind.split(' ').filter(Boolean)].join('.'), { 'data-key': key, onclick, ...more }, text);
}
export const field = (name, control, note) => h('label.field', h('span', name), control, note && h('small', note));

export function choice(key, options, value, change) {
  const onchange = event => {
    event.target.dataset.done = 1;
    change(event.target.value);
  };
  return h('select', { 'data-key': key, onchange },
    options.map(([each, label]) => h('option', { value: each, selected: each === value }, label)));
}

// A slider with its value in its name. said: the name for a value; done: called when it is let go.
export function slider(key, said, [min, max, step], value, change, done) {
  const oninput = event => {
    change(Number(event.target.value));
    event.target.previousSibling.textContent = said(Number(event.target.value));
  };
  const given = { type: 'range', min, max, step, value, 'data-key': key, oninput, onchange: done };
  return field(said(value), h('input', given));
}

export function checkbox(key, label, checked, change) {
  const onchange = event => change(event.target.checked);
  return h('label.check', h('input', { type: 'checkbox', checked, 'data-key': key, onchange }), label);
}

// One of several. options: [value, what it shows, title]
export function radios(kind, label, options, value, change) {
  const made = options.map(([each, shown, title]) => button(
    `${label}-${each}`, shown, () => change(each), { role: 'radio', 'aria-checked': String(each === value), title }));
  return h(`div.${kind}`, { role: 'radiogroup', 'aria-label': label }, made);
}
export const segmented = (options, value, change, label) => radios('segmented', label, options, value, change);

export function undoing(steps, step, ...more) {
  return h('div.row',
    button('undo', '↶ Undo', () => step(true), { kind: 'quiet', disabled: !steps[0], title: 'u' }),
    button('redo', '↷ Redo', () => step(false), { kind: 'quiet', disabled: !steps[1], title: 'Shift u' }), ...more);
}
export const isUndo = event => /^[uz]$/i.test(event.key);

export function bytes(count) {
  if (count > 1e9) return `${(count / 1e9).toFixed(1)} GB`;
  return count > 1e6 ? `${(count / 1e6).toFixed(1)} MB` : `${Math.round(count / 1e3)} kB`;
}

export function duration(seconds) {
  if (seconds < 60) return seconds < 10 ? `${seconds.toFixed(1)} s` : `${Math.round(seconds)} s`;
  const minutes = Math.floor(seconds / 60);
  const two = value => String(value).padStart(2, '0');
  if (minutes < 60) return `${minutes} min ${two(Math.round(seconds % 60))} s`;
  return `${Math.floor(minutes / 60)} h ${two(minutes % 60)} min`;
}

export const clip = side => S.state?.clips[side];
export const ready = side => Boolean(clip(side)?.key);
export const both = () => ready('a') && ready('b');
// What a frame is called: its number in a video, that of its picture in a sequence.
export const named = (found, frame) => frame + (found.number || 0);
// Whether a trained pair is of the clips that are open, whatever part of them.
export const ofClips = run => both() && ['a', 'b'].every(
  side => (run[side].content || run[side].digest) === clip(side).digest);

export function job(kind, about) {
  return S.state.jobs.filter(each => each.kind === kind && (about === undefined || each.about === about)).at(-1);
}
export const active = each => each && (each.state === 'running' || each.state === 'waiting');

// How far a job is, in words and as a share: of the stage that is at work now.
export function standing(each) {
  if (each.state === 'waiting') return { share: 0, text: 'waits for its turn' };
  const now = each.stages.filter(stage => stage.state === 'running').at(-1);
  const done = each.stages.filter(stage => stage.state !== 'running').length;
  if (!now) return { share: 0, text: done ? `step ${done + 1} begins` : 'starts' };
  if (!now.total) return { share: 0, text: now.label, stage: now };
  const rate = now.first && now.done > now.first[1] ? (now.at - now.first[0]) / (now.done - now.first[1]) : null;
  const left = rate ? `, ${duration(rate * (now.total - now.done))} left` : '';
  const text = `${now.label}: ${now.done} of ${now.total} ${now.unit}${left}`;
  return { share: now.done / now.total, text, stage: now };
}

export function bar(share) {
  return h('div.progress', { role: 'progressbar', 'aria-valuenow': String(Math.round(share * 100)) },
    h('i', { style: { width: `${(share * 100).toFixed(1)}%` } }));
}
export const progress = each => [h('small', standing(each).text), bar(standing(each).share)];
// How a job stands: its progress, or why it failed; null when there is nothing to tell.
export function outcome(each) {
  if (active(each)) return progress(each);
  return each?.state === 'failed' && each.error ? problem(each.error) : null;
}

export function remember(name, value) {
  if (value === undefined) return JSON.parse(localStorage.getItem(`retarget.${name}`) || 'null');
  localStorage.setItem(`retarget.${name}`, JSON.stringify(value));
  return value;
}
