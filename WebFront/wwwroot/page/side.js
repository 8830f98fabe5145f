import { arrange, byId, icon, make, say } from './dom.js';
import { address, avatar, listNames, plural } from './format.js';

const roomItems = new Map();
const memberItems = new Map();

/**
 * The list of rooms.
 * @param {Iterable<import('./room.js').OpenRoom>} rooms @param {import('./room.js').OpenRoom} front
 * @param {{open: (name: string) => void, leave: (name: string) => void}} on
 */
export function drawRooms(rooms, front, on) {
  const names = new Set();
  let elsewhere = 0;
  const items = [...rooms].map(room => {
    names.add(room.name);
    if (!roomItems.has(room.name)) roomItems.set(room.name, roomItem(room.name, on));
    const { item, link, unread } = roomItems.get(room.name);
    link.setAttribute('aria-current', room === front ? 'page' : 'false');
    link.setAttribute('aria-label', room.unread ? `${room.name}, ${plural(room.unread, 'new message')}` : room.name);
    item.dataset.unread = room.unread;
    item.dataset.state = room.joined ? 'joined' : 'joining';
    say(unread, room.unread > 99 ? '99+' : room.unread || '');
    if (room !== front) elsewhere += room.unread;
    return item;
  });
  for (const name of roomItems.keys()) if (!names.has(name)) roomItems.delete(name);
  arrange(byId('room-list'), items);
  byId('unread-elsewhere').hidden = elsewhere === 0;
}

function roomItem(name, on) {
  const unread = make('span', { className: 'unread', data: { testid: 'unread' } });
  const link = make('a', { className: 'room', href: address(name), data: { testid: 'room-link' } },
    make('span', { className: 'hash', 'aria-hidden': 'true' }, '#'), make('span', { className: 'room-name' }, name), unread);
  // A link, so that a room can be opened in another tab; opened here it also closes the drawer, even if it is in front already.
  link.addEventListener('click', event => {
    if (event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    on.open(name);
  });
  const leave = make('button', { type: 'button', className: 'icon leave', 'aria-label': `Leave ${name}`, title: 'Leave', data: { testid: 'leave-button' }, onclick: () => on.leave(name) }, icon('close'));
  const item = make('li', { data: { testid: 'room-item', room: name } }, link, leave);
  return { item, link, unread };
}

/** The people of a room, this user first, then by name. @param {import('./room.js').OpenRoom} room @param {string} me userId */
export function drawMembers(room, me) {
  const people = [...room.people].sort(([a, nameA], [b, nameB]) => (b === me) - (a === me) || nameA.localeCompare(nameB) || (a < b ? -1 : 1));
  const items = people.map(([userId, username]) => {
    const key = `${userId} ${username}`;
    if (!memberItems.has(key)) memberItems.set(key, make('li', { data: { testid: 'member', user: userId } }, avatar(userId, username),
      make('span', { className: 'member-name', title: userId }, username), ...userId === me ? [make('span', { className: 'you' }, 'you')] : []));
    return memberItems.get(key);
  });
  const shown = new Set(items);
  for (const [key, item] of memberItems) if (!shown.has(item)) memberItems.delete(key);
  arrange(byId('member-list'), items);
  say(byId('members-count'), room.joined ? room.members.toLocaleString() : '');
  byId('members-more').hidden = !room.morePeople;
  say(byId('room-people'), room.joined ? plural(room.members, 'person here', 'people here') : 'Joining…');
}

/** Who is typing in the room in front. @param {import('./room.js').OpenRoom} room */
export function drawTyping(room) {
  const names = [...room.typists.values()].map(typist => typist.username);
  byId('typing').dataset.active = names.length > 0;
  say(byId('typing-text'), names.length === 0 ? '' : names.length > 3 ? 'Several people are typing' : `${listNames(names)} ${names.length === 1 ? 'is' : 'are'} typing`);
}
