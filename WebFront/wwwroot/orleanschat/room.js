import { Cursor } from './cursor.js';
import { Publisher } from './publisher.js';

/** A room this client means to be in, until it is left or lost: joined again on every connection. */
export class Room {
  joined = false;   // on the present connection
  joining = false;  // a join_room is under way
  tries = 0;        // join_room refused for the time being, in a row
  timer;            // of the next try

  /**
   * @param {string} name
   * @param {number} history messages to look back at the first join
   * @param {ConstructorParameters<typeof Publisher>[1]} by
   */
  constructor(name, history, by) {
    this.name = name;
    this.cursor = new Cursor(name, history);
    this.publisher = new Publisher(name, by);
    this.entered = new Promise((resolve, reject) => Object.assign(this, { enter: resolve, refuse: reject }));
    this.entered.catch(() => { }); // whoever asked to join holds a promise of its own
  }

  disconnected() {
    this.joined = this.joining = false;
    this.tries = 0;
    clearTimeout(this.timer);
    this.publisher.close();
  }

  /** The room is left or lost: nothing of it goes on. */
  end(error) {
    this.disconnected();
    this.refuse(error);
    this.publisher.fail(error);
  }
}
