// The list of people with what is kept of each and what needs a look.

import {byId, make} from './api.js';
import {byName, model, nameOf, plain, tallies} from './model.js';

let choose = () => {};

export function startPeople(chosen) {
  choose = chosen;
  byId('people-filter').addEventListener('input', drawPeople);
  byId('people-filter').addEventListener('keydown', event => {
    if (event.key === 'Enter') pressFirst(event);
    if (event.key === 'ArrowDown') focusButton(event, 0);
    if (event.key === 'Escape') leave(event);
  });
  byId('people').addEventListener('keydown', event => {
    const here = buttons().indexOf(document.activeElement);
    if (here < 0) return;
    if (event.key === 'ArrowDown') focusButton(event, here + 1);
    if (event.key === 'ArrowUp') focusButton(event, here - 1);
    if (event.key === 'Escape') leave(event);
  });
}

const buttons = () => [...byId('people').querySelectorAll('button')];

function focusButton(event, at) {
  event.preventDefault();
  event.stopPropagation();
  if (at < 0) byId('people-filter').focus();
  else buttons()[Math.min(at, buttons().length - 1)]?.focus();
}

function pressFirst(event) {
  event.preventDefault();
  const found = byId('people-filter').value ? buttons().filter(button => button.dataset.person !== undefined) : buttons();
  (found[0] ?? buttons()[0])?.click();
}

function leave(event) {
  event.preventDefault();
  event.stopPropagation();
  byId('people-filter').value = '';
  drawPeople();
  choose(model.person);
}

function found() {
  const wanted = plain(byId('people-filter').value.trim());
  return Object.keys(model.people).filter(person => plain(nameOf(person)).includes(wanted)).sort(byName);
}

// The person before or after the one that is looked at; null is everybody, at the top.
export function neighbour(step) {
  const all = [null, ...found()];
  const at = all.indexOf(model.person);
  return all[Math.max(0, Math.min(all.length - 1, at + step))];
}

export function drawPeople() {
  const counts = tallies();
  const all = {total: 0, kept: 0, look: 0};
  for (const tally of counts.values()) for (const key of Object.keys(all)) all[key] += tally[key];
  const had = document.activeElement?.closest('#people button')?.dataset.person;
  const entries = found().map(person => entry(person, nameOf(person), counts.get(person)));
  byId('people').replaceChildren(entry(undefined, 'Everybody', all), ...entries);
  if (!entries.length) byId('people').append(make('p', {class: 'quiet-text'}, 'Nobody is called that.'));
  if (had !== undefined) buttons().find(button => button.dataset.person === had)?.focus();
  byId('people').querySelector('[aria-current]')?.scrollIntoView({block: 'nearest'});
}

function entry(person, name, tally) {
  const here = (person ?? null) === model.person;
  const words = `${name}: ${tally.kept} kept, ${tally.look} to look at, ${tally.total} in all`;
  return make('button', {
    type: 'button', 'data-person': person, 'aria-current': here ? 'true' : null, 'aria-label': words, title: words,
    class: person === undefined ? 'everybody' : '', onclick: () => choose(person ?? null),
  },
  make('span', {class: 'name'}, name),
  tally.look ? make('span', {class: 'look-count'}, String(tally.look)) : null,
  make('span', {class: 'kept-count'}, `${tally.kept}/${tally.total}`));
}
