const Place = 'orleanschat.session'; // sessionStorage: two tabs can be two users
const NamePlace = 'orleanschat.name';
const OwnPlace = 'orleanschat.own';  // sessionStorage: the user who is gone had brought a token
const RenewBefore = 60_000;          // ms

/** Why signing in did not work. `code`: guests_off | refused | busy | unreachable */
export class SignInError extends Error {
  constructor(code, message) {
    super(message);
    this.code = code;
  }
}

/** Who this tab is: gets the token, keeps it, renews it. */
export class Session {
  #saved = JSON.parse(sessionStorage.getItem(Place));
  #letIn = false;

  /** @returns {boolean} whether a token is at hand */
  get signedIn() { return this.#saved !== null; }

  /** Whether the user before brought a token, and the next one is to be asked for one. Says so once. */
  takeOwn() {
    const own = sessionStorage.getItem(OwnPlace) !== null;
    sessionStorage.removeItem(OwnPlace);
    return own;
  }

  get lastName() { return localStorage.getItem(NamePlace) ?? ''; }

  /** A new guest. @param {string} username @throws {SignInError} */
  async asGuest(username) {
    const response = await this.#ask(username);
    if (response.status === 404) throw new SignInError('guests_off', 'This server has no guests.');
    if (response.status === 429) {
      const wait = Number(response.headers.get('Retry-After'));
      throw new SignInError('busy', `Too many people are coming in from your network. Try again ${wait ? `in ${wait} s` : 'in a moment'}.`);
    }
    if (!response.ok) throw new SignInError('refused', (await response.json().catch(() => ({}))).detail ?? 'This name cannot be used.');
    this.#save(await response.json());
    localStorage.setItem(NamePlace, username);
  }

  /** @param {string} token @throws {SignInError} */
  withToken(token) {
    if (!/^[\w-]+\.[\w-]+\.[\w-]+$/.test(token)) throw new SignInError('refused', 'This is not a JSON Web Token: three parts with dots between.');
    this.#save({ token, own: true });
  }

  /** The server let this user in: from now on a refusal is not the token's fault. */
  letIn() { this.#letIn = true; }

  end() {
    if (this.#saved?.own) sessionStorage.setItem(OwnPlace, 'yes');
    this.#saved = null;
    sessionStorage.removeItem(Place);
  }

  /** The client's token provider. @param {{renew: boolean}} why @returns {Promise<string|null>} */
  async token({ renew }) {
    const saved = this.#saved;
    if (!saved) return null;
    if (saved.own) return renew && await this.#isSpent(saved.token) ? null : saved.token;
    if (!renew && saved.expiresAt - Date.now() > RenewBefore) return saved.token;
    let response = await this.#ask(saved.username, saved.token);
    // Too late to stay the same user (the device slept, the server has a new key): better a new one than none.
    if (response.status === 401 || response.status === 403) response = await this.#ask(saved.username);
    // A refusal that is not about the token (guests are off now, or too many asked) leaves one that is still good: a server that
    // was away for a moment makes every page ask at once.
    if (!response.ok && this.#letIn && saved.expiresAt - Date.now() > RenewBefore) return saved.token;
    if (response.status === 404) return null;
    if (!response.ok) throw new Error(`/auth/guest answered ${response.status}`);
    this.#save(await response.json());
    return this.#saved.token;
  }

  async #ask(username, token) {
    const headers = { 'Content-Type': 'application/json' };
    if (token) headers.Authorization = `Bearer ${token}`;
    try {
      return await fetch('auth/guest', { method: 'POST', headers, body: JSON.stringify({ username }), cache: 'no-store' });
    } catch {
      throw new SignInError('unreachable', 'The server cannot be reached.');
    }
  }

  // A browser does not see the 401 of a WebSocket: a token that was never let in while the server is well is not valid.
  async #isSpent(token) {
    let exp = Infinity;
    try { exp = JSON.parse(atob(token.split('.')[1].replaceAll('-', '+').replaceAll('_', '/'))).exp ?? Infinity; } catch { /* then the server says */ }
    if (exp * 1000 - Date.now() < RenewBefore) return true;
    return !this.#letIn && (await fetch('.', { method: 'HEAD', cache: 'no-store' })).ok;
  }

  #save(session) {
    this.#saved = session;
    sessionStorage.setItem(Place, JSON.stringify(session));
  }
}
