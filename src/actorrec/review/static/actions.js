// Every change: shown at once, written down in order, and taken off the page again if it could not be written.

import {ask, complain, counted, tell} from './api.js';
import {byName, confirm, current, hope, model, nameOf, settle, tallies, targets} from './model.js';
import {confirmed, pickName, showHistory} from './dialogs.js';

const DONE = {keep: 'Kept', drop: 'Dropped', 'not-them': 'Not them:', pick: 'Face chosen in'};
const PATCH = {
  keep: () => ({outcome: 'kept', last: 'keep'}),
  drop: () => ({outcome: 'dropped', last: 'drop'}),
  'not-them': () => ({outcome: 'dropped', last: 'not-them'}),
  pick: () => ({outcome: 'kept', last: 'pick'}),
  move: to => ({outcome: 'kept', last: 'move', person: to}),
};
let redraw = () => {};
let queue = Promise.resolve();

export function startActions(handler) {
  redraw = handler;
}

// One after another, so that the log has them in the order they were made. Resolves to whether it was written.
function write(address, body, hoped) {
  if (hoped) { hope(hoped); redraw(); }
  const done = queue.then(async () => {
    try {
      const standing = await ask(address, typeof body === 'function' ? body() : body);
      if (hoped) settle(hoped);
      confirm(standing);
      redraw();
      return true;
    } catch (error) {
      if (hoped) settle(hoped);
      redraw();
      complain(new Error(`Not saved: ${error.message}`));
      return false;
    }
  });
  queue = done;
  return done;
}

async function change(action, ids, extra = {}) {
  if (!ids.length) return;
  const alone = model.selected.size === 0;
  const before = model.shown[model.at];
  model.selected.clear();
  const name = model.rows[ids[0]].file.split('/').at(-1);
  const what = ids.length === 1 ? name : counted(ids.length, 'picture');
  const written = write('api/change', {action, pictures: ids, ...extra}, {ids, patch: PATCH[action](extra.to)});
  // The next picture comes by itself: where the list closed the gap it is already there.
  if (alone && model.shown[model.at] === before && action !== 'pick') redraw(1);
  if (await written) tell(action === 'move' ? `Moved ${what} to ${nameOf(extra.to)}` : `${DONE[action]} ${what}`);
}

export const keep = () => change('keep', targets());
export const drop = () => change('drop', targets());

export function notThem() {
  const ids = targets().filter(id => model.rows[id].face);
  if (!ids.length) complain(new Error('No face was chosen in this picture, so none can be somebody else’s: drop it instead'));
  return change('not-them', ids);
}

export function pick(number) {
  const row = current();
  if (row && number < row.faces) change('pick', [row.id], {face: number});
}

function choices(without, first) {
  const counts = tallies();
  const people = Object.keys(model.people).filter(person => person !== without).sort(byName);
  if (first && people.includes(first)) people.unshift(...people.splice(people.indexOf(first), 1));
  return people.map(person => ({id: person, name: nameOf(person),
    hint: person === first ? 'looks nearer to them' : counted(counts.get(person).total, 'picture')}));
}

export async function move() {
  const ids = targets();
  if (!ids.length) return;
  const first = model.rows[ids[0]];
  const nearer = ids.length === 1 ? first.nearer : null;
  const owners = new Set(ids.map(id => model.rows[id].person));
  const title = ids.length === 1 ? 'Who is it?' : `Who is on these ${ids.length} pictures?`;
  const to = await pickName(title, choices(owners.size === 1 ? first.person : null, nearer), {fresh: true});
  if (to !== null) await change('move', ids, {to});
}

export async function merge() {
  const person = model.person ?? current()?.person;
  if (person == null) return;
  const name = nameOf(person);
  const to = await pickName(`Merge ${name} into …`, choices(person, null), {fresh: false});
  if (to === null) return;
  const counts = tallies();
  const text = `${counted(counts.get(person).total, 'picture')} of ${name} will be ${nameOf(to)}’s, who has `
    + `${counted(counts.get(to).total, 'picture')} now. The next build looks for wrong ones among them all. This can be undone.`;
  if (!await confirmed(`Merge ${name} into ${nameOf(to)}?`, text, 'Merge')) return;
  const ids = model.rows.filter(row => row.person === person).map(row => row.id);
  if (model.person === person) model.person = to;
  if (await write('api/merge', {person_id: person, to}, {ids, patch: {person: to}})) tell(`${name} is ${nameOf(to)} now`);
  else if (model.person === to) { model.person = person; redraw(); }
}

// What other pages and programs wrote meanwhile.
export function refresh() {
  queue = queue.then(async () => {
    try {
      const standing = await ask('api/standing');
      if (standing.events !== model.events) { confirm(standing); redraw(); }
    } catch (error) {
      complain(error);
    }
  });
}

async function takeBack(key, nothing, said) {
  await queue; // what is on its way may be what is to be undone
  if (model[key] === null) { tell(nothing); return; }
  if (await write('api/undo', {seq: model[key]})) tell(said);
}

export const undo = () => takeBack('undo', 'Nothing to undo', 'Undone');
export const redo = () => takeBack('redo', 'Nothing to redo', 'Done again');
export const history = () => showHistory(
  () => ask('api/history').catch(error => { complain(error); return []; }),
  seq => write('api/undo', {seq}), model.apply);
