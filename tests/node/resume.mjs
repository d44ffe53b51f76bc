// The helper of clients/typescript over both libraries, each with its own way of coming back and with the helper's. Prints
// "<name> <sequence>" for each event. node resume.mjs <http url> <token> <cursor>
import { createClient as createSseClient } from 'graphql-sse';
import { createClient as createWsClient } from 'graphql-ws';
import WebSocket from 'ws';
import { events } from '../../clients/typescript/src/resume.ts';

const [url, token, after] = process.argv.slice(2);
const headers = { authorization: `Bearer ${token}` };
const query = 'subscription Events($after: String) { organizationEvents(after: $after) { cursor sequence kind } }';
const soon = () => new Promise((resolve) => setTimeout(resolve, 100));
const webSocket = (retryAttempts) =>
  createWsClient({
    url: url.replace(/^http/, 'ws'),
    webSocketImpl: WebSocket,
    connectionParams: headers,
    retryAttempts,
    retryWait: soon,
    shouldRetry: () => true,
  });
const eventStream = (retryAttempts) => createSseClient({ url, headers, retryAttempts, retry: soon });

const clients = {
  'graphql-ws, comes back by itself': webSocket(1000),
  'graphql-ws, brought back': webSocket(0),
  'graphql-sse, comes back by itself': eventStream(1000),
  'graphql-sse, brought back': eventStream(0),
};
for (const [name, client] of Object.entries(clients)) {
  (async () => {
    try {
      for await (const event of events(client, query, { after, wait: soon })) console.log(`${name} ${event.sequence}`);
    } catch (failure) {
      console.log(`${name} failed:`, failure);
    }
  })();
}
