// Socket.IO, as its documentation has it; with REDIS_URL, several of these are one through the Redis adapter.
import { createServer } from 'node:http';
import { createAdapter } from '@socket.io/redis-adapter';
import { createClient } from 'redis';
import { Server } from 'socket.io';

const httpServer = createServer();
const io = new Server(httpServer);

if (process.env.REDIS_URL) {
  const pubClient = createClient({ url: process.env.REDIS_URL });
  const subClient = pubClient.duplicate();
  await Promise.all([pubClient.connect(), subClient.connect()]);
  io.adapter(createAdapter(pubClient, subClient));
}

io.on('connection', (socket) => {
  socket.on('join_room', async (room, callback) => {
    await socket.join(room);
    callback('ok');
  });
  socket.on('chat_message', ({ room, message }) => {
    io.to(room).emit('chat_message', { room, message });
  });
});

httpServer.listen(Number(process.env.PORT), '127.0.0.1');
