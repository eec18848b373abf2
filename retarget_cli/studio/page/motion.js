// Motion: keypoints as handles on the picture and as tracks in time; every edit can be taken back, and is drawn at once.
import { S, active, ask, bar, call, choice, empty, field, fill, h, job, problem, refill, segmented, standing, toast } from './core.js';
import { Player, Strip, Viewer, css } from './viewer.js';
import { current } from './results.js';

let root, panel, viewer, player, tracks, motion = null, run = null, runId = null, file = null, look = 'a', chosen = new Set([0]), reach = 0.3, onion = true, range = null, drag = null, drawn = new Map(), drawing = false, follow = '', failed = null, factor = 1.3, took = null, savedAs = null;
const colour = index => `hsl(${Math.round(index * 360 / motion.names.length)} 75% 58%)`;

export function enter(main) {
  root = main;
  if (!viewer) {
    viewer = new Viewer({ source: frame => drawn.get(frame), onframe: () => { player.changed?.(); marks(); drawTracks(); } });
    player = new Player(frame => viewer.seek(frame));
    tracks = h('canvas.tracks', { tabIndex: -1, 'aria-label': 'Tracks of the selected points' });
    panel = h('aside');
    const seek = event => { if (motion) { player.stop(); player.go(Math.floor(event.offsetX / tracks.clientWidth * count())); } };
    tracks.addEventListener('pointerdown', event => { tracks.setPointerCapture(event.pointerId); if (event.shiftKey) { const at = Math.floor(event.offsetX / tracks.clientWidth * count()); range = [at, at]; drag = { range: at }; } else seek(event); });
    tracks.addEventListener('pointermove', event => { if (drag?.range !== undefined) { const at = Math.max(0, Math.min(count() - 1, Math.floor(event.offsetX / tracks.clientWidth * count()))); range = [Math.min(at, drag.range), Math.max(at, drag.range)]; drawTracks(); } else if (event.buttons) seek(event); });
    tracks.addEventListener('pointerup', () => { if (drag?.range !== undefined) { drag = null; side(); } });
    new ResizeObserver(() => drawTracks()).observe(tracks);
    viewer.stage.addEventListener('pointerdown', down);
    viewer.stage.addEventListener('pointermove', move);
    viewer.stage.addEventListener('pointerup', up);
  }
  runId = null;
}
export const leave = () => player?.stop();
const count = () => motion.points.length;

export async function update() {
  const wanted = await current();
  if (!wanted) { fill(root, empty('There is no motion yet', 'Train a pair first; its motion can be edited here.', h('button.primary', { onclick: () => S.go('training') }, 'To the training'))); runId = null; return; }
  if (runId !== wanted) { runId = wanted; await open(); return; }
  const reading = file && job('motion', file);
  if (!motion && reading) { if (active(reading)) waiting(reading); else if (reading.state === 'done') await load(); else if (reading.state === 'failed' && reading.error) fill(root, h('div.empty', problem(reading.error), h('button', { onclick: () => ask('again', { job: reading.id }) }, 'Try again'))); }
  if (motion && root.contains(panel)) side();
}
const waiting = reading => fill(root, empty('Reading the motion', standing(reading).text, bar(standing(reading).share)));

async function open() {
  [motion, drawn, savedAs] = [null, new Map(), null];
  fill(root, empty('Reading the motion', 'The keypoints of the result are looked up.', h('div.spinner')));
  try { run = await call('run', { run: runId }); } catch (error) { fill(root, h('div.empty', problem(error))); return; }
  const row = run.files.find(each => each.there && each.look === look && !each.options.driver);
  const options = { look, ...(row?.options.affine && typeof row.options.affine === 'string' && row.options.affine !== 'trajectory' ? { affine: row.options.affine } : {}), ...(follow ? { follow } : {}) };
  const found = await call('motion_export', { run: runId, options }).catch(() => null);
  if (!found) return;
  file = found.file;
  if (!found.job) await load();
}
async function load() {
  if (S.view !== 'motion') return;
  try { motion = await call('motion', { file }); } catch (error) { fill(root, h('div.empty', problem(error))); return; }
  const plain = run.files.find(each => each.there && each.look === look && !each.options.driver && !each.options.slow && !each.options.start);
  let clip = plain && await call('show', { path: plain.file }, true).catch(() => null);
  if (!clip || clip.frames !== count()) clip = { key: '', frames: count(), native: motion.size, size: [Math.min(960, motion.size[0]), Math.round(Math.min(960, motion.size[0]) * motion.size[1] / motion.size[0])], seconds: motion.seconds, thumbs: { frames: [], size: [1, 1] } };
  viewer.clip = null;
  if (!clip.key) { viewer.address = () => 'data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg=='; } else delete viewer.address;
  fill(root, h('div.work', viewer.element, player.controls(), tracks), panel);
  player.use(clip); viewer.show(clip); player.go(player.frame);
  preview([player.frame]); // so that the networks are loaded when the first edit is made
  side();
  S.draw();
}

// Where a point is, in pixels of the result, and back.
const place = (frame, index, points = motion.points) => { const [cx, cy, side] = motion.places[frame], [x, y] = points[frame][index]; return [cx + x * side / 2, cy + y * side / 2]; };

function marks() {
  if (!motion) return;
  const frame = viewer.shown < 0 ? 0 : viewer.shown, unit = motion.size[0] / (viewer.stage.clientWidth || motion.size[0]), shapes = [];
  const ghost = (at, strength) => { if (at >= 0 && at < count()) motion.names.forEach((_, index) => { if (chosen.has(index)) { const [x, y] = place(at, index); shapes.push(h('circle', { cx: x, cy: y, r: 3.5 * unit, fill: colour(index), opacity: strength })); } }); };
  if (onion) {
    for (const index of chosen) shapes.push(h('polyline.path', { points: motion.points.slice(Math.max(0, frame - 12), frame + 13).map((_, step) => place(Math.max(0, frame - 12) + step, index).map(each => each.toFixed(1)).join(',')).join(' '), stroke: colour(index), 'stroke-width': 1.5 * unit }));
    for (const away of [8, 4]) { ghost(frame - away, 0.5 - away / 20); ghost(frame + away, 0.5 - away / 20); }
  }
  motion.names.forEach((name, index) => {
    const [x, y] = place(frame, index), [ox, oy] = place(frame, index, motion.original), moved = Math.hypot(x - ox, y - oy) > unit;
    if (moved) shapes.push(h('line.moved', { x1: ox, y1: oy, x2: x, y2: y, 'stroke-width': unit }));
    shapes.push(h('circle', { cx: x, cy: y, r: (chosen.has(index) ? 8 : 5.5) * unit, fill: colour(index), class: chosen.has(index) ? 'handle chosen' : 'handle', 'stroke-width': (chosen.has(index) ? 2.5 : 1.5) * unit, 'data-point': index }));
    if (chosen.has(index) && chosen.size < 4) shapes.push(h('text', { x: x + 12 * unit, y: y + 4 * unit, 'font-size': 12 * unit, 'stroke-width': 3 * unit }, name));
  });
  fill(viewer.marks, shapes);
}

function down(event) {
  if (!motion || event.button) return;
  player.stop();
  const [x, y] = viewer.at(event), frame = viewer.shown, far = motion.names.map((_, index) => { const [px, py] = place(frame, index); return Math.hypot(px - x, py - y); }), near = far.indexOf(Math.min(...far)), unit = motion.size[0] / viewer.stage.clientWidth;
  viewer.element.focus({ preventScroll: true });
  if (far[near] > 24 * unit) return;
  if (event.shiftKey) chosen.has(near) ? chosen.delete(near) : chosen.add(near); else if (!chosen.has(near)) chosen = new Set([near]);
  viewer.stage.setPointerCapture(event.pointerId);
  drag = { from: [x, y], frame, before: motion.points, by: [0, 0] };
  marks(); side(); drawTracks();
}
const ease = share => { const inside = Math.max(0, Math.min(1, share)); return inside * inside * (3 - 2 * inside); };
function move(event) {
  if (!drag?.from) return;
  const [x, y] = viewer.at(event), half = motion.places[drag.frame][2] / 2;
  drag.by = [(x - drag.from[0]) / half, (y - drag.from[1]) / half];
  const at = motion.seconds[drag.frame];
  motion.points = drag.before.map((points, frame) => { const share = reach > 0 ? ease(1 - Math.abs(motion.seconds[frame] - at) / reach) : Number(frame === drag.frame); return share ? points.map(([px, py], index) => chosen.has(index) ? [px + share * drag.by[0], py + share * drag.by[1]] : [px, py]) : points; });
  marks(); drawTracks();
}
function up() {
  const done = drag;
  if (!done?.from) return;
  drag = null;
  if (Math.hypot(...done.by) < 0.004) { motion.points = done.before; marks(); return; }
  edit({ op: 'pull', by: done.by.map(each => Math.round(each * 1e5) / 1e5), frame: done.frame, reach });
}

async function take(found) {
  if (!found) return;
  const before = motion.points;
  motion = found;
  for (const frame of [...drawn.keys()]) if (JSON.stringify(before[frame]) !== JSON.stringify(motion.points[frame])) drawn.delete(frame);
  drawn.clear();
  savedAs = null;
  marks(); drawTracks(); side();
  await preview([viewer.shown]);
}
const edit = async given => { const fresh = await call('edit', { file, edit: { points: [...chosen], ...(range && !['pull'].includes(given.op) ? { part: range } : {}), ...given } }).catch(() => null); if (fresh) await take(fresh); else { motion = await call('motion', { file }); marks(); drawTracks(); } };
const step = back => ask('motion_step', { file, back }).then(take);

// Draw frames in their edited poses.
async function preview(frames, width = Math.min(480, motion.size[0])) {
  if (drawing) { drawing.next = frames; return; }
  const mine = drawing = { next: null }, began = performance.now();
  side();
  const found = await call('poses', { run: runId, file, frames, width }).catch(() => null);
  drawing = false;
  if (found) {
    await Promise.all(found.map((picture, index) => new Promise(done => { const image = new Image(); image.onload = () => { drawn.set(frames[index], image); done(); }; image.src = `data:image/jpeg;base64,${picture}`; })));
    took = performance.now() - began;
    root.dataset.preview = Math.round(took);
    if (frames.includes(viewer.shown)) { viewer.shown = -1; await viewer.seek(viewer.frame); }
  }
  side();
  if (mine.next) preview(mine.next);
}
function rangeFrames() { const [first, last] = range || [Math.max(0, viewer.shown - 12), Math.min(count() - 1, viewer.shown + 12)]; return Array.from({ length: last - first + 1 }, (_, index) => first + index); }

function drawTracks() {
  if (!motion || !tracks.clientWidth) return;
  const scale = devicePixelRatio || 1, width = tracks.clientWidth, shownPoints = [...chosen].slice(0, 6), tall = Math.max(46, Math.floor(tracks.clientHeight / Math.max(1, shownPoints.length)));
  tracks.width = width * scale; tracks.height = tracks.clientHeight * scale;
  const c = tracks.getContext('2d'), x = frame => (frame + 0.5) / count() * width;
  c.scale(scale, scale); c.fillStyle = css('--sunk'); c.fillRect(0, 0, width, tracks.clientHeight);
  if (range) { c.fillStyle = css('--select'); c.fillRect(x(range[0] - 0.5), 0, x(range[1] + 0.5) - x(range[0] - 0.5), tracks.clientHeight); }
  for (const change of motion.edits) if (change.op === 'pull') { c.fillStyle = css('--warm'); c.beginPath(); c.arc(x(change.frame), 5, 3, 0, 7); c.fill(); }
  shownPoints.forEach((index, row) => {
    const top = row * tall;
    [0, 1].forEach(axis => {
      const values = motion.points.map(points => points[index][axis]), old = motion.original.map(points => points[index][axis]), low = Math.min(...values, ...old), size = Math.max(0.02, Math.max(...values, ...old) - low), y = value => top + 8 + (value - low) / size * (tall - 16);
      c.lineWidth = 1; c.strokeStyle = css('--soft'); c.globalAlpha = 0.6; c.setLineDash([3, 3]); line(c, old, x, y);
      c.setLineDash([]); c.globalAlpha = 1; c.lineWidth = 1.8; c.strokeStyle = colour(index); c.globalAlpha = axis ? 1 : 0.55; line(c, values, x, y); c.globalAlpha = 1;
    });
    c.fillStyle = css('--ink'); c.font = '11px system-ui'; c.fillText(`${motion.names[index]}   x faint, y bold, before dashed`, 8, top + tall - 6);
  });
  c.fillStyle = css('--ink'); c.fillRect(x(Math.max(0, viewer.shown)) - 1, 0, 2, tracks.clientHeight);
}
function line(c, values, x, y) { c.beginPath(); values.forEach((value, frame) => c.lineTo(x(frame), y(value))); c.stroke(); }

function side() {
  if (!motion || !root.contains(panel)) return;
  const rendering = S.state.jobs.filter(each => each.kind === 'render').at(-1), names = [...chosen].map(index => motion.names[index]).join(', ') || 'no point', where = range ? `frames ${range[0]} to ${range[1]}` : 'the whole motion', several = run.motions.filter(each => /\.csv$|\.json$|safetensors$/.test(each));
  refill(panel, segmented([['a', `${run.pair.split('--')[0]} moves`], ['b', `${run.pair.split('--')[1]} moves`]], look, other => { look = other; open(); }, 'look'),
    h('section', h('h3', 'Points'), h('div.points', motion.names.map((name, index) => h('button', { 'aria-pressed': String(chosen.has(index)), 'data-key': `point-${index}`, title: index < 9 ? `${index + 1}` : '', onclick: event => { pick(index, event.shiftKey); } }, h('i', { style: { background: colour(index) } }), name)))),
    h('section', h('h3', 'Drag'), h('label.field', h('span', `Falloff ${reach.toFixed(2)} s either side`), h('input', { type: 'range', min: 0, max: 1.5, step: 0.05, value: reach, 'data-key': 'reach', oninput: event => { reach = Number(event.target.value); event.target.previousSibling.textContent = `Falloff ${reach.toFixed(2)} s either side`; } })), h('label.check', h('input', { type: 'checkbox', checked: onion, 'data-key': 'onion', onchange: event => { onion = event.target.checked; marks(); } }), 'Onion skin')),
    h('section', h('h3', 'Edit'), h('small', `${names}, ${where}. ${range ? '' : 'Shift and drag on the tracks selects a range.'}`),
      h('div.row.wrap', h('button', { 'data-key': 'freeze', title: 'f', onclick: () => edit({ op: 'freeze', frame: viewer.shown }) }, 'Freeze as here'), h('button', { 'data-key': 'between', disabled: !range || range[1] - range[0] < 2, onclick: () => edit({ op: 'between' }) }, 'Straighten'), range && h('button.quiet', { 'data-key': 'unrange', onclick: () => { range = null; side(); drawTracks(); } }, 'Whole motion')),
      h('label.field', h('span', `Exaggerate × ${factor.toFixed(2)}`), h('input', { type: 'range', min: 0, max: 2.5, step: 0.05, value: factor, 'data-key': 'factor', oninput: event => { factor = Number(event.target.value); event.target.previousSibling.textContent = `Exaggerate × ${factor.toFixed(2)}`; }, onchange: () => edit({ op: 'exaggerate', factor }) })),
      several.length > 0 && field('Blend half of', choice('blend', [['', 'another motion …'], ...several.map(each => [each, each.split('/').at(-1)])], '', value => value && edit({ op: 'blend', file: value, share: 0.5 }))),
      h('button.quiet', { 'data-key': 'follow', onclick: () => { follow = follow ? '' : [...chosen].map(index => motion.names[index]).join(','); open(); } }, follow ? `Only ${follow} follow: let all` : 'Let only these follow the driver'),
      h('div.row', h('button.quiet', { disabled: !motion.steps[0], 'data-key': 'undo', title: 'u', onclick: () => step(true) }, '↶ Undo'), h('button.quiet', { disabled: !motion.steps[1], 'data-key': 'redo', title: 'Shift u', onclick: () => step(false) }, '↷ Redo'), h('small', `${motion.edits.length} edits`))),
    h('section', h('h3', 'Look'), h('div.row.wrap', h('button', { disabled: Boolean(drawing), 'data-key': 'preview', title: 'p', onclick: () => preview([viewer.shown]) }, 'This frame'), h('button', { disabled: Boolean(drawing), 'data-key': 'range', title: 'r', onclick: () => preview(rangeFrames(), 320).then(() => { player.use(player.clip, rangeFrames()[0], rangeFrames().at(-1)); player.play(); }) }, `${rangeFrames().length} frames`), drawing ? h('span.spinner') : took && h('span.chip', `drawn in ${(took / 1000).toFixed(1)} s`)),
      h('div.row.wrap', h('button', { 'data-key': 'save', onclick: save }, 'Save the motion'), h('button.primary', { 'data-key': 'apply', onclick: async () => { const path = savedAs || await save(); if (path) ask('apply', { run: runId, file: path, options: {} }); } }, 'Render it')),
      active(rendering) ? [h('small', standing(rendering).text), bar(standing(rendering).share)] : rendering?.state === 'failed' && rendering.error ? problem(rendering.error) : savedAs && h('small', `Saved as ${savedAs}`)));
}
function pick(index, more) { if (more) chosen.has(index) ? chosen.delete(index) : chosen.add(index); else chosen = new Set([index]); marks(); drawTracks(); side(); }
const save = () => call('motion_save', { run: runId, file, name: `${motion.source.split(' ')[0]}-edited` }).then(path => { savedAs = path; run.motions = [...new Set([...run.motions, path])]; toast(`Saved as ${path}`); side(); S.draw(); return path; }, () => null);

export const command = () => savedAs ? `retarget keypoints apply ${savedAs}` : run && motion ? `retarget keypoints export ${run.named}${look === 'b' ? ' --look b' : ''}` : '';
export function finished(each) { if (each.kind === 'render') toast('The result is in the view Results'); if (each.kind === 'motion') update(); }
export function key(event) {
  if (!motion) return false;
  const number = Number(event.key);
  if (number >= 1 && number <= motion.names.length) pick(number - 1, event.shiftKey);
  else if (event.key === 'a') { chosen = new Set(motion.names.map((_, index) => index)); marks(); drawTracks(); side(); } else if (event.key === 'o') { onion = !onion; marks(); side(); } else if (event.key === 'u' || event.key === 'U' || event.key === 'z' || event.key === 'Z') step(!event.shiftKey);
  else if (event.key === 'p') preview([viewer.shown]);
  else if (event.key === 'r') preview(rangeFrames(), 320);
  else if (event.key === 'f') edit({ op: 'freeze', frame: viewer.shown });
  else if (event.key === '[') { range = [viewer.shown, Math.max(viewer.shown, range?.[1] ?? count() - 1)]; drawTracks(); side(); } else if (event.key === ']') { range = [Math.min(viewer.shown, range?.[0] ?? 0), viewer.shown]; drawTracks(); side(); } else if (event.key === 'c' || event.key === 'l') { look = look === 'a' ? 'b' : 'a'; open(); } else return player.key(event);
  return true;
}
