// Opens subscriptions that never fire, and keeps them until the standard input ends. node sockets.mjs <http url> <count>
import WebSocket from 'ws';

const [url, count] = process.argv.slice(2);
const query = 'subscription { clock(everyMilliseconds: 3600000) { number } }';
for (let opened = 0; opened < Number(count); opened += 1) {
  const socket = new WebSocket(url.replace(/^http/, 'ws'), 'graphql-transport-ws');
  await new Promise((resolve, reject) => {
    socket.on('error', reject);
    socket.on('open', () => socket.send(JSON.stringify({ type: 'connection_init' })));
    socket.on('message', (text) => {
      if (JSON.parse(text).type !== 'connection_ack') return;
      socket.send(JSON.stringify({ id: '1', type: 'subscribe', payload: { query } }));
      resolve();
    });
  });
}
process.stdin.resume();
process.stdin.on('end', () => process.exit(0));
