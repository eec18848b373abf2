// The object: click on it, beside it, box it, paint it; see the matte of every frame and how sure it is.
import {
  S, active, ask, button, bytes, call, clip, empty, fill, h, isUndo, job, named, problem, progress, put, radios,
  ready, refill, section, segmented, slider, toast, undoing,
} from './core.js';
import { Player, Strip, Viewer, css, mask, picture, shading } from './viewer.js';

const TOOLS = [
  ['on', '● On it', 'Click on the object (1)'], ['off', '○ Beside', 'Click beside it (2)'],
  ['box', '▢ Box', 'Drag a box round it (3)'], ['paint', '✎ Paint', 'Paint the matte (4)'],
  ['erase', '⌫ Erase', 'Erase from the matte (5)'],
];
const OPPOSITE = { on: 'off', off: 'on', paint: 'erase', erase: 'paint', box: 'off' };
const SHOWN = [['tint', 'Tint'], ['cut', 'Cut'], ['matte', 'Matte'], ['none', 'Clip']];
const [THINNEST, THICKEST] = [2, 60]; // brushes

const answers = new Map(); // by what was said about a frame
let root, viewer, player, strip, panel;
let tool = 'on';
let mode = 'tint';
let size = 14; // of the brush
let drag = null;
let painted = null; // the frame that is being painted, with its canvas
let asked = null; // what the server is answering
let lastAnswer = null; // it stays until the next one is there
let improving = null; // the answer that a network makes better
let took = null;
let shownFor = '';

const now = () => clip(S.side);
const hintOf = frame => now().hints.find(each => each.frame === frame) || { frame, box: null, points: [] };
const says = hint => Boolean(hint.box || hint.points.length);
const saidKey = frame => JSON.stringify([now().digest, hintOf(frame), now().brushes[frame] || '']);
const isBrush = () => tool === 'paint' || tool === 'erase';

export function enter(main) {
  root = main;
  if (!viewer) build();
  shownFor = '';
}
export const leave = () => player?.stop();

function build() {
  const onframe = frame => {
    S.frame[S.side] = frame;
    strip.frame = frame;
    strip.draw();
    player.changed?.();
    marks();
    side();
    S.place();
  };
  const onseek = frame => {
    player.stop();
    player.go(frame);
  };
  viewer = new Viewer({ overlay: layers, onframe, onfit: marks });
  player = new Player(frame => viewer.seek(frame));
  strip = new Strip({ onseek, height: 76 });
  panel = h('aside');
  viewer.stage.addEventListener('pointerdown', down);
  viewer.stage.addEventListener('pointermove', move);
  viewer.stage.addEventListener('pointerup', up);
  viewer.stage.addEventListener('pointerleave', () => viewer.marks.querySelector('.brush')?.remove());
}

export function update() {
  if (!ready(S.side)) {
    nothing();
    return;
  }
  const place = JSON.stringify([now().key, now().part]);
  if (shownFor !== place) {
    shownFor = place;
    open();
  }
  strip.confidence = now().matte?.by_frame || null;
  strip.filling = filling();
  strip.marks = [
    ...now().hints.map(each => ({ frame: each.frame, colour: css('--accent'), shape: 'hint' })),
    ...Object.keys(now().brushes).map(each => ({ frame: Number(each), colour: css('--warm'), shape: 'brush' })),
  ];
  strip.show(now(), now().part);
  viewer.draw();
  marks();
  side();
}

// How much of the clip the matte that is being made covers; null when none is.
function filling() {
  const found = job('segment', now().digest);
  if (!active(found)) return null;
  const finding = found.stages.filter(each => /^(Finding|Correcting)/.test(each.label)).at(-1);
  if (finding?.state === 'running') return finding.total ? finding.done / finding.total : 0;
  return finding ? 1 : 0;
}

function nothing() {
  if (shownFor === 'nothing') return;
  shownFor = 'nothing';
  const choose = button('to-clips', 'To the clips', () => S.go('clips'), { kind: 'primary' });
  fill(root, now()?.preparing
    ? empty('The clip is being read', 'It can be looked at in a moment.', h('div.spinner'))
    : empty('No clip is open', 'Choose the two clips first.', choose));
}

function open() {
  fill(root, h('div.work', viewer.element, strip.canvas, player.controls()), panel);
  const [first, last] = now().part || [0, now().frames - 1];
  player.use(now(), [first, last], true);
  player.frame = Math.max(first, Math.min(S.frame[S.side], last));
  viewer.frame = player.frame;
  viewer.show(now());
  player.go(player.frame);
  if (!now().matte && !job('segment', now().digest)) ask('find', { side: S.side });
  warm();
}

let warming = 0;
// Let the server get ready for a click on the frame on which one stays.
function warm() {
  clearTimeout(warming);
  warming = setTimeout(() => {
    if (!ready(S.side) || S.view !== 'object' || player.playing) return;
    call('warm', { side: S.side, frame: viewer.frame }, true).catch(() => {});
  }, 500);
}

// The matte of a frame: painted, or answered to a hint, or of the whole clip.
async function matte(frame) {
  if (painted?.frame === frame) return painted.canvas;
  const { brushes, matte: whole } = now();
  const key = saidKey(frame);
  if (answers.has(key)) return answers.get(key);
  if (says(hintOf(frame)) && (!whole || whole.stale)) { // else the whole clip knows this hint
    answer(frame, key);
    if (lastAnswer) return lastAnswer;
  }
  if (brushes[frame]) return fromServer(`/brushes/${brushes[frame]}.png`);
  return whole ? fromServer(`/frames/${whole.key}/${frame - whole.first}`) : null;
}

async function fromServer(address, [width, height] = now().size) {
  const image = await picture(address);
  return image && mask(image, width, height);
}

// Ask for the answer to the hints on a frame. Colours answer at once where a network still looks at the frame.
async function answer(frame, key) {
  if (asked === key) return;
  asked = key;
  const began = performance.now();
  const given = { side: S.side, frame };
  const { size: pixels } = now();
  let found = await call('quick', given).catch(() => null);
  while (found?.mask) {
    answers.set(key, await fromServer(`data:image/png;base64,${found.mask}`, pixels));
    lastAnswer = null;
    took = performance.now() - began;
    root.dataset.answer = Math.round(took);
    improving = found.more ? key : null;
    if (asked === key) asked = null;
    if (viewer.shown === frame) {
      viewer.draw();
      side();
    }
    const goes = found.more && ready(S.side) && saidKey(frame) === key;
    found = goes ? await call('quick', { ...given, wait: true }).catch(() => null) : null;
  }
  if (asked === key) asked = null;
}

async function layers(frame) {
  const found = mode === 'none' ? null : await matte(frame);
  return found ? [shading(found, mode)] : [];
}

function marks() {
  if (!ready(S.side) || !viewer.clip) return;
  const hint = hintOf(viewer.frame);
  const { unit } = viewer;
  const drawn = hint.points.map(([x, y, on]) => {
    const minus = `M${x - 3 * unit} ${y}h${6 * unit}`;
    const plus = `${minus}M${x} ${y - 3 * unit}v${6 * unit}`;
    return h('g', h('circle', { cx: x, cy: y, r: 7 * unit, class: on ? 'on' : 'off', 'stroke-width': 2 * unit }),
      h('path', { d: on ? plus : minus, stroke: '#fff', 'stroke-width': 2 * unit }));
  });
  const box = drag?.box || hint.box;
  if (box) {
    const [x, y, width, height] = box;
    drawn.push(h('rect.box', { x, y, width, height, 'stroke-width': 2 * unit }));
  }
  fill(viewer.marks, drawn);
}

function down(event) {
  if (event.button || !ready(S.side)) return;
  player.stop();
  const [x, y] = viewer.at(event);
  const { frame } = viewer;
  viewer.stage.setPointerCapture(event.pointerId);
  viewer.element.focus({ preventScroll: true });
  if (tool === 'box') drag = { from: [x, y], box: null };
  else if (isBrush()) {
    drag = { stroke: true, last: null };
    begin(frame).then(() => stroke(x, y));
  } else {
    const off = (tool === 'off') !== (event.altKey || event.shiftKey);
    const hint = hintOf(frame);
    say(frame, hint.box, [...hint.points, [round(x), round(y), !off]]);
  }
}
const round = value => Math.round(value * 10) / 10;

function move(event) {
  if (!ready(S.side)) return;
  const [x, y] = viewer.at(event);
  if (isBrush()) {
    viewer.marks.querySelector('.brush')?.remove();
    const { unit } = viewer;
    viewer.marks.append(h('circle.brush', { cx: x, cy: y, r: size * unit, 'stroke-width': 1.5 * unit }));
    if (drag?.stroke && event.buttons) stroke(x, y);
  } else if (drag?.from) {
    const [fx, fy] = drag.from;
    drag.box = [Math.min(fx, x), Math.min(fy, y), Math.abs(x - fx), Math.abs(y - fy)].map(round);
    marks();
  }
}

async function up() {
  const done = drag;
  drag = null;
  if (done?.box && done.box[2] > 4 && done.box[3] > 4) say(viewer.frame, done.box, hintOf(viewer.frame).points);
  else if (done?.stroke && painted) {
    await painted.ready;
    keep(painted.frame, painted.canvas);
  } else if (done?.from) {
    marks();
    toast('Drag from one corner of the box to the other.');
  }
}

function say(frame, box, points) {
  lastAnswer = answers.get(saidKey(frame)) || null;
  // Shown at once; the server tells the same a moment later.
  now().hints = [...now().hints.filter(each => each.frame !== frame), { frame, box, points }];
  marks();
  ask('hint', { side: S.side, frame, box, points }).then(() => answer(frame, saidKey(frame)));
}

async function begin(frame) {
  if (painted?.frame === frame) return;
  const [width, height] = now().size;
  const canvas = h('canvas', { width, height });
  const before = matte(frame);
  const start = before.then(found => found && canvas.getContext('2d').drawImage(found, 0, 0, width, height));
  painted = { frame, canvas, ready: start };
  await start;
}

function stroke(x, y) {
  if (!painted || !drag) return;
  const scale = now().size[0] / now().native[0];
  const c = painted.canvas.getContext('2d');
  const [lx, ly] = drag.last || [x, y];
  c.globalCompositeOperation = tool === 'erase' ? 'destination-out' : 'source-over';
  c.strokeStyle = '#fff';
  c.lineWidth = 2 * size * now().size[0] / viewer.stage.clientWidth;
  c.lineCap = 'round';
  c.beginPath();
  c.moveTo(lx * scale, ly * scale);
  c.lineTo(x * scale + 0.01, y * scale);
  c.stroke();
  drag.last = [x, y];
  viewer.draw();
}

// Keep a mask as the matte of a frame; the frames beside it follow. settles: the clicks on the frame are in it.
async function keep(frame, found, settles = '') {
  const [width, height] = now().size;
  const name = S.side;
  const canvas = h('canvas', { width, height });
  const c = canvas.getContext('2d');
  c.fillStyle = '#000';
  c.fillRect(0, 0, width, height);
  c.drawImage(found, 0, 0, width, height);
  const png = await new Promise(done => canvas.toBlob(done, 'image/png'));
  await put(`/brush/${name}/${frame}${settles}`, png).catch(() => {});
  painted = null;
}

async function keepShown() {
  const { frame } = viewer;
  const found = await matte(frame);
  if (!found) {
    toast('There is no matte on this frame yet.');
    return;
  }
  await keep(frame, found, '?settles');
  toast(`Frame ${named(now(), frame)} is kept, and the frames beside it follow`);
}

function forget() {
  const { frame } = viewer;
  painted = null;
  if (now().brushes[frame]) ask('unbrush', { side: S.side, frame });
  if (now().hints.some(each => each.frame === frame)) ask('hint', { side: S.side, frame, box: null, points: [] });
}

function side() {
  if (!ready(S.side)) return;
  const clips = ['a', 'b'].map(name => [name, clip(name)?.name || name.toUpperCase()]);
  refill(panel, segmented(clips, S.side, switchTo, 'clip'), tools(), frameSection(), wholeSection(), samSection());
}

function choose(name) {
  tool = name;
  side();
}
function show(name) {
  mode = name;
  viewer.draw();
  side();
}

function tools() {
  const brush = slider('brush', value => `Brush ${value}`, [THINNEST, THICKEST, 1], size, value => { size = value; });
  return section('Tool', radios('tools', 'tool', TOOLS, tool, choose), isBrush() && brush,
    segmented(SHOWN, mode, show, 'shown'));
}

function frameSection() {
  const { frame } = viewer;
  const hint = hintOf(frame);
  const count = hint.points.length + (hint.box ? 1 : 0);
  const kept = now().brushes[frame];
  const sure = now().matte?.by_frame?.[frame] ?? null;
  const quick = 'This is the answer to your hints on this frame alone. The whole clip may differ here: Enter keeps it, '
    + 'and the frames beside it follow.';
  return section(`Frame ${named(now(), frame)}`,
    h('div.row', h('span.chip', count ? `${count} hint${count > 1 ? 's' : ''}` : 'no hint'),
      kept && h('span.chip.warm', 'kept'), sure !== null && h('span.chip', `sure ${sure.toFixed(2)}`),
      took && count > 0 && h('span.chip', `answered in ${Math.round(took)} ms`)),
    improving === saidKey(frame) && h('small', 'These are colours: the network still looks at this frame …'),
    answers.has(saidKey(frame)) && h('p.warn', quick),
    h('div.row', button('keep', 'Keep this matte', keepShown, { title: 'Enter' }),
      button('forget', 'Forget', forget, { kind: 'quiet', title: 'Backspace', disabled: !count && !kept })));
}

function wholeSection() {
  const { matte: whole, hints, brushes, steps } = now();
  const frames = [...new Set([...hints.map(each => each.frame), ...Object.keys(brushes).map(Number)])];
  frames.sort((one, other) => one - other);
  const goTo = frame => button(`goto-${frame}`, `${named(now(), frame)}${brushes[frame] ? ' ■' : ' ●'}`,
    () => player.go(frame), { kind: 'chip' });
  const clear = button('clear', 'Clear all', () => ask('clear', { side: S.side }), { kind: 'quiet' });
  const worst = whole?.hint_frame ?? null;
  return section('Whole clip', standingOf(whole),
    (whole?.doubts || []).map(each => h('p.warn', `It may be wrong: ${each}.`)),
    worst !== null && button('worst', `Frame ${named(now(), worst)}: a hint helps most here`,
      () => player.go(worst), { title: 'n' }),
    frames.length > 0 && h('div.row.wrap', frames.map(goTo)),
    undoing(steps, step, frames.length > 0 && clear));
}

// How the matte of the whole clip stands.
function standingOf(whole) {
  const found = job('segment', now().digest);
  if (active(found)) return progress(found);
  if (found?.state === 'failed' && found.error && (!whole || whole.stale)) return problem(found.error);
  if (!whole || whole.stale) {
    return button('find', 'Find the object', () => ask('find', { side: S.side }), { kind: 'primary' });
  }
  const told = `confidence ${whole.confidence.toFixed(2)}, found by ${whole.backend}`;
  return h('div.row', h('span.chip.good', 'up to date'), h('small', told));
}

function samSection() {
  const { ready: there, known: [sam] } = S.state.sam;
  if (there || !sam) return null;
  const pulling = job('weights', sam.name);
  if (active(pulling)) return h('section.aside', h('h3', 'Segment Anything'), progress(pulling));
  const about = `Finds difficult objects better. ${bytes(sam.size)}, ${sam.licence}, by Meta AI; fetched once.`;
  const text = pulling?.state === 'failed' ? 'Try again' : `Fetch ${sam.name}`;
  return h('section.aside', h('h3', 'Segment Anything'), h('small', about),
    button('sam', text, () => ask('weights', { name: sam.name })));
}

function switchTo(other) {
  player.stop();
  painted = lastAnswer = null;
  S.side = other;
  S.go('object', other);
}

function step(back) {
  painted = lastAnswer = null;
  ask('step', { side: S.side, back });
}

export const command = () => (ready(S.side) ? now().command : '');

export function key(event) {
  if (event.key === 'c') {
    switchTo(S.side === 'a' ? 'b' : 'a');
    return true;
  }
  if (!ready(S.side)) return false;
  const worst = now().matte?.hint_frame ?? null;
  const keys = { x: () => choose(OPPOSITE[tool]), m: nextShown, Enter: keepShown, Backspace: forget, Delete: forget };
  const grow = { '-': -2, '+': 2, '=': 2 }[event.key];
  if (TOOLS[event.key - 1]) choose(TOOLS[event.key - 1][0]);
  else if (event.key in keys) keys[event.key]();
  else if (isUndo(event)) step(!event.shiftKey);
  else if (event.key === 'n' && worst !== null) player.go(worst);
  else if (grow) size = Math.max(THINNEST, Math.min(THICKEST, size + grow));
  else {
    const moved = player.key(event);
    if (moved) warm();
    return moved;
  }
  side();
  return true;
}

function nextShown() {
  const names = SHOWN.map(([name]) => name);
  show(names[(names.indexOf(mode) + 1) % names.length]);
}
