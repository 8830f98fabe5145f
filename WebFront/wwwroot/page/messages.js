import { arrange, byId, icon, make, say } from './dom.js';
import { avatar, linked, plural, time } from './format.js';
import { rowsOf } from './rows.js';

const NearEnd = 48;   // px from the end that still count as being there
const NearTop = 600;  // px from the top at which older messages are loaded, before anybody gets there

/** The message list of the room in front: draws it, and keeps the place of whoever reads. */
export class MessagesView {
  #scroller = byId('scroller');
  #list = byId('messages');
  #newest = byId('newest');
  #drawn = new Map(); // key → {look, element}
  #room = null;
  #me;
  #atEnd = true;
  #wanted = 0;
  #on;

  /**
   * @param {{userId: string, username: string}} me
   * @param {{older: (segment: object) => void, seen: () => void, retry: (id: string) => void, discard: (id: string) => void}} on
   */
  constructor(me, on) {
    this.#me = me;
    this.#on = on;
    this.#scroller.addEventListener('scroll', () => this.#scrolled(), { passive: true });
    this.#newest.addEventListener('click', () => this.toEnd());
    // The keyboard of a phone, a growing composer, a turned screen: who was at the end stays there.
    new ResizeObserver(() => this.#room && this.#atEnd && this.toEnd()).observe(this.#scroller);
  }

  /** Whether the end of the room in front is in view. */
  get atEnd() { return this.#atEnd; }

  /** Puts a room in front. @param {import('./room.js').OpenRoom} room */
  show(room) {
    if (this.#room) this.#room.place = this.#atEnd ? null : this.#scroller.scrollTop;
    this.#room = room;
    this.#drawn.clear();
    this.#list.replaceChildren();
    this.#atEnd = room.place === null;
    this.#draw();
    if (!this.#atEnd) this.#scroller.scrollTop = room.place;
    else if (room.newFrom) this.#toNew();
    this.#scrolled();
  }

  /** Draws soon: many changes at once are one drawing. */
  changed(room) {
    if (room !== this.#room || this.#wanted) return;
    // A page in the background gets no animation frames, but its list must not fall behind.
    const later = document.hidden ? draw => setTimeout(draw, 200) : requestAnimationFrame;
    this.#wanted = later(() => { this.#wanted = 0; this.#draw(); this.#scrolled(); });
  }

  toEnd() {
    this.#scroller.scrollTop = this.#scroller.scrollHeight;
    this.#scrolled();
  }

  #draw() {
    const room = this.#room;
    const anchor = this.#atEnd ? null : this.#anchor();
    const drawn = new Map();
    const elements = rowsOf(room, this.#me, Date.now()).map(row => {
      const old = this.#drawn.get(row.key);
      const element = old?.look === row.look ? old.element : this.#element(row);
      drawn.set(row.key, { look: row.look, element });
      return element;
    });
    arrange(this.#list, elements);
    this.#drawn = drawn;
    if (this.#atEnd) this.#scroller.scrollTop = this.#scroller.scrollHeight;
    else if (anchor && drawn.has(anchor.key)) this.#scroller.scrollTop += drawn.get(anchor.key).element.getBoundingClientRect().top - anchor.top;
  }

  /** The first message in view, and where it stands: it has to stand there after the drawing too. */
  #anchor() {
    const { top } = this.#scroller.getBoundingClientRect();
    for (const [key, { element }] of this.#drawn) {
      const box = element.getBoundingClientRect();
      if (element.dataset.kind === 'message' && box.bottom > top) return { key, top: box.top };
    }
    return null;
  }

  #toNew() {
    const line = this.#drawn.get('new')?.element;
    if (!line) return;
    const room = this.#scroller.clientHeight / 4; // some of what was read already, to find the thread again
    this.#scroller.scrollTop = line.offsetTop - room;
  }

  #scrolled() {
    const { scrollTop, scrollHeight, clientHeight } = this.#scroller;
    this.#atEnd = scrollHeight - scrollTop - clientHeight <= NearEnd;
    const room = this.#room;
    if (this.#atEnd && !document.hidden) this.#on.seen();
    this.#newest.hidden = this.#atEnd || !room.unread && scrollHeight - scrollTop - clientHeight < clientHeight;
    this.#newest.dataset.unread = room.unread;
    say(byId('newest-text'), room.unread ? plural(room.unread, 'new message') : 'Newest');
    const first = room.timeline.segments[0];
    if (scrollTop < NearTop && room.timeline.isCaughtUp && first?.more && first.messages.length > 0) this.#on.older(first);
  }

  #element(row) {
    const data = { testid: row.kind, kind: row.kind };
    switch (row.kind) {
      case 'day': return make('li', { className: 'line day', data }, make('span', {}, row.name));
      case 'new': return make('li', { className: 'line new', data }, make('span', {}, 'New'));
      case 'older': return make('li', { className: 'older', data, 'aria-label': 'Older messages' }, make('span', { className: 'grains', 'aria-hidden': 'true' }, make('i'), make('i'), make('i')));
      case 'beginning': return make('li', { className: 'beginning', data }, make('strong', {}, `#${row.room}`), make('span', {}, 'This is where the room begins. Whoever opens this page’s address comes in here.'));
      case 'hole': return this.#hole(row, data);
      default: return this.#message(row);
    }
  }

  #hole(row, data) {
    const li = make('li', { className: 'line hole', data }, make('span', {}, 'Some messages are missing here'));
    if (row.segment.more && row.segment.messages.length > 0)
      li.append(make('button', { type: 'button', className: 'link', data: { testid: 'hole-load' }, disabled: this.#room.loading === row.segment, onclick: () => this.#on.older(row.segment) }, 'Look for them'));
    return li;
  }

  #message(row) {
    const data = { testid: 'message', kind: 'message', seq: row.seq ?? '', state: row.state, user: row.userId, own: row.own };
    const li = make('li', { className: `message${row.own ? ' own' : ''}${row.head ? ' head' : ''}${row.foot ? ' tail' : ''}`, data });
    const body = make('div', { className: 'body' });
    if (row.head) body.append(make('p', { className: 'who' }, make('span', { className: row.own ? 'unseen' : 'name' }, row.own ? 'You' : row.username), ' ', time(row.at)));
    else body.append(make('p', { className: 'when' }, make('span', { className: 'unseen' }, row.own ? 'You' : row.username), ' ', time(row.at)));
    body.append(make('p', { className: 'text', dir: 'auto', data: { testid: 'message-text' } }, ...linked(row.text)));
    if (row.own) body.append(make('span', { className: 'delivery', title: Delivery[row.state] }, icon(row.state), make('span', { className: 'unseen' }, Delivery[row.state])));
    if (row.state === 'failed') body.append(this.#failure(row));
    if (!row.own && row.head) li.append(avatar(row.userId, row.username));
    li.append(body);
    return li;
  }

  #failure(row) {
    return make('p', { className: 'failure' }, make('span', { role: 'alert' }, `Not sent: ${row.error.message}. `),
      make('button', { type: 'button', className: 'link', data: { testid: 'retry-button' }, onclick: () => this.#on.retry(row.id) }, 'Try again'),
      make('button', { type: 'button', className: 'link', data: { testid: 'discard-button' }, onclick: () => this.#on.discard(row.id) }, 'Discard'));
  }
}

const Delivery = { sending: 'Sending', sent: 'Sent', failed: 'Not sent' };
