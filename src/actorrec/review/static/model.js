// What the page knows: pictures, people, and what is looked at. No element of the page is touched here.

export const FILTERS = [['all', 'All'], ['look', 'Suspicious'], ['kept', 'Kept'], ['dropped', 'Dropped']];

export const model = {
  dataset: '', rows: [], people: {}, apply: '', undo: null, redo: null, events: 0,
  person: null, // null: everybody
  filter: 'all',
  shown: [], // ids of the pictures on the sheet, in order
  at: 0, // where in `shown` the keyboard is
  anchor: null, // where a selection by shift began
  selected: new Set(),
};

let confirmed = []; // how the server said that each picture stands
const hoped = []; // changes that are on their way: {ids, patch}

export function load(board) {
  Object.assign(model, {dataset: board.dataset, rows: board.rows, apply: board.apply});
  confirm(board);
}

// The server's word, with the changes that it has not answered yet on top.
export function confirm(standing) {
  confirmed = standing.states;
  model.people = standing.people;
  Object.assign(model, {undo: standing.undo, redo: standing.redo, events: standing.events});
  project();
}

export function hope(change) {
  hoped.push(change);
  project();
}

export function settle(change) {
  hoped.splice(hoped.indexOf(change), 1);
  project();
}

function project() {
  confirmed.forEach(([person, outcome, last, changed], id) => {
    Object.assign(model.rows[id], {person, outcome, last, changed: Boolean(changed)});
  });
  for (const {ids, patch} of hoped) {
    for (const id of ids) {
      Object.assign(model.rows[id], patch, {changed: true});
      if (!(model.rows[id].person in model.people)) model.people[model.rows[id].person] = model.rows[id].person;
    }
  }
}

export const isOut = row => row.outcome === 'dropped' || row.outcome === 'failed';
export const needsLook = row => row.look && !row.last;

export function passes(row, filter = model.filter) {
  if (filter === 'look') return needsLook(row);
  if (filter === 'kept') return !isOut(row);
  if (filter === 'dropped') return isOut(row);
  return true;
}

export const ofPerson = row => model.person === null || row.person === model.person;

// Fill `shown` again; the keyboard stays with its picture, or where that one was.
export function refill() {
  const current = model.shown[model.at];
  model.shown = model.rows.filter(row => ofPerson(row) && passes(row)).map(row => row.id);
  const again = model.shown.indexOf(current);
  model.at = again >= 0 ? again : Math.max(0, Math.min(model.at, model.shown.length - 1));
  const there = new Set(model.shown);
  for (const id of model.selected) if (!there.has(id)) model.selected.delete(id);
}

export function look(person, filter = model.filter) {
  Object.assign(model, {person, filter, at: 0, anchor: null, shown: []});
  model.selected.clear();
  refill();
}

// person → {total, kept, look}, in one pass.
export function tallies() {
  const found = new Map(Object.keys(model.people).map(person => [person, {total: 0, kept: 0, look: 0}]));
  for (const row of model.rows) {
    const tally = found.get(row.person);
    if (!tally) continue;
    tally.total += 1;
    if (!isOut(row)) tally.kept += 1;
    if (needsLook(row)) tally.look += 1;
  }
  return found;
}

export const current = () => model.rows[model.shown[model.at]] ?? null;

// What an action is about: the selected pictures, in order, or the one the keyboard is on.
export function targets() {
  if (model.selected.size) return model.shown.filter(id => model.selected.has(id));
  return current() ? [current().id] : [];
}

export const nameOf = person => model.people[person] ?? person;
export const changedCount = () => model.rows.reduce((count, row) => count + (row.changed ? 1 : 0), 0);
export const byName = (one, other) => nameOf(one).localeCompare(nameOf(other)) || one.localeCompare(other);

// For finding names: case and diacritics do not count.
export const plain = text => text.normalize('NFD').replace(/\p{M}/gu, '').toLocaleLowerCase();
