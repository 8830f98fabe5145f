/** Named events. A listener that throws is reported and stops neither the others nor the client. */
export class Emitter {
  #listeners = new Map();

  /**
   * @param {string} name
   * @param {(value: any) => void} listener
   * @returns {() => void} takes the listener off again
   */
  on(name, listener) {
    if (!this.#listeners.has(name)) this.#listeners.set(name, new Set());
    this.#listeners.get(name).add(listener);
    return () => this.#listeners.get(name).delete(listener);
  }

  emit(name, value) {
    for (const listener of [...this.#listeners.get(name) ?? []]) {
      try { listener(value); } catch (error) { queueMicrotask(() => { throw error; }); }
    }
  }
}
