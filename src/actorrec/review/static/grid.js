// The contact sheet. Only the tiles near the window are elements: ten thousand pictures cost as much as a hundred.

import {byId, make} from './api.js';
import {current, isOut, model, nameOf, needsLook} from './model.js';

const SMALLEST_PX = 132, GAP_PX = 10, CAPTION_PX = 44, SPARE_ROWS = 2;
const MARKS = {keep: ['✓', 'kept by you'], drop: ['✕', 'dropped by you'], move: ['→', 'moved by you'],
  'not-them': ['≠', 'not them, you said'], pick: ['◎', 'face chosen by you']};
const tiles = new Map(); // id → element
let columns = 1, tileWidth = SMALLEST_PX, rowHeight = SMALLEST_PX;
let events = {};

const sheet = () => byId('sheet');
const list = () => byId('tiles');
const captionPx = () => CAPTION_PX + (model.person === null ? 16 : 0);

export function startGrid(handlers) {
  events = handlers;
  let waiting = false;
  const soon = () => {
    if (waiting) return;
    waiting = true;
    requestAnimationFrame(() => { waiting = false; place(); });
  };
  sheet().addEventListener('scroll', soon, {passive: true});
  new ResizeObserver(soon).observe(sheet());
  list().addEventListener('click', clicked);
  list().addEventListener('dblclick', event => tileOf(event) && events.open());
}

export const columnCount = () => columns;
export const rowsShown = () => Math.max(1, Math.floor(sheet().clientHeight / rowHeight));

function tileOf(event) {
  return event.target.closest('.tile');
}

function clicked(event) {
  const tile = tileOf(event);
  if (!tile) return;
  const at = model.shown.indexOf(Number(tile.dataset.id));
  if (event.target.closest('.tick') || event.ctrlKey || event.metaKey) events.toggle(at);
  else if (event.shiftKey) events.extend(at);
  else events.go(at);
}

// Draw everything again: the list, the filter or how a picture stands has changed.
export function drawGrid() {
  for (const [id, tile] of tiles) {
    tile.replaceWith(tiles.set(id, build(id)).get(id));
  }
  place();
}

export function toTop() {
  sheet().scrollTop = 0;
}

function place() {
  const style = getComputedStyle(sheet());
  const width = sheet().clientWidth - parseFloat(style.paddingLeft) - parseFloat(style.paddingRight);
  columns = Math.max(1, Math.floor((width + GAP_PX) / (SMALLEST_PX + GAP_PX)));
  tileWidth = Math.floor((width - GAP_PX * (columns - 1)) / columns);
  rowHeight = tileWidth + captionPx() + GAP_PX;
  list().style.height = `${Math.ceil(model.shown.length / columns) * rowHeight}px`;
  const top = sheet().scrollTop, high = sheet().clientHeight;
  const first = Math.max(0, (Math.floor(top / rowHeight) - SPARE_ROWS) * columns);
  const last = Math.min(model.shown.length, (Math.ceil((top + high) / rowHeight) + SPARE_ROWS) * columns);
  const wanted = new Set();
  for (let at = first; at < last; at += 1) wanted.add(at);
  if (model.shown.length) wanted.add(model.at); // the focused one never leaves the page
  const ids = new Set([...wanted].map(at => model.shown[at]));
  for (const [id, tile] of tiles) if (!ids.has(id)) { tile.remove(); tiles.delete(id); }
  for (const at of [...wanted].sort((one, other) => one - other)) put(at);
}

function put(at) {
  const id = model.shown[at];
  let tile = tiles.get(id);
  if (!tile) {
    tile = build(id);
    tiles.set(id, tile);
    list().append(tile);
  }
  tile.style.width = `${tileWidth}px`;
  tile.style.height = `${rowHeight - GAP_PX}px`;
  tile.style.transform = `translate(${(at % columns) * (tileWidth + GAP_PX)}px, ${Math.floor(at / columns) * rowHeight}px)`;
  tile.setAttribute('aria-posinset', at + 1);
  tile.setAttribute('aria-setsize', model.shown.length);
  mark(tile, id, at);
}

function mark(tile, id, at) {
  tile.tabIndex = at === model.at ? 0 : -1;
  tile.classList.toggle('current', at === model.at);
  tile.setAttribute('aria-selected', model.selected.has(id));
}

// Only the selection or the keyboard moved.
export function remark() {
  for (const [id, tile] of tiles) mark(tile, id, Number(tile.getAttribute('aria-posinset')) - 1);
}

export function showCurrent({focus = true} = {}) {
  if (!current()) return;
  const top = Math.floor(model.at / columns) * rowHeight, bottom = top + rowHeight;
  if (top < sheet().scrollTop) sheet().scrollTop = top;
  else if (bottom > sheet().scrollTop + sheet().clientHeight - 24) sheet().scrollTop = bottom - sheet().clientHeight + 24;
  place();
  remark();
  if (focus) tiles.get(current().id)?.focus({preventScroll: true});
}

export function standing(row) {
  const odd = needsLook(row) ? (row.suspicion >= 0.6 ? ' odd very' : ' odd') : '';
  return (isOut(row) ? 'out' : 'in') + odd;
}

function build(id) {
  const row = model.rows[id];
  const source = row.thumb ? `thumb/${id}` : row.preview ? `preview/${id}` : null;
  const picture = source === null ? make('span', {class: 'blank'}, row.outcome === 'failed' ? 'cannot be read' : 'no picture')
    : make('img', {src: source, alt: '', draggable: 'false', decoding: 'async', class: row.thumb ? '' : 'whole'});
  const why = row.why[0] ?? '';
  const [sign, said] = MARKS[row.last] ?? (isOut(row) ? ['✕', 'left out'] : needsLook(row) ? ['!', 'needs a look'] : ['', '']);
  const label = [nameOf(row.person), row.file, isOut(row) ? 'dropped' : 'kept', said, row.why.join(', ')];
  return make('div', {
    role: 'option', class: `tile ${standing(row)}${row.changed ? ' changed' : ''}`, 'data-id': id, tabindex: '-1',
    'aria-label': label.filter(Boolean).join('. '), title: row.file,
  },
  make('span', {class: 'face'}, picture, sign ? make('span', {class: `sign ${row.last ?? ''}`, title: said}, sign) : null,
    make('span', {class: 'tick', 'aria-hidden': 'true'}, '✓')),
  model.person === null ? make('span', {class: 'who'}, nameOf(row.person)) : null,
  make('span', {class: 'why'}, row.last ? said : why));
}
