// The frame of the page: views, keys, the command that does the same, and what is running.
import { S, active, ask, bar, connect, fill, h, listen, problem, ready, remember, standing, toast } from './core.js';
import * as clips from './clips.js';
import * as object from './object.js';
import * as training from './training.js';
import * as results from './results.js';
import * as motion from './motion.js';

const VIEWS = { clips: ['Clips', clips], object: ['Object', object], training: ['Training', training], results: ['Results', results], motion: ['Motion', motion] };
const main = document.getElementById('view');
const KEYS = [
  ['everywhere', [['Alt 1 … 5', 'the views'], ['space', 'play, pause'], ['← →  or  , .', 'one frame back, on; with Shift ten'], ['Home End', 'first, last frame'], ['c', 'the other clip'], ['u', 'undo; Shift u: redo'], ['?', 'these keys']]],
  ['Clips', [['[ ]', 'in and out of the part']]],
  ['Object', [['1 … 5', 'click on it, beside it, box, paint, erase'], ['x', 'on or beside; paint or erase'], ['Enter', 'keep what is shown as the matte of this frame'], ['Backspace', 'forget hints and paint of this frame'], ['n', 'the frame where a hint helps most'], ['m', 'how the matte is shown'], ['- +', 'size of the brush']]],
  ['Results', [['1 … 9', 'take that pose'], ['l', 'the other look'], ['Enter', 'render']]],
  ['Motion', [['1 … 9', 'select that point; with Shift: it too'], ['a', 'select all points'], ['o', 'onion skin'], ['p', 'draw this frame'], ['r', 'draw the range'], ['[ ]', 'range'], ['f', 'freeze']]],
];

function theme(given) {
  const now = given ?? remember('theme') ?? 'auto';
  remember('theme', now);
  document.documentElement.dataset.theme = now;
  dispatchEvent(new Event('resize'));
}

export function go(view, side = S.side) {
  if (S.view !== view) VIEWS[S.view][1].leave?.();
  Object.assign(S, { view, side });
  history.replaceState(null, '', `#${view}/${side}/${S.frame[side]}`);
  main.className = view;
  VIEWS[view][1].enter(main);
  draw();
}
S.go = go;
S.place = () => history.replaceState(null, '', `#${S.view}/${S.side}/${S.frame[S.side]}`);

function head() {
  const running = S.state.jobs.filter(active), first = running.find(each => each.state === 'running') || running[0];
  const done = { clips: ready('a') && ready('b'), object: ['a', 'b'].every(side => S.state.clips[side]?.matte && !S.state.clips[side].matte.stale), training: S.state.runs.length > 0 };
  fill(document.getElementById('bar'),
    h('a.brand', { href: '#clips', onclick: event => { event.preventDefault(); go('clips'); } }, h('img', { src: '/page/icon.svg', alt: '' }), h('b', 'retarget'), h('span', 'studio')),
    h('nav', { 'aria-label': 'Views' }, Object.entries(VIEWS).map(([name, [label]], index) =>
      h('button', { 'aria-current': name === S.view ? 'page' : null, 'data-key': `view-${name}`, title: `Alt ${index + 1}`, onclick: () => go(name) }, label, done[name] && h('i.tick', { title: 'done' })))),
    h('div.running', first && [h('span.job', { title: first.title }, `${first.title}${running.length > 1 ? ` and ${running.length - 1} more` : ''}`), bar(standing(first).share),
      h('button.quiet', { onclick: () => ask('stop', { job: first.id }), title: 'Stop; what is finished is kept' }, 'Stop')]),
    h('button.quiet', { title: 'Light or dark', ariaLabel: 'Light or dark', 'data-key': 'theme', onclick: () => { theme({ auto: 'light', light: 'dark', dark: 'auto' }[remember('theme') ?? 'auto']); head(); } }, { auto: '◐', light: '☀', dark: '☾' }[remember('theme') ?? 'auto']),
    h('button.quiet', { title: 'Keys (?)', ariaLabel: 'Keys', 'data-key': 'keys', onclick: help }, '?'));
}

function foot() {
  const line = VIEWS[S.view][1].command?.() || '';
  fill(document.getElementById('command'), line ? [h('span', 'the same on the command line'), h('code', line),
    h('button.quiet', { 'data-key': 'copy', onclick: () => navigator.clipboard.writeText(line).then(() => toast('Copied')) }, 'Copy')] : h('span', S.state.home));
}

// A press is never interrupted: what was told meanwhile is drawn when it ends.
let held = false, late = false;
addEventListener('pointerdown', () => { held = true; }, true);
for (const end of ['pointerup', 'pointercancel']) addEventListener(end, () => { held = false; setTimeout(() => late && draw()); }, true);
addEventListener('focusout', () => setTimeout(() => late && draw()));

const told = new Map();
function news() {
  for (const each of S.state.jobs) {
    const before = told.get(each.id);
    told.set(each.id, each.state);
    if (before === undefined || before === each.state) continue;
    if (each.state === 'failed' && each.error) toast(each.error, 'bad');
    if (each.state === 'done') toast(`${each.title}: done`);
    VIEWS[S.view][1].finished?.(each);
  }
}

export function draw() {
  if (!S.state) return;
  late = held;
  if (held) return;
  head();
  VIEWS[S.view][1].update();
  foot();
}
S.draw = draw;

function help() {
  const dialog = document.getElementById('help');
  fill(dialog, h('h2', 'Keys'), h('div.keys', KEYS.map(([where, keys]) => h('section', h('h3', where), keys.map(([key, what]) => h('div', h('kbd', key), h('span', what)))))),
    h('button.primary', { onclick: () => dialog.close() }, 'Close'));
  dialog.showModal();
}

addEventListener('keydown', event => {
  const typing = /^(INPUT|TEXTAREA|SELECT)$/.test(event.target.tagName) && !/^(range|checkbox|radio)$/.test(event.target.type);
  if (typing || !S.state || document.getElementById('help').open) return;
  if (event.altKey && event.key >= '1' && event.key <= '5') { event.preventDefault(); go(Object.keys(VIEWS)[event.key - 1]); return; }
  if (event.altKey || (event.ctrlKey || event.metaKey) && event.key.toLowerCase() !== 'z') return;
  if (event.key === '?') { help(); return; }
  const pressed = event.target.tagName === 'BUTTON' && (event.key === ' ' || event.key === 'Enter');
  if (pressed || event.target.type === 'range' && event.key.startsWith('Arrow')) return;
  if (event.target.role === 'radio' && event.key.startsWith('Arrow')) return;
  if (VIEWS[S.view][1].key?.(event)) { event.preventDefault(); head(); }
});
addEventListener('dragover', event => event.preventDefault());
addEventListener('drop', event => { event.preventDefault(); clips.dropped(event); });

theme(); const [view, side, frame] = location.hash.slice(1).split('/');
if (side === 'a' || side === 'b') { S.side = side; S.frame[side] = Number(frame) || 0; }
listen(() => {
  news();
  if (!main.className) { go(VIEWS[view] ? view : ready('a') && ready('b') ? 'object' : 'clips'); } else draw();
});
fill(main, h('div.empty', h('div.spinner'), h('p', 'Connecting to the studio …')));
connect();
