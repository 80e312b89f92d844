// The page of faces that `infer` did not know: groups of similar ones, to be named or deleted.

import {ask, byId, complain, counted, make, tell} from './api.js';
import {confirmed, isDialogOpen, pickName, showKeys} from './dialogs.js';

const HELP = [['Move', [['← → ↑ ↓', 'from face to face'], ['J K', 'next group, group before']]],
  ['Select', [['x Space', 'select the face, or not'], ['c', 'select the group, or not'], ['a', 'select all, or none'], ['Escape', 'select none']]],
  ['Decide (the selected, or this one)', [['Enter', 'name them: they become an enrolment'], ['d', 'delete them'], ['?', 'these keys']]]];
let groups = [], names = [], faces = [], at = 0;
let sections = []; // as they are drawn: the groups, and all that are alone in one
const selected = new Set();
const tiles = () => [...document.querySelectorAll('.tile')];

function load(found) {
  groups = found.groups;
  names = found.names;
  const alone = groups.filter(group => group.length === 1).flat();
  sections = groups.filter(group => group.length > 1);
  const count = sections.length ? ` · ${counted(sections.length, 'group')} of similar ones` : '';
  if (alone.length) sections.push(alone);
  faces = sections.flat();
  at = Math.max(0, Math.min(at, faces.length - 1));
  selected.clear();
  byId('count').textContent = faces.length ? `${counted(faces.length, 'face')}${count}` : '';
  byId('nothing').hidden = faces.length > 0;
  byId('nothing').textContent = found.keeping ? 'No unknown faces are kept now.'
    : 'No unknown faces are kept. To keep those that it sees: actorrec infer --keep-unknowns, or unknowns.keep: true in your settings.';
  byId('groups').replaceChildren(...sections.map(section => {
    const title = section === alone ? counted(alone.length, 'face like no other', 'faces like no other') : `${section.length} similar faces`;
    return make('section', {'aria-label': title}, make('h2', {}, title),
      make('div', {class: 'flow', role: 'listbox', 'aria-multiselectable': 'true', 'aria-label': title}, ...section.map(tile)));
  }));
  mark();
}

const seen = face => new Date(face.seen_at).toLocaleString(undefined, {dateStyle: 'medium', timeStyle: 'short'});

function tile(face) {
  const element = make('div', {role: 'option', class: 'tile odd', 'data-id': face.id, tabindex: '-1', title: `${face.source}, ${seen(face)}`,
    'aria-label': `${face.source}, ${seen(face)}, ${face.face_px} px`},
  make('span', {class: 'face'}, make('img', {src: `unknown/${face.id}`, alt: '', loading: 'lazy', decoding: 'async'}),
    make('span', {class: 'tick', 'aria-hidden': 'true'}, '✓')),
  make('span', {class: 'why'}, face.source.split('/').at(-1)));
  element.addEventListener('click', event => {
    moveTo(faces.indexOf(face));
    if (event.target.closest('.tick') || event.ctrlKey || event.metaKey) toggle();
  });
  element.addEventListener('dblclick', name);
  return element;
}

function mark({focus = false} = {}) {
  tiles().forEach((element, number) => {
    element.tabIndex = number === at ? 0 : -1;
    element.classList.toggle('current', number === at);
    element.setAttribute('aria-selected', selected.has(element.dataset.id));
  });
  if (focus) { tiles()[at]?.focus(); tiles()[at]?.scrollIntoView({block: 'nearest'}); }
  byId('chosen').textContent = selected.size ? `${counted(selected.size, 'face')} selected` : '';
}

function moveTo(to) {
  if (!faces.length) return;
  at = Math.max(0, Math.min(faces.length - 1, to));
  mark({focus: true});
}

// To the tile in the row above or below that is nearest from left to right.
function vertical(direction) {
  const all = tiles().map(element => element.getBoundingClientRect()), here = all[at];
  if (!here) return;
  const beyond = all.filter(box => (direction > 0 ? box.top > here.top + 4 : box.top < here.top - 4));
  if (!beyond.length) return;
  const top = direction > 0 ? Math.min(...beyond.map(box => box.top)) : Math.max(...beyond.map(box => box.top));
  const row = beyond.filter(box => Math.abs(box.top - top) < 4);
  row.sort((one, other) => Math.abs(one.left - here.left) - Math.abs(other.left - here.left));
  moveTo(all.indexOf(row[0]));
}

const groupAt = () => groups.find(group => group.includes(faces[at])) ?? [];

function toSection(step) {
  const number = sections.findIndex(section => section.includes(faces[at])) + step;
  const section = sections[Math.max(0, Math.min(sections.length - 1, number))];
  if (section) moveTo(faces.indexOf(section[0]));
}

function toggle() {
  const id = faces[at]?.id;
  if (id && !selected.delete(id)) selected.add(id);
  mark({focus: true});
}

function toggleMany(these) {
  const all = these.every(face => selected.has(face.id));
  for (const face of these) if (all) selected.delete(face.id); else selected.add(face.id);
  mark();
}

const chosen = () => (selected.size ? faces.filter(face => selected.has(face.id)) : faces.slice(at, at + 1)).map(face => face.id);

async function change(address, body, said) {
  try {
    const answer = await ask(address, body);
    load(answer);
    mark({focus: true});
    tell(answer.told ?? said);
  } catch (error) {
    await refresh();
    complain(error);
  }
}

// What other pages and programs did meanwhile.
async function refresh() {
  try {
    const found = await ask('api/unknowns'), ids = new Set(found.groups.flat().map(face => face.id));
    if (ids.size !== faces.length || faces.some(face => !ids.has(face.id))) { load(found); mark({focus: true}); }
  } catch (error) {
    complain(error);
  }
}

async function name() {
  const ids = chosen();
  if (!ids.length || isDialogOpen()) return;
  const known = names.map(each => ({id: each, name: each}));
  const who = await pickName(ids.length === 1 ? 'Who is it?' : `Who are these ${ids.length} faces?`, known, {fresh: true});
  if (who === null) return;
  tell('Enrolling …');
  await change('api/unknowns/name', {face_ids: ids, name: who}, `Enrolled ${who}`);
}

async function remove() {
  const ids = chosen();
  if (!ids.length) return;
  const what = counted(ids.length, 'face');
  if (!await confirmed(`Delete ${what}?`, 'Deleted faces are gone for good.', 'Delete')) return;
  await change('api/unknowns/remove', {face_ids: ids}, `Deleted ${what}`);
}

const TABLE = {
  ArrowLeft: () => moveTo(at - 1), ArrowRight: () => moveTo(at + 1), ArrowUp: () => vertical(-1), ArrowDown: () => vertical(1),
  h: () => moveTo(at - 1), l: () => moveTo(at + 1), i: () => vertical(-1), j: () => vertical(1),
  Home: () => moveTo(0), End: () => moveTo(faces.length - 1), J: () => toSection(1), K: () => toSection(-1),
  x: toggle, ' ': toggle, c: () => toggleMany(groupAt()), a: () => toggleMany(faces),
  Escape: () => { selected.clear(); mark({focus: true}); }, Enter: name, d: remove, '?': () => showKeys(HELP),
};

async function start() {
  byId('actions').append(
    make('button', {type: 'button', onclick: name}, 'Name… ', make('kbd', {}, 'Enter')),
    make('button', {type: 'button', onclick: remove}, 'Delete… ', make('kbd', {}, 'd')),
    make('button', {type: 'button', onclick: () => toggleMany(groupAt())}, 'Select group ', make('kbd', {}, 'c')));
  byId('open-help').addEventListener('click', () => showKeys(HELP));
  document.addEventListener('keydown', event => {
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || isDialogOpen()) return;
    if (event.target.matches('button, a') && (event.key === 'Enter' || event.key === ' ')) return;
    const act = TABLE[event.key];
    if (act) { event.preventDefault(); act(); }
  });
  try {
    const found = await ask('api/unknowns');
    byId('to-board').hidden = !found.board;
    load(found);
    mark({focus: true});
    window.addEventListener('focus', refresh);
    document.body.dataset.ready = 'yes';
  } catch (error) {
    complain(error);
  }
}

start();
