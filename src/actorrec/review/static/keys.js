// Which key does what.

import {isDialogOpen} from './dialogs.js';

export const HELP = [
  ['Move', [
    ['← ↓ ↑ →', 'from picture to picture'],
    ['h j i l', 'the same; k is “keep”'],
    ['[ ]', 'person before, after'],
    ['K J', 'the same'],
    ['Home End', 'first, last picture'],
    ['PgUp PgDn', 'a screen up, down'],
    ['/', 'find a person'],
    ['f', 'all, suspicious, kept, dropped'],
    ['Enter', 'open, close the picture'],
  ]],
  ['Select', [
    ['x Space', 'select the picture, or not'],
    ['Shift ←→↑↓', 'select on the way'],
    ['a', 'select all shown, or none'],
    ['Escape', 'select none; close the picture'],
  ]],
  ['Decide (the selected, or this one)', [
    ['k', 'keep: it is right'],
    ['d', 'drop: leave it out'],
    ['m', 'move to somebody else'],
    ['n', 'not them: another face may be'],
    ['p 1…9', 'pick the face that is them'],
    ['g', 'merge this person into another'],
    ['u r', 'undo, redo'],
    ['H', 'all changes'],
    ['?', 'these keys'],
  ]],
];

// table: name of a key (with “Shift+” for arrows) → what to do.
export function startKeys(table) {
  document.addEventListener('keydown', event => {
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || isDialogOpen()) return;
    if (event.target.matches('input, textarea, select')) return;
    // A button is pressed by these, a link followed, as everywhere.
    if (event.target.matches('button, a') && (event.key === 'Enter' || event.key === ' ')) return;
    const act = table[(event.shiftKey && event.key.startsWith('Arrow') ? 'Shift+' : '') + event.key];
    if (!act) return;
    event.preventDefault();
    act();
  });
}
