// The object: click on it, beside it, box it, paint it; see the matte of every frame and how sure it is.
import { S, active, ask, bar, bytes, call, clip, duration, empty, fill, h, job, problem, put, ready, refill, segmented, standing, toast } from './core.js';
import { Player, Strip, Viewer, css, mask, picture, shading } from './viewer.js';

const TOOLS = [['on', '● On it', 'Click on the object (1)'], ['off', '○ Beside', 'Click beside it (2)'], ['box', '▢ Box', 'Drag a box round it (3)'], ['paint', '✎ Paint', 'Paint the matte (4)'], ['erase', '⌫ Erase', 'Erase from the matte (5)']];
let root, viewer, player, strip, panel, tool = 'on', mode = 'tint', size = 14, drag = null, painted = null, asked = null, took = null, shownFor = '';
const answers = new Map(); // by what was said about a frame

const now = () => clip(S.side);
const hintOf = frame => now().hints.find(each => each.frame === frame) || { frame, box: null, points: [] };
const saidKey = frame => JSON.stringify([now().digest, hintOf(frame), now().brushes[frame] || '']);

export function enter(main) {
  root = main;
  if (!viewer) {
    viewer = new Viewer({ overlay: layers, onframe: frame => { S.frame[S.side] = frame; strip.frame = frame; strip.draw(); player.changed?.(); marks(); side(); S.place(); } });
    player = new Player(frame => viewer.seek(frame));
    strip = new Strip({ onseek: frame => { player.stop(); player.go(frame); }, height: 76 });
    panel = h('aside');
    viewer.stage.addEventListener('pointerdown', down);
    viewer.stage.addEventListener('pointermove', move);
    viewer.stage.addEventListener('pointerup', up);
    viewer.stage.addEventListener('pointerleave', () => { const ring = viewer.marks.querySelector('.brush'); if (ring) ring.remove(); });
  }
  shownFor = '';
}
export const leave = () => player?.stop();

export function update() {
  if (!ready(S.side)) { if (shownFor !== 'nothing') fill(root, now()?.preparing ? empty('The clip is being read', 'It can be looked at in a moment.', h('div.spinner')) : empty('No clip is open', 'Choose the two clips first.', h('button.primary', { onclick: () => S.go('clips') }, 'To the clips'))); shownFor = 'nothing'; return; }
  if (shownFor !== now().key) {
    shownFor = now().key;
    fill(root, h('div.work', viewer.element, strip.canvas, player.controls()), panel);
    viewer.frame = S.frame[S.side];
    player.use(now()); player.frame = Math.min(S.frame[S.side], now().frames - 1);
    viewer.show(now());
    if (!now().matte && !active(job('segment', now().digest)) && !job('segment', now().digest)) ask('find', { side: S.side });
    warm();
  }
  const found = job('segment', now().digest), at = active(found) ? standing(found) : null;
  strip.confidence = now().matte?.by_frame || null;
  strip.filling = at && at.stage?.label.startsWith('Finding') ? at.share : at ? 1 : null;
  if (at?.stage?.label.startsWith('Correcting')) strip.filling = at.share;
  strip.marks = [...now().hints.map(each => ({ frame: each.frame, colour: css('--accent'), shape: 'hint' })), ...Object.keys(now().brushes).map(each => ({ frame: Number(each), colour: css('--warm'), shape: 'brush' }))];
  strip.show(now());
  viewer.draw(); marks(); side();
}

let warming = 0;
function warm() { clearTimeout(warming); warming = setTimeout(() => { if (ready(S.side) && S.view === 'object' && !player.playing) call('warm', { side: S.side, frame: viewer.frame }, true).catch(() => {}); }, 500); }

// The matte of a frame: painted, or answered to a hint, or of the whole clip.
async function matte(frame) {
  const { brushes, matte: whole, size: [w, t] } = now(), hint = hintOf(frame);
  if (painted?.frame === frame) return painted.canvas;
  if (hint.box || hint.points.length) {
    const key = saidKey(frame);
    if (whole && !whole.stale && !answers.has(key)) { /* the whole clip knows this hint */ } else if (answers.has(key)) return answers.get(key); else { answer(frame, key); if (answers.last) return answers.last; }
  }
  if (brushes[frame]) { const image = await picture(`/brushes/${brushes[frame]}.png`); return image && mask(image, w, t); }
  if (!whole) return null;
  const image = await picture(`/frames/${whole.key}/${frame}`);
  return image && mask(image, w, t);
}

async function answer(frame, key) {
  if (asked === key) return;
  asked = key;
  const began = performance.now(), [w, t] = now().size;
  const found = await call('quick', { side: S.side, frame }).catch(() => '');
  if (found) { const image = await picture(`data:image/png;base64,${found}`); answers.set(key, mask(image, w, t)); answers.last = null; took = performance.now() - began; root.dataset.answer = Math.round(took); }
  asked = null;
  if (viewer.shown === frame) { viewer.draw(); side(); }
}

async function layers(frame) {
  if (mode === 'none') return [];
  const found = await matte(frame);
  return found ? [shading(found, mode)] : [];
}

function marks() {
  const hint = hintOf(viewer.frame), [w] = now().native, unit = w / (viewer.stage.clientWidth || w);
  const drawn = hint.points.map(([x, y, on]) => h('g', h('circle', { cx: x, cy: y, r: 7 * unit, class: on ? 'on' : 'off', 'stroke-width': 2 * unit }), h('path', { d: on ? `M${x - 3 * unit} ${y}h${6 * unit}M${x} ${y - 3 * unit}v${6 * unit}` : `M${x - 3 * unit} ${y}h${6 * unit}`, stroke: '#fff', 'stroke-width': 2 * unit })));
  const box = drag?.box || hint.box;
  if (box) drawn.push(h('rect', { x: box[0], y: box[1], width: Math.max(0, box[2]), height: Math.max(0, box[3]), class: 'box', 'stroke-width': 2 * unit }));
  fill(viewer.marks, drawn);
}

function down(event) {
  if (event.button || !ready(S.side)) return;
  player.stop();
  const [x, y] = viewer.at(event), frame = viewer.frame;
  viewer.stage.setPointerCapture(event.pointerId);
  viewer.element.focus({ preventScroll: true });
  if (tool === 'box') drag = { from: [x, y], box: null };
  else if (tool === 'paint' || tool === 'erase') { drag = { stroke: true, last: null }; begin(frame).then(() => stroke(x, y)); } else {
    const off = (tool === 'off') !== (event.altKey || event.shiftKey), hint = hintOf(frame);
    say(frame, hint.box, [...hint.points, [round(x), round(y), !off]]);
  }
}
const round = value => Math.round(value * 10) / 10;

function move(event) {
  if (!ready(S.side)) return;
  const [x, y] = viewer.at(event), [w] = now().native, unit = w / viewer.stage.clientWidth;
  if (tool === 'paint' || tool === 'erase') {
    viewer.marks.querySelector('.brush')?.remove();
    viewer.marks.append(h('circle.brush', { cx: x, cy: y, r: size * unit, 'stroke-width': 1.5 * unit }));
    if (drag?.stroke && event.buttons) stroke(x, y);
  } else if (drag?.from) { const [fx, fy] = drag.from; drag.box = [Math.min(fx, x), Math.min(fy, y), Math.abs(x - fx), Math.abs(y - fy)].map(round); marks(); }
}

async function up() {
  const done = drag;
  drag = null;
  if (done?.box && done.box[2] > 4 && done.box[3] > 4) { const hint = hintOf(viewer.frame); say(viewer.frame, done.box, hint.points); } else if (done?.stroke && painted) { await painted.ready; keep(painted.frame, painted.canvas); } else if (done?.from) { marks(); toast('Drag from one corner of the box to the other.'); }
}

function say(frame, box, points) {
  answers.last = answers.get(saidKey(frame)) || null;
  const hints = now().hints.filter(each => each.frame !== frame);
  now().hints = [...hints, { frame, box, points }]; // shown at once; the server tells the same a moment later
  marks();
  ask('hint', { side: S.side, frame, box, points }).then(() => { answer(frame, saidKey(frame)); });
}

async function begin(frame) {
  if (painted?.frame === frame) return;
  const [w, t] = now().size, canvas = h('canvas', { width: w, height: t });
  const ready = matte(frame).then(found => { if (found) canvas.getContext('2d').drawImage(found, 0, 0, w, t); });
  painted = { frame, canvas, ready };
  await ready;
}

function stroke(x, y) {
  if (!painted || !drag) return;
  const [nw] = now().native, scale = now().size[0] / nw, c = painted.canvas.getContext('2d'), r = size * now().size[0] / viewer.stage.clientWidth;
  c.globalCompositeOperation = tool === 'erase' ? 'destination-out' : 'source-over';
  c.strokeStyle = c.fillStyle = '#fff'; c.lineWidth = 2 * r; c.lineCap = 'round';
  const [lx, ly] = drag.last || [x, y];
  c.beginPath(); c.moveTo(lx * scale, ly * scale); c.lineTo(x * scale + 0.01, y * scale); c.stroke();
  drag.last = [x, y];
  viewer.draw();
}

// Keep a mask as the matte of a frame; the frames beside it follow.
async function keep(frame, found, settles = '') {
  const [w, t] = now().size, canvas = h('canvas', { width: w, height: t }), c = canvas.getContext('2d'), name = S.side;
  c.fillStyle = '#000'; c.fillRect(0, 0, w, t); c.drawImage(found, 0, 0, w, t);
  const png = await new Promise(done => canvas.toBlob(done, 'image/png'));
  await put(`/brush/${name}/${frame}${settles}`, png).catch(() => {});
  painted = null;
}
async function keepShown() {
  const found = await matte(viewer.frame);
  if (!found) { toast('There is no matte on this frame yet.'); return; }
  await keep(viewer.frame, found, '?settles');
  toast(`Frame ${viewer.frame} is kept, and the frames beside it follow`);
}
function forget() {
  const frame = viewer.frame;
  painted = null;
  if (now().brushes[frame]) ask('unbrush', { side: S.side, frame });
  if (now().hints.some(each => each.frame === frame)) ask('hint', { side: S.side, frame, box: null, points: [] });
}

function side() {
  if (!ready(S.side)) return;
  const { matte: whole, hints, brushes, steps, native, digest } = now(), frame = viewer.frame, found = job('segment', digest), hint = hintOf(frame), sam = S.state.sam, pulling = sam.known[0] && job('weights', sam.known[0].name);
  const sure = whole?.by_frame?.[frame], said = [...hints.map(each => each.frame), ...Object.keys(brushes).map(Number)], frames = [...new Set(said)].sort((one, other) => one - other);
  refill(panel,
    segmented([['a', clip('a')?.name || 'A'], ['b', clip('b')?.name || 'B']], S.side, other => switchTo(other), 'clip'),
    h('section', h('h3', 'Tool'), h('div.tools', { role: 'radiogroup', 'aria-label': 'Tool' }, TOOLS.map(([name, label, title]) => h('button', { role: 'radio', 'aria-checked': String(tool === name), 'data-key': `tool-${name}`, title, onclick: () => { tool = name; side(); } }, label))),
      (tool === 'paint' || tool === 'erase') && h('label.field', h('span', `Brush ${size}`), h('input', { type: 'range', min: 2, max: 60, value: size, 'data-key': 'brush', oninput: event => { size = Number(event.target.value); event.target.previousSibling.textContent = `Brush ${size}`; } })),
      segmented([['tint', 'Tint'], ['cut', 'Cut'], ['matte', 'Matte'], ['none', 'Clip']], mode, other => { mode = other; viewer.draw(); side(); }, 'shown')),
    h('section', h('h3', `Frame ${frame}`), h('div.row',
      h('span.chip', hint.box || hint.points.length ? `${hint.points.length + (hint.box ? 1 : 0)} hint${hint.points.length + (hint.box ? 1 : 0) > 1 ? 's' : ''}` : 'no hint'), brushes[frame] && h('span.chip.warm', 'kept'), sure !== undefined && h('span.chip', `sure ${sure.toFixed(2)}`), took && (hint.points.length || hint.box) ? h('span.chip', `answered in ${Math.round(took)} ms`) : null),
      answers.has(saidKey(frame)) && h('p.warn', 'This is the answer to your hints on this frame alone. The whole clip may differ here: Enter keeps it, and the frames beside it follow.'),
      h('div.row', h('button', { onclick: keepShown, 'data-key': 'keep', title: 'Enter' }, 'Keep this matte'), h('button.quiet', { onclick: forget, 'data-key': 'forget', title: 'Backspace', disabled: !hint.box && !hint.points.length && !brushes[frame] }, 'Forget'))),
    h('section', h('h3', 'Whole clip'),
      active(found) ? [h('small', standing(found).text), bar(standing(found).share)] : found?.state === 'failed' && found.error && (!whole || whole.stale) ? problem(found.error) : whole && !whole.stale ? h('div.row', h('span.chip.good', 'up to date'), h('small', `confidence ${whole.confidence.toFixed(2)}, found by ${whole.backend}`)) : h('button.primary', { onclick: () => ask('find', { side: S.side }), 'data-key': 'find' }, 'Find the object'),
      (whole?.doubts || []).map(each => h('p.warn', `It may be wrong: ${each}.`)),
      whole && whole.hint_frame !== null && h('button', { onclick: () => player.go(whole.hint_frame), 'data-key': 'worst', title: 'n' }, `Frame ${whole.hint_frame}: a hint helps most here`),
      frames.length > 0 && h('div.row.wrap', frames.map(each => h('button.chip', { onclick: () => player.go(each), 'data-key': `goto-${each}` }, `${each}${brushes[each] ? ' ■' : ' ●'}`))),
      h('div.row', h('button.quiet', { disabled: !steps[0], onclick: () => step(true), 'data-key': 'undo', title: 'u' }, '↶ Undo'), h('button.quiet', { disabled: !steps[1], onclick: () => step(false), 'data-key': 'redo', title: 'Shift u' }, '↷ Redo'), frames.length > 0 && h('button.quiet', { onclick: () => ask('clear', { side: S.side }), 'data-key': 'clear' }, 'Clear all'))),
    !sam.ready && sam.known[0] && h('section.aside', h('h3', 'Segment Anything'), active(pulling) ? [h('small', standing(pulling).text), bar(standing(pulling).share)] : [h('small', `Finds difficult objects better. ${bytes(sam.known[0].size)}, ${sam.known[0].licence}, by Meta AI; fetched once.`), h('button', { onclick: () => ask('weights', { name: sam.known[0].name }), 'data-key': 'sam' }, pulling?.state === 'failed' ? 'Try again' : `Fetch ${sam.known[0].name}`)]));
}

function switchTo(other) { player.stop(); painted = null; answers.last = null; S.side = other; S.go('object', other); }
function step(back) { painted = null; answers.last = null; ask('step', { side: S.side, back }); }

export const command = () => ready(S.side) ? now().command : '';
export function key(event) {
  if (event.key === 'c') { switchTo(S.side === 'a' ? 'b' : 'a'); return true; }
  if (!ready(S.side)) return false;
  const number = Number(event.key);
  if (number >= 1 && number <= TOOLS.length) tool = TOOLS[number - 1][0];
  else if (event.key === 'x') tool = { on: 'off', off: 'on', paint: 'erase', erase: 'paint', box: 'off' }[tool];
  else if (event.key === 'm') { mode = { tint: 'cut', cut: 'matte', matte: 'none', none: 'tint' }[mode]; viewer.draw(); } else if (event.key === 'u' || event.key === 'U' || event.key === 'z' || event.key === 'Z') step(!event.shiftKey);
  else if (event.key === 'Enter') keepShown();
  else if (event.key === 'Backspace' || event.key === 'Delete') forget();
  else if (event.key === 'n' && now().matte?.hint_frame !== null && now().matte) player.go(now().matte.hint_frame);
  else if (event.key === '-' || event.key === '+' || event.key === '=') size = Math.max(2, Math.min(60, size + (event.key === '-' ? -2 : 2)));
  else { const moved = player.key(event); if (moved) warm(); return moved; }
  side();
  return true;
}
