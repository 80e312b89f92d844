// The pane with the whole picture, every face in it, and where it came from.

import {ask, byId, complain, make, outside} from './api.js';
import {current, isOut, nameOf} from './model.js';

let pick = () => {}, close = () => {};
let drawn = null; // the detail that is on the page
let wanted = 0;

export function startDetail(handlers) {
  ({pick, close} = handlers);
}

export const isOpen = () => !byId('detail').hidden;
export const faceCount = () => drawn?.boxes.length ?? 0;

export function setOpen(open) {
  byId('detail').hidden = !open;
  document.body.classList.toggle('with-detail', open);
  drawn = null;
  if (open) drawDetail();
}

export async function drawDetail() {
  const row = current();
  if (!isOpen()) return;
  if (!row) { byId('detail').replaceChildren(); return; }
  const mine = ++wanted;
  try {
    const detail = await ask(`api/picture/${row.id}`);
    if (mine === wanted && isOpen()) show(detail, row);
  } catch (error) {
    if (mine === wanted) complain(error);
  }
}

function show(detail, row) {
  const focused = byId('detail').contains(document.activeElement);
  drawn = detail;
  byId('detail').replaceChildren(head(detail, row), picture(detail), facts(detail, row));
  if (focused) byId('detail').querySelector('button').focus();
}

function head(detail, row) {
  const state = isOut(row) ? 'left out' : 'in the set';
  return make('div', {class: 'head'},
    make('h2', {}, nameOf(row.person)),
    make('span', {class: `state ${isOut(row) ? 'out' : 'in'}`}, row.changed ? `${state}, after the next build` : state),
    make('button', {type: 'button', class: 'quiet', 'aria-label': 'Close the picture', onclick: close}, 'Close ', make('kbd', {}, 'Enter')));
}

function picture(detail) {
  if (!detail.preview) return make('p', {class: 'no-preview'}, detail.detail || 'This file shows no picture.');
  const frame = make('div', {class: 'whole-picture'},
    make('img', {src: `preview/${detail.id}`, alt: `The whole picture: ${detail.path}`, width: detail.width_px, height: detail.height_px}));
  detail.boxes.forEach((box, number) => frame.append(boxButton(detail, box, number)));
  return make('div', {class: 'stage'}, frame);
}

function boxButton(detail, box, number) {
  // A face may reach beyond a picture that was cut close; its number must not.
  const inside = (value, size) => Math.max(0, Math.min(size, value));
  const [x1, x2] = [box[0], box[2]].map(x => inside(x, detail.width_px));
  const [y1, y2] = [box[1], box[3]].map(y => inside(y, detail.height_px));
  const chosen = number === detail.chosen;
  const button = make('button', {
    type: 'button', class: `box${chosen ? ' chosen' : ''}`, 'aria-pressed': String(chosen),
    'aria-label': `Face ${number + 1}${chosen ? ', the chosen one' : ': pick it'}`, onclick: () => pick(number),
  }, make('span', {class: 'number', 'aria-hidden': 'true'}, String(number + 1)));
  const percent = (part, whole) => `${(100 * part) / whole}%`;
  button.style.left = percent(x1, detail.width_px);
  button.style.top = percent(y1, detail.height_px);
  button.style.width = percent(x2 - x1, detail.width_px);
  button.style.height = percent(y2 - y1, detail.height_px);
  return button;
}

const rounded = (value, digits) => (value == null ? null : value.toFixed(digits));

function facts(detail, row) {
  const shape = detail.width_px ? `${detail.width_px} × ${detail.height_px} px` : null;
  const faces = detail.boxes.length > 1 ? `${detail.boxes.length} found; press a number to pick another` : null;
  const pairs = [
    ['Why', detail.why.join('; ')],
    ['Nearer to', detail.nearer_to],
    ['Agreement', detail.agreement == null ? null : `${rounded(detail.agreement, 3)} with the others`],
    ['Detector', detail.score == null ? null : `${rounded(detail.score, 3)} sure of a face`],
    ['Face', detail.face_px == null ? null : `${Math.round(detail.face_px)} px wide, sharpness ${rounded(detail.sharpness, 0)}`],
    ['Faces', faces],
    ['File', detail.path],
    ['Given as', detail.given === nameOf(row.person) ? null : detail.given],
    ['Picture', shape],
    ['Page', detail.page && outside(detail.page, detail.page)],
    ['Source', detail.url && outside(detail.url, detail.url)],
    ['Licence', detail.licence && outside(detail.licence_url, detail.licence)],
    ['Author', detail.author],
  ];
  return make('dl', {}, ...pairs.filter(([, value]) => value).flatMap(([name, value]) => [make('dt', {}, name), make('dd', {}, value)]));
}
