// What all views share: elements, the connection to the server, and what it told.
export const S = { state: null, view: 'clips', side: 'a', frame: { a: 0, b: 0 }, run: null };

// h('button.primary', { onclick }, 'text'): an element; properties that are no attributes are set as they are.
export function h(what, given, ...children) {
  if (given === null || typeof given !== 'object' || given instanceof Node || Array.isArray(given)) { children.unshift(given); given = {}; }
  const [tag, ...classes] = what.split('.');
  const svg = /^(svg|path|circle|line|rect|polyline|g|text)$/.test(tag);
  const made = svg ? document.createElementNS('http://www.w3.org/2000/svg', tag) : document.createElement(tag || 'div');
  if (classes.length) made.setAttribute('class', classes.join(' '));
  for (const [name, value] of Object.entries(given)) {
    if (value === undefined || value === null || value === false) continue;
    if (name === 'style') Object.assign(made.style, value);
    else if (!svg && name in made && !name.startsWith('aria') && name !== 'list') made[name] = value;
    else if (name.startsWith('on')) made.addEventListener(name.slice(2), value);
    else made.setAttribute(name, value === true ? '' : value);
  }
  made.append(...children.flat(3).filter(each => each !== null && each !== undefined && each !== false));
  return made;
}

export function fill(element, ...children) {
  const kept = document.activeElement?.dataset?.key;
  element.replaceChildren(...children.flat(3).filter(each => each !== null && each !== undefined && each !== false));
  if (kept) element.querySelector(`[data-key="${CSS.escape(kept)}"]`)?.focus();
  return element;
}

// The same for what is drawn again while a person uses it: what is being typed or chosen, and what is open, stays.
export function refill(element, ...children) {
  const at = document.activeElement, busy = /^(TEXTAREA|SELECT)$/.test(at?.tagName) || at?.type === 'text';
  if (busy && element.contains(at) && !at.dataset.done) return element;
  const open = [...element.querySelectorAll('details[open]')].map(each => each.dataset.key), top = element.scrollTop;
  fill(element, ...children);
  for (const each of element.querySelectorAll('details')) if (open.includes(each.dataset.key)) each.open = true;
  element.scrollTop = top;
  return element;
}

let socket = null, number = 0;
const asked = new Map(), heard = new Set();
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
      told.error ? failed(told.error) : done(told.result);
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
  return new Promise((done, failed) => {
    if (socket?.readyState !== WebSocket.OPEN) { failed({ lost: true }); return; }
    asked.set(++number, [done, failed]);
    socket.send(JSON.stringify({ id: number, do: what, with: given }));
  }).catch(error => { if (!quiet && !error.lost) toast(error, 'bad'); throw error; });
}
export const ask = (what, given) => call(what, given).catch(() => null);

export async function put(address, content) {
  const answer = await fetch(address, { method: 'PUT', body: content }).catch(() => null);
  const told = answer ? await answer.json().catch(() => ({ what: 'the studio refused this', fix: 'Reload the page.' })) : null;
  if (!answer?.ok) { toast(told || { what: 'the studio does not answer', fix: 'Start it again.' }, 'bad'); throw told; }
  return told;
}

export function toast(said, kind = '') {
  const text = typeof said === 'string' ? { what: said } : said;
  const shown = h(`div.toast.${kind || 'note'}`, h('div', h('strong', sentence(text.what)), text.where && h('code.where', text.where), text.fix && h('p', text.fix)),
    h('button.quiet', { onclick: () => shown.remove(), ariaLabel: 'Close' }, '✕'));
  document.getElementById('toasts').append(shown);
  setTimeout(() => shown.remove(), kind === 'bad' ? 14000 : 4000);
}
export const sentence = text => text ? text[0].toUpperCase() + text.slice(1) + (/[.!?]$/.test(text) ? '' : '.') : '';

// An error as the command line has it: what, where, how to mend it.
export const problem = error => h('div.problem', { role: 'alert' }, h('strong', sentence(error.what)), error.where && h('code.where', error.where), h('p', error.fix));
export const empty = (title, text, ...more) => h('div.empty', h('div.mark', { ariaHidden: 'true' }), h('h2', title), h('p', text), ...more);
export const field = (name, control, note) => h('label.field', h('span', name), control, note && h('small', note));
export const choice = (key, options, value, change) => h('select', { 'data-key': key, onchange: event => { event.target.dataset.done = 1; change(event.target.value); } },
  options.map(([each, label]) => h('option', { value: each, selected: each === value }, label)));
export const segmented = (options, value, change, label) => h('div.segmented', { role: 'radiogroup', 'aria-label': label },
  options.map(([each, text, title]) => h('button', { role: 'radio', 'aria-checked': String(each === value), 'data-key': `${label}-${each}`, title: title || '', onclick: () => change(each) }, text)));
export const bytes = count => count > 1e9 ? `${(count / 1e9).toFixed(1)} GB` : count > 1e6 ? `${(count / 1e6).toFixed(1)} MB` : `${Math.round(count / 1e3)} kB`;
export function duration(seconds) {
  if (seconds < 60) return seconds < 10 ? `${seconds.toFixed(1)} s` : `${Math.round(seconds)} s`;
  const minutes = Math.floor(seconds / 60);
  return minutes < 60 ? `${minutes} min ${String(Math.round(seconds % 60)).padStart(2, '0')} s` : `${Math.floor(minutes / 60)} h ${String(minutes % 60).padStart(2, '0')} min`;
}
export const clip = side => S.state?.clips[side], ready = side => Boolean(clip(side)?.key);
export const job = (kind, about) => S.state.jobs.filter(each => each.kind === kind && (about === undefined || each.about === about)).at(-1);
export const active = each => each && (each.state === 'running' || each.state === 'waiting');

// How far a job is, in words and as a share: of the stage that is at work now.
export function standing(each) {
  if (each.state === 'waiting') return { share: 0, text: 'waits for its turn' };
  const now = each.stages.filter(stage => stage.state === 'running').at(-1), done = each.stages.filter(stage => stage.state !== 'running').length;
  if (!now) return { share: 0, text: done ? `step ${done + 1} begins` : 'starts' };
  const rate = now.first && now.done > now.first[1] ? (now.at - now.first[0]) / (now.done - now.first[1]) : null;
  const left = rate && now.total ? `, ${duration(rate * (now.total - now.done))} left` : '';
  return { share: now.total ? now.done / now.total : 0, text: now.total ? `${now.label}: ${now.done} of ${now.total} ${now.unit}${left}` : now.label, stage: now };
}
export const bar = share => h('div.progress', { role: 'progressbar', 'aria-valuenow': String(Math.round(share * 100)) }, h('i', { style: { width: `${(share * 100).toFixed(1)}%` } }));
export const remember = (name, value) => value === undefined ? JSON.parse(localStorage.getItem(`retarget.${name}`) || 'null') : localStorage.setItem(`retarget.${name}`, JSON.stringify(value));
