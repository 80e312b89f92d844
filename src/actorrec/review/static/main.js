// The page of a data set: puts its parts together.

import {ask, byId, complain, counted, make, show, tell} from './api.js';
import {FILTERS, changedCount, current, load, look, model, nameOf, passes, ofPerson, refill} from './model.js';
import {columnCount, drawGrid, remark, rowsShown, showCurrent, startGrid, toTop} from './grid.js';
import {drawPeople, neighbour, startPeople} from './people.js';
import {drawDetail, faceCount, isOpen, setOpen, startDetail} from './detail.js';
import {isDialogOpen, showKeys} from './dialogs.js';
import {history, keep, drop, merge, move, notThem, pick, redo, refresh, startActions, undo} from './actions.js';
import {HELP, startKeys} from './keys.js';

const BUTTONS = [['Keep', 'k', keep], ['Drop', 'd', drop], ['Move…', 'm', move], ['Not them', 'n', notThem],
  ['Merge…', 'g', merge], ['Undo', 'u', undo], ['Redo', 'r', redo]];
const EMPTY = {all: 'No pictures here.', look: 'Nothing suspicious is left here.', kept: 'Nothing is kept here.',
  dropped: 'Nothing was dropped here.'};
let lastDetail = null;

function draw() {
  drawFilters();
  drawPeople();
  drawGrid();
  byId('nothing').hidden = model.shown.length > 0;
  byId('nothing').textContent = EMPTY[model.filter];
  show('whose', model.person === null ? 'Everybody, the most suspicious first' : nameOf(model.person));
  drawFooter();
}

function drawFilters() {
  const rows = model.rows.filter(ofPerson);
  const had = document.activeElement?.closest('#filters button') ? document.activeElement.dataset.filter : null;
  byId('filters').replaceChildren(...FILTERS.map(([filter, name]) => make('button', {
    type: 'button', 'data-filter': filter, 'aria-pressed': String(filter === model.filter), onclick: () => go(model.person, filter),
  }, name, ' ', make('span', {class: 'count'}, String(rows.filter(row => passes(row, filter)).length)))));
  if (had) byId('filters').querySelector(`[data-filter="${had}"]`).focus();
}

function drawFooter() {
  const selected = model.selected.size, changed = changedCount();
  byId('chosen').textContent = selected ? `${counted(selected, 'picture')} selected` : '';
  byId('changed').textContent = changed ? `${changed.toLocaleString('en')} changed since the build; to apply: ${model.apply}` : 'Nothing changed since the build';
  byId('open-history').title = 'All changes';
  byId('open-history').classList.toggle('waiting', changed > 0);
}

// The picture under the keyboard is another one, or stands otherwise.
function followed({force = false} = {}) {
  drawFooter();
  const id = current()?.id ?? null;
  if (isOpen() && (force || id !== lastDetail)) drawDetail();
  lastDetail = id;
}

function go(person, filter = model.filter) {
  document.body.classList.remove('people-open');
  byId('open-people').setAttribute('aria-expanded', 'false');
  look(person, filter);
  draw();
  toTop();
  showCurrent();
  if (!model.shown.length) byId('sheet').focus();
  followed();
}

// After a change; step: how far the keyboard goes on.
function changed(step = 0) {
  const inSheet = document.activeElement === document.body || byId('sheet').contains(document.activeElement);
  refill();
  if (model.person !== null && !(model.person in model.people)) look(null);
  if (step) model.at = Math.max(0, Math.min(model.shown.length - 1, model.at + step));
  draw();
  if (inSheet && !isDialogOpen()) {
    showCurrent();
    if (!model.shown.length) byId('sheet').focus();
  } else remark();
  followed({force: true});
}

function step(by, {extend = false} = {}) {
  if (!model.shown.length) return;
  const to = model.at + by;
  moveTo(Math.max(0, Math.min(model.shown.length - 1, to)), {extend});
}

function moveTo(at, {extend = false} = {}) {
  if (extend) {
    model.anchor ??= model.at;
    const [from, till] = [Math.min(model.anchor, at), Math.max(model.anchor, at)];
    model.selected.clear();
    for (let each = from; each <= till; each += 1) model.selected.add(model.shown[each]);
  } else model.anchor = null;
  model.at = at;
  showCurrent();
  followed();
}

function toggle(at) {
  const id = model.shown[at];
  if (id === undefined) return;
  if (!model.selected.delete(id)) model.selected.add(id);
  model.anchor = null;
  model.at = at;
  showCurrent();
  followed();
}

function selectAll() {
  const all = model.selected.size === model.shown.length;
  model.selected.clear();
  if (!all) for (const id of model.shown) model.selected.add(id);
  remark();
  drawFooter();
}

function openOrClose(open = !isOpen()) {
  lastDetail = current()?.id ?? null;
  setOpen(open);
  showCurrent();
}

function escape() {
  if (model.selected.size) { model.selected.clear(); model.anchor = null; remark(); drawFooter(); }
  else if (isOpen()) openOrClose(false);
  else showCurrent();
}

function pickMode() {
  const row = current();
  if (!row) return;
  if (row.faces === 0) { complain(new Error('No face was found in this picture')); return; }
  if (row.faces === 1) { pick(0); return; }
  if (!isOpen()) openOrClose(true);
  tell(`Press the number of the face: 1 to ${Math.min(9, row.faces)}`);
}

function nextFilter() {
  const names = FILTERS.map(([filter]) => filter);
  go(model.person, names[(names.indexOf(model.filter) + 1) % names.length]);
}

function openPeople() {
  const open = document.body.classList.toggle('people-open');
  byId('open-people').setAttribute('aria-expanded', String(open));
  if (open) byId('people-filter').focus();
}

function findPerson() {
  if (getComputedStyle(byId('people-pane')).display === 'none') openPeople();
  byId('people-filter').focus();
  byId('people-filter').select();
}

function keyTable() {
  const down = () => columnCount(), screen = () => columnCount() * rowsShown();
  const table = {
    ArrowLeft: () => step(-1), ArrowRight: () => step(1), ArrowUp: () => step(-down()), ArrowDown: () => step(down()),
    h: () => step(-1), l: () => step(1), i: () => step(-down()), j: () => step(down()),
    'Shift+ArrowLeft': () => step(-1, {extend: true}), 'Shift+ArrowRight': () => step(1, {extend: true}),
    'Shift+ArrowUp': () => step(-down(), {extend: true}), 'Shift+ArrowDown': () => step(down(), {extend: true}),
    Home: () => moveTo(0), End: () => step(model.shown.length), PageUp: () => step(-screen()), PageDown: () => step(screen()),
    x: () => toggle(model.at), ' ': () => toggle(model.at), a: selectAll, Escape: escape, Enter: () => openOrClose(),
    '[': () => go(neighbour(-1)), ']': () => go(neighbour(1)), K: () => go(neighbour(-1)), J: () => go(neighbour(1)),
    '/': findPerson, f: nextFilter, p: pickMode, H: history, '?': () => showKeys(HELP),
  };
  for (const [, key, act] of BUTTONS) table[key] = act;
  for (let number = 1; number <= 9; number += 1) {
    table[String(number)] = () => { if (isOpen() && number <= faceCount()) pick(number - 1); };
  }
  return table;
}

async function start() {
  startGrid({go: at => moveTo(at), toggle, extend: at => moveTo(at, {extend: true}), open: () => openOrClose(true)});
  startPeople(person => go(person));
  startDetail({pick, close: () => openOrClose(false)});
  startActions(changed);
  byId('actions').append(...BUTTONS.map(([name, key, act]) =>
    make('button', {type: 'button', onclick: act, 'aria-keyshortcuts': key}, `${name} `, make('kbd', {}, key))));
  byId('open-help').addEventListener('click', () => showKeys(HELP));
  byId('open-history').addEventListener('click', history);
  byId('open-people').addEventListener('click', openPeople);
  try {
    const board = await ask('api/board');
    load(board);
    byId('to-unknowns').hidden = !board.unknowns;
    document.title = `Review of ${board.dataset}`;
    go(null);
    startKeys(keyTable());
    window.addEventListener('focus', refresh);
    document.body.dataset.ready = 'yes';
  } catch (error) {
    complain(error);
  }
}

start();
