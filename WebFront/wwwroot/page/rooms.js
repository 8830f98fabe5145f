import { Composer } from './composer.js';
import { byId, say } from './dom.js';
import { address } from './format.js';
import { notice } from './layout.js';
import { MessagesView } from './messages.js';
import { OpenRoom } from './room.js';
import { drawMembers, drawRooms, drawTyping } from './side.js';

const DefaultRoom = 'lobby';
const Remembered = 'orleanschat.rooms'; // localStorage: names, in the order of the list
const LookBack = 50;                    // messages
const Breath = 2_000;                   // ms until something that failed for the time being is asked for again
const ListEvery = 10_000;               // ms; in rooms so large that single people are not told of

/** The rooms that are open on this page, and the one in front. */
export class Rooms {
  #rooms = new Map();
  #front = null;
  #chat; #me; #view; #composer; #onFront;

  /**
   * @param {import('../orleanschat.js').OrleansChat} chat
   * @param {{userId: string, username: string}} me kept up to date by its owner
   * @param {() => void} onFront called when a room was chosen
   */
  constructor(chat, me, onFront) {
    this.#chat = chat;
    this.#me = me;
    this.#onFront = onFront;
    this.#view = new MessagesView(me, {
      older: segment => this.#loadOlder(segment),
      seen: () => this.#seen(),
      retry: id => this.#retry(id),
      discard: id => this.#discard(id),
    });
    this.#composer = new Composer({
      send: text => this.#send(text),
      typing: isTyping => this.#front && chat.typing(this.#front.name, isTyping),
    });
    this.#listen();
  }

  /** Joins the rooms of the last visit, and brings one of them in front. @param {string} [name] */
  start(name) {
    const last = JSON.parse(localStorage.getItem(Remembered)) ?? [];
    for (const room of last) this.#join(room);
    this.open(name || last[0] || DefaultRoom);
  }

  /** Brings a room in front, and joins it where that was not done. @param {string} name */
  open(name) { this.#bring(this.#join(name)); }

  /** Brings the room below (1) or above (-1) in front. */
  step(by) {
    const list = [...this.#rooms.values()];
    this.#bring(list[(list.indexOf(this.#front) + by + list.length) % list.length]);
  }

  leave(name) {
    this.#chat.leave(name).catch(() => { }); // the connection went: then the server knows already
    this.#forget(name);
  }

  set limit(messageChars) { this.#composer.limit = messageChars; }

  /** The connection is gone: nobody knows who is where. */
  disconnected() { for (const room of this.#rooms.values()) room.joined = false; }

  /** Back from the background, or out of the list: draw what was missed. */
  refresh() { this.#view.changed(this.#front); }

  focus() { this.#composer.focus(); }

  toEnd() {
    this.#view.toEnd();
    this.#composer.focus();
  }

  morePeople() { return this.#list(this.#front, [...this.#front.people.keys()].at(-1)); }

  #join(name) {
    let room = this.#rooms.get(name);
    if (room && !room.refused) return room;
    room ??= new OpenRoom(name, this.#me);
    room.refused = false;
    this.#rooms.set(name, room);
    this.#remember();
    this.#chat.join(name, { history: LookBack }).catch(error => this.#gone(name, error));
    return room;
  }

  #bring(room) {
    this.#onFront();
    if (room === this.#front) return;
    if (this.#front) {
      this.#front.draft = this.#composer.draft;
      this.#front.newFrom = null;
    }
    this.#front = room;
    if (location.hash !== address(room.name)) history.pushState(null, '', address(room.name));
    say(byId('room-title'), room.name);
    byId('scroller').setAttribute('aria-label', `Messages in ${room.name}`);
    this.#composer.show(room.name, room.draft);
    this.#composer.disabled = room.refused;
    this.#view.show(room);
    if (room.joined) this.#list(room);
    this.#draw(room);
  }

  #forget(name) {
    const list = [...this.#rooms.keys()];
    const at = list.indexOf(name);
    this.#rooms.delete(name);
    this.#remember();
    if (this.#front?.name !== name) return this.#drawList();
    this.#front = null;
    this.open(list[at + 1] ?? list[at - 1] ?? DefaultRoom);
  }

  /** A room that cannot be, or cannot stay, joined. */
  #gone(name, error) {
    const room = this.#rooms.get(name);
    if (error.code === 'left' || !room || room.refused) return;
    notice(`#${name}: ${error.message}`, 'error');
    if (this.#rooms.size > 1) return this.#forget(name);
    // The only one stays to be looked at: opening the default room instead might be refused again, and for ever.
    room.refused = true;
    room.joined = false;
    this.#composer.disabled = true;
    this.#draw(room);
  }

  #remember() { localStorage.setItem(Remembered, JSON.stringify([...this.#rooms.keys()])); }

  #send(text) {
    const room = this.#front;
    const id = this.#chat.newId();
    room.timeline.send(id, text, Date.now());
    room.newFrom = null;
    this.#publish(room, id, text);
    this.#view.changed(room);
    this.#view.toEnd();
  }

  #retry(id) {
    const own = this.#front.timeline.retry(id);
    if (own) this.#publish(this.#front, id, own.text);
    this.#view.changed(this.#front);
  }

  #discard(id) {
    this.#front.timeline.discard(id);
    this.#view.changed(this.#front);
  }

  async #publish(room, id, text) {
    try {
      const ack = await this.#chat.publish(room.name, text, { id });
      room.timeline.acknowledged(id, ack.seq);
    } catch (error) {
      room.timeline.failed(id, error);
    }
    this.#view.changed(room);
  }

  async #loadOlder(segment) {
    const room = this.#front;
    if (room.loading || !room.joined) return;
    room.loading = segment;
    this.#view.changed(room);
    try {
      const page = await this.#chat.history(room.name, { before: segment.messages[0].seq, limit: LookBack });
      room.timeline.older(segment, page, this.#me.userId);
    } catch (error) {
      // The view asks again when it is drawn and still wants them; with no connection, after the next room_joined.
      if (!error.temporary) segment.more = false;
      else if (error.code !== 'disconnected') await new Promise(resolve => setTimeout(resolve, Breath));
    }
    room.loading = null;
    this.#view.changed(room);
  }

  async #list(room, after) {
    room.listedAt = performance.now();
    try {
      room.listed(await this.#chat.members(room.name, { limit: 100, ...after && { after } }), !after);
      if (room === this.#front) drawMembers(room, this.#me.userId);
    } catch { /* the next room_joined asks again */ }
  }

  #seen() {
    if (!this.#front?.joined) return;
    const had = this.#front.unread;
    this.#front.markRead();
    if (had) this.#drawList();
  }

  #listen() {
    const on = (type, then) => this.#chat.on(type, frame => {
      const room = this.#rooms.get(frame.room);
      if (room) then(room, frame);
    });
    on('room_joined', (room, frame) => {
      room.entered(frame);
      if (room === this.#front) this.#list(room);
      this.#draw(room);
    });
    on('hole', (room, hole) => {
      room.timeline.hole(hole);
      this.#view.changed(room);
    });
    on('chat_message', (room, frame) => this.#received(room, frame));
    on('typing', (room, frame) => {
      if (frame.userId === this.#me.userId) return;
      room.typing(frame, () => room === this.#front && drawTyping(room));
      if (room === this.#front) drawTyping(room);
    });
    for (const type of ['user_joined', 'user_left', 'occupancy']) on(type, (room, frame) => {
      room.presence(frame);
      if (room !== this.#front) return;
      drawMembers(room, this.#me.userId);
      if (type === 'occupancy' && performance.now() - room.listedAt > ListEvery) this.#list(room);
    });
    on('moderation', (room, frame) => {
      const whom = frame.userId === this.#me.userId ? 'you' : room.people.get(frame.userId) ?? frame.userId;
      notice(`#${room.name}: ${frame.action} ${whom}${frame.reason ? ` (${frame.reason})` : ''}`);
    });
    this.#chat.on('room_lost', ({ room, error }) => this.#gone(room, error));
  }

  #received(room, frame) {
    const inFront = room === this.#front;
    const looking = inFront && !document.hidden;
    room.received(frame, looking && this.#view.atEnd);
    room.timeline.trim(inFront ? !this.#view.atEnd : room.place !== null);
    if (inFront) drawTyping(room);
    if (looking && !frame.replay && frame.userId !== this.#me.userId) announce(`${frame.username}: ${frame.message}`);
    this.#drawList();
    this.#view.changed(room);
  }

  #draw(room) {
    this.#drawList();
    if (room !== this.#front) return;
    drawMembers(room, this.#me.userId);
    drawTyping(room);
    this.#view.changed(room);
  }

  #drawList() {
    drawRooms(this.#rooms.values(), this.#front, { open: name => this.open(name), leave: name => this.leave(name) });
    const unread = [...this.#rooms.values()].reduce((sum, room) => sum + room.unread, 0);
    document.title = `${unread ? `(${unread}) ` : ''}${this.#front ? `${this.#front.name} · ` : ''}OrleansChat`;
  }
}

/** Reads a new message out; history is not read out. */
function announce(text) {
  const line = document.createElement('p');
  line.textContent = text;
  const place = byId('announcer');
  place.append(line);
  while (place.children.length > 5) place.firstElementChild.remove();
}
