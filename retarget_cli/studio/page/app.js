// The frame of the page: views, keys, the command that does the same, and what is running.
import {
  S, active, ask, bar, both, button, connect, fill, h, listen, remember, standing, toast,
} from './core.js';
import * as clips from './clips.js';
import * as object from './object.js';
import * as training from './training.js';
import * as results from './results.js';
import * as motion from './motion.js';

const VIEWS = {
  clips: ['Clips', clips], object: ['Object', object], training: ['Training', training],
  results: ['Results', results], motion: ['Motion', motion],
};
const KEYS = {
  everywhere: {
    'Alt 1 … 5': 'the views', space: 'play, pause', '← →  or  , .': 'one frame back, on; with Shift ten',
    'Home End': 'first, last frame', c: 'the other clip', u: 'undo; Shift u: redo', '?': 'these keys',
  },
  Clips: { '[ ]': 'in and out of the part' },
  Object: {
    '1 … 5': 'click on it, beside it, box, paint, erase', x: 'on or beside; paint or erase',
    Enter: 'keep what is shown as the matte of this frame', Backspace: 'forget hints and paint of this frame',
    n: 'the frame where a hint helps most', m: 'how the matte is shown', '- +': 'size of the brush',
  },
  Results: { '1 … 9': 'take that pose', l: 'the other look', Enter: 'render' },
  Motion: {
    '1 … 9': 'select that point; with Shift: it too', a: 'select all points', o: 'onion skin',
    p: 'draw this frame', r: 'draw the range', '[ ]': 'range', f: 'freeze',
  },
};
const THEMES = { auto: ['◐', 'light'], light: ['☀', 'dark'], dark: ['☾', 'auto'] }; // with the one that comes next
const main = document.getElementById('view');

const theme = () => remember('theme') ?? 'auto';
function showTheme(now) {
  remember('theme', now);
  document.documentElement.dataset.theme = now;
  draw(); // canvases have the colours of before
}

export function go(view, side = S.side) {
  if (S.view !== view) VIEWS[S.view][1].leave?.();
  Object.assign(S, { view, side });
  S.place();
  main.className = view;
  VIEWS[view][1].enter(main);
  draw();
}
S.go = go;
S.place = () => history.replaceState(null, '', `#${S.view}/${S.side}/${S.frame[S.side]}`);

function head() {
  const known = side => S.state.clips[side]?.matte && !S.state.clips[side].matte.stale;
  const done = { clips: both(), object: known('a') && known('b'), training: S.state.runs.length > 0 };
  const tabs = Object.entries(VIEWS).map(([name, [label]], index) => button(
    `view-${name}`, [label, done[name] && h('i.tick', { title: 'done' })], () => go(name),
    { 'aria-current': name === S.view ? 'page' : null, title: `Alt ${index + 1}` }));
  const home = event => {
    event.preventDefault();
    go('clips');
  };
  const turn = () => showTheme(THEMES[theme()][1]);
  fill(document.getElementById('bar'),
    h('a.brand', { href: '#clips', onclick: home },
      h('img', { src: '/page/icon.svg', alt: '' }), h('b', 'retarget'), h('span', 'studio')),
    h('nav', { 'aria-label': 'Views' }, tabs), h('div.running', running()),
    button('theme', THEMES[theme()][0], turn, { kind: 'quiet', title: 'Light or dark', 'aria-label': 'Light or dark' }),
    button('keys', '?', help, { kind: 'quiet', title: 'Keys (?)', 'aria-label': 'Keys' }));
}

function running() {
  const found = S.state.jobs.filter(active);
  const first = found.find(each => each.state === 'running') || found[0];
  if (!first) return null;
  const more = found.length > 1 ? ` and ${found.length - 1} more` : '';
  return [h('span.job', { title: first.title }, first.title + more), bar(standing(first).share),
    button('stop-job', 'Stop', () => ask('stop', { job: first.id }), { kind: 'quiet', title: 'What is done is kept' })];
}

function foot() {
  const line = VIEWS[S.view][1].command?.() || '';
  const copy = () => navigator.clipboard.writeText(line).then(() => toast('Copied'));
  fill(document.getElementById('command'), line
    ? [h('span', 'the same on the command line'), h('code', line), button('copy', 'Copy', copy, { kind: 'quiet' })]
    : h('span', S.state.home));
}

// A press is never interrupted: what was told meanwhile is drawn when it ends.
let held = false;
let late = false;
const drawLate = () => setTimeout(() => late && draw());
addEventListener('pointerdown', () => { held = true; }, true);
for (const end of ['pointerup', 'pointercancel']) {
  addEventListener(end, () => {
    held = false;
    drawLate();
  }, true);
}
addEventListener('focusout', drawLate);

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
  const row = ([key, what]) => h('div', h('kbd', key), h('span', what));
  const part = ([where, keys]) => h('section', h('h3', where), Object.entries(keys).map(row));
  fill(dialog, h('h2', 'Keys'), h('div.keys', Object.entries(KEYS).map(part)),
    button('close', 'Close', () => dialog.close(), { kind: 'primary' }));
  dialog.showModal();
}

// Whether a key is for what has the focus, and not for the view.
function isForControl({ key, target }) {
  if (target.tagName === 'BUTTON' && (key === ' ' || key === 'Enter')) return true;
  return (target.type === 'range' || target.role === 'radio') && key.startsWith('Arrow');
}
const isTyping = ({ target: { tagName, type } }) =>
  /^(INPUT|TEXTAREA|SELECT)$/.test(tagName) && !/^(range|checkbox|radio)$/.test(type);

addEventListener('keydown', event => {
  if (!S.state || isTyping(event) || document.getElementById('help').open) return;
  if (event.altKey && event.key >= '1' && event.key <= '5') {
    event.preventDefault();
    go(Object.keys(VIEWS)[event.key - 1]);
    return;
  }
  const ours = !event.altKey && (!(event.ctrlKey || event.metaKey) || event.key.toLowerCase() === 'z');
  if (!ours || isForControl(event)) return;
  if (event.key === '?') help();
  else if (VIEWS[S.view][1].key?.(event)) {
    event.preventDefault();
    head();
  }
});
addEventListener('dragover', event => event.preventDefault());
addEventListener('drop', event => {
  event.preventDefault();
  clips.dropped(event);
});

showTheme(theme());
const [view, side, frame] = location.hash.slice(1).split('/');
if (side === 'a' || side === 'b') {
  S.side = side;
  S.frame[side] = Number(frame) || 0;
}
listen(() => {
  news();
  if (main.className) draw();
  else go(VIEWS[view] ? view : both() ? 'object' : 'clips');
});
fill(main, h('div.empty', h('div.spinner'), h('p', 'Connecting to the studio …')));
connect();
