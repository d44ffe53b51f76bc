// The explorer page: queries over POST, subscriptions over graphql-transport-ws, both on this host.
import { parse } from 'graphql';
import { createClient } from 'graphql-ws';
import { createGraphiQLFetcher } from '@graphiql/toolkit';
import { GraphiQL } from 'graphiql';
import { createRoot } from 'react-dom/client';
import 'graphiql/style.css';
import './page.css';

const endpoint = new URL('/graphql', window.location.href);
const socket = new URL(endpoint);
socket.protocol = socket.protocol === 'https:' ? 'wss:' : 'ws:';

// The headers editor also feeds connection_init, so a token typed there works for subscriptions.
function connectionParams() {
  try {
    return JSON.parse(window.localStorage.getItem('graphiql:headers') || '{}');
  } catch {
    return {};
  }
}

const fetch = createGraphiQLFetcher({
  url: endpoint.href,
  wsClient: createClient({ url: socket.href, connectionParams, lazy: true }),
});

// The editor's own tree lags behind its text; what is sent decides how it is sent.
function fetcher(params, options) {
  try {
    return fetch(params, { ...options, documentAST: parse(params.query) });
  } catch {
    return fetch(params, options);
  }
}

const welcome = `# Queries and mutations go by POST, subscriptions by WebSocket.
# A token goes into the Headers editor below: { "Authorization": "Bearer …" }
`;

createRoot(document.getElementById('graphiql')).render(
  <GraphiQL fetcher={fetcher} defaultQuery={welcome} shouldPersistHeaders defaultEditorToolsVisibility />,
);
