// Bun's publish/subscribe, as its guide has it: a socket subscribes to its room, and the server publishes what comes in to all of it, the sender too.
const server = Bun.serve({
  hostname: '127.0.0.1',
  port: process.env.PORT,
  fetch(request, server) {
    const room = new URL(request.url).searchParams.get('room');
    if (server.upgrade(request, { data: { room } })) return;
    return new Response('Upgrade failed', { status: 400 });
  },
  websocket: {
    open(ws) {
      ws.subscribe(ws.data.room);
    },
    message(ws, message) {
      server.publish(ws.data.room, message);
    },
    close(ws) {
      ws.unsubscribe(ws.data.room);
    },
  },
});
