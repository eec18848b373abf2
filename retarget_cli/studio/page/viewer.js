// Frames by number, with what is drawn on them; and the strip below, which is the clip in time.
import { h } from './core.js';

const KEPT = 160, kept = new Map();
// A picture of the server, kept for a while; `null` when it cannot be had.
export function picture(address) {
  if (kept.has(address)) { const found = kept.get(address); kept.delete(address); kept.set(address, found); return found; }
  const found = new Promise(done => { const image = new Image(); image.onload = () => done(image); image.onerror = () => { kept.delete(address); done(null); }; image.src = address; });
  kept.set(address, found);
  if (kept.size > KEPT) kept.delete(kept.keys().next().value);
  return found;
}
const probe = h('i', { hidden: true });
// A colour of the style sheet as a canvas understands it.
export function css(name) { if (!probe.isConnected) document.body.append(probe); probe.style.color = `var(${name})`; return getComputedStyle(probe).color; }

// One clip to look at. `overlay(context, frame)` draws on the picture; `marks` is an SVG in pixels of the clip.
export class Viewer {
  constructor({ label = '', onframe = () => {}, overlay = null, source = null } = {}) {
    Object.assign(this, { onframe, overlay, source, clip: null, frame: 0, shown: -1, wanted: -1 });
    this.canvas = h('canvas', { width: 16, height: 9 });
    this.marks = h('svg.marks', { preserveAspectRatio: 'none' });
    this.note = h('div.note');
    this.stage = h('div.stage', this.canvas, this.marks);
    this.element = h('figure.viewer', { tabIndex: 0, 'aria-label': label }, h('div.frame', this.stage, this.note), label && h('figcaption', label));
    new ResizeObserver(() => this.fit()).observe(this.element.firstChild);
  }
  show(clip) {
    if (this.clip?.key === clip?.key) { this.clip = clip; return; }
    this.clip = clip;
    this.shown = -1; if (!clip) return;
    [this.canvas.width, this.canvas.height] = clip.size;
    this.marks.setAttribute('viewBox', `0 0 ${clip.native[0]} ${clip.native[1]}`);
    this.fit(); this.seek(Math.min(this.frame, clip.frames - 1));
  }
  fit() {
    if (!this.clip) return;
    const room = this.element.firstChild.getBoundingClientRect(), [w, t] = this.clip.native;
    const scale = Math.min(room.width / w, room.height / t);
    if (this.element.parentElement?.className === 'three') this.element.firstChild.style.aspectRatio = `${w} / ${t}`;
    Object.assign(this.stage.style, { width: `${w * scale}px`, height: `${t * scale}px` });
  }
  address(frame) { return `/frames/${this.clip.key}/${frame}`; }
  // Show a frame. What is seen is always the frame that was asked for last, never one near it.
  async seek(frame) {
    if (!this.clip) return;
    this.frame = this.wanted = Math.max(0, Math.min(this.clip.frames - 1, frame));
    const clip = this.clip, asked = this.frame;
    const image = await (this.source?.(asked) || picture(this.address(asked)));
    if (this.wanted !== asked || this.clip !== clip || !image) return;
    this.image = image;
    this.shown = asked;
    this.element.dataset.shown = asked;
    await this.draw();
    this.onframe(asked);
    for (let next = 1; next <= 8; next++) if (asked + next < clip.frames) picture(this.address(asked + next));
  }
  async draw() {
    if (!this.image) return;
    const context = this.canvas.getContext('2d', { willReadFrequently: false });
    const frame = this.shown, layers = this.overlay ? await this.overlay(frame) : [];
    if (frame !== this.shown) return;
    context.globalAlpha = 1; context.drawImage(this.image, 0, 0, this.canvas.width, this.canvas.height);
    for (const layer of layers) layer(context, this.canvas.width, this.canvas.height);
  }
  // Where the pointer is, in pixels of the clip.
  at(event) {
    const box = this.stage.getBoundingClientRect(), [w, t] = this.clip.native;
    return [Math.min(w - 0.5, Math.max(0, (event.clientX - box.left) / box.width * w)), Math.min(t - 0.5, Math.max(0, (event.clientY - box.top) / box.height * t))];
  }
}

// Plays any number of viewers by the clock of one clip.
export class Player {
  constructor(seek) { Object.assign(this, { seek, playing: false, frame: 0, clip: null, first: 0, last: null }); }
  use(clip, first = 0, last = null) { Object.assign(this, { clip, first, last: last ?? (clip ? clip.frames - 1 : 0) }); }
  go(frame) {
    if (!this.clip) return;
    this.frame = Math.max(0, Math.min(this.clip.frames - 1, frame));
    return this.seek(this.frame);
  }
  toggle() { this.playing ? this.stop() : this.play(); }
  stop() { this.playing = false; this.changed?.(); }
  async play() {
    if (!this.clip) return;
    this.playing = true;
    this.changed?.();
    if (this.frame >= this.last || this.frame < this.first) this.frame = this.first;
    while (this.playing) {
      const began = performance.now(), seconds = this.clip.seconds;
      await this.go(this.frame);
      const shows = ((seconds[this.frame + 1] ?? 0) - seconds[this.frame]) * 1000 || 40;
      await new Promise(done => setTimeout(done, Math.max(0, shows - (performance.now() - began))));
      if (!this.playing || !document.body.contains(this.home || document.body)) { this.playing = false; break; }
      this.frame = this.frame >= this.last ? this.first : this.frame + 1;
    }
  }
  key(event) {
    const far = event.shiftKey ? 10 : 1;
    if (event.key === ' ') this.toggle();
    else if (event.key === 'ArrowRight') { this.stop(); this.go(this.frame + far); }
    else if (event.key === 'ArrowLeft') { this.stop(); this.go(this.frame - far); }
    else if (event.key === '.') { this.stop(); this.go(this.frame + 1); }
    else if (event.key === ',') { this.stop(); this.go(this.frame - 1); }
    else if (event.key === 'Home') this.go(this.first);
    else if (event.key === 'End') this.go(this.last);
    else return false;
    return true;
  }
  // The buttons below a picture.
  controls() {
    const play = h('button.round', { onclick: () => this.toggle(), title: 'Play (space)', ariaLabel: 'Play' });
    const count = h('output.count');
    this.changed = () => { play.textContent = this.playing ? '❚❚' : '▶'; play.ariaLabel = this.playing ? 'Pause' : 'Play'; count.textContent = this.clip ? `${this.frame} / ${this.clip.frames - 1}  ·  ${(this.clip.seconds[this.frame] || 0).toFixed(2)} s` : ''; };
    this.changed();
    return h('div.controls', h('button.round.quiet', { onclick: () => { this.stop(); this.go(this.frame - 1); }, title: 'One frame back (comma)', ariaLabel: 'One frame back' }, '‹'), play,
      h('button.round.quiet', { onclick: () => { this.stop(); this.go(this.frame + 1); }, title: 'One frame on (period)', ariaLabel: 'One frame on' }, '›'), count);
  }
}

// The clip in time: thumbnails, confidence, marks, and where one is. Drag to seek.
export class Strip {
  constructor({ onseek, height = 64 }) {
    Object.assign(this, { onseek, marks: [], confidence: null, filling: null, frame: 0, part: null, clip: null });
    this.canvas = h('canvas.strip', { height, tabIndex: -1, 'aria-label': 'Frames of the clip' });
    const seek = event => { if (this.clip) this.onseek(Math.max(0, Math.min(this.clip.frames - 1, Math.floor(event.offsetX / this.canvas.clientWidth * this.clip.frames)))); };
    this.canvas.addEventListener('pointerdown', event => { this.canvas.setPointerCapture(event.pointerId); seek(event); });
    this.canvas.addEventListener('pointermove', event => { if (event.buttons) seek(event); });
    new ResizeObserver(() => this.draw()).observe(this.canvas);
  }
  async show(clip) {
    if (this.clip?.key !== clip?.key) { this.thumbs = null; this.clip = clip; if (clip) this.thumbs = await picture(`/thumbs/${clip.key}`); }
    this.clip = clip;
    this.draw();
  }
  draw() {
    const canvas = this.canvas, scale = devicePixelRatio || 1, width = canvas.clientWidth, height = canvas.clientHeight;
    if (!this.clip || !width) return;
    canvas.width = width * scale; canvas.height = height * scale;
    const c = canvas.getContext('2d'), count = this.clip.frames, x = frame => frame / count * width, sure = this.confidence || this.filling !== null ? 12 : 0;
    c.scale(scale, scale);
    c.fillStyle = css('--sunk'); c.fillRect(0, 0, width, height);
    if (this.thumbs) {
      const [tw, th] = this.clip.thumbs.size, tall = height - sure, wide = tall * tw / th, many = Math.ceil(width / wide), frames = this.clip.thumbs.frames;
      for (let i = 0; i < many; i++) {
        const wanted = (i + 0.5) * wide / width * count;
        let best = 0;
        frames.forEach((frame, index) => { if (Math.abs(frame - wanted) < Math.abs(frames[best] - wanted)) best = index; });
        c.drawImage(this.thumbs, best * tw, 0, tw, th, i * wide, 0, wide, tall);
      }
    }
    if (this.part) { c.fillStyle = css('--veil'); c.fillRect(0, 0, x(this.part[0]), height); c.fillRect(x(this.part[1] + 1), 0, width, height); c.fillStyle = css('--accent'); for (const at of [x(this.part[0]), x(this.part[1] + 1) - 3]) c.fillRect(at, 0, 3, height); }
    if (sure) {
      c.fillStyle = css('--sunk'); c.fillRect(0, height - sure, width, sure);
      (this.confidence || []).forEach((value, frame) => {
        const tall = Math.max(3, value * (sure - 2));
        c.fillStyle = `hsl(${Math.round(Math.max(0, Math.min(1, (value - 0.35) / 0.45)) * 150)} 55% 45%)`;
        c.globalAlpha = this.filling !== null ? 0.35 : 1;
        c.fillRect(x(frame), height - tall, Math.max(1, x(1) - 0.4), tall);
      });
      c.globalAlpha = 1;
      if (this.filling !== null) { c.fillStyle = css('--accent'); c.fillRect(0, height - sure, width * this.filling, 3); }
    }
    for (const { frame, colour, shape } of this.marks) {
      c.fillStyle = colour; c.strokeStyle = css('--panel'); c.lineWidth = 2; c.beginPath();
      if (shape === 'brush') c.rect(x(frame + 0.5) - 4, 3, 8, 8); else c.arc(x(frame + 0.5), 8, 4.5, 0, 7);
      c.stroke(); c.fill();
    }
    c.fillStyle = css('--select'); c.fillRect(x(this.frame), 0, x(1), height);
    const at = x(this.frame + 0.5);
    c.fillStyle = '#000'; c.globalAlpha = 0.4; c.fillRect(at - 2.5, 0, 5, height); c.globalAlpha = 1; c.fillStyle = '#fff'; c.fillRect(at - 1.5, 0, 3, height);
  }
}

// A grey picture as a canvas whose alpha is its grey.
export function mask(image, width, height) {
  const canvas = h('canvas', { width, height }), c = canvas.getContext('2d', { willReadFrequently: true });
  c.drawImage(image, 0, 0, width, height);
  const data = c.getImageData(0, 0, width, height), p = data.data;
  for (let i = 0; i < p.length; i += 4) { p[i + 3] = p[i]; p[i] = p[i + 1] = p[i + 2] = 255; }
  c.putImageData(data, 0, 0);
  return canvas;
}
// How a mask is drawn: tinted with an outline, as a cut-out, or alone.
export function shading(found, mode) {
  return (c, w, t) => {
    const layer = h('canvas', { width: w, height: t }), d = layer.getContext('2d');
    if (mode === 'tint') {
      const thick = Math.max(1, w / 480);
      for (let k = 0; k < 8; k++) d.drawImage(found, thick * Math.cos(k * Math.PI / 4), thick * Math.sin(k * Math.PI / 4), w, t);
      d.globalCompositeOperation = 'destination-out'; d.drawImage(found, 0, 0, w, t);
      d.globalCompositeOperation = 'source-over'; d.globalAlpha = 0.38; d.drawImage(found, 0, 0, w, t); d.globalAlpha = 1;
      d.globalCompositeOperation = 'source-in'; d.fillStyle = '#19c8a8'; d.fillRect(0, 0, w, t);
    } else {
      d.fillStyle = mode === 'cut' ? 'rgb(18 20 22 / .93)' : '#000'; d.fillRect(0, 0, w, t);
      d.globalCompositeOperation = 'destination-out'; d.drawImage(found, 0, 0, w, t);
      if (mode === 'matte') { d.globalCompositeOperation = 'destination-over'; d.fillStyle = '#fff'; d.fillRect(0, 0, w, t); }
    }
    c.drawImage(layer, 0, 0);
  };
}
