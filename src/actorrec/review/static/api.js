// Talking to the server, telling the user, and building elements. Text only ever enters as text.

export async function ask(address, body) {
  const options = body === undefined ? {} : {
    method: 'POST', headers: {'content-type': 'application/json'}, body: JSON.stringify(body),
  };
  let answer;
  try {
    answer = await fetch(address, options);
  } catch {
    throw new Error('the server does not answer: is `actorrec review` still running?');
  }
  const value = await answer.json().catch(() => null);
  if (!answer.ok || value === null) {
    const said = value?.error ?? `the server answered ${answer.status}`;
    throw new Error(value?.hint ? `${said} (${value.hint})` : said);
  }
  return value;
}

// Signs that turn the direction of the text round could make one name look like another.
const visible = text => text.replace(/[\u202a-\u202e\u2066-\u2069]/g, sign => `\\u${sign.charCodeAt(0).toString(16)}`);
const SHOWN = new Set(['title', 'aria-label', 'alt']);

// make('button', {class: 'quiet', type: 'button'}, 'Keep', otherElement)
export function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name === 'onclick') element.addEventListener('click', value);
    else if (value === true) element.setAttribute(name, '');
    else if (value !== false && value != null) element.setAttribute(name, SHOWN.has(name) ? visible(value) : value);
  }
  element.append(...children.filter(child => child != null).map(child => (typeof child === 'string' ? visible(child) : child)));
  return element;
}

export const show = (id, text) => { byId(id).textContent = visible(text); };
export const byId = id => document.getElementById(id);

// A link to the web; plain text where the server found no address a browser may be sent to.
export function outside(address, text) {
  if (!/^https?:\/\//i.test(address ?? '')) return visible(text);
  return make('a', {href: address, target: '_blank', rel: 'noopener noreferrer'}, text);
}

let fading = 0;

export function tell(text) {
  byId('failed').textContent = '';
  show('told', text);
  clearTimeout(fading);
  fading = setTimeout(() => { byId('told').textContent = ''; }, 5000);
}

export function complain(error) {
  byId('told').textContent = '';
  const close = make('button', {type: 'button', class: 'quiet', onclick: () => byId('failed').replaceChildren()}, 'Close');
  byId('failed').replaceChildren(make('span', {}, error.message), close);
}

export const counted = (count, one, many = `${one}s`) => `${count.toLocaleString('en')} ${count === 1 ? one : many}`;
