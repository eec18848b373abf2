// Clips: choose or drop two, look at them, cut a part, see what is in the files.
import { S, ask, bar, bytes, call, clip, empty, fill, h, job, problem, put, ready, toast } from './core.js';
import { Player, Strip, Viewer } from './viewer.js';

let root, offered = null, uploading = null;
const sides = {}, part = { a: null, b: null };

function side(name) {
  const viewer = new Viewer({ label: '' });
  const player = new Player(async frame => { S.side = name; S.frame[name] = frame; await viewer.seek(frame); strip.frame = frame; strip.draw(); player.changed?.(); S.place(); });
  const strip = new Strip({ onseek: frame => { player.stop(); player.go(frame); } });
  const made = { viewer, player, strip, controls: player.controls(), head: h('header'), body: h('div.body'), element: h('section.clip', { 'data-side': name }) };
  made.element.append(made.head, made.body);
  made.element.addEventListener('dragover', () => made.element.classList.add('over'));
  for (const end of ['dragleave', 'drop']) made.element.addEventListener(end, () => made.element.classList.remove('over'));
  made.element.addEventListener('pointerdown', () => { S.side = name; });
  return made;
}

export function enter(main) {
  root = main;
  for (const name of ['a', 'b']) sides[name] ||= side(name);
  fill(root, h('div.pair', sides.a.element, h('button.swap.round', { title: 'Swap A and B', ariaLabel: 'Swap A and B', onclick: () => ask('swap') }, '⇄'), sides.b.element));
  ask('files').then(found => { offered = found; update(); });
}
export const leave = () => Object.values(sides).forEach(each => each.player.stop());

export function update() {
  for (const name of ['a', 'b']) {
    const made = sides[name], now = clip(name), role = name === 'a' ? 'gives the look' : 'gives the motion';
    fill(made.head, h(`span.badge.${name}`, name.toUpperCase()), h('h2', now?.name || `Clip ${name.toUpperCase()}`), h('small', role),
      now && h('button.quiet', { onclick: () => choose(name), 'data-key': `choose-${name}` }, 'Choose another'));
    if (uploading?.side === name) fill(made.body, h('div.empty', h('div.spinner'), h('p', `Taking ${uploading.name} …`)));
    else if (!now || made.choosing) chooser(made, name, now);
    else if (now.error) fill(made.body, problem(now.error), h('button', { onclick: () => choose(name) }, 'Choose another'));
    else if (!now.key) fill(made.body, h('div.empty', h('div.spinner'), h('p', now.preparing[1] ? `Preparing frame ${now.preparing[0]} of ${now.preparing[1]}` : 'Reading the clip …'), bar(now.preparing[1] ? now.preparing[0] / now.preparing[1] : 0)));
    else shown(made, name, now);
  }
}

function shown(made, name, now) {
  if (!made.body.contains(made.viewer.element)) {
    made.details = h('div.details');
    fill(made.body, made.viewer.element, made.strip.canvas, made.controls, made.details);
  }
  if (made.key !== now.key) { made.key = now.key; part[name] = null; made.player.use(now); made.viewer.frame = S.frame[name]; made.viewer.show(now); made.player.frame = Math.min(S.frame[name], now.frames - 1); }
  made.strip.frame = made.player.frame;
  made.strip.part = part[name];
  made.strip.show(now);
  made.player.changed?.();
  const [first, last] = part[name] || [0, now.frames - 1], cut = part[name] && last - first < now.frames - 1;
  const run = S.state.runs.find(each => each[name]?.digest === now.digest), faces = S.state.training.flip || 'auto';
  fill(made.details,
    h('div.row', h('button', { 'data-key': `in-${name}`, onclick: () => mark(name, 0), title: '[' }, `In ${first}`), h('button', { 'data-key': `out-${name}`, onclick: () => mark(name, 1), title: ']' }, `Out ${last}`),
      cut ? h('button.primary', { 'data-key': `cut-${name}`, onclick: () => { toast(`Taking frames ${first} to ${last}`); ask('trim', { side: name, first, last }); } }, `Use these ${last - first + 1} frames`) : h('small', `${now.frames} frames, ${now.seconds.at(-1).toFixed(2)} s`)),
    h('div.row', h('span.chip', now.faces ? `faces ${now.faces}` : now.faces === '' ? 'which way it faces cannot be told' : 'which way it faces is seen once its object is found')),
    name === 'b' && h('div.row', h('label.check', h('input', { type: 'checkbox', checked: faces === 'yes', 'data-key': 'flip', onchange: event => ask('training', { options: { ...S.state.training, flip: event.target.checked ? 'yes' : 'auto' } }) }), 'Mirror B for training'),
      h('small', faces === 'yes' ? 'B is turned round, to face as A does.' : 'Turned round by itself where the two face opposite ways.')),
    h('dl', now.info.map(([what, value]) => [h('dt', what), h('dd', value)])),
    h('small.path', { title: now.path }, now.file), run && h('small', `trained as ${run.pair}`));
}

function choose(name) { sides[name].choosing = true; ask('files').then(found => { offered = found; update(); }); }

function chooser(made, name, now) {
  const pick = h('input', { type: 'file', accept: 'video/*,image/*', multiple: true, hidden: true, onchange: event => take(name, [...event.target.files]) });
  fill(made.body, h('div.drop', h('div.mark', { ariaHidden: 'true' }), h('h3', `Drop ${name === 'a' ? 'the clip whose look you want' : 'the clip whose motion you want'}`), h('p', 'A video, or the numbered pictures of a sequence. One object, whole, for a few seconds, seen from the side.'),
    h('div.row', h('button.primary', { onclick: () => pick.click(), 'data-key': `file-${name}` }, 'Choose a file'), pick, now && h('button.quiet', { onclick: () => { made.choosing = false; update(); } }, 'Back'))),
    offered === null ? h('div.spinner') : offered.length ? h('div.files', h('h4', 'In this folder'), offered.map(each => h('button.file', { 'data-key': `open-${name}-${each.path}`, onclick: () => open(name, each.path) }, h('span', each.path), h('small', each.kind === 'video' ? bytes(each.size) : `${each.size} pictures`)))) : h('small', `There are no clips in ${S.state.home}.`));
}

function open(name, path) { const made = sides[name]; made.choosing = false; made.key = null; S.frame[name] = 0; ask('open', { side: name, path }); }

export async function dropped(event) {
  const name = event.target.closest?.('[data-side]')?.dataset.side || (ready('a') ? 'b' : 'a');
  const files = [...event.dataTransfer.files];
  if (files.length === 2 && files.every(each => each.type.startsWith('video/'))) { await take('a', files.slice(0, 1)); await take('b', files.slice(1)); } else if (files.length) await take(name, files);
}

async function take(name, files) {
  if (!files.length) return;
  uploading = { side: name, name: files.length > 1 ? `${files.length} pictures` : files[0].name };
  update();
  try {
    let path = '';
    const folder = files.length > 1 ? `?folder=${encodeURIComponent(files[0].name.replace(/[\d.]*\.\w+$/, '') || 'pictures')}` : '';
    for (const file of files) path = (await put(`/upload/${encodeURIComponent(file.name)}${folder}`, file)).path;
    open(name, path);
  } catch { /* it was shown */ } finally { uploading = null; if (S.view === 'clips') update(); else S.go('clips'); }
}

function mark(name, end) {
  const now = clip(name), [first, last] = part[name] || [0, now.frames - 1], at = sides[name].player.frame;
  part[name] = end ? [Math.min(first, at - 1 < 0 ? 0 : at - 1 < first ? 0 : first), at] : [at, last > at ? last : now.frames - 1];
  if (part[name][0] === 0 && part[name][1] === now.frames - 1) part[name] = null;
  sides[name].player.use(now, ...(part[name] || []));
  update();
}

export const command = () => ready('a') ? `retarget probe ${clip(S.side)?.file || clip('a').file}` : '';
export function key(event) {
  const made = sides[S.side];
  if (event.key === 'c') { S.side = S.side === 'a' ? 'b' : 'a'; S.draw(); return true; }
  if (!ready(S.side)) return false;
  if (event.key === '[') { mark(S.side, 0); return true; }
  if (event.key === ']') { mark(S.side, 1); return true; }
  return made.player.key(event);
}
