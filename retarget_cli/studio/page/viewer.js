// Frames by number, with what is drawn on them; and the strip below, which is the clip in time.
import { button, h, named } from './core.js';

const KEPT = 160;
const kept = new Map();

// A picture of the server, kept for a while; `null` when it cannot be had.
export function picture(address) {
  const known = kept.get(address);
  kept.delete(address);
  const found = known || new Promise(done => {
    const image = new Image();
    image.onload = () => done(image);
    image.onerror = () => {
      kept.delete(address);
      done(null);
    };
    image.src = address;
  });
  kept.set(address, found); // as the last one
  if (kept.size > KEPT) kept.delete(kept.keys().next().value);
  return found;
}

const probe = h('i', { hidden: true });
// A colour of the style sheet as a canvas understands it.
export function css(name) {
  if (!probe.isConnected) document.body.append(probe);
  probe.style.color = `var(${name})`;
  return getComputedStyle(probe).color;
}

// The frame that the pointer is on, on a canvas whose width is so many frames.
export const frameAt = (event, canvas, count) =>
  Math.max(0, Math.min(count - 1, Math.floor(event.offsetX / canvas.clientWidth * count)));

// One clip to look at. `overlay(frame)` gives what is drawn on the picture; `marks` is an SVG in pixels of the clip.
// onframe: called when another frame shows; onfit: when its size on the screen is another.
export class Viewer {
  constructor({ label = '', onframe = () => {}, onfit = () => {}, overlay = null, source = null } = {}) {
    Object.assign(this, { onframe, onfit, overlay, source, clip: null, frame: 0, shown: -1, wanted: -1 });
    this.canvas = h('canvas', { width: 16, height: 9 });
    this.marks = h('svg.marks', { preserveAspectRatio: 'none' });
    this.note = h('div.note');
    this.stage = h('div.stage', this.canvas, this.marks);
    this.room = h('div.frame', this.stage, this.note);
    this.element = h('figure.viewer', { tabIndex: 0, 'aria-label': label }, this.room, label && h('figcaption', label));
    new ResizeObserver(() => this.fit()).observe(this.room);
  }

  show(clip) {
    const same = this.clip?.key === clip?.key;
    this.clip = clip;
    if (same) return;
    this.shown = -1;
    if (!clip) return;
    [this.canvas.width, this.canvas.height] = clip.size;
    this.marks.setAttribute('viewBox', `0 0 ${clip.native[0]} ${clip.native[1]}`);
    this.fit();
    this.seek(Math.min(this.frame, clip.frames - 1));
  }

  fit() {
    if (!this.clip) return;
    const room = this.room.getBoundingClientRect();
    if (!room.width) return; // it is not on the page now
    const [w, t] = this.clip.native;
    const scale = Math.min(room.width / w, room.height / t);
    if (this.element.parentElement?.className === 'three') this.room.style.aspectRatio = `${w} / ${t}`;
    Object.assign(this.stage.style, { width: `${w * scale}px`, height: `${t * scale}px` });
    this.onfit();
  }

  // Pixels of the clip in one of the screen.
  get unit() {
    return this.clip.native[0] / (this.stage.clientWidth || this.clip.native[0]);
  }

  address(frame) {
    return `/frames/${this.clip.key}/${frame}`;
  }

  // Show a frame. What is seen is always the frame that was asked for last, never one near it.
  async seek(frame) {
    if (!this.clip) return;
    this.frame = this.wanted = Math.max(0, Math.min(this.clip.frames - 1, frame));
    const clip = this.clip;
    const asked = this.frame;
    const image = await (this.source?.(asked) || picture(this.address(asked)));
    if (this.wanted !== asked || this.clip !== clip || !image) return;
    this.image = image;
    this.shown = asked;
    this.element.dataset.shown = asked;
    await this.draw();
    this.onframe(asked);
    for (let next = asked + 1; next <= asked + 8 && next < clip.frames; next++) picture(this.address(next));
  }

  async draw() {
    if (!this.image) return;
    const context = this.canvas.getContext('2d');
    const frame = this.shown;
    const layers = this.overlay ? await this.overlay(frame) : [];
    if (frame !== this.shown) return;
    context.globalAlpha = 1;
    context.drawImage(this.image, 0, 0, this.canvas.width, this.canvas.height);
    for (const layer of layers) layer(context, this.canvas.width, this.canvas.height);
  }

  // Where the pointer is, in pixels of the clip.
  at(event) {
    const box = this.stage.getBoundingClientRect();
    const [w, t] = this.clip.native;
    const inside = (share, size) => Math.min(size - 0.5, Math.max(0, share * size));
    return [inside((event.clientX - box.left) / box.width, w), inside((event.clientY - box.top) / box.height, t)];
  }
}

// Plays any number of viewers by the clock of one clip.
export class Player {
  constructor(seek) {
    Object.assign(this, { seek, playing: false, frame: 0, clip: null, first: 0, last: 0, inside: false });
  }

  // The part from `first` to `last` is played in a loop; `inside`: one cannot leave it.
  use(clip, [first, last] = [0, clip ? clip.frames - 1 : 0], inside = false) {
    Object.assign(this, { clip, first, last, inside });
  }

  go(frame) {
    if (!this.clip) return undefined;
    const [first, last] = this.inside ? [this.first, this.last] : [0, this.clip.frames - 1];
    this.frame = Math.max(first, Math.min(last, frame));
    return this.seek(this.frame);
  }

  step(by) {
    this.stop();
    this.go(this.frame + by);
  }

  toggle() {
    if (this.playing) this.stop();
    else this.play();
  }

  stop() {
    this.playing = false;
    this.changed?.();
  }

  async play() {
    if (!this.clip) return;
    this.playing = true;
    this.changed?.();
    if (this.frame >= this.last || this.frame < this.first) this.frame = this.first;
    while (this.playing) {
      const began = performance.now();
      const { seconds } = this.clip;
      await this.go(this.frame);
      const shows = ((seconds[this.frame + 1] ?? 0) - seconds[this.frame]) * 1000 || 40;
      await new Promise(done => setTimeout(done, Math.max(0, shows - (performance.now() - began))));
      if (this.playing) this.frame = this.frame >= this.last ? this.first : this.frame + 1;
    }
  }

  key(event) {
    const far = event.shiftKey ? 10 : 1;
    const steps = { ArrowRight: far, ArrowLeft: -far, '.': 1, ',': -1 };
    if (event.key === ' ') this.toggle();
    else if (event.key in steps) this.step(steps[event.key]);
    else if (event.key === 'Home') this.go(this.first);
    else if (event.key === 'End') this.go(this.last);
    else return false;
    return true;
  }

  // The buttons below a picture.
  controls() {
    const play = button(null, '', () => this.toggle(), { kind: 'round', title: 'Play (space)' });
    const count = h('output.count');
    const one = (text, by, title) => button(null, text, () => this.step(by), { kind: 'round quiet', title });
    this.changed = () => {
      play.textContent = this.playing ? '❚❚' : '▶';
      play.setAttribute('aria-label', this.playing ? 'Pause' : 'Play');
      count.textContent = this.clip ? this.place() : '';
    };
    this.changed();
    const [back, on] = [one('‹', -1, 'One frame back (comma)'), one('›', 1, 'One frame on (period)')];
    return h('div.controls', back, play, on, count);
  }

  place() {
    const last = this.inside ? this.last : this.clip.frames - 1;
    const seconds = (this.clip.seconds[this.frame] || 0).toFixed(2);
    return `${named(this.clip, this.frame)} / ${named(this.clip, last)}  ·  ${seconds} s`;
  }
}

const SURE = 12; // pixels of the confidence below the thumbnails

// The clip in time: thumbnails, confidence, marks, and where one is. Drag to seek.
export class Strip {
  constructor({ onseek, height = 64 }) {
    Object.assign(this, { onseek, marks: [], confidence: null, filling: null, frame: 0, part: null, clip: null });
    this.canvas = h('canvas.strip', { height, tabIndex: -1, 'aria-label': 'Frames of the clip' });
    const seek = event => this.clip && this.onseek(this.first + frameAt(event, this.canvas, this.count));
    this.canvas.addEventListener('pointerdown', event => {
      this.canvas.setPointerCapture(event.pointerId);
      seek(event);
    });
    this.canvas.addEventListener('pointermove', event => event.buttons && seek(event));
    new ResizeObserver(() => this.draw()).observe(this.canvas);
  }

  // range: first and last frame of what is drawn, null for all.
  async show(clip, range = null) {
    const same = this.clip?.key === clip?.key;
    this.clip = clip;
    [this.first, this.count] = range ? [range[0], range[1] + 1 - range[0]] : [0, clip?.frames];
    if (!same) {
      this.thumbs = null;
      if (clip) this.thumbs = await picture(`/thumbs/${clip.key}`);
    }
    this.draw();
  }

  draw() {
    const { canvas } = this;
    const [width, height] = [canvas.clientWidth, canvas.clientHeight];
    if (!this.clip || !width) return;
    const scale = devicePixelRatio || 1;
    [canvas.width, canvas.height] = [width * scale, height * scale];
    const c = canvas.getContext('2d');
    const x = frame => (frame - this.first) / this.count * width;
    const sure = this.confidence || this.filling !== null ? SURE : 0;
    c.scale(scale, scale);
    c.fillStyle = css('--sunk');
    c.fillRect(0, 0, width, height);
    if (this.thumbs) this.drawThumbs(c, width, height - sure);
    if (this.part) this.drawPart(c, x(this.part[0]), x(this.part[1] + 1), width, height);
    if (sure) this.drawConfidence(c, x, width, height);
    this.drawMarks(c, x);
    c.fillStyle = css('--select');
    c.fillRect(x(this.frame), 0, x(this.frame + 1) - x(this.frame), height);
    const at = x(this.frame + 0.5);
    c.fillStyle = 'rgb(0 0 0 / .4)';
    c.fillRect(at - 2.5, 0, 5, height);
    c.fillStyle = '#fff';
    c.fillRect(at - 1.5, 0, 3, height);
  }

  drawThumbs(c, width, tall) {
    const { size: [tw, th], frames } = this.clip.thumbs;
    const wide = tall * tw / th;
    for (let left = 0; left < width; left += wide) {
      const wanted = this.first + (left + wide / 2) / width * this.count;
      const away = frames.map(frame => Math.abs(frame - wanted));
      c.drawImage(this.thumbs, away.indexOf(Math.min(...away)) * tw, 0, tw, th, left, 0, wide, tall);
    }
  }

  drawPart(c, begin, end, width, height) {
    c.fillStyle = css('--veil');
    c.fillRect(0, 0, begin, height);
    c.fillRect(end, 0, width, height);
    c.fillStyle = css('--accent');
    for (const edge of [begin, end - 3]) c.fillRect(edge, 0, 3, height);
  }

  drawConfidence(c, x, width, height) {
    c.fillStyle = css('--sunk');
    c.fillRect(0, height - SURE, width, SURE);
    c.globalAlpha = this.filling !== null ? 0.35 : 1;
    (this.confidence || []).forEach((value, frame) => {
      if (value === null) return;
      const tall = Math.max(3, value * (SURE - 2));
      c.fillStyle = `hsl(${Math.round(Math.max(0, Math.min(1, (value - 0.35) / 0.45)) * 150)} 55% 45%)`;
      c.fillRect(x(frame), height - tall, Math.max(1, x(frame + 1) - x(frame) - 0.4), tall);
    });
    c.globalAlpha = 1;
    c.fillStyle = css('--accent');
    if (this.filling !== null) c.fillRect(0, height - SURE, width * this.filling, 3);
  }

  drawMarks(c, x) {
    c.strokeStyle = css('--panel');
    c.lineWidth = 2;
    for (const { frame, colour, shape } of this.marks) {
      c.fillStyle = colour;
      c.beginPath();
      if (shape === 'brush') c.rect(x(frame + 0.5) - 4, 3, 8, 8);
      else c.arc(x(frame + 0.5), 8, 4.5, 0, 7);
      c.stroke();
      c.fill();
    }
  }
}

// A grey picture as a canvas whose alpha is its grey.
export function mask(image, width, height) {
  const canvas = h('canvas', { width, height });
  const c = canvas.getContext('2d', { willReadFrequently: true });
  c.drawImage(image, 0, 0, width, height);
  const data = c.getImageData(0, 0, width, height);
  const pixels = data.data;
  for (let i = 0; i < pixels.length; i += 4) {
    pixels[i + 3] = pixels[i];
    pixels[i] = pixels[i + 1] = pixels[i + 2] = 255;
  }
  c.putImageData(data, 0, 0);
  return canvas;
}

// How a mask is drawn: tinted with an outline, as a cut-out, or alone.
export function shading(found, mode) {
  return (c, w, t) => {
    const layer = h('canvas', { width: w, height: t });
    const d = layer.getContext('2d');
    const ground = (operation, colour) => {
      d.globalCompositeOperation = operation;
      d.fillStyle = colour;
      d.fillRect(0, 0, w, t);
    };
    const draw = (operation, x = 0, y = 0) => {
      d.globalCompositeOperation = operation;
      d.drawImage(found, x, y, w, t);
    };
    if (mode === 'tint') {
      const thick = Math.max(1, w / 480);
      for (let turn = 0; turn < 2 * Math.PI; turn += Math.PI / 4) {
        draw('source-over', thick * Math.cos(turn), thick * Math.sin(turn));
      }
      draw('destination-out');
      d.globalAlpha = 0.38;
      draw('source-over');
      d.globalAlpha = 1;
      ground('source-in', '#19c8a8');
    } else {
      ground('source-over', mode === 'cut' ? 'rgb(18 20 22 / .93)' : '#000');
      draw('destination-out');
      if (mode === 'matte') ground('destination-over', '#fff');
    }
    c.drawImage(layer, 0, 0);
  };
}
