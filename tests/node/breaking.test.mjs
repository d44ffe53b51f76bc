// The comparison itself, on examples.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { breaking } from './breaking.mjs';

const released = `
  type Query { session(id: ID!, old: Int @deprecated): Session legacy: Legacy @deprecated(reason: "use session") nodes: [Node!] }
  interface Node { id: ID! }
  type Session implements Node { id: ID! title: String! length: Int @deprecated status: Status }
  type Legacy { name: String inner: Inner }
  type Inner { x: Int }
  type Hidden implements Node { id: ID! }
  enum Status { OPEN CLOSED LOST @deprecated }
  input Filter { text: String }
  type Mutation { find(filter: Filter): Session }
`;
const without = (...pairs) => pairs.reduce((sdl, [from, to]) => {
  assert.ok(sdl.includes(from), from);
  return sdl.replace(from, to);
}, released);

const examples = [
  ['nothing changed', released, []],
  ['more of everything', without(['title: String!', 'title: String! more: Int'], ['OPEN CLOSED', 'OPEN CLOSED NEW'], ['text: String', 'text: String also: Int']), []],
  ['a promise kept: a deprecated field, argument and value go', without([', old: Int @deprecated', ''], ['length: Int @deprecated', ''], ['LOST @deprecated', '']), []],
  ['a deprecated field goes with the types that it alone led to', without(['legacy: Legacy @deprecated(reason: "use session")', ''], ['type Legacy { name: String inner: Inner }', ''], ['type Inner { x: Int }', '']), []],
  ['a field goes', without(['title: String!', '']), ['FIELD_REMOVED']],
  ['a field may be null now', without(['title: String!', 'title: String']), ['FIELD_CHANGED_KIND']],
  ['a value goes', without(['OPEN CLOSED', 'OPEN']), ['VALUE_REMOVED_FROM_ENUM']],
  ['an argument is required now', without(['session(id: ID!', 'session(id: ID!, of: ID!']), ['REQUIRED_ARG_ADDED']],
  ['an input field is required now', without(['text: String', 'text: String also: Int!']), ['REQUIRED_INPUT_FIELD_ADDED']],
  ['a type that an interface led to goes', without(['type Hidden implements Node { id: ID! }', '']), ['TYPE_REMOVED']],
  ['a mutation goes', without(['type Mutation { find(filter: Filter): Session }', 'type Mutation { other: Int }']), ['FIELD_REMOVED']],
];

for (const [name, now, expected] of examples) {
  test(name, () => assert.deepEqual(breaking(released, now).map((change) => change.split(':')[0]), expected));
}
