// Types, scalars and typed documents of the NewSystem API. Any client that knows typed documents gives typed answers:
// Apollo Client, urql, graphql-request, or `ask` of this package.
export * from './scalars.js';
export type * from './generated/schema.js';
export * from './generated/operations.js';
export * from './ask.js';
export * from './resume.js';
