// Training: how long it will take, start, stop, curves and pictures while it goes on, and the verdict.
import {
  S, active, ask, bar, both, button, call, choice, clip, duration, empty, field, fill, h, ofClips, problem, progress,
  radios, refill, section, sentence,
} from './core.js';

const PRESETS = [
  ['', 'As this machine suggests', 'draft without a GPU, standard with one'],
  ['draft', 'Draft', 'for a CPU: pictures of 128 pixels, made sharp at 512'],
  ['standard', 'Standard', 'for a GPU: pictures of 256 pixels'],
  ['best', 'Best', 'twice as long as standard'],
];
const FACING = [['auto', 'mirror B where needed'], ['yes', 'mirror B'], ['no', 'leave both as they are']];
const MARKS = { bad: '✕', weak: '!', good: '✓' }; // the worst first
const COLOURS = ['var(--accent)', 'var(--warm)', 'var(--b)', 'var(--soft)'];
let root;
let form = null;
let draft = null; // what is chosen here and the server does not have yet
let told = null; // what it says to that
let estimating = 0;
let curves = null;
let curvesAt = 0;
let run = null; // the trained pair
let wanted = '';

// What is chosen here counts until the server has it: a state that it told meanwhile is older.
const options = () => draft ?? S.state.training;
function set(change) {
  draft = { ...options(), ...change };
  estimate();
  update();
}

function estimate() {
  clearTimeout(estimating);
  estimating = setTimeout(async () => {
    const sent = options();
    const found = await call('training', { options: sent }, true).catch(error => ({ error }));
    if (found.error?.lost) return;
    told = found;
    kept(sent);
    if (S.view === 'training') S.draw();
  }, 150);
}

function kept(sent) {
  if (draft !== sent) return;
  S.state.training = sent;
  draft = null;
}

// The last training of these clips.
function now() {
  const trained = S.state.jobs.filter(each => each.kind === 'train');
  if (!told?.about) return trained.at(-1);
  return trained.filter(each => each.about === told.about).at(-1);
}

export function enter(main) {
  root = main;
  form = h('div.form');
  fill(root, form, h('div.main'));
  estimate();
}

export function update() {
  if (!both() && !S.state.runs.length) {
    const choose = button('to-clips', 'To the clips', () => S.go('clips'), { kind: 'primary' });
    fill(root, empty('Two clips make a pair', 'Choose both, look at their objects, then train.', choose));
    form = null;
    return;
  }
  if (!form) enter(root);
  const training = now();
  const newest = both() ? S.state.runs.find(ofClips) : S.state.runs[0];
  if (wanted !== (newest?.id || '')) {
    wanted = newest?.id || '';
    run = null;
    if (newest) call('run', { run: newest.id }, true).then(found => show(newest.id, found), () => {});
  }
  if (training && Date.now() - curvesAt > 900) {
    curvesAt = Date.now();
    call('curves', { job: training.id }, true).then(found => {
      curves = found;
      drawMain(now());
    }, () => {});
  }
  drawForm(training);
  drawMain(training);
}

function show(id, found) {
  if (wanted !== id) return;
  run = found;
  update();
}

export function finished(each) {
  if (each.kind !== 'train') return;
  wanted = null;
  update();
}

function drawForm(training) {
  const name = side => clip(side)?.name || side.toUpperCase();
  const moving = (one, other) => `${name(one)} moving like ${name(other)}`;
  const { preset = '', render = 'a', flip = 'auto', init_from: start = '', settings = [] } = options();
  const ends = [['a', moving('a', 'b')], ['b', moving('b', 'a')], ['both', 'both'], ['none', 'none']];
  const begins = [
    ['', 'what is known of such bodies'], ['none', 'nothing: random networks'],
    ...S.state.runs.slice(0, 8).map(each => [each.id, `${each.pair}, ${each.id.slice(0, 13)}`]),
  ];
  const presets = PRESETS.map(([key, label, note]) => [key, [h('b', label), h('small', note)]]);
  refill(form,
    h('h2', both() ? `${name('a')} and ${name('b')}` : S.state.runs[0].pair),
    radios('presets', 'preset', presets, preset, value => set({ preset: value })),
    field('Ends with a video of', choice('render', ends, render, value => set({ render: value }))),
    field('Facing', choice('flip', FACING, flip, value => set({ flip: value }))),
    field('Begins with', choice('init', begins, start, value => set({ init_from: value }))),
    singles(settings), told?.error ? problem(told.error) : h('div.estimate', estimated()),
    h('div.row', starter(training)),
    h('small', 'Stopped or killed, it goes on where it was. What was done before is not done again.'));
}

function singles(settings) {
  const onchange = event => {
    event.target.dataset.done = 1;
    set({ settings: event.target.value.split('\n').map(line => line.trim()).filter(Boolean) });
  };
  const text = { rows: 3, spellcheck: false, 'data-key': 'settings', placeholder: 'geometry.steps=3000', onchange };
  return h('details', { open: settings.length > 0, 'data-key': 'single' }, h('summary', 'Single settings'),
    h('textarea', { ...text, value: settings.join('\n') }), h('small', 'One on a line; retarget settings lists them.'));
}

function estimated() {
  if (!told) return h('small', 'Asking how long this takes here …');
  const steps = Object.entries(told.steps).map(([phase, count]) => `${phase} ${count} steps`);
  return [h('b', told.seconds ? `about ${duration(told.seconds)}` : 'time not known yet'),
    h('small', sentence(told.told)), h('small', steps.join(', '))];
}

function starter(training) {
  if (active(training)) {
    const text = training.state === 'waiting' ? 'Do not start' : 'Stop';
    return button('stop', text, () => ask('stop', { job: training.id }));
  }
  let text = run && training?.state !== 'failed' ? 'Train again' : 'Train';
  if (training?.state === 'stopped') text = 'Go on';
  return button('train', text, start, { kind: 'primary large', disabled: !both() || Boolean(told?.error) });
}
async function start() {
  const sent = options();
  await ask('train', { options: sent });
  kept(sent);
  S.draw();
}

function drawMain(training) {
  const area = root.querySelector('.main');
  if (!area) return;
  const parts = [
    run && !active(training) && verdict(), training && training.state !== 'done' && standingOf(training),
    firstVideo(area, training), latestPicture(training), training && allCurves(),
  ].flat().filter(Boolean);
  const text = 'First the program finds both objects, then it learns their motion, then their look. '
    + 'Pictures and curves appear here while it does.';
  refill(area, parts.length ? parts : empty('Not trained yet', text));
}

function standingOf(training) {
  const titles = {
    running: 'Training', waiting: 'Waiting', stopped: 'Stopped: Go on continues here', failed: 'This did not work',
  };
  const warnings = training.notices.filter(each => each.level === 'warning');
  return [
    section(titles[training.state], training.error && problem(training.error), active(training) && progress(training),
      h('ol.stages', training.stages.map(stage))),
    ...warnings.map(each => h('p.warn', each.message)),
  ];
}

function stage(each) {
  let text = each.total ? `${each.done} of ${each.total}` : '';
  if (each.seconds) text = duration(each.seconds);
  if (each.state === 'cached') text = 'was there';
  return h(`li.${each.state}`, h('span', each.label), h('small', text),
    each.state === 'running' && each.total > 0 && bar(each.done / each.total));
}

// The video at half time. One that plays already is shown on, and does not begin again.
function firstVideo(area, training) {
  const first = (training?.files || []).find(each => /first-.*\.mp4$/.test(each.path));
  if (!first || training.state === 'done') return null;
  const src = address(first.path);
  const playing = area.querySelector('video');
  const same = playing?.getAttribute('src') === src;
  return section('A first video: the motion, hardly the look yet',
    same ? playing : h('video', { src, autoplay: true, loop: true, muted: true, playsInline: true }));
}

function latestPicture(training) {
  const made = (training?.files || []).filter(each => each.kind === 'preview').map(each => each.path);
  const shown = made.length ? made : run?.images || [];
  const latest = shown.findLast(path => /texture-/.test(path)) || shown.at(-1);
  if (!latest) return null;
  const alt = 'Real frames, drawn silhouettes and generated pictures';
  return section(`How it looks${active(training) ? ' by now' : ''}`,
    link(address(latest), h('img.wide', { src: address(latest), alt })),
    h('small', latest.split('/').at(-1).replace('.png', '')));
}

function allCurves() {
  const drawn = Object.entries(curves || {}).filter(([, lines]) => Object.keys(lines).length);
  if (!drawn.length) return null;
  const isHeldOut = ([name]) => name.startsWith('held out');
  return section('Curves', h('div.curves', drawn.map(([phase, found]) => {
    const lines = Object.entries(found);
    const losses = lines.filter(each => !isHeldOut(each)).slice(0, COLOURS.length);
    return h('figure', h('figcaption', phase), chart(lines.filter(isHeldOut), 'on frames kept out'),
      chart(losses, 'losses'));
  })));
}

export const address = path => {
  const parts = path.replace(/^.*?retargeted\//, '').split('/');
  return `/results/${parts.map(encodeURIComponent).join('/')}`;
};
export const link = (href, ...shown) => h('a', { href, target: '_blank', rel: 'noopener' }, ...shown);

// Lines over steps, each scaled to its own range, with its newest value.
function chart(lines, label) {
  if (!lines.length) return null;
  const last = Math.max(1, ...lines.map(([, points]) => points.at(-1)[0]));
  const drawn = lines.map(([, points], index) => {
    const values = points.map(([, value]) => value);
    const low = Math.min(...values);
    const range = Math.max(...values) - low || 1;
    const place = ([step, value]) => [step / last * 298 + 1, 74 - (value - low) / range * 66];
    const through = points.map(each => place(each).map(value => value.toFixed(1)).join(',')).join(' ');
    const stroke = COLOURS[index % COLOURS.length];
    return h('polyline', { points: through, stroke, fill: 'none', 'vector-effect': 'non-scaling-stroke' });
  });
  const named = lines.map(([name, points], index) => h('span',
    h('i', { style: { background: COLOURS[index % COLOURS.length] } }),
    `${name.replace('held out: ', '')} ${points.at(-1)[1].toPrecision(3)}`));
  const ground = h('line', { x1: 0, x2: 300, y1: 79, y2: 79 });
  return h('div.chart', h('small', label),
    h('svg', { viewBox: '0 0 300 80', preserveAspectRatio: 'none' }, ground, drawn), h('div.legend', named));
}

function verdict() {
  const graded = Object.keys(MARKS).map(grade => [grade, run.verdict.filter(each => each.severity === grade)]);
  const chips = graded.filter(([, found]) => found.length).reverse()
    .map(([grade, found]) => h(`span.chip.${grade}`, `${found.length} ${grade}`));
  const [[, bad], [, weak], [, good]] = graded;
  return h('section.verdict', h('h3', 'Verdict'),
    h('div.row', chips, button('to-results', 'To the results', () => S.go('results'), { kind: 'primary' }),
      link(address(run.report), 'Report')),
    [...bad, ...weak].map(finding),
    h('details', { 'data-key': 'good' }, h('summary', `${good.length} good`), good.map(finding)));
}

function finding(each) {
  const advice = each.advice
    && [h('p.advice', each.advice.replaceAll('`', '')), h('div.row', remedies(each.advice))];
  return h(`article.${each.severity}`, h('i', { 'aria-hidden': 'true' }, MARKS[each.severity]),
    h('div', h('b', each.name), h('p', each.says), advice));
}

// What the advice names in backquotes, as buttons that do it.
function remedies(advice) {
  return [...advice.matchAll(/`([^`]+)`/g)].map(([, words]) => remedy(words));
}

function remedy(words) {
  const train = (text, change) => button(null, text, () => {
    draft = { ...options(), ...change };
    start();
  });
  const [, setting] = words.match(/--set[ =]([\w.]+=[\w.,-]+)/) || [];
  const [, flip] = words.match(/--flip (\w+)/) || [];
  const [, preset] = words.match(/--preset (\w+)/) || [];
  if (setting) {
    const others = (options().settings || []).filter(each => each.split('=')[0] !== setting.split('=')[0]);
    return train(`Train with ${setting}`, { settings: [...others, setting] });
  }
  if (flip) return train(flip === 'no' ? 'Train without mirroring' : 'Train with B mirrored', { flip });
  if (preset) return train(`Train with ${preset}`, { preset });
  if (/^retarget render /.test(words)) {
    return button(null, 'Render that', () => ask('run_command', { command: words }));
  }
  return /--(box|mask)/.test(words) ? button(null, 'Correct the matte', () => S.go('object')) : null;
}

export const command = () => told?.command || '';
export const key = () => false;
