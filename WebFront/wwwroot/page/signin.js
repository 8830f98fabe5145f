import { byId, say } from './dom.js';

const Why = 'orleanschat.why'; // sessionStorage: what the last page has to say to this one

/**
 * Goes on at once where this tab is signed in already; asks otherwise.
 * @param {import('./session.js').Session} session
 * @param {string} room the one that the address names, or ''
 * @param {() => void} go called when there is a token
 */
export function askForSignIn(session, room, go) {
  const why = sessionStorage.getItem(Why);
  sessionStorage.removeItem(Why);
  if (room) say(byId('signin-intro'), `Pick a name and join #${room}.`);
  if (session.signedIn && !why) return go();

  byId('waiting').hidden = true;
  byId('signin').hidden = false;
  say(byId('signin-error'), why ?? '');
  byId('name').value = session.lastName;
  byId('name').focus();
  if (session.takeOwn()) askForToken();
  byId('signin-form').addEventListener('submit', async event => {
    event.preventDefault();
    const field = byId('signin-guest').hidden ? byId('token') : byId('name');
    const text = field.value.trim();
    if (text === '') return field.focus();
    busy(true);
    say(byId('signin-error'), '');
    try {
      if (field.id === 'token') session.withToken(text);
      else await session.asGuest(text);
      go();
    } catch (error) {
      busy(false);
      if (error.code === 'guests_off') return askForToken();
      say(byId('signin-error'), error.message);
      field.focus();
    }
  });
}

function busy(is) {
  byId('join').disabled = is;
  say(byId('join'), is ? 'Joining…' : 'Join');
}

function askForToken() {
  byId('signin-guest').hidden = true;
  byId('signin-token').hidden = false;
  say(byId('signin-intro'), 'Sign in with your token.');
  byId('token').focus();
}
