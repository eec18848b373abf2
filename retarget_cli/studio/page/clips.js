// Clips: choose or drop two, look at them, choose a part, see what is in the files.
import { S, ask, bar, button, bytes, call, checkbox, clip, fill, h, named, problem, put, ready } from './core.js';
import { Player, Strip, Viewer } from './viewer.js';

const SIDES = ['a', 'b'];
const sides = {};
const marked = { a: null, b: null }; // first and last frame of a part that is not used yet
let root;
let offered = null;
let uploading = null;

function side(name) {
  const viewer = new Viewer();
  const player = new Player(async frame => {
    S.side = name;
    S.frame[name] = frame;
    await viewer.seek(frame);
    strip.frame = frame;
    strip.draw();
    player.changed?.();
    S.place();
  });
  const strip = new Strip({ onseek: frame => {
    player.stop();
    player.go(frame);
  } });
  const [top, body] = [h('header'), h('div.body')];
  const element = h('section.clip', { 'data-side': name }, top, body);
  element.addEventListener('dragover', () => element.classList.add('over'));
  for (const end of ['dragleave', 'drop']) element.addEventListener(end, () => element.classList.remove('over'));
  element.addEventListener('pointerdown', () => { S.side = name; });
  return { viewer, player, strip, controls: player.controls(), top, body, element, details: h('div.details') };
}

export function enter(main) {
  root = main;
  for (const name of SIDES) sides[name] ||= side(name);
  const swap = button('swap', '⇄', () => ask('swap'), { kind: 'swap round', title: 'Swap A and B' });
  fill(root, h('div.pair', sides.a.element, swap, sides.b.element));
  list();
}
export const leave = () => Object.values(sides).forEach(each => each.player.stop());

async function list() {
  offered = await ask('files');
  update();
}

export function update() {
  for (const name of SIDES) {
    const now = clip(name);
    const role = name === 'a' ? 'gives the look' : 'gives the motion';
    const letter = name.toUpperCase();
    fill(sides[name].top, h(`span.badge.${name}`, letter), h('h2', now?.name || `Clip ${letter}`), h('small', role),
      now && another(name));
    drawBody(sides[name], name, now);
  }
}

function drawBody(made, name, now) {
  if (uploading?.side === name) {
    fill(made.body, h('div.empty', h('div.spinner'), h('p', `Taking ${uploading.name} …`)));
  } else if (!now || made.choosing) fill(made.body, chooser(made, name, now));
  else if (now.error) fill(made.body, problem(now.error));
  else if (!now.key) fill(made.body, preparing(...now.preparing));
  else shown(made, name, now);
}

function preparing(done, total) {
  const text = total ? `Preparing frame ${done} of ${total}` : 'Reading the clip …';
  return h('div.empty', h('div.spinner'), h('p', text), bar(total ? done / total : 0));
}

function shown(made, name, now) {
  if (!made.body.contains(made.viewer.element)) {
    fill(made.body, made.viewer.element, made.strip.canvas, made.controls, made.details);
  }
  if (made.key !== now.key) {
    made.key = now.key;
    marked[name] = null;
    made.viewer.frame = S.frame[name];
    made.viewer.show(now);
    made.player.frame = Math.min(S.frame[name], now.frames - 1);
  }
  made.player.use(now, part(name));
  made.strip.frame = made.player.frame;
  made.strip.part = marked[name] || now.part;
  made.strip.show(now);
  made.player.changed?.();
  fill(made.details, parts(name, now), facing(now), name === 'b' && mirror(),
    h('dl', now.info.map(([what, value]) => [h('dt', what), h('dd', value)])),
    h('small.path', { title: now.path }, now.file), trainedAs(name, now));
}

const part = name => marked[name] || clip(name).part || [0, clip(name).frames - 1];

// In and out, and what to do with the frames between them.
function parts(name, now) {
  const [first, last] = part(name);
  const use = (from, to) => call('use', { side: name, first: from, last: to }).then(() => {
    marked[name] = null;
    update();
  }, () => {});
  const count = last + 1 - first;
  const used = now.part || [0, now.frames - 1];
  let next = h('small', `${now.frames} frames, ${now.seconds.at(-1).toFixed(2)} s`);
  if (first !== used[0] || last !== used[1]) {
    next = button(`use-${name}`, `Use these ${count} frames`, () => use(first, last), { kind: 'primary' });
  } else if (now.part) {
    const all = button(`all-${name}`, 'Use all', () => use(0, now.frames - 1), { kind: 'quiet' });
    next = [h('span.chip', `${count} of ${now.frames} frames are used`), all];
  }
  return h('div.row', button(`in-${name}`, `In ${named(now, first)}`, () => mark(name, 0), { title: '[' }),
    button(`out-${name}`, `Out ${named(now, last)}`, () => mark(name, 1), { title: ']' }), next);
}

function facing(now) {
  let text = 'which way it faces is seen once its object is found';
  if (now.faces === '') text = 'which way it faces cannot be told';
  else if (now.faces) text = `faces ${now.faces}`;
  return h('div.row', h('span.chip', text));
}

function mirror() {
  const flipped = S.state.training.flip === 'yes';
  const turn = on => ask('training', { options: { ...S.state.training, flip: on ? 'yes' : 'auto' } });
  const told = flipped ? 'B is turned round, to face as A does.'
    : 'Turned round by itself where the two face opposite ways.';
  return h('div.row', checkbox('flip', 'Mirror B for training', flipped, turn), h('small', told));
}

function trainedAs(name, now) {
  const run = S.state.runs.find(each => (each[name].content || each[name].digest) === now.digest);
  return run && h('small', `trained as ${run.pair}`);
}

function another(name) {
  const choose = () => {
    sides[name].choosing = true;
    list();
  };
  return button(`choose-${name}`, 'Choose another', choose, { kind: 'quiet' });
}

function chooser(made, name, now) {
  const pick = h('input', { type: 'file', accept: 'video/*,image/*', multiple: true, hidden: true,
    onchange: event => take(name, [...event.target.files]) });
  const back = () => {
    made.choosing = false;
    update();
  };
  return [
    h('div.drop', h('h3', `Drop the clip whose ${name === 'a' ? 'look' : 'motion'} you want`),
      h('p', 'A video, or the numbered pictures of a sequence: one object, whole, for a few seconds, from the side.'),
      h('div.row', button(`file-${name}`, 'Choose a file', () => pick.click(), { kind: 'primary' }), pick,
        now && button(`back-${name}`, 'Back', back, { kind: 'quiet' }))),
    offers(name),
  ];
}

function offers(name) {
  if (offered === null) return h('div.spinner');
  if (!offered.length) return h('small', `There are no clips in ${S.state.home}.`);
  const size = each => (each.kind === 'video' ? bytes(each.size) : `${each.size} pictures`);
  return h('div.files', h('h4', 'In this folder'), offered.map(each => button(
    `open-${name}-${each.path}`, [h('span', each.path), h('small', size(each))], () => open(name, each.path),
    { kind: 'file' })));
}

function open(name, path) {
  Object.assign(sides[name], { choosing: false, key: null });
  S.frame[name] = 0;
  ask('open', { side: name, path });
}

export async function dropped(event) {
  const name = event.target.closest?.('[data-side]')?.dataset.side || (ready('a') ? 'b' : 'a');
  const files = [...event.dataTransfer.files];
  if (files.length === 2 && files.every(each => each.type.startsWith('video/'))) {
    await take('a', files.slice(0, 1));
    await take('b', files.slice(1));
  } else if (files.length) await take(name, files);
}

async function take(name, files) {
  if (!files.length) return;
  const several = files.length > 1;
  const stem = encodeURIComponent(files[0].name.replace(/[\d.]*\.\w+$/, '') || 'pictures');
  uploading = { side: name, name: several ? `${files.length} pictures` : files[0].name };
  update();
  try {
    let path = '';
    for (const file of files) {
      path = (await put(`/upload/${encodeURIComponent(file.name)}${several ? `?folder=${stem}` : ''}`, file)).path;
    }
    open(name, path);
  } catch {
    // It was shown.
  } finally {
    uploading = null;
    if (S.view === 'clips') update();
    else S.go('clips');
  }
}

function mark(name, end) {
  const { frame } = sides[name].player;
  const [first, last] = part(name);
  const whole = [0, clip(name).frames - 1];
  marked[name] = end ? [first < frame ? first : whole[0], frame] : [frame, last > frame ? last : whole[1]];
  update();
}

export const command = () => (ready('a') ? `retarget probe ${clip(S.side)?.file || clip('a').file}` : '');

export function key(event) {
  if (event.key === 'c') {
    S.side = S.side === 'a' ? 'b' : 'a';
    S.draw();
    return true;
  }
  if (!ready(S.side)) return false;
  if (event.key !== '[' && event.key !== ']') return sides[S.side].player.key(event);
  mark(S.side, Number(event.key === ']'));
  return true;
}
