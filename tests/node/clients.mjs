// Standard clients, each doing a query and a subscription. node clients.mjs <http url>
import assert from 'node:assert/strict';
import { ApolloClient, CombinedGraphQLErrors, HttpLink, InMemoryCache, ApolloLink, gql } from '@apollo/client';
import { GraphQLWsLink } from '@apollo/client/link/subscriptions';
import { OperationTypeNode } from 'graphql';
import { createClient as createSseClient } from 'graphql-sse';
import { createClient as createWsClient } from 'graphql-ws';
import { Client, cacheExchange, fetchExchange, subscriptionExchange } from 'urql';
import { pipe, subscribe, take } from 'wonka';
import WebSocket from 'ws';

const url = process.argv[2];
const wsUrl = url.replace(/^http/, 'ws');
const QUERY = 'query Hello($name: String!) { hello(name: $name) who }';
const CLOCK = 'subscription Clock($count: Int!) { clock(count: $count) { number } }';
const headers = { authorization: 'Bearer ada' };
const numbers = [1, 2, 3];

const newWsClient = () =>
  createWsClient({ url: wsUrl, webSocketImpl: WebSocket, connectionParams: headers, retryAttempts: 0, lazyCloseTimeout: 0 });

async function collect(iterable) {
  const results = [];
  for await (const result of iterable) results.push(result);
  return results;
}

const tests = {
  async 'graphql-ws'() {
    const client = newWsClient();
    const [answer] = await collect(client.iterate({ query: QUERY, variables: { name: 'ws' } }));
    assert.deepEqual(answer.data, { hello: 'hello, ws', who: 'ada' });
    const events = await collect(client.iterate({ query: CLOCK, variables: { count: 3 } }));
    assert.deepEqual(events.map((event) => event.data.clock.number), numbers);
    await assert.rejects(collect(client.iterate({ query: '{ nope }' })), (errors) => errors[0].extensions.code === 'GRAPHQL_VALIDATION_FAILED');
    await client.dispose();
    // 4403 asks for fresh parameters and comes back: the first token is refused, the second is good.
    let attempts = 0;
    const renewing = createWsClient({
      url: wsUrl,
      webSocketImpl: WebSocket,
      connectionParams: () => ({ authorization: attempts++ === 0 ? 'bad' : 'ada' }),
      retryAttempts: 3,
      retryWait: async () => {},
      shouldRetry: () => true,
    });
    const [renewed] = await collect(renewing.iterate({ query: '{ who }' }));
    assert.deepEqual([renewed.data.who, attempts], ['ada', 2]);
    await renewing.dispose();
  },

  async 'graphql-sse'() {
    const client = createSseClient({ url, headers, retryAttempts: 0 });
    const [answer] = await collect(client.iterate({ query: QUERY, variables: { name: 'sse' } }));
    assert.deepEqual(answer.data, { hello: 'hello, sse', who: 'ada' });
    const events = await collect(client.iterate({ query: CLOCK, variables: { count: 3 } }));
    assert.deepEqual(events.map((event) => event.data.clock.number), numbers);
    const [refused] = await collect(client.iterate({ query: '{ nope }' }));
    assert.equal(refused.errors[0].extensions.code, 'GRAPHQL_VALIDATION_FAILED');
    client.dispose();
  },

  async '@apollo/client'() {
    const ws = newWsClient();
    const link = ApolloLink.split(
      ({ operationType }) => operationType === OperationTypeNode.SUBSCRIPTION,
      new GraphQLWsLink(ws),
      new HttpLink({ uri: url, headers }),
    );
    const client = new ApolloClient({ link, cache: new InMemoryCache() });
    const answer = await client.query({ query: gql(QUERY), variables: { name: 'apollo' } });
    assert.equal(answer.data.hello, 'hello, apollo');
    const events = await new Promise((resolve, reject) => {
      const seen = [];
      const events = client.subscribe({ query: gql(CLOCK), variables: { count: 3 } });
      events.subscribe({ next: (event) => seen.push(event.data.clock.number), error: reject, complete: () => resolve(seen) });
    });
    assert.deepEqual(events, numbers);
    await assert.rejects(client.query({ query: gql('{ refused }') }), (error) => {
      assert.ok(CombinedGraphQLErrors.is(error), String(error));
      return error.errors[0].extensions.code === 'FORBIDDEN';
    });
    client.stop();
    await ws.dispose();
  },

  async 'urql over WebSocket'() {
    const ws = newWsClient();
    const client = new Client({
      url,
      preferGetMethod: false,
      fetchOptions: { headers },
      exchanges: [
        cacheExchange,
        fetchExchange,
        subscriptionExchange({
          forwardSubscription: (request) => ({
            subscribe: (sink) => ({ unsubscribe: ws.subscribe({ query: request.query ?? '', variables: request.variables }, sink) }),
          }),
        }),
      ],
    });
    const answer = await client.query(QUERY, { name: 'urql' }).toPromise();
    assert.equal(answer.error, undefined, String(answer.error));
    assert.equal(answer.data.hello, 'hello, urql');
    const events = await new Promise((resolve) => {
      const seen = [];
      pipe(client.subscription(CLOCK, { count: 3 }), take(3), subscribe((event) => seen.push(event.data.clock.number) === 3 && resolve(seen)));
    });
    assert.deepEqual(events, numbers);
    await ws.dispose();
  },

  async 'urql over server-sent events, queries by GET'() {
    const client = new Client({ url, preferGetMethod: 'force', fetchSubscriptions: true, fetchOptions: { headers }, exchanges: [fetchExchange] });
    const answer = await client.query(QUERY, { name: 'urql' }).toPromise();
    assert.equal(answer.error, undefined, String(answer.error));
    assert.deepEqual([answer.data.hello, answer.data.who], ['hello, urql', 'ada']);
    const seen = await new Promise((resolve) => {
      const seen = [];
      pipe(client.subscription(CLOCK, { count: 3 }), take(3), subscribe((event) => seen.push(event.data?.clock.number ?? String(event.error)) === 3 && resolve(seen)));
    });
    assert.deepEqual(seen, numbers);
  },
};

let failed = 0;
for (const [name, test] of Object.entries(tests)) {
  const deadline = new Promise((_, reject) => setTimeout(() => reject(new Error('not done within 20 s')), 20_000).unref());
  try {
    await Promise.race([test(), deadline]);
    console.log(`ok ${name}`);
  } catch (error) {
    failed += 1;
    console.error(`failed ${name}:`, error);
  }
}
process.exit(failed);
