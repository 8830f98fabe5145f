import { OrleansChat } from './orleanschat.js';
import { byId, say } from './page/dom.js';
import { hue, initials } from './page/format.js';
import { Drawers, listenToKeys, notice } from './page/layout.js';
import { Rooms } from './page/rooms.js';
import { Session } from './page/session.js';
import { askForSignIn } from './page/signin.js';
import { drawConnection, whyClosed } from './page/status.js';

// A room may have the name of an element's id, and the browser would go to the element: now, before it looks, the page's own form.
if (/^#[^/]/.test(location.hash)) history.replaceState(null, '', `#/${location.hash.slice(1)}`);

const session = new Session();
const me = { userId: null, username: null };
const chat = new OrleansChat({
  url: new URL('ws', document.baseURI).href.replace(/^http/, 'ws'),
  token: why => session.token(why),
});
const drawers = new Drawers();
const rooms = new Rooms(chat, me, () => drawers.close());

chat.on('connected', frame => {
  session.letIn();
  rooms.limit = frame.limits?.messageChars ?? 1000;
  if (me.userId !== frame.userId) begin(frame);
});
chat.on('broadcast', frame => notice(frame.message));
chat.on('state', state => {
  drawConnection(state);
  if (state.state === 'connected') return;
  rooms.disconnected();
  if (state.state === 'closed' && state.code !== 1000) backToSignIn(state);
});

/** The server let this user in, or let them in as somebody else than before. */
function begin(frame) {
  const first = me.userId === null;
  me.userId = frame.userId;
  me.username = frame.username;
  say(byId('me-name'), me.username);
  say(byId('me-avatar'), initials(me.username));
  byId('me-avatar').className = `avatar ${hue(me.userId)}`;
  if (!first) return notice(`Your sign-in ran out. You are a new guest now, still called ${me.username}.`);
  for (const id of ['waiting', 'signin']) byId(id).hidden = true;
  byId('chat').hidden = false;
  rooms.start(roomInAddress());
  // On a phone the keyboard would jump up over what one came to read.
  if (!matchMedia('(pointer: coarse)').matches) rooms.focus();
}

function backToSignIn(state) {
  if (state.code === 4401) session.end();
  reload(whyClosed(state));
}

/** The plainest way to a page that remembers nothing of the last user. */
function reload(why) {
  if (why) sessionStorage.setItem('orleanschat.why', why);
  location.reload();
}

/** A room's name as the server wants it: composed form, no #, no spaces. */
const roomName = text => text.normalize('NFC').trim().replace(/^#+/, '').replace(/\s+/g, '-');
const isRoomName = name => /^[\p{L}\p{M}\p{Nd}._:-]{1,64}$/u.test(name);

/** @returns {string} '' if the address names none; `#lobby`, as people write it, is as good as the page's own `#/lobby` */
function roomInAddress() {
  try {
    const name = roomName(decodeURIComponent(location.hash.replace(/^#\/?/, '')));
    return isRoomName(name) ? name : '';
  } catch {
    return '';
  }
}

byId('room-add').addEventListener('submit', event => {
  event.preventDefault();
  const name = roomName(byId('room-name').value);
  say(byId('room-error'), name === '' || isRoomName(name) ? '' : 'Letters, digits and . _ - : only, 64 at most.');
  if (!isRoomName(name)) return;
  byId('room-name').value = '';
  rooms.open(name);
  rooms.focus();
});
byId('signout').addEventListener('click', () => {
  chat.close();
  session.end();
  reload();
});
byId('members-more').addEventListener('click', () => rooms.morePeople());
byId('retry-now').addEventListener('click', () => chat.wake());

addEventListener('hashchange', () => { if (me.userId && roomInAddress()) rooms.open(roomInAddress()); });
addEventListener('online', () => chat.setOnline(true));
addEventListener('offline', () => chat.setOnline(false));
document.addEventListener('visibilitychange', () => {
  if (document.hidden || !me.userId) return;
  chat.wake(); // the device may have slept, and the connection died meanwhile
  rooms.refresh();
});
listenToKeys({
  step: by => rooms.step(by),
  find: () => { drawers.reveal(byId('rooms-panel')); byId('room-name').focus(); },
  escape: () => { if (!drawers.close()) rooms.toEnd(); },
});

askForSignIn(session, roomInAddress(), () => {
  chat.setOnline(navigator.onLine);
  chat.connect();
});
