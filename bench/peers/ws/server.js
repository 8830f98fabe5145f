// ws on Node, as its README broadcasts: a loop over the room's open sockets, the sender's too.
import WebSocket, { WebSocketServer } from 'ws';

const rooms = new Map();
const wss = new WebSocketServer({ host: '127.0.0.1', port: Number(process.env.PORT) });

wss.on('connection', (ws, request) => {
  const room = new URL(request.url, 'ws://localhost').searchParams.get('room');
  if (!rooms.has(room)) rooms.set(room, new Set());
  const members = rooms.get(room);
  members.add(ws);

  ws.on('error', console.error);
  ws.on('message', (data, isBinary) => {
    for (const member of members) {
      if (member.readyState === WebSocket.OPEN) member.send(data, { binary: isBinary });
    }
  });
  ws.on('close', () => {
    members.delete(ws);
    if (members.size === 0) rooms.delete(room);
  });
});
