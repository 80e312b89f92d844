// Questions and lists in front of the page. The browser's own dialog keeps the focus and gives it back; Escape closes.

import {make} from './api.js';
import {plain} from './model.js';

const isDialogOpen = () => document.querySelector('dialog[open]') !== null;
export {isDialogOpen};

function open(title, ...content) {
  const heading = make('h2', {id: 'dialog-title'}, title);
  const dialog = make('dialog', {'aria-labelledby': 'dialog-title'}, heading, ...content);
  const before = document.activeElement;
  dialog.addEventListener('close', () => {
    dialog.remove();
    if (before?.isConnected) before.focus({preventScroll: true});
    else document.querySelector('[tabindex="0"]')?.focus({preventScroll: true});
  });
  dialog.addEventListener('click', event => { if (event.target === dialog) dialog.close(); });
  document.body.append(dialog);
  dialog.showModal();
  return dialog;
}

const button = (text, onclick, kind = '') => make('button', {type: 'button', class: kind, onclick}, text);

export function confirmed(title, text, doIt) {
  return new Promise(answer => {
    let said = false;
    const dialog = open(title, make('p', {}, text), make('div', {class: 'buttons'},
      button('Cancel', () => dialog.close(), 'quiet'),
      button(doIt, () => { said = true; dialog.close(); }, 'strong')));
    dialog.querySelector('.strong').focus();
    dialog.addEventListener('close', () => answer(said));
  });
}

// Ask for a person. choices: [{id, name, hint}], the likeliest first. Answers an id, a new name, or null.
export function pickName(title, choices, {fresh}) {
  return new Promise(answer => {
    let result = null;
    const input = make('input', {type: 'text', role: 'combobox', 'aria-expanded': 'true', 'aria-controls': 'names',
      'aria-autocomplete': 'list', 'aria-label': 'Name', autocomplete: 'off', spellcheck: 'false', maxlength: '200',
      placeholder: fresh ? 'Type a name, known or new' : 'Type a name'});
    const names = make('div', {id: 'names', role: 'listbox', 'aria-label': 'Names'});
    const dialog = open(title, input, names, make('p', {class: 'quiet-text'}, '↑ ↓ choose · Enter takes it · Escape leaves'));
    let offered = [], at = 0;
    const take = offer => { result = offer.id; dialog.close(); };
    const mark = () => {
      [...names.children].forEach((option, number) => option.setAttribute('aria-selected', String(number === at)));
      const chosen = names.children[at];
      if (chosen) { chosen.scrollIntoView({block: 'nearest'}); input.setAttribute('aria-activedescendant', chosen.id); }
      else input.removeAttribute('aria-activedescendant');
    };
    const draw = () => {
      offered = offers(choices, input.value, fresh);
      at = 0;
      names.replaceChildren(...offered.map((offer, number) => make('div',
        {role: 'option', id: `name-${number}`, onclick: () => take(offer)},
        make('span', {}, offer.name), offer.hint ? make('span', {class: 'hint'}, offer.hint) : null)));
      mark();
    };
    input.addEventListener('input', draw);
    input.addEventListener('keydown', event => {
      const step = {ArrowDown: 1, ArrowUp: -1}[event.key];
      if (step) { at = (at + step + offered.length) % Math.max(1, offered.length); mark(); event.preventDefault(); }
      if (event.key === 'Enter') { event.preventDefault(); if (offered[at]) take(offered[at]); }
    });
    dialog.addEventListener('close', () => answer(result));
    draw();
    input.focus();
  });
}

function offers(choices, typed, fresh) {
  const wanted = plain(typed.trim());
  const fitting = choices.filter(choice => plain(choice.name).includes(wanted) || plain(choice.id) === wanted);
  const starts = choice => (plain(choice.name).startsWith(wanted) ? 0 : 1);
  if (wanted) fitting.sort((one, other) => starts(one) - starts(other));
  const same = choices.some(choice => plain(choice.name) === wanted);
  if (fresh && wanted && !same) fitting.push({id: typed.trim().normalize('NFC'), name: typed.trim(), hint: 'somebody new'});
  return fitting.slice(0, 200);
}

const when = text => new Date(text).toLocaleString(undefined, {dateStyle: 'medium', timeStyle: 'short'});

// The changes, newest first, each with a button that takes it back or brings it back.
export function showHistory(load, undo, command) {
  const list = make('ol', {class: 'history'}, make('li', {}, '…'));
  const dialog = open('Changes', list,
    make('p', {}, 'Nothing is lost: every change stands in a log and can be taken back. They count from the next build on: ',
      make('code', {}, command)),
    make('div', {class: 'buttons'}, button('Close', () => dialog.close(), 'quiet')));
  const draw = async focusAt => {
    const changes = await load();
    list.replaceChildren(...changes.map((change, number) => make('li', {class: change.undone_by ? 'undone' : ''},
      make('span', {class: 'what'}, change.text), make('time', {datetime: change.at}, when(change.at)),
      make('button', {
        type: 'button', class: 'quiet', 'aria-label': `${change.undone_by ? 'Redo' : 'Undo'}: ${change.text}`,
        onclick: async () => { if (await undo(change.undone_by ?? change.seq)) draw(number); },
      }, change.undone_by ? 'Redo' : 'Undo'))));
    if (!changes.length) list.replaceChildren(make('li', {}, 'Nothing was changed yet.'));
    (list.querySelectorAll('button')[focusAt] ?? dialog.querySelector('.buttons button')).focus();
  };
  draw(0);
}

export function showKeys(groups) {
  const dialog = open('Keys', make('div', {class: 'keys'}, ...groups.map(([title, keys]) => make('section', {}, make('h3', {}, title),
    make('dl', {}, ...keys.flatMap(([names, what]) => [
      make('dt', {}, ...names.split(' ').map(name => make('kbd', {}, name))), make('dd', {}, what)]))))),
  make('div', {class: 'buttons'}, button('Close', () => dialog.close(), 'quiet')));
  dialog.classList.add('wide');
  dialog.querySelector('.buttons button').focus();
}
