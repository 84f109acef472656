/**
 * The timelines of the page: draws one run at a time on a canvas, a lane a rank, and lets people zoom and move. Knows
 * only the JSON in the page (timelines.ts); colours are the page's style. Runs in a browser, is built on its own.
 */

/** [kind, layer, startMs, endMs] */
type Event = readonly [kind: number, layer: number, startMs: number, endMs: number];
type Rank = { rank: number; slice: readonly [number, number]; totalMs: number; events: readonly Event[] };
type Run = { title: string; ranks: readonly Rank[] };
type Data = { kinds: readonly string[]; runs: readonly Run[] };

const SEND = 3;
const LANE_PX = 46;
/** Sends go on beside computing: they have the lower part of a lane. */
const SEND_PX = 9;
const GAP_PX = 10;
/** Room for a time on the axis. */
const TICK_PX = 80;
const LABEL_PX = 128;
const AXIS_PX = 26;
const MOST_LANES_PX = 900;
/** Nothing shorter is shown across the whole width. */
const LEAST_SPAN_MS = 0.05;
const STEP = 1.25;

const data = JSON.parse(element('data').textContent ?? '') as Data;
const canvas = element('timeline') as HTMLCanvasElement;
const picker = element('run') as HTMLSelectElement;
const detail = element('detail');
const pen = canvas.getContext('2d') as CanvasRenderingContext2D;

let run: Run | undefined = data.runs[0];
let view = { startMs: 0, endMs: 1 };
let dragged: { x: number; startMs: number; endMs: number } | undefined;

function element(id: string): HTMLElement {
  const found = document.getElementById(id);
  if (!found) throw new Error(`the page has no element "${id}"`);
  return found;
}

function colour(name: string): string {
  return getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
}

function spanMs(): number {
  return Math.max(LEAST_SPAN_MS, ...(run?.ranks ?? []).map(({ totalMs }) => totalMs));
}

/** A lane gets lower where there are many ranks, so that all are on the page. */
function lanePx(): number {
  const lanes = Math.max(1, run?.ranks.length ?? 1);
  return Math.max(6, Math.min(LANE_PX, MOST_LANES_PX / lanes - GAP_PX));
}

function toPx(ms: number): number {
  return LABEL_PX + ((ms - view.startMs) / (view.endMs - view.startMs)) * (canvas.clientWidth - LABEL_PX);
}

function toMs(px: number): number {
  return view.startMs + ((px - LABEL_PX) / (canvas.clientWidth - LABEL_PX)) * (view.endMs - view.startMs);
}

/** Keeps a view inside the run. */
function show(startMs: number, endMs: number): void {
  const all = spanMs();
  const width = Math.min(all, Math.max(LEAST_SPAN_MS, endMs - startMs));
  const start = Math.min(Math.max(0, startMs), all - width);
  view = { startMs: start, endMs: start + width };
  draw();
}

function zoom(factor: number, aroundMs: number): void {
  const { startMs, endMs } = view;
  show(aroundMs - (aroundMs - startMs) * factor, aroundMs + (endMs - aroundMs) * factor);
}

function move(part: number): void {
  const byMs = part * (view.endMs - view.startMs);
  show(view.startMs + byMs, view.endMs + byMs);
}

function choose(index: number): void {
  if (index < 0 || index >= data.runs.length) return;
  picker.selectedIndex = index;
  run = data.runs[index];
  detail.textContent = '\u00a0';
  show(0, spanMs());
}

function draw(): void {
  const ranks = run?.ranks ?? [];
  const scale = devicePixelRatio;
  const heightPx = AXIS_PX + ranks.length * (lanePx() + GAP_PX) + GAP_PX;
  canvas.style.height = `${heightPx}px`;
  canvas.width = Math.round(canvas.clientWidth * scale);
  canvas.height = Math.round(heightPx * scale);
  pen.setTransform(scale, 0, 0, scale, 0, 0);
  pen.clearRect(0, 0, canvas.clientWidth, heightPx);
  drawAxis(heightPx);
  ranks.forEach((rank, index) => drawLane(rank, AXIS_PX + index * (lanePx() + GAP_PX) + GAP_PX / 2));
}

function drawAxis(heightPx: number): void {
  const ticks = Math.max(2, Math.min(8, (canvas.clientWidth - LABEL_PX) / TICK_PX));
  const step = niceStep((view.endMs - view.startMs) / ticks);
  pen.font = '12px system-ui, sans-serif';
  pen.textBaseline = 'middle';
  pen.textAlign = 'center';
  for (let tick = Math.ceil(view.startMs / step) * step; tick <= view.endMs; tick += step) {
    const x = toPx(tick);
    pen.fillStyle = colour('line');
    pen.fillRect(x, AXIS_PX - 6, 1, heightPx);
    pen.fillStyle = colour('soft');
    if (x < canvas.clientWidth - 24) pen.fillText(`${Number(tick.toPrecision(6))} ms`, x, AXIS_PX / 2);
  }
}

/** 1, 2 or 5 times a power of ten. */
function niceStep(ms: number): number {
  const power = 10 ** Math.floor(Math.log10(ms));
  return ([1, 2, 5].find((factor) => factor * power >= ms) ?? 10) * power;
}

function drawLane(rank: Rank, top: number): void {
  const height = lanePx();
  const sendPx = Math.min(SEND_PX, height / 3);
  pen.save();
  pen.beginPath();
  pen.rect(LABEL_PX, top, canvas.clientWidth - LABEL_PX, height);
  pen.clip();
  const colours = data.kinds.map(colour);
  for (const [kind, , startMs, endMs] of rank.events) {
    if (endMs < view.startMs || startMs > view.endMs) continue;
    const x = toPx(startMs);
    const width = Math.max(0.5, toPx(endMs) - x);
    pen.fillStyle = colours[kind] ?? '';
    if (kind === SEND) pen.fillRect(x, top + height - sendPx, width, sendPx);
    else pen.fillRect(x, top, width, height - sendPx - 2);
  }
  pen.restore();
  pen.fillStyle = colour('text');
  pen.textAlign = 'left';
  pen.textBaseline = 'middle';
  if (height < 12) return;
  pen.fillText(`rank ${rank.rank}`, 10, top + height / 2 - (height > 30 ? 8 : 0));
  if (height <= 30) return;
  pen.fillStyle = colour('soft');
  pen.fillText(`[${rank.slice[0]}, ${rank.slice[1]})`, 10, top + height / 2 + 9);
}

/** What is under the pointer, in words. */
function describe(x: number, y: number): string {
  const height = lanePx();
  const lane = Math.floor((y - AXIS_PX) / (height + GAP_PX));
  const rank = run?.ranks[lane];
  if (!rank || x < LABEL_PX) return '\u00a0';
  const isSend =
    y - AXIS_PX - lane * (height + GAP_PX) - GAP_PX / 2 > height - Math.min(SEND_PX, height / 3) - 2;
  const ms = toMs(x);
  const found = rank.events.find(
    ([kind, , startMs, endMs]) => (kind === SEND) === isSend && startMs <= ms && ms <= endMs,
  );
  if (!found) return `rank ${rank.rank} · ${ms.toFixed(2)} ms`;
  const [kind, layer, startMs, endMs] = found;
  const name = data.kinds[kind] ?? '';
  return `rank ${rank.rank} · ${name} · layer ${layer} · ${startMs.toFixed(2)} to ${endMs.toFixed(2)} ms (${(endMs - startMs).toFixed(2)} ms)`;
}

const KEYS: Readonly<Record<string, () => void>> = {
  '+': () => zoom(1 / STEP, (view.startMs + view.endMs) / 2),
  '=': () => zoom(1 / STEP, (view.startMs + view.endMs) / 2),
  '-': () => zoom(STEP, (view.startMs + view.endMs) / 2),
  '0': () => show(0, spanMs()),
  ArrowLeft: () => move(-0.2),
  ArrowRight: () => move(0.2),
  ArrowUp: () => choose(picker.selectedIndex - 1),
  ArrowDown: () => choose(picker.selectedIndex + 1),
};

canvas.addEventListener('keydown', (event) => {
  const action = KEYS[event.key];
  if (!action || event.ctrlKey || event.metaKey || event.altKey) return;
  event.preventDefault();
  action();
});
canvas.addEventListener(
  'wheel',
  (event) => {
    event.preventDefault();
    if (Math.abs(event.deltaX) > Math.abs(event.deltaY)) move(event.deltaX / 1000);
    else zoom(STEP ** (event.deltaY / 100), toMs(Math.max(LABEL_PX, event.offsetX)));
  },
  { passive: false },
);
canvas.addEventListener('pointerdown', (event) => {
  canvas.setPointerCapture(event.pointerId);
  dragged = { x: event.offsetX, ...view };
});
canvas.addEventListener('pointerup', () => (dragged = undefined));
canvas.addEventListener('pointercancel', () => (dragged = undefined));
canvas.addEventListener('pointermove', (event) => {
  if (!dragged) {
    detail.textContent = describe(event.offsetX, event.offsetY);
    return;
  }
  const msPerPx = (dragged.endMs - dragged.startMs) / (canvas.clientWidth - LABEL_PX);
  const byMs = (dragged.x - event.offsetX) * msPerPx;
  show(dragged.startMs + byMs, dragged.endMs + byMs);
});
picker.addEventListener('change', () => choose(picker.selectedIndex));
new ResizeObserver(() => draw()).observe(canvas);
matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => draw());

for (const { title } of data.runs) picker.add(new Option(title));
for (const kind of data.kinds) {
  const entry = element('legend').appendChild(document.createElement('span'));
  entry.appendChild(document.createElement('i')).style.background = `var(--${kind})`;
  entry.append(kind);
}
// The last one: the most workers at the longest context.
choose(data.runs.length - 1);
