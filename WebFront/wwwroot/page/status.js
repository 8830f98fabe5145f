import { byId, say } from './dom.js';

const Words = { connecting: 'Connecting', connected: 'Connected', reconnecting: 'Reconnecting', offline: 'Offline', closed: 'Disconnected' };
const LongWait = 3_000; // ms; a shorter one is over before a count of it can be read

let countdown;

/** Shows how the connection does. @param {object} state the client's `state` event */
export function drawConnection({ state, retryIn }) {
  clearInterval(countdown);
  delete byId('connection').dataset.left;
  const place = byId('connection');
  place.dataset.state = state;
  place.title = Words[state];
  byId('retry-now').hidden = !(retryIn >= LongWait) || state === 'closed';
  say(byId('connection-text'), Words[state]);
  say(byId('waiting-text'), retryIn === undefined ? 'Connecting…' : 'The server cannot be reached. Trying again…');
  if (retryIn !== undefined) say(byId('signin-error'), 'The server cannot be reached. Trying again…');
  if (!(retryIn >= LongWait)) return;
  const until = performance.now() + retryIn;
  const count = () => {
    const left = Math.ceil((until - performance.now()) / 1000);
    // In an attribute that CSS shows: a live region would read every second out.
    place.dataset.left = left > 0 ? `in ${left} s` : '';
  };
  count();
  countdown = setInterval(count, 1000);
}

/** Why the connection ended for good, for people. @param {{code?: number, reason?: string}} state @returns {string} */
export function whyClosed({ code, reason }) {
  switch (code) {
    case 4401: return 'Your sign-in is no longer valid. Please sign in again.';
    case 4403: return reason ? `You were disconnected: ${reason}` : 'You were disconnected by a moderator.';
    default: return 'The server ended the connection. Sign in to try again.';
  }
}
