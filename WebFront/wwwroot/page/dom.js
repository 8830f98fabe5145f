/** @param {string} id @returns {HTMLElement} */
export const byId = id => document.getElementById(id);

/**
 * An element with properties, `data-` attributes and children. Text becomes text nodes and never markup: whatever people
 * write is only ever shown.
 * @param {string} tag
 * @param {object} [properties] DOM properties; `data` is an object of `data-` attributes, names with a dash are attributes
 * @param {...(Node|string)} children
 */
export function make(tag, { data = {}, ...properties } = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name.includes('-') || name === 'role') element.setAttribute(name, value);
    else element[name] = value;
  }
  Object.assign(element.dataset, data);
  element.append(...children);
  return element;
}

/** @param {string} name of a symbol in index.html */
export function icon(name) {
  const svg = document.createElementNS('http://www.w3.org/2000/svg', 'svg');
  const use = document.createElementNS('http://www.w3.org/2000/svg', 'use');
  use.setAttribute('href', `#icon-${name}`);
  svg.setAttribute('aria-hidden', 'true');
  svg.append(use);
  return svg;
}

/** Text shown only where it changed, so that live regions speak only when something did. */
export function say(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/**
 * Makes `parent` hold exactly these children, in this order. What stays is not touched: focus, selection and the place
 * a screen reader reads at are kept.
 * @param {Element} parent @param {Element[]} children
 */
export function arrange(parent, children) {
  let at = parent.firstElementChild;
  for (const child of children) {
    if (child === at) at = at.nextElementSibling;
    else parent.insertBefore(child, at);
  }
  while (at) {
    const next = at.nextElementSibling;
    at.remove();
    at = next;
  }
}
