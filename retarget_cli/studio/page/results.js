// Results: driver, subject and result in step; every way to fit the pose as a moving thumbnail; rendering and files.
import {
  S, ask, button, call, choice, empty, field, fill, h, ofClips, outcome, problem, refill, section, segmented,
} from './core.js';
import { Player, Strip, Viewer } from './viewer.js';
import { address, link } from './training.js';

const ENDINGS = [
  ['', 'MP4'], ['.mov', 'MOV'], ['.webm', 'WebM'], ['.gif', 'GIF'], ['.webp', 'animated WebP'],
  ['.mkv', 'MKV, lossless'], ['/', 'PNG pictures'],
];
const GROUNDS = [
  ['subject', "the subject's scene"], ['driver', "the driver's scene"], ['black', 'black'], ['#00b140', 'green'],
  ['alpha', 'transparent'],
];
const WORDS = {
  auto: 'the best of these', aligner: 'learned from bodies', relative: 'motion only',
  matched: 'each point as the subject moves', balanced: 'between both', proportions: "the driver's pose",
  learned: 'the map of the training', moments: 'mean and spread', none: 'as it is',
  trajectory: 'goes where the driver goes',
};
const USUAL = { look: 'a', affine: 'auto', background: 'subject' };
const MOTION = /\.(csv|json|safetensors)$/;
const CELLS = 12; // of a moving thumbnail
let root, panel, strips, list, player, strip;
let viewers = null;
let run = null;
let runId = null;
let look = 'a';
let shownFile = null;
let options = {};
let made = {}; // the thumbnails, by mode
const shown = {}; // the clips, by viewer
let parts = {}; // what the pair uses of them
let timer = 0;
let tick = 0;

// The pair that is looked at: chosen, or of the clips that are open, or the newest.
export function current() {
  const { runs } = S.state;
  return (runs.find(each => each.id === S.run) || runs.find(ofClips) || runs[0])?.id || null;
}

export function enter(main) {
  root = main;
  if (!viewers) build();
  runId = null;
  timer ||= setInterval(turn, 110);
}

function build() {
  viewers = {
    driver: new Viewer({ label: 'Driver' }), subject: new Viewer({ label: 'Subject' }),
    result: new Viewer({ label: 'Result' }),
  };
  player = new Player(async frame => {
    const seconds = shown.result?.seconds[frame] || 0;
    const played = seconds / (Number(options.slow) || 1) + (Number(options.start) || 0);
    await Promise.all([
      viewers.result.seek(frame), shown.driver && viewers.driver.seek(at(shown.driver, played, parts.driver)),
      shown.subject && viewers.subject.seek(at(shown.subject, seconds, parts.subject)),
    ]);
    strip.frame = frame;
    strip.draw();
    player.changed?.();
  });
  const onseek = frame => {
    player.stop();
    player.go(frame);
  };
  strip = new Strip({ onseek, height: 48 });
  panel = h('aside');
  strips = h('div.strips', { role: 'radiogroup', 'aria-label': 'How the pose is fitted' });
  list = h('section.renders');
}

// Move the thumbnails on.
function turn() {
  tick = (tick + 1) % CELLS;
  for (const each of strips.querySelectorAll('i.cell')) {
    each.style.backgroundPositionX = `${tick / (CELLS - 1) * 100}%`;
  }
}

export function leave() {
  player?.stop();
  clearInterval(timer);
  timer = 0;
}

// Subject and driver, and what they are called.
const roles = () => (look === 'a' ? ['a', 'b'] : ['b', 'a']);
function names() {
  const [a, b] = run.pair.split('--');
  return look === 'a' ? [a, b] : [b, a];
}

// The frame that a clip shows so many seconds after the first one of the part that is used, round and round.
function at(found, seconds, part) {
  const [first, last] = part || [0, found.frames - 1];
  const times = found.seconds.slice(first, last + 2);
  const length = times.at(-1) - times[0];
  const inside = times[0] + seconds % length;
  const next = times.findIndex(each => each > inside + 1e-6);
  return first + (next < 0 ? times.length - 1 : next) - 1;
}

export async function update() {
  const wanted = current();
  if (!wanted) {
    const train = button('to-training', 'To the training', () => S.go('training'), { kind: 'primary' });
    fill(root, empty('Nothing was trained yet', 'Results appear here once a pair is trained.', train));
    runId = null;
  } else if (runId !== wanted) {
    runId = wanted;
    run = null;
    fill(root, empty('Opening the pair', 'Its networks and results are read.', h('div.spinner')));
    await open();
  } else if (run && root.contains(panel)) {
    side();
    strip.draw();
  }
}

async function open(again = false) {
  try {
    run = await call('run', { run: runId });
  } catch (error) {
    if (S.view === 'results') fill(root, h('div.empty', problem(error)));
    return;
  }
  if (S.view !== 'results') return;
  if (!again || !root.contains(panel)) {
    const three = h('div.three', Object.values(viewers).map(each => each.element));
    fill(root, h('div.work', three, strip.canvas, player.controls(), strips, list), panel);
  }
  side();
  await show(again && shownFile ? drawn()[0]?.file : null);
  S.draw();
  if (!again) candidates();
}

export function finished(each) {
  if (!runId) return;
  if (each.kind === 'train') runId = null;
  else if (each.kind === 'render') open(true);
}

// The results of this look that can be shown.
const drawn = () => run.files.filter(each => each.there && each.look === look && !each.file.endsWith('/'));

async function show(file) {
  const [subject, driver] = roles();
  const row = drawn().find(each => each.file === file) || drawn()[0];
  const named = row?.options.driver?.path;
  const other = named && !MOTION.test(named) ? named : null;
  shownFile = row?.file || null;
  if (row) options = { ...options, slow: row.options.slow, start: row.options.start };
  parts = { driver: other ? null : run.parts[driver], subject: run.parts[subject] };
  const clips = { driver: other || run.clips[driver], subject: run.clips[subject], result: shownFile };
  await Promise.all(Object.entries(clips).map(async ([name, path]) => {
    shown[name] = path && await call('show', { path }, true).catch(() => null);
  }));
  for (const [name, viewer] of Object.entries(viewers)) {
    const missing = name === 'result' ? 'Not drawn yet: Render' : 'This clip is not where it was';
    viewer.show(shown[name]);
    viewer.element.classList.toggle('missing', !shown[name]);
    viewer.note.textContent = shown[name] ? '' : missing;
  }
  const clock = shown.result || shown.driver;
  player.use(clock);
  strip.show(clock);
  player.go(Math.min(player.frame, (clock?.frames || 1) - 1));
  files();
}

async function candidates() {
  const [mine, of] = [runId, look];
  made = {};
  drawStrips();
  for (const mode of run.affines) {
    if (S.view !== 'results' || mine !== runId || of !== look) return;
    made[mode] = await call('candidate', { run: mine, look: of, affine: mode }, true).catch(error => ({ error }));
    drawStrips();
  }
}

function scores(mode) {
  const [one, two] = names();
  const found = Object.entries(run.chosen).find(([name]) => name.startsWith(one) && name.endsWith(two));
  const row = found?.[1].candidates?.[mode];
  if (!row) return WORDS[mode] || '';
  const told = ['motion', 'shape', 'total'].filter(name => typeof row[name] === 'number');
  return told.map(name => `${name} ${row[name].toFixed(2)}`).join('\n');
}

function drawStrips() {
  const now = options.affine || 'auto';
  fill(strips, run.affines.map((mode, index) => {
    const { affine } = made[mode] || {};
    const name = mode === 'auto' && affine && affine !== 'auto' ? `auto: ${affine}` : mode;
    return button(`affine-${mode}`, [cell(made[mode]), h('b', name), h('small', scores(mode))], () => take(mode),
      { kind: 'strip', role: 'radio', 'aria-checked': String(now === mode), title: index < 9 ? `${index + 1}` : '' });
  }));
}

function cell(found) {
  if (!found) return h('span.cell', h('i.spinner'));
  if (found.error) return h('span.cell.bad', found.error.what);
  const style = { backgroundImage: `url("/strips/${found.file}")`, backgroundSize: `${found.frames * 100}% 100%` };
  return h('i.cell', { style });
}

function take(mode) {
  set({ affine: mode });
  render();
}

function set(change) {
  options = { ...options, ...change };
  side();
  drawStrips();
  S.draw();
}

function turnTo(other) {
  look = other;
  shownFile = null;
  side();
  show();
  candidates();
}

// What `render` is told.
function given() {
  const { ending, ...rest } = options;
  const [one, two] = names();
  const unusual = ['affine', 'background'].filter(name => rest[name] && rest[name] !== USUAL[name]);
  const more = unusual.map(name => `.${rest[name].replace('#', '')}`).join('');
  const place = `retargeted/${run.pair}/${one}-as-${two}${more}${ending === '/' ? '-frames' : ending}`;
  return { ...rest, look, ...(ending ? { out: place } : {}) };
}
const render = () => ask('render', { run: runId, options: given() }).then(() => S.draw());

function side() {
  const rendering = S.state.jobs.filter(each => each.kind === 'render').at(-1);
  const [one, two] = names();
  const pairs = S.state.runs.map(each => [each.id, `${each.pair} · ${each.preset} · ${each.id.slice(4, 13)}`]);
  const choosePair = value => {
    S.run = value;
    S.draw();
  };
  refill(panel,
    pairs.length > 1 && field('Pair', choice('run', pairs, runId, choosePair)),
    segmented(run.pair.split('--').map((name, index) => ['ab'[index], `${name} moves`]), look, turnTo, 'look'),
    section('Render', ...rendered(), outcome(rendering),
      button('render', `Render ${one} moving like ${two}`, render, { kind: 'primary large' })),
    h('section', link(address(run.report), 'Report: everything on one page')));
}

// The options of a render.
function rendered() {
  const text = (name, label, placeholder) => {
    const onchange = event => {
      event.target.dataset.done = 1;
      set({ [name]: event.target.value.trim() });
    };
    const value = options[name] || '';
    return field(label, h('input', { type: 'text', value, placeholder, 'data-key': name, onchange }));
  };
  const poses = [...run.affines, 'trajectory'].map(each => [each, `${each}: ${WORDS[each] || ''}`]);
  const clear = options.background === 'alpha';
  const endings = clear ? [['.mov', 'MOV, ProRes 4444'], ...ENDINGS.slice(2)] : ENDINGS;
  const ground = value => set({
    background: value, ending: value === 'alpha' && !options.ending ? '.mov' : options.ending,
  });
  return [
    field('Pose', choice('affine', poses, options.affine || 'auto', value => set({ affine: value }))),
    field('Background', choice('background', GROUNDS, options.background || 'subject', ground)),
    h('div.two', text('start', 'From', '0'), text('stop', 'To', 'the end')),
    h('div.two', text('slow', 'Slower, times', '1'), text('fps', 'Frames a second', "the driver's")),
    h('div.two', text('smooth', 'Smoothing', '0, auto'), text('loop', 'Rounds', '1')),
    text('driver', 'Another driver', 'wolf.mp4 or a motion file'),
    field('Format', choice('ending', endings, options.ending || '', value => set({ ending: value }))),
  ];
}

function files() {
  const mine = run.files.filter(each => each.look === look);
  const row = each => {
    const name = each.file.split('/').at(-1);
    const isFile = each.there && /\.\w+$/.test(each.file);
    return h(each.file === shownFile ? 'div.row.rendered.now' : 'div.row.rendered',
      button(null, name, () => show(each.file), { kind: 'quiet', disabled: !each.there }),
      h('small', each.there ? each.when : 'no longer there'),
      isFile && h('a', { href: `${address(each.file)}?save`, download: '' }, 'Save'));
  };
  fill(list, h('h3', 'Drawn'), mine.length ? mine.map(row) : h('small', 'Nothing was drawn with this look yet.'));
}

export function command() {
  if (!run || !runId) return '';
  const told = Object.entries(given()).filter(([name, value]) => value && value !== USUAL[name]);
  const quoted = value => (/[^\w.,:/-]/.test(value) ? `'${value}'` : value);
  const words = told.map(([name, value]) => ` --${{ start: 'from', stop: 'to' }[name] || name} ${quoted(value)}`);
  return `retarget render ${run.named}${words.join('')}`;
}

export function key(event) {
  if (!run) return false;
  const mode = run.affines[event.key - 1];
  if (mode) take(mode);
  else if (event.key === 'l' || event.key === 'c') turnTo(look === 'a' ? 'b' : 'a');
  else if (event.key === 'Enter') render();
  else return player.key(event);
  return true;
}
