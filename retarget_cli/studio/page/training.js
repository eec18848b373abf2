// Training: how long it will take, start, stop, curves and pictures while it goes on, and the verdict.
import { S, active, ask, bar, bytes, call, choice, clip, duration, empty, field, fill, h, refill, job, problem, ready, segmented, sentence, standing } from './core.js';

const PRESETS = [['', 'As this machine suggests', 'draft without a GPU, standard with one'], ['draft', 'Draft', 'for a CPU: pictures of 128 pixels, made sharp at 512'], ['standard', 'Standard', 'for a GPU: pictures of 256 pixels'], ['best', 'Best', 'twice as long as standard']];
const SEVERITY = { bad: ['✕', 'bad'], weak: ['!', 'weak'], good: ['✓', 'good'] };
let root, form, draft = null, told = null, estimating = 0, curves = null, curvesAt = 0, run = null, wanted = '';

// What is chosen here counts until the server has it: a state that it told meanwhile is older.
const options = () => draft ?? S.state.training;
function set(change) { draft = { ...options(), ...change }; estimate(); update(); }
function estimate() {
  clearTimeout(estimating);
  estimating = setTimeout(() => {
    const sent = options(), kept = () => { if (draft === sent) { S.state.training = sent; draft = null; } };
    call('training', { options: sent }, true).then(found => { kept(); told = found; update(); S.draw(); }, error => { if (!error.lost) kept(); told = { error }; update(); });
  }, 150);
}
const now = () => { const trained = S.state.jobs.filter(each => each.kind === 'train'); return trained.filter(each => each.about === told?.about).at(-1) || (told?.about ? null : trained.at(-1)); };

export function enter(main) { root = main; form = h('div.form'); fill(root, form, h('div.main')); estimate(); }

export function update() {
  const both = ready('a') && ready('b');
  if (!both && !S.state.runs.length) { fill(root, empty('Two clips make a pair', 'Choose both, look at their objects, then train.', h('button.primary', { onclick: () => S.go('clips') }, 'To the clips'))); form = null; return; }
  if (!form) enter(root);
  const training = now();
  drawForm(both, training);
  const newest = S.state.runs.find(each => both && each.a.digest === clip('a').digest && each.b.digest === clip('b').digest) || (!both && S.state.runs[0]);
  if (newest && wanted !== newest.id) { wanted = newest.id; call('run', { run: newest.id }, true).then(found => { run = found; update(); }, () => { run = null; }); }
  if (training && Date.now() - curvesAt > 900) { curvesAt = Date.now(); call('curves', { job: training.id }, true).then(found => { curves = found; drawMain(training, newest); }, () => {}); }
  drawMain(training, newest);
}
export function finished(each) { if (each.kind === 'train') { wanted = ''; update(); } }

function drawForm(both, training) {
  const preset = options().preset || '', settings = options().settings || [];
  refill(form,
    h('h2', both ? `${clip('a').name} and ${clip('b').name}` : S.state.runs[0].pair),
    h('div.presets', { role: 'radiogroup', 'aria-label': 'Preset' }, PRESETS.map(([name, label, note]) => h('button', { role: 'radio', 'aria-checked': String(preset === name), 'data-key': `preset-${name}`, onclick: () => set({ preset: name }) }, h('b', label), h('small', note)))),
    field('Ends with a video of', choice('render', [['a', `${clip('a')?.name || 'A'} moving like ${clip('b')?.name || 'B'}`], ['b', `${clip('b')?.name || 'B'} moving like ${clip('a')?.name || 'A'}`], ['both', 'both'], ['none', 'none']], options().render || 'a', value => set({ render: value }))),
    field('Facing', choice('flip', [['auto', 'mirror B if it faces the other way'], ['yes', 'mirror B'], ['no', 'leave both as they are']], options().flip || 'auto', value => set({ flip: value }))),
    field('Begins with', choice('init', [['', 'what is known of such bodies'], ['none', 'nothing: random networks'], ...S.state.runs.slice(0, 8).map(each => [each.id, `${each.pair}, ${each.id.slice(0, 13)}`])], options().init_from || '', value => set({ init_from: value }))),
    h('details', { open: settings.length > 0, 'data-key': 'single' }, h('summary', 'Single settings'), h('textarea', { rows: 3, spellcheck: false, 'data-key': 'settings', placeholder: 'geometry.steps=3000', value: settings.join('\n'), onchange: event => { event.target.dataset.done = 1; set({ settings: event.target.value.split('\n').map(line => line.trim()).filter(Boolean) }); } }), h('small', 'One on a line; retarget settings lists them.')),
    told?.error ? problem(told.error) : h('div.estimate', told ? [h('b', told.seconds ? `about ${duration(told.seconds)}` : 'time not known yet'), h('small', sentence(told.told)), h('small', Object.entries(told.steps).map(([phase, steps]) => `${phase} ${steps} steps`).join(', '))] : h('small', 'Asking how long this takes here …')),
    h('div.row', active(training) ? h('button', { onclick: () => ask('stop', { job: training.id }), 'data-key': 'stop' }, training.state === 'waiting' ? 'Do not start' : 'Stop') : [h('button.primary.large', { disabled: !both || Boolean(told?.error), onclick: start, 'data-key': 'train' }, training?.state === 'stopped' ? 'Go on' : run && training?.state !== 'failed' ? 'Train again' : 'Train')]),
    h('small', 'Stopped or killed, it goes on where it was. What was done before is not done again.'));
}
const start = () => ask('train', { options: options() }).then(() => S.draw());

function drawMain(training, newest) {
  const area = root.querySelector('.main');
  if (!area) return;
  const parts = [];
  if (training && training.state !== 'done') {
    parts.push(h('section.now', h('h3', { running: 'Training', waiting: 'Waiting', stopped: 'Stopped: Go on continues here', failed: 'This did not work' }[training.state]), training.error && problem(training.error), active(training) && [h('p', standing(training).text), bar(standing(training).share)],
      h('ol.stages', training.stages.map(each => h(`li.${each.state}`, h('span', each.label), h('small', each.state === 'cached' ? 'was there' : each.seconds ? duration(each.seconds) : each.total ? `${each.done} of ${each.total}` : ''), each.state === 'running' && each.total ? bar(each.done / each.total) : null)))));
    parts.push(...training.notices.filter(each => each.level === 'warning').map(each => h('p.warn', each.message)));
  }
  const pictures = (training?.files || []).filter(each => each.kind === 'preview').map(each => each.path), first = (training?.files || []).find(each => /first-.*\.mp4$/.test(each.path));
  const shown = pictures.length ? pictures : run?.images || [];
  if (first && training.state !== 'done') parts.push(h('section', h('h3', 'A first video: the motion, hardly the look yet'), h('video', { src: address(first.path), autoplay: true, loop: true, muted: true, playsInline: true })));
  const latest = [...shown].reverse().find(path => /texture-/.test(path)) || shown.at(-1);
  if (latest) parts.push(h('section', h('h3', `How it looks${active(training) ? ' by now' : ''}`), h('a', { href: address(latest), target: '_blank', rel: 'noopener' }, h('img.wide', { src: address(latest), alt: 'Real frames, drawn silhouettes and generated pictures' })), h('small', latest.split('/').at(-1).replace('.png', ''))));
  const drawn = Object.entries(curves || {}).filter(([, lines]) => Object.keys(lines).length);
  if (training && drawn.length) parts.push(h('section', h('h3', 'Curves'), h('div.curves', drawn.map(([phase, lines]) => h('figure', h('figcaption', phase), chart(Object.entries(lines).filter(([name]) => name.startsWith('held out')), 'on frames kept out'), chart(Object.entries(lines).filter(([name]) => !name.startsWith('held out')).slice(0, 4), 'losses'))))));
  if (run && newest && !active(training)) parts.unshift(verdict());
  if (!parts.length) parts.push(empty('Not trained yet', 'First the program finds both objects, then it learns their motion, then their look. Pictures and curves appear here while it does.'));
  const videos = area.querySelector('video'), again = parts.flat().find(each => each?.querySelector?.('video'));
  if (videos && again && videos.src.endsWith(again.querySelector('video').getAttribute('src') || '-')) again.querySelector('video').replaceWith(videos);
  refill(area, parts);
}
export const address = path => `/results/${path.replace(/^.*?retargeted\//, '').split('/').map(encodeURIComponent).join('/')}`;

// Lines over steps, each scaled to its own range, with its newest value.
function chart(lines, label) {
  if (!lines.length) return null;
  const last = Math.max(1, ...lines.map(([, points]) => points.at(-1)[0])), colours = ['var(--accent)', 'var(--warm)', 'var(--b)', 'var(--soft)'];
  return h('div.chart', h('small', label), h('svg', { viewBox: '0 0 300 80', preserveAspectRatio: 'none' }, h('line', { x1: 0, x2: 300, y1: 79, y2: 79 }), lines.map(([, points], index) => {
    const values = points.map(([, value]) => value), low = Math.min(...values), range = Math.max(...values) - low || 1;
    return h('polyline', { points: points.map(([step, value]) => `${(step / last * 298 + 1).toFixed(1)},${(74 - (value - low) / range * 66).toFixed(1)}`).join(' '), stroke: colours[index % 4], fill: 'none', 'vector-effect': 'non-scaling-stroke' });
  })), h('div.legend', lines.map(([name, points], index) => h('span', h('i', { style: { background: colours[index % 4] } }), `${name.replace('held out: ', '')} ${points.at(-1)[1].toPrecision(3)}`))));
}

function verdict() {
  const found = [...run.verdict].sort((one, other) => 'bad weak good'.indexOf(one.severity) - 'bad weak good'.indexOf(other.severity)), counts = ['good', 'weak', 'bad'].map(each => [each, found.filter(one => one.severity === each).length]);
  return h('section.verdict', h('h3', 'Verdict'), h('div.row', counts.filter(([, count]) => count).map(([each, count]) => h(`span.chip.${each}`, `${count} ${each}`)), h('button.primary', { onclick: () => S.go('results'), 'data-key': 'to-results' }, 'To the results'), h('a', { href: address(run.report), target: '_blank', rel: 'noopener' }, 'Report')),
    found.filter(each => each.severity !== 'good').map(finding), h('details', { 'data-key': 'good' }, h('summary', `${counts[0][1]} good`), found.filter(each => each.severity === 'good').map(finding)));
}
const finding = each => h(`article.${each.severity}`, h('i', { ariaHidden: 'true' }, SEVERITY[each.severity][0]), h('div', h('b', each.name), h('p', each.says), each.advice && h('p.advice', each.advice.replaceAll('`', '')), each.advice && h('div.row', remedies(each.advice))));

// What the advice names in backquotes, as buttons that do it.
function remedies(advice) {
  return [...advice.matchAll(/`([^`]+)`/g)].map(([, words]) => {
    const setting = words.match(/--set[ =]([\w.]+=[\w.,-]+)/), flip = words.match(/--flip (\w+)/), preset = words.match(/--preset (\w+)/);
    const train = change => { draft = { ...options(), ...change }; start(); };
    if (setting) return h('button', { onclick: () => train({ settings: [...(options().settings || []).filter(each => each.split('=')[0] !== setting[1].split('=')[0]), setting[1]] }) }, `Train with ${setting[1]}`);
    if (flip) return h('button', { onclick: () => train({ flip: flip[1] }) }, flip[1] === 'no' ? 'Train without mirroring' : 'Train with B mirrored');
    if (preset) return h('button', { onclick: () => train({ preset: preset[1] }) }, `Train with ${preset[1]}`);
    if (/^retarget render /.test(words)) return h('button', { onclick: () => ask('run_command', { command: words }) }, 'Render that');
    if (/--(box|mask)/.test(words)) return h('button', { onclick: () => S.go('object') }, 'Correct the matte');
    return null;
  });
}
export const command = () => told?.command || '', key = () => false;
