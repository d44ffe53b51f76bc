// The smallest client: one request over HTTP, typed by its document.
import type { TypedDocumentNode } from '@graphql-typed-document-node/core';
import { print } from 'graphql';

/** An error of the API. `code` says what to do, `requestId` finds it in the server's log. */
export interface ApiError {
  readonly message: string;
  readonly path?: readonly (string | number)[];
  readonly extensions: { readonly code: string; readonly requestId?: string; readonly [name: string]: unknown };
}

/** What the server answered; both can be there. */
export interface Answer<Result> {
  readonly data?: Result | null;
  readonly errors?: readonly ApiError[];
}

/** Where and as whom to ask. */
export interface Connection {
  /** `https://…/graphql` */
  readonly url: string;
  /** A sign-in token or an API key (`ns_…`). */
  readonly token: string;
  readonly signal?: AbortSignal;
}

/** Too many requests, or a server that is starting or stopping: try again after `seconds`. */
export class TryAgain extends Error {
  readonly seconds: number;

  constructor(status: number, seconds: number) {
    super(`HTTP ${status}: try again in ${seconds} s`);
    this.seconds = seconds;
  }
}

/** Asks once. Refusals are in `errors`; what is worth another try is thrown as {@link TryAgain}. */
export async function ask<Result, Variables>(
  connection: Connection,
  document: TypedDocumentNode<Result, Variables>,
  variables: Variables,
): Promise<Answer<Result>> {
  const response = await fetch(connection.url, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${connection.token}`,
      'content-type': 'application/json',
      accept: 'application/graphql-response+json, application/json;q=0.9',
    },
    body: globalThis.JSON.stringify({ query: print(document), variables }),
    ...(connection.signal ? { signal: connection.signal } : {}),
  });
  if (response.status === 429 || response.status === 502 || response.status === 503 || response.status === 504) {
    throw new TryAgain(response.status, Number(response.headers.get('retry-after') ?? '1'));
  }
  return (await response.json()) as Answer<Result>;
}
