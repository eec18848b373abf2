// Results: driver, subject and result in step; every way to fit the pose as a moving thumbnail; rendering and files.
import { S, active, ask, bar, call, choice, clip, empty, field, fill, h, job, refill, problem, ready, segmented, standing } from './core.js';
import { Player, Strip, Viewer } from './viewer.js';
import { address } from './training.js';

const ENDINGS = [['', 'MP4'], ['.mov', 'MOV'], ['.webm', 'WebM'], ['.gif', 'GIF'], ['.webp', 'animated WebP'], ['.mkv', 'MKV, lossless'], ['/', 'PNG pictures']];
const WORDS = { auto: 'the best of these', aligner: 'learned from bodies', relative: 'motion only', matched: 'each point as the subject moves', balanced: 'between both', proportions: "the driver's pose", learned: 'the map of the training', moments: 'mean and spread', none: 'as it is', trajectory: 'goes where the driver goes' };
let root, panel, strips, list, viewers, player, strip, run = null, runId = null, look = 'a', chosen = null, shownFile = null, failed = null, made = {}, options = {}, timer = 0, tick = 0, shown = {};

export async function current() {
  const runs = S.state.runs, pair = runs.find(each => each.id === S.run) || runs.find(each => ready('a') && ready('b') && each.a.digest === clip('a').digest && each.b.digest === clip('b').digest) || runs[0];
  return pair ? pair.id : null;
}
export function enter(main) {
  root = main;
  if (!viewers) {
    viewers = { driver: new Viewer({ label: 'Driver' }), subject: new Viewer({ label: 'Subject' }), result: new Viewer({ label: 'Result' }) };
    player = new Player(async frame => {
      const seconds = shown.result ? shown.result.seconds[frame] : 0, slow = Number(options.slow) || 1, from = Number(options.start) || 0;
      await Promise.all([viewers.result.seek(frame), shown.driver && viewers.driver.seek(at(shown.driver, seconds / slow + from)), shown.subject && viewers.subject.seek(at(shown.subject, seconds))]);
      strip.frame = frame; strip.draw(); player.changed?.();
    });
    strip = new Strip({ onseek: frame => { player.stop(); player.go(frame); }, height: 48 });
    [panel, strips, list] = [h('aside'), h('div.strips', { role: 'radiogroup', 'aria-label': 'How the pose is fitted' }), h('section.renders')];
  }
  runId = null;
  timer ||= setInterval(() => { tick = (tick + 1) % 12; strips?.querySelectorAll('i.cell').forEach(each => { each.style.backgroundPositionX = `${tick / 11 * 100}%`; }); }, 110);
}
export const leave = () => { player?.stop(); clearInterval(timer); timer = 0; };
const at = (found, seconds) => { const length = found.seconds.at(-1), inside = seconds % length; let frame = found.seconds.findIndex(each => each > inside + 1e-6) - 1; if (frame < 0) frame = found.frames - 1; return Math.min(frame, found.frames - 1); };

export async function update() {
  const wanted = await current();
  if (!wanted) { fill(root, empty('Nothing was trained yet', 'Results appear here once a pair is trained.', h('button.primary', { onclick: () => S.go('training') }, 'To the training'))); runId = null; return; }
  if (runId !== wanted) { runId = wanted; fill(root, empty('Opening the pair', 'Its networks and results are read.', h('div.spinner'))); await open(); return; }
  if (run && root.contains(panel)) side();
}
async function open(again = false) {
  failed = null;
  try { run = await call('run', { run: runId }); } catch (error) { failed = error; if (S.view === 'results') fill(root, h('div.empty', problem(error))); return; }
  if (S.view !== 'results') return;
  if (!again || !root.contains(panel)) fill(root, h('div.work', h('div.three', viewers.driver.element, viewers.subject.element, viewers.result.element), strip.canvas, player.controls(), strips, list), panel);
  side();
  await show(again && shownFile ? run.files.find(each => each.there && each.look === look)?.file : undefined);
  S.draw();
  if (!again) candidates();
}
export function finished(each) { if (['render', 'train'].includes(each.kind) && runId) { if (each.kind === 'train') runId = null; else open(true); } }

async function show(file) {
  const [subject, driver] = look === 'a' ? ['a', 'b'] : ['b', 'a'], mine = run.files.filter(each => each.there && each.look === look && !/\/$/.test(each.file));
  const row = mine.find(each => each.file === file) || mine[0];
  shownFile = row?.file || null;
  if (row) options = { ...options, slow: row.options.slow, start: row.options.start };
  const wait = [call('show', { path: row?.options?.driver?.path && !/\.(csv|json|safetensors)$/.test(row.options.driver.path) ? row.options.driver.path : run.clips[driver] }, true), call('show', { path: run.clips[subject] }, true), row ? call('show', { path: row.file }, true) : Promise.reject()];
  const found = (await Promise.allSettled(wait)).map(each => each.status === 'fulfilled' ? each.value : null);
  [shown.driver, shown.subject, shown.result] = found;
  for (const name of Object.keys(viewers)) { viewers[name].show(shown[name]); viewers[name].element.classList.toggle('missing', !shown[name]); viewers[name].note.textContent = shown[name] ? '' : name === 'result' ? 'Not drawn yet: Render' : 'This clip is not where it was'; }
  const clock = shown.result || shown.driver;
  player.use(clock); strip.show(clock); player.go(Math.min(player.frame, (clock?.frames || 1) - 1));
  files();
}

async function candidates() {
  const mine = runId, of = look;
  made = {};
  drawStrips();
  for (const mode of run.affines) {
    if (S.view !== 'results' || mine !== runId || of !== look) return;
    made[mode] = await call('candidate', { run: mine, look: of, affine: mode }, true).catch(error => ({ error }));
    drawStrips();
  }
}
function scores(mode) {
  const found = Object.entries(run.chosen).find(([name]) => name.startsWith(names()[0]) && name.endsWith(names()[1]))?.[1], row = found?.candidates?.[mode];
  return row ? Object.entries(row).filter(([name, value]) => ['motion', 'shape', 'total'].includes(name) && typeof value === 'number').map(([name, value]) => `${name} ${value.toFixed(2)}`).join('\n') : WORDS[mode] || '';
}
const names = () => { const [a, b] = run.pair.split('--'); return look === 'a' ? [a, b] : [b, a]; };
function drawStrips() {
  const now = options.affine || 'auto';
  fill(strips, run.affines.map((mode, index) => {
    const found = made[mode];
    return h('button.strip', { role: 'radio', 'aria-checked': String(now === mode), 'data-key': `affine-${mode}`, title: index < 9 ? `${index + 1}` : '', onclick: () => take(mode) },
      found?.error ? h('span.cell.bad', found.error.what) : found ? h('i.cell', { style: { backgroundImage: `url("/strips/${found.file}")`, backgroundSize: `${found.frames * 100}% 100%` } }) : h('span.cell', h('i.spinner')),
      h('b', mode === 'auto' && found?.affine && found.affine !== 'auto' ? `auto: ${found.affine}` : mode), h('small', scores(mode)));
  }));
}
function take(mode) { set({ affine: mode }); render(); }
function set(change) { options = { ...options, ...change }; side(); drawStrips(); S.draw(); }
function told() {
  const { ending, ...rest } = options, given = { ...rest, look };
  const [one, two] = names(), extra = [given.affine && given.affine !== 'auto' && given.affine, given.background && given.background !== 'subject' && given.background].filter(Boolean).map(each => `.${each.replace('#', '')}`).join('');
  if (ending) given.out = `retargeted/${run.pair}/${one}-as-${two}${extra}${ending === '/' ? '-frames' : ending}`;
  return given;
}
const render = () => ask('render', { run: runId, options: told() }).then(() => S.draw());

function side() {
  const rendering = S.state.jobs.filter(each => each.kind === 'render').at(-1), [one, two] = names();
  const text = (name, label, place) => field(label, h('input', { type: 'text', value: options[name] || '', placeholder: place, 'data-key': name, onchange: event => { event.target.dataset.done = 1; set({ [name]: event.target.value.trim() }); } }));
  const ending = options.background === 'alpha' ? ENDINGS.filter(([each]) => each !== '').map(([each, label]) => [each, each === '.mov' ? 'MOV, ProRes 4444' : label]) : ENDINGS;
  refill(panel, S.state.runs.length > 1 && field('Pair', choice('run', S.state.runs.map(each => [each.id, `${each.pair} · ${each.preset} · ${each.id.slice(4, 13)}`]), runId, value => { S.run = value; S.draw(); })),
    segmented([['a', `${run.pair.split('--')[0]} moves`], ['b', `${run.pair.split('--')[1]} moves`]], look, other => { look = other; shownFile = null; side(); show(); candidates(); }, 'look'),
    h('section', h('h3', 'Render'),
      field('Pose', choice('affine', [...run.affines, 'trajectory'].map(each => [each, `${each}: ${WORDS[each] || ''}`]), options.affine || 'auto', value => set({ affine: value }))),
      field('Background', choice('background', [['subject', "the subject's scene"], ['driver', "the driver's scene"], ['black', 'black'], ['#00b140', 'green'], ['alpha', 'transparent']], options.background || 'subject', value => set({ background: value, ending: value === 'alpha' && !options.ending ? '.mov' : options.ending }))),
      h('div.two', text('start', 'From', '0'), text('stop', 'To', 'the end')), h('div.two', text('slow', 'Slower, times', '1'), text('fps', 'Frames a second', "the driver's")),
      h('div.two', text('smooth', 'Smoothing', '0, auto'), text('loop', 'Rounds', '1')), text('driver', 'Another driver', 'wolf.mp4 or a motion file'),
      field('Format', choice('ending', ending, options.ending || '', value => set({ ending: value }))),
      active(rendering) ? [h('small', standing(rendering).text), bar(standing(rendering).share)] : rendering?.state === 'failed' && rendering.error ? problem(rendering.error) : null,
      h('button.primary.large', { onclick: render, 'data-key': 'render' }, `Render ${one} moving like ${two}`)),
    h('section', h('a', { href: address(run.report), target: '_blank', rel: 'noopener' }, 'Report: everything on one page')));
}
function files() {
  const mine = run.files.filter(each => each.look === look);
  fill(list, h('h3', 'Drawn'), mine.length ? mine.map(each => h('div.row.rendered', { class: `row rendered${each.file === shownFile ? ' now' : ''}` }, h('button.quiet', { onclick: () => show(each.file), disabled: !each.there }, each.file.split('/').at(-1)), h('small', each.there ? each.when : 'no longer there'), each.there && /\.\w+$/.test(each.file) && h('a', { href: `${address(each.file)}?save`, download: '' }, 'Save'))) : h('small', 'Nothing was drawn with this look yet.'));
}
export const command = () => { if (!run || !runId) return ''; const given = told(); return `retarget render ${run.named}${Object.entries(given).filter(([name, value]) => value && !(name === 'look' && value === 'a') && !(name === 'affine' && value === 'auto') && !(name === 'background' && value === 'subject')).map(([name, value]) => ` --${{ start: 'from', stop: 'to' }[name] || name} ${/[^\w.,:/-]/.test(value) ? `'${value}'` : value}`).join('')}`; };
export function key(event) {
  if (!run) return false;
  const number = Number(event.key);
  if (number >= 1 && number <= 9 && run.affines[number - 1]) take(run.affines[number - 1]);
  else if (event.key === 'l' || event.key === 'c') { look = look === 'a' ? 'b' : 'a'; shownFile = null; side(); show(); candidates(); } else if (event.key === 'Enter') render();
  else return player.key(event);
  return true;
}
