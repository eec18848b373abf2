// Motion: keypoints as handles on the picture and as tracks in time; every edit is drawn at once.
import {
  S, active, ask, button, call, checkbox, choice, empty, field, fill, h, isUndo, job, outcome, problem, progress,
  refill, section, segmented, slider, toast, undoing,
} from './core.js';
import { Player, Viewer, css, frameAt } from './viewer.js';
import { current } from './results.js';

const NAMED = 4; // points that are selected, from which on their names are not shown
const TRACKS = 6; // that are shown
const AROUND = 12; // frames on either side that an onion skin and a range without a choice show
const NEAR = 24; // pixels of the screen from a point that is meant
const BLANK = 'data:image/png;base64,'
  + 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg==';
let root, panel, player, tracks;
let viewer = null;
let run = null;
let runId = null;
let look = 'a';
let file = null;
let motion = null;
let chosen = new Set([0]);
let range = null; // first and last frame of what is edited; null for all
let drag = null;
let drawn = new Map(); // pictures of edited frames
let drawing = null;
let took = null;
let savedAs = null;
let reach = 0.3; // seconds
let onion = true;
let factor = 1.3;
let other = ''; // the motion to blend with
let share = 0.5;
let follow = '';

const count = () => motion.points.length;
const colour = index => `hsl(${Math.round(index * 360 / motion.names.length)} 75% 58%)`;
const frameNow = () => Math.max(0, viewer.shown);

export function enter(main) {
  root = main;
  if (!viewer) build();
  runId = null;
}
export const leave = () => player?.stop();

function build() {
  viewer = new Viewer({ source: frame => drawn.get(frame), onframe: show, onfit: marks });
  player = new Player(frame => viewer.seek(frame));
  panel = h('aside');
  tracks = h('canvas.tracks', { tabIndex: -1, 'aria-label': 'Tracks of the selected points' });
  tracks.addEventListener('pointerdown', event => {
    tracks.setPointerCapture(event.pointerId);
    if (event.shiftKey) drag = { range: frameAt(event, tracks, count()) };
    track(event);
  });
  tracks.addEventListener('pointermove', event => event.buttons && track(event));
  tracks.addEventListener('pointerup', () => {
    if (drag?.range === undefined) return;
    drag = null;
    side();
  });
  new ResizeObserver(drawTracks).observe(tracks);
  viewer.stage.addEventListener('pointerdown', down);
  viewer.stage.addEventListener('pointermove', move);
  viewer.stage.addEventListener('pointerup', up);
}

// The pointer on the tracks: it seeks, or selects a range.
function track(event) {
  if (!motion) return;
  const at = frameAt(event, tracks, count());
  if (drag?.range === undefined) {
    player.stop();
    player.go(at);
  } else {
    range = [Math.min(at, drag.range), Math.max(at, drag.range)];
    drawTracks();
  }
}

export async function update() {
  const wanted = current();
  if (!wanted) {
    const train = button('to-training', 'To the training', () => S.go('training'), { kind: 'primary' });
    fill(root, empty('There is no motion yet', 'Train a pair first; its motion can be edited here.', train));
    runId = null;
  } else if (runId !== wanted) {
    runId = wanted;
    await open();
  } else if (motion) redraw();
  else await read(file && job('motion', file));
}

async function read(reading) {
  if (active(reading)) fill(root, empty('Reading the motion', '', progress(reading)));
  else if (reading?.state === 'done') await load();
  else if (reading?.error) {
    const again = button('again', 'Try again', () => ask('again', { job: reading.id }));
    fill(root, h('div.empty', problem(reading.error), again));
  }
}

async function open() {
  [motion, drawn, savedAs, file] = [null, new Map(), null, null];
  fill(root, empty('Reading the motion', 'The keypoints of the result are looked up.', h('div.spinner')));
  try {
    run = await call('run', { run: runId });
  } catch (error) {
    fill(root, h('div.empty', problem(error)));
    return;
  }
  const affine = run.files.find(each => each.there && each.look === look && !each.options.driver)?.options.affine;
  const fitted = typeof affine === 'string' && affine !== 'trajectory' ? { affine } : {};
  const options = { look, ...fitted, ...(follow ? { follow } : {}) };
  const found = await call('motion_export', { run: runId, options }).catch(() => null);
  if (!found) return;
  file = found.file;
  if (!found.job) await load();
}

async function load() {
  try {
    motion = await call('motion', { file });
  } catch (error) {
    fill(root, h('div.empty', problem(error)));
    return;
  }
  const plain = run.files.find(({ there, look: of, options }) =>
    there && of === look && !options.driver && !options.slow && !options.start);
  const found = plain && await call('show', { path: plain.file }, true).catch(() => null);
  const known = found?.frames === count();
  const clip = known ? found : withoutPictures();
  viewer.clip = null;
  if (known) delete viewer.address;
  else viewer.address = () => BLANK;
  fill(root, h('div.work', viewer.element, player.controls(), tracks), panel);
  player.use(clip);
  viewer.show(clip);
  player.go(player.frame);
  preview([player.frame]); // so that the networks are loaded when the first edit is made
  side();
  S.draw();
}

function withoutPictures() {
  const [w, t] = motion.size;
  const width = Math.min(960, w);
  const size = [width, Math.round(width * t / w)];
  return { key: '', frames: count(), native: motion.size, size, seconds: motion.seconds };
}

// Where a point is, in pixels of the result.
function place(frame, index, points = motion.points) {
  const [cx, cy, size] = motion.places[frame];
  const [x, y] = points[frame][index];
  return [cx + x * size / 2, cy + y * size / 2];
}

function show() {
  player.changed?.();
  marks();
  drawTracks();
}

function marks() {
  if (!motion || !viewer.clip) return;
  const frame = frameNow();
  fill(viewer.marks, onion && onionSkin(frame), motion.names.map((name, index) => handle(frame, index, name)));
}

// Where the selected points were and will be.
function onionSkin(frame) {
  const { unit } = viewer;
  const begin = Math.max(0, frame - AROUND);
  const near = Array.from({ length: Math.min(count(), frame + AROUND + 1) - begin }, (_, step) => begin + step);
  const through = index => near.map(at => place(at, index).map(each => each.toFixed(1)).join(',')).join(' ');
  const paths = [...chosen].map(index => h('polyline.path', {
    points: through(index), stroke: colour(index), 'stroke-width': 1.5 * unit,
  }));
  const ghosts = [-8, -4, 4, 8].filter(away => motion.points[frame + away]).map(away => [...chosen].map(index => {
    const [cx, cy] = place(frame + away, index);
    return h('circle', { cx, cy, r: 3.5 * unit, fill: colour(index), opacity: 0.5 - Math.abs(away) / 20 });
  }));
  return [paths, ghosts];
}

// A point, where it was before edits, and its name.
function handle(frame, index, name) {
  const { unit } = viewer;
  const isChosen = chosen.has(index);
  const [x, y] = place(frame, index);
  const [ox, oy] = place(frame, index, motion.original);
  const moved = Math.hypot(x - ox, y - oy) > unit;
  const label = { x: x + 12 * unit, y: y + 4 * unit, 'font-size': 12 * unit, 'stroke-width': 3 * unit };
  return [
    moved && h('line.moved', { x1: ox, y1: oy, x2: x, y2: y, 'stroke-width': unit }),
    h(isChosen ? 'circle.handle.chosen' : 'circle.handle', {
      cx: x, cy: y, r: (isChosen ? 8 : 5.5) * unit, fill: colour(index),
      'stroke-width': (isChosen ? 2.5 : 1.5) * unit, 'data-point': index,
    }),
    isChosen && chosen.size < NAMED && h('text', label, name),
  ];
}

function down(event) {
  if (!motion || event.button) return;
  player.stop();
  viewer.element.focus({ preventScroll: true });
  const [x, y] = viewer.at(event);
  const frame = viewer.shown;
  const far = motion.names.map((_, index) => {
    const [px, py] = place(frame, index);
    return Math.hypot(px - x, py - y);
  });
  const near = far.indexOf(Math.min(...far));
  if (far[near] > NEAR * viewer.unit) return;
  if (event.shiftKey) toggle(near);
  else if (!chosen.has(near)) chosen = new Set([near]);
  viewer.stage.setPointerCapture(event.pointerId);
  drag = { from: [x, y], frame, before: motion.points, by: [0, 0] };
  redraw();
}

function move(event) {
  if (!drag?.from) return;
  const [x, y] = viewer.at(event);
  const half = motion.places[drag.frame][2] / 2;
  drag.by = [(x - drag.from[0]) / half, (y - drag.from[1]) / half];
  const [dx, dy] = drag.by;
  motion.points = drag.before.map((points, frame) => {
    const part = falloff(frame, drag.frame);
    if (!part) return points;
    return points.map(([px, py], index) => (chosen.has(index) ? [px + part * dx, py + part * dy] : [px, py]));
  });
  marks();
  drawTracks();
}

// How much of a drag on one frame another one takes, as `keypoints apply` has it.
function falloff(frame, dragged) {
  if (reach <= 0) return Number(frame === dragged);
  const away = Math.abs(motion.seconds[frame] - motion.seconds[dragged]) / reach;
  const inside = Math.max(0, Math.min(1, 1 - away));
  return inside * inside * (3 - 2 * inside);
}

function up() {
  if (!drag?.from) return;
  const { by, before, frame } = drag;
  drag = null;
  if (Math.hypot(...by) < 0.004) {
    motion.points = before;
    marks();
  } else edit({ op: 'pull', by: by.map(each => Math.round(each * 1e5) / 1e5), frame, reach });
}

async function edit(given) {
  const part = range && given.op !== 'pull' ? { part: range } : {};
  const change = { points: [...chosen], ...part, ...given };
  const found = await call('edit', { file, edit: change }).catch(() => null);
  if (found) await take(found);
  else {
    motion = await call('motion', { file });
    marks();
    drawTracks();
  }
}
const step = back => ask('motion_step', { file, back }).then(take);

async function take(found) {
  if (!found) return;
  motion = found;
  drawn.clear();
  savedAs = null;
  redraw();
  await preview([viewer.shown]);
}

function redraw() {
  marks();
  drawTracks();
  side();
}

// Draw frames in their edited poses.
async function preview(frames, width = Math.min(480, motion.size[0])) {
  if (drawing) {
    drawing.next = frames;
    return;
  }
  const mine = { next: null };
  drawing = mine;
  const began = performance.now();
  side();
  const found = await call('poses', { run: runId, file, frames, width }).catch(() => null);
  drawing = null;
  if (found) {
    await Promise.all(found.map((packed, index) => keepPicture(frames[index], packed)));
    took = performance.now() - began;
    root.dataset.preview = Math.round(took);
    if (frames.includes(viewer.shown)) {
      viewer.shown = -1;
      await viewer.seek(viewer.frame);
    }
  }
  side();
  if (mine.next) preview(mine.next);
}

async function keepPicture(frame, packed) {
  const image = new Image();
  image.src = `data:image/jpeg;base64,${packed}`;
  await image.decode();
  drawn.set(frame, image);
}

function rangeFrames() {
  const [first, last] = range || [Math.max(0, viewer.shown - AROUND), Math.min(count() - 1, viewer.shown + AROUND)];
  return Array.from({ length: last - first + 1 }, (_, index) => first + index);
}

async function previewRange() {
  const frames = rangeFrames();
  await preview(frames, 320);
  player.use(player.clip, [frames[0], frames.at(-1)]);
  player.play();
}

function drawTracks() {
  const [width, height] = [tracks.clientWidth, tracks.clientHeight];
  if (!motion || !width) return;
  const scale = devicePixelRatio || 1;
  [tracks.width, tracks.height] = [width * scale, height * scale];
  const c = tracks.getContext('2d');
  const x = frame => (frame + 0.5) / count() * width;
  c.scale(scale, scale);
  c.fillStyle = css('--sunk');
  c.fillRect(0, 0, width, height);
  if (range) {
    c.fillStyle = css('--select');
    c.fillRect(x(range[0] - 0.5), 0, x(range[1] + 0.5) - x(range[0] - 0.5), height);
  }
  c.fillStyle = css('--warm');
  for (const { frame } of motion.edits.filter(change => change.op === 'pull')) {
    c.beginPath();
    c.arc(x(frame), 5, 3, 0, 7);
    c.fill();
  }
  const points = [...chosen].slice(0, TRACKS);
  const tall = Math.max(46, Math.floor(height / Math.max(1, points.length)));
  points.forEach((index, row) => drawTrack(c, index, row * tall, tall, x));
  c.fillStyle = css('--ink');
  c.fillRect(x(frameNow()) - 1, 0, 2, height);
}

function drawTrack(c, index, top, tall, x) {
  for (const axis of [0, 1]) {
    const values = motion.points.map(points => points[index][axis]);
    const before = motion.original.map(points => points[index][axis]);
    const low = Math.min(...values, ...before);
    const size = Math.max(0.02, Math.max(...values, ...before) - low);
    const y = value => top + 8 + (value - low) / size * (tall - 16);
    const line = (through, strokeStyle, globalAlpha, lineWidth, dashes) => {
      Object.assign(c, { strokeStyle, globalAlpha, lineWidth });
      c.setLineDash(dashes);
      c.beginPath();
      through.forEach((value, frame) => c.lineTo(x(frame), y(value)));
      c.stroke();
    };
    line(before, css('--soft'), 0.6, 1, [3, 3]);
    line(values, colour(index), axis ? 1 : 0.55, 1.8, []);
  }
  c.globalAlpha = 1;
  c.fillStyle = css('--ink');
  c.font = '11px system-ui';
  c.fillText(`${motion.names[index]}   x faint, y bold, before dashed`, 8, top + tall - 6);
}

function side() {
  if (!motion || !root.contains(panel)) return;
  const looks = run.pair.split('--').map((name, index) => ['ab'[index], `${name} moves`]);
  refill(panel, segmented(looks, look, turnTo, 'look'), pointSection(), dragSection(), editSection(), lookSection());
}

function turnTo(name) {
  look = name;
  open();
}

function pointSection() {
  return section('Points', h('div.points', motion.names.map((name, index) => button(
    `point-${index}`, [h('i', { style: { background: colour(index) } }), name], event => pick(index, event.shiftKey),
    { 'aria-pressed': String(chosen.has(index)), title: index < 9 ? `${index + 1}` : '' }))));
}

function dragSection() {
  const said = value => `Falloff ${value.toFixed(2)} s either side`;
  return section('Drag', slider('reach', said, [0, 1.5, 0.05], reach, value => { reach = value; }),
    checkbox('onion', 'Onion skin', onion, setOnion));
}

function setOnion(on) {
  onion = on;
  marks();
}

function setRange(now) {
  range = now;
  side();
  drawTracks();
}

function editSection() {
  const names = [...chosen].map(index => motion.names[index]).join(', ') || 'no point';
  const where = range ? `frames ${range[0]} to ${range[1]}` : 'the whole motion';
  const how = range ? '' : ' Shift and drag on the tracks selects a range.';
  const free = !range || range[1] - range[0] < 2;
  const times = value => `Exaggerate × ${value.toFixed(2)}`;
  const exaggerate = () => edit({ op: 'exaggerate', factor });
  return section('Edit', h('small', `${names}, ${where}.${how}`),
    h('div.row.wrap', button('freeze', 'Freeze as here', freeze, { title: 'f' }),
      button('between', 'Straighten', () => edit({ op: 'between' }), { disabled: free }),
      range && button('unrange', 'Whole motion', () => setRange(null), { kind: 'quiet' })),
    slider('factor', times, [0, 2.5, 0.05], factor, value => { factor = value; }, exaggerate),
    blending(),
    button('follow', follow ? `Only ${follow} follow: let all` : 'Let only these follow the driver', turnFollow,
      { kind: 'quiet' }),
    undoing(motion.steps, step, h('small', motion.edits.length === 1 ? '1 edit' : `${motion.edits.length} edits`)));
}
const freeze = () => edit({ op: 'freeze', frame: viewer.shown });

// Mixing in another motion.
function blending() {
  if (!run.motions.length) return null;
  const motions = [['', 'another motion …'], ...run.motions.map(each => [each, each.split('/').at(-1)])];
  const choose = value => {
    other = value;
    side();
  };
  const said = value => `Its share ${value.toFixed(2)}`;
  return [
    field('Blend with', choice('blend', motions, other, choose)),
    other && slider('share', said, [0, 1, 0.05], share, value => { share = value; }),
    other && button('mix', 'Blend', () => edit({ op: 'blend', file: other, share })),
  ];
}

function turnFollow() {
  follow = follow ? '' : [...chosen].map(index => motion.names[index]).join(',');
  open();
}

function lookSection() {
  const rendering = S.state.jobs.filter(each => each.kind === 'render').at(-1);
  const disabled = Boolean(drawing);
  const chip = took && h('span.chip', `drawn in ${(took / 1000).toFixed(1)} s`);
  return section('Look',
    h('div.row.wrap', button('preview', 'This frame', () => preview([viewer.shown]), { disabled, title: 'p' }),
      button('range', `${rangeFrames().length} frames`, previewRange, { disabled, title: 'r' }),
      drawing ? h('span.spinner') : chip),
    h('div.row.wrap', button('save', 'Save the motion', save),
      button('apply', 'Render it', apply, { kind: 'primary' })),
    outcome(rendering) || (savedAs && h('small', `Saved as ${savedAs}`)));
}

function toggle(index) {
  if (!chosen.delete(index)) chosen.add(index);
}

function pick(index, more) {
  if (more) toggle(index);
  else chosen = new Set([index]);
  redraw();
}

async function save() {
  const name = `${motion.source.split(' ')[0]}-edited`;
  savedAs = await ask('motion_save', { run: runId, file, name });
  if (!savedAs) return;
  run.motions = [...new Set([...run.motions, savedAs])];
  toast(`Saved as ${savedAs}`);
  side();
  S.draw();
}

async function apply() {
  if (!savedAs) await save();
  if (savedAs) ask('apply', { run: runId, file: savedAs, options: {} });
}

export function command() {
  if (savedAs) return `retarget keypoints apply ${savedAs}`;
  return run && motion ? `retarget keypoints export ${run.named}${look === 'b' ? ' --look b' : ''}` : '';
}

export function finished(each) {
  if (each.kind === 'render') toast('The result is in the view Results');
  if (each.kind === 'motion') update();
}

export function key(event) {
  if (!motion) return false;
  const at = viewer.shown;
  const keys = {
    a: () => {
      chosen = new Set(motion.names.keys());
      redraw();
    },
    o: () => setOnion(!onion), p: () => preview([at]), r: previewRange, f: freeze,
    '[': () => setRange([at, Math.max(at, range?.[1] ?? count() - 1)]),
    ']': () => setRange([Math.min(at, range?.[0] ?? 0), at]),
    c: () => turnTo(look === 'a' ? 'b' : 'a'), l: () => turnTo(look === 'a' ? 'b' : 'a'),
  };
  if (motion.names[event.key - 1]) pick(event.key - 1, event.shiftKey);
  else if (event.key in keys) keys[event.key]();
  else if (isUndo(event)) step(!event.shiftKey);
  else return player.key(event);
  side();
  return true;
}
