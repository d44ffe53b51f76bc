// Follows an organization's events through whatever happens to the connection: each event once, in order, none left out.
//
// Works on the clients of graphql-ws and graphql-sse, and on any other with an `iterate`. Two things are easily got wrong by hand:
// these libraries subscribe again by themselves with the variables of the first time, and what they had queued when the
// connection broke arrives a second time.

/** What is needed of a client: `createClient()` of graphql-ws and of graphql-sse both have it. */
export interface Subscriber {
  iterate(request: { query: string; variables: Record<string, unknown> }): AsyncIterableIterator<unknown>;
}

/** What every event has to be asked for: `organizationEvents(after: $after) { cursor sequence … }`. */
export interface Positioned {
  /** Goes into `after`. */
  cursor: string;
  /** Rises by one from event to event. */
  sequence: string;
}

export interface Options {
  /** Go on after this event; without it, from now on. Keep the cursor of the last event that was dealt with. */
  after?: string;
  /** Further variables of the document. */
  variables?: Record<string, unknown>;
  /** Waits before the connection is tried again; `failures` begins with 1. By default up to 10 s, with chance in it. */
  wait?: (failures: number) => Promise<void>;
  /** Told of each failure that is got over. */
  onFailure?: (failure: unknown) => void;
}

/** The server's answer is no: trying again would not help. `code` says why, `CURSOR_EXPIRED` above all: load the present state. */
export class Refused extends Error {
  readonly code: string;

  constructor(code: string, message: string) {
    super(message);
    this.name = 'Refused';
    this.code = code;
  }
}

/** Codes that pass: the server or its database is away, or this client was too slow. */
const PASSING = new Set(['UNAVAILABLE', 'TIMEOUT', 'SLOW_CONSUMER', 'RATE_LIMITED', 'INTERNAL']);
/** Codes of a closed socket that do not pass: mistakes of the program. 4403 asks for fresh credentials, and passes. */
const MISTAKES = new Set([4400, 4401, 4406, 4409]);

interface GraphQLError {
  message: string;
  extensions?: { code?: string };
}

const patience = (failures: number): Promise<void> =>
  new Promise((resolve) => setTimeout(resolve, Math.min(10_000, 250 * 2 ** failures) * (0.5 + Math.random() / 2)));

/**
 * Every event of the caller's organization. `query` is a subscription with a variable `$after: String` that it gives to
 * `organizationEvents`, whose selection has at least `cursor` and `sequence`. Ends when the caller leaves the loop, and throws
 * {@link Refused} when the server says no.
 */
export async function* events<Event extends Positioned>(
  client: Subscriber,
  query: string,
  options: Options = {},
): AsyncGenerator<Event, void, undefined> {
  let position = options.after;
  let last = -1n;
  let failures = 0;
  // Read anew whenever a library writes the request, also when it does so by itself after a lost connection.
  const variables = Object.defineProperty({ ...options.variables }, 'after', { enumerable: true, get: () => position });
  for (;;) {
    try {
      for await (const answer of client.iterate({ query, variables })) {
        const event = read<Event>(answer);
        const sequence = BigInt(event.sequence);
        failures = 0;
        // Queued before the connection broke, and told again after it.
        if (sequence <= last) continue;
        last = sequence;
        position = event.cursor;
        yield event;
      }
    } catch (failure) {
      if (isFinal(failure)) throw failure;
      options.onFailure?.(failure);
    }
    failures += 1;
    await (options.wait ?? patience)(failures);
  }
}

function read<Event>(answer: unknown): Event {
  const { data, errors } = answer as { data?: { organizationEvents?: Event } | null; errors?: readonly GraphQLError[] };
  if (errors?.length) throw refused(errors);
  if (!data?.organizationEvents) throw new Refused('BAD_USER_INPUT', 'the subscription does not ask for organizationEvents');
  return data.organizationEvents;
}

function refused(errors: readonly GraphQLError[]): Refused {
  return new Refused(errors[0]?.extensions?.code ?? 'INTERNAL', errors[0]?.message ?? 'no reason given');
}

function isFinal(failure: unknown): boolean {
  if (failure instanceof Refused) return !PASSING.has(failure.code);
  // graphql-ws throws the errors of an `error` message as they are, graphql-sse may wrap an answer.
  if (Array.isArray(failure)) {
    const known = refused(failure as GraphQLError[]);
    if (!PASSING.has(known.code)) throw known;
    return false;
  }
  const code = (failure as { code?: unknown } | null)?.code;
  return typeof code === 'number' && MISTAKES.has(code);
}
