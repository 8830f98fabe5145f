// The server of the tutorial "How to build WebSocket servers in Deno": a JWT in the address, rooms, typing, heartbeats; every member's frame is serialized anew.
import { jwtVerify } from 'jose';

interface Client {
  id: string;
  socket: WebSocket;
  userId: string;
  username: string;
  rooms: Set<string>;
  lastPong: number;
  heartbeat?: ReturnType<typeof setInterval>;
}

const HEARTBEAT_INTERVAL = 30_000;
const HEARTBEAT_TIMEOUT = 10_000;
const MAX_MESSAGE_LENGTH = 1000;

const secret = new TextEncoder().encode(Deno.env.get('JWT_SECRET'));
const clients = new Map<string, Client>();
const rooms = new Map<string, Set<string>>();

function send(client: Client, message: object) {
  if (client.socket.readyState === WebSocket.OPEN) client.socket.send(JSON.stringify(message));
}

function broadcastToRoom(room: string, message: object, excludeId?: string) {
  for (const clientId of rooms.get(room) ?? []) {
    const client = clients.get(clientId);
    if (client && clientId !== excludeId) send(client, message);
  }
}

function joinRoom(client: Client, room: string) {
  if (!rooms.has(room)) rooms.set(room, new Set());
  const members = rooms.get(room)!;
  members.add(client.id);
  client.rooms.add(room);
  send(client, { type: 'room_joined', room, members: members.size });
  const { userId, username } = client;
  broadcastToRoom(room, { type: 'user_joined', room, userId, username, timestamp: Date.now() }, client.id);
}

function leaveRoom(client: Client, room: string) {
  const members = rooms.get(room);
  if (!members?.delete(client.id)) return;
  client.rooms.delete(room);
  if (members.size === 0) rooms.delete(room);
  const { userId, username } = client;
  broadcastToRoom(room, { type: 'user_left', room, userId, username, timestamp: Date.now() });
}

function handleMessage(client: Client, data: string) {
  let message;
  try {
    message = JSON.parse(data);
  } catch {
    return send(client, { type: 'error', error: 'Invalid message format' });
  }
  const { type, payload } = message;
  const { userId, username } = client;
  switch (type) {
    case 'join_room':
      return joinRoom(client, payload.room);
    case 'leave_room':
      return leaveRoom(client, payload.room);
    case 'chat_message':
      if (!client.rooms.has(payload.room)) return send(client, { type: 'error', error: 'Not in room' });
      if (payload.message.length > MAX_MESSAGE_LENGTH) return send(client, { type: 'error', error: 'Message too long (max 1000 characters)' });
      return broadcastToRoom(payload.room, { type: 'chat_message', room: payload.room, userId, username, message: payload.message, timestamp: Date.now() });
    case 'typing':
      return broadcastToRoom(payload.room, { type: 'typing', room: payload.room, userId, username, isTyping: payload.isTyping }, client.id);
    case 'pong':
      client.lastPong = Date.now();
      return;
    default:
      return send(client, { type: 'error', error: `Unknown message type: ${type}` });
  }
}

function startHeartbeat(client: Client) {
  client.heartbeat = setInterval(() => {
    if (Date.now() - client.lastPong > HEARTBEAT_INTERVAL + HEARTBEAT_TIMEOUT) return client.socket.close(1000, 'Heartbeat timeout');
    send(client, { type: 'ping', timestamp: Date.now() });
  }, HEARTBEAT_INTERVAL);
}

function disconnect(client: Client) {
  clearInterval(client.heartbeat);
  for (const room of [...client.rooms]) leaveRoom(client, room);
  clients.delete(client.id);
}

Deno.serve({ hostname: '127.0.0.1', port: Number(Deno.env.get('PORT')) }, async (request) => {
  if (request.headers.get('upgrade') !== 'websocket') return new Response('Expected WebSocket', { status: 426 });
  let claims;
  try {
    claims = (await jwtVerify(new URL(request.url).searchParams.get('token') ?? '', secret)).payload;
  } catch {
    return new Response('Unauthorized', { status: 401 });
  }
  const { socket, response } = Deno.upgradeWebSocket(request);
  const client: Client = {
    id: crypto.randomUUID(),
    socket,
    userId: claims.userId as string,
    username: claims.username as string,
    rooms: new Set(),
    lastPong: Date.now(),
  };
  socket.onopen = () => {
    clients.set(client.id, client);
    startHeartbeat(client);
    send(client, { type: 'connected', clientId: client.id, userId: client.userId, timestamp: Date.now() });
  };
  socket.onmessage = (event) => handleMessage(client, event.data);
  socket.onclose = () => disconnect(client);
  return response;
});
