import { createHash, randomBytes } from 'node:crypto';
import net from 'node:net';

/** What the sockets of one client run over, so that a test can cut it. */
export class Cable {
  deaf = false; // what the server says is lost on the way
  plugged = true;
  sockets = new Set();

  /** The `WebSocket` of a client on this cable. */
  get WebSocket() {
    const cable = this;
    return class extends Socket { constructor(url, protocols) { super(url, protocols, cable); } };
  }

  /** Every connection is lost, without a close frame, and none gets through until {@link plug}. */
  unplug() {
    this.plugged = false;
    for (const socket of this.sockets) socket.cut();
  }

  plug() {
    this.plugged = true;
    this.deaf = false;
  }
}

/** A WebSocket client over TCP, with as much of RFC 6455 as a chat needs: Node 20 has none of its own. */
class Socket {
  readyState = 0;
  protocol = '';
  onopen = null; onmessage = null; onclose = null; onerror = null;
  #tcp; #key = randomBytes(16).toString('base64');
  #received = Buffer.alloc(0);
  #closed = { code: 1006, reason: '' };

  constructor(url, protocols, cable) {
    const { hostname, port, pathname, host } = new URL(url);
    this.#tcp = new net.Socket();
    cable.sockets.add(this);
    if (!cable.plugged) setImmediate(() => this.cut());
    else this.#tcp.connect(Number(port), hostname, () => this.#tcp.write([
      `GET ${pathname} HTTP/1.1`, `Host: ${host}`, 'Connection: Upgrade', 'Upgrade: websocket', 'Sec-WebSocket-Version: 13',
      `Sec-WebSocket-Key: ${this.#key}`, `Sec-WebSocket-Protocol: ${protocols.join(', ')}`, '', ''].join('\r\n')));
    this.#tcp.on('data', bytes => {
      if (cable.deaf) return;
      this.#received = Buffer.concat([this.#received, bytes]);
      if (this.readyState === 0) this.#open();
      if (this.readyState !== 0) while (this.#frame());
    });
    this.#tcp.on('error', error => this.onerror?.({ error }));
    this.#tcp.on('close', () => {
      cable.sockets.delete(this);
      this.readyState = 3;
      this.onclose?.(this.#closed);
    });
  }

  cut() { this.#tcp.destroy(); }

  send(text) { this.#write(1, Buffer.from(text)); }

  close(code = 1000) {
    if (this.readyState === 0) return void this.#tcp.destroy();
    this.readyState = 2;
    this.#write(8, Buffer.from([code >> 8, code & 255]));
  }

  #open() {
    const end = this.#received.indexOf('\r\n\r\n');
    if (end < 0) return;
    const head = this.#received.subarray(0, end).toString();
    const accept = createHash('sha1').update(this.#key + '258EAFA5-E914-47DA-95CA-C5AB0DC85B11').digest('base64');
    if (!head.startsWith('HTTP/1.1 101 ') || !head.includes(accept)) return void this.#tcp.destroy();
    this.#received = this.#received.subarray(end + 4);
    this.protocol = /^sec-websocket-protocol: *(.*)$/im.exec(head)?.[1] ?? '';
    this.readyState = 1;
    this.onopen?.({});
  }

  /** @returns {boolean} whether there was a whole frame; the server sends none in pieces and none above 64 kB */
  #frame() {
    const bytes = this.#received;
    if (bytes.length < 2) return false;
    const [at, length] = bytes[1] < 126 ? [2, bytes[1]] : bytes.length < 4 ? [4, Infinity] : [4, bytes.readUInt16BE(2)];
    if (bytes.length < at + length) return false;
    this.#received = bytes.subarray(at + length);
    this.#take(bytes[0] & 15, bytes.subarray(at, at + length));
    return true;
  }

  #take(opcode, payload) {
    if (opcode === 1) this.onmessage?.({ data: payload.toString() });
    if (opcode === 9) this.#write(10, payload);
    if (opcode !== 8) return;
    this.#closed = { code: payload.length < 2 ? 1005 : payload.readUInt16BE(0), reason: payload.subarray(2).toString() };
    if (this.readyState === 1) this.close(this.#closed.code);
    this.#tcp.end();
  }

  #write(opcode, payload) {
    const mask = randomBytes(4);
    const head = payload.length < 126 ? [128 | opcode, 128 | payload.length] : [128 | opcode, 128 | 126, payload.length >> 8, payload.length & 255];
    this.#tcp.write(Buffer.concat([Buffer.from(head), mask, payload.map((byte, i) => byte ^ mask[i & 3])]));
  }
}
