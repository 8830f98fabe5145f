import { make } from './dom.js';

const Clock = new Intl.DateTimeFormat(undefined, { hour: 'numeric', minute: '2-digit' });
const Day = new Intl.DateTimeFormat(undefined, { weekday: 'long', day: 'numeric', month: 'long' });
const DayAndYear = new Intl.DateTimeFormat(undefined, { dateStyle: 'long' });
const Exact = new Intl.DateTimeFormat(undefined, { dateStyle: 'full', timeStyle: 'medium' });
const Hues = 10;

/** A name for the local day that tells it from every other. @param {number} at Unix ms */
export const dayKey = at => new Date(at).toDateString();

/** @param {number} at Unix ms @param {number} now Unix ms */
export function dayName(at, now) {
  if (dayKey(at) === dayKey(now)) return 'Today';
  if (dayKey(at) === dayKey(now - 86_400_000)) return 'Yesterday';
  return (new Date(at).getFullYear() === new Date(now).getFullYear() ? Day : DayAndYear).format(at);
}

/** @param {number} at Unix ms @returns {HTMLTimeElement} */
export const time = at => make('time', { dateTime: new Date(at).toISOString(), title: Exact.format(at) }, Clock.format(at));

/** One of the avatar colours, always the same for the same user. @param {string} userId */
export function hue(userId) {
  let hash = 7;
  for (const unit of userId) hash = (hash * 31 + unit.codePointAt(0)) >>> 0;
  return `hue-${hash % Hues}`;
}

/** One or two letters that stand for a name. @param {string} name */
export function initials(name) {
  const words = name.trim().split(/\s+/u).filter(Boolean);
  const letters = words.length > 1 ? [words[0], words.at(-1)] : words;
  return letters.map(word => String.fromCodePoint(word.codePointAt(0)).toLocaleUpperCase()).join('') || '?';
}

/** @param {string} userId @param {string} username */
export const avatar = (userId, username) => make('span', { className: `avatar ${hue(userId)}`, 'aria-hidden': 'true' }, initials(username));

/** "Ada", "Ada and Grace", "Ada, Grace and 3 others". @param {string[]} names */
export function listNames(names) {
  if (names.length <= 2) return names.join(' and ');
  return `${names[0]}, ${names[1]} and ${names.length === 3 ? names[2] : `${names.length - 2} others`}`;
}

/** @param {number} count @param {string} one @param {string} [many] */
export const plural = (count, one, many = `${one}s`) => `${count.toLocaleString()} ${count === 1 ? one : many}`;

/** Text with its http addresses as links; everything else stays text. @param {string} text @returns {(Node|string)[]} */
export function linked(text) {
  // The odd parts of the split are the addresses; a full stop or bracket at the end belongs to the sentence.
  return text.split(/(\bhttps?:\/\/[^\s<>"]*[^\s<>"'.,;:!?)\]}])/u).map((part, i) =>
    i % 2 === 0 ? part : make('a', { href: part, target: '_blank', rel: 'noopener noreferrer nofollow' }, part));
}

/** What stands behind a room's address. With the slash it is never an element's id, which the browser would scroll to. @param {string} name */
export const address = name => `#/${encodeURIComponent(name)}`;
