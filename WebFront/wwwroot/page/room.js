import { Timeline } from './timeline.js';

const Read = 'orleanschat.read'; // sessionStorage: {userId, rooms: {room: {epoch, seq}}}
const TypingFor = 6_000;         // ms that a `typing` holds when nothing follows

/** A room that is open on this page: what it shows, who is in it, how far it was read. */
export class OpenRoom {
  timeline = new Timeline();
  joined = false;
  refused = false;       // the server does not let this user in
  unread = 0;
  draft = '';
  loading = null;        // the segment that older messages are on their way for
  place = null;          // where the reader was, when another room came in front
  newFrom = null;        // {epoch, seq} of the first message that was unread when the room came in front
  members = 0;
  people = new Map();    // userId → username; complete only where `morePeople` is false
  morePeople = false;
  typists = new Map();   // userId → {username, timer}
  listedAt = -Infinity;  // when `people` was asked for, by performance.now()

  #read;                 // {epoch, seq}
  #me;

  /** @param {string} name @param {{userId: string}} me */
  constructor(name, me) {
    this.name = name;
    this.#me = me;
    this.#read = readMarks(me.userId)[name] ?? null;
  }

  /** @param {object} frame `room_joined` */
  entered(frame) {
    this.joined = true;
    this.members = frame.members;
    // What was said before this user came is not unread.
    if (!this.timeline.last && this.#read?.epoch !== frame.epoch) this.#read = { epoch: frame.epoch, seq: frame.seq };
    this.timeline.joined(frame);
  }

  /** @param {object} frame `chat_message` @param {boolean} seen whether somebody looks at the end of this room just now */
  received(frame, seen) {
    this.timeline.receive(frame, this.#me.userId);
    this.typing({ ...frame, isTyping: false });
    if (frame.userId === this.#me.userId) return;
    if (seen) this.markRead();
    else if (this.#read?.epoch !== frame.epoch || frame.seq > this.#read.seq) {
      if (this.unread++ === 0) this.newFrom = { epoch: frame.epoch, seq: frame.seq };
    }
  }

  /** Everything here was seen. */
  markRead() {
    this.unread = 0;
    const last = this.timeline.last?.messages.at(-1);
    if (!last || this.#read?.epoch === last.epoch && this.#read.seq >= last.seq) return;
    this.#read = { epoch: last.epoch, seq: last.seq };
    const rooms = { ...readMarks(this.#me.userId), [this.name]: this.#read };
    sessionStorage.setItem(Read, JSON.stringify({ userId: this.#me.userId, rooms }));
  }

  /** @param {object} frame `typing` @param {() => void} [changed] called when the time is over */
  typing({ userId, username, isTyping }, changed) {
    clearTimeout(this.typists.get(userId)?.timer);
    this.typists.delete(userId);
    if (isTyping) this.typists.set(userId, { username, timer: setTimeout(() => { this.typists.delete(userId); changed?.(); }, TypingFor) });
  }

  /** @param {object} frame `user_joined`, `user_left` or `occupancy` */
  presence(frame) {
    this.members = frame.members;
    if (frame.type === 'user_joined') this.people.set(frame.userId, frame.username);
    if (frame.type === 'user_left') {
      this.people.delete(frame.userId);
      this.typing({ userId: frame.userId, isTyping: false });
    }
  }

  /** @param {object} frame `members` @param {boolean} first whether it is the first page */
  listed(frame, first) {
    if (first) this.people.clear();
    this.members = frame.members;
    this.morePeople = frame.more;
    for (const { userId, username } of frame.users) this.people.set(userId, username);
  }
}

function readMarks(userId) {
  const saved = JSON.parse(sessionStorage.getItem(Read));
  return saved?.userId === userId ? saved.rooms : {};
}
