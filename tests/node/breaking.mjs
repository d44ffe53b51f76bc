// What would break clients of the last release. node breaking.mjs <released.graphql> <schema.graphql>
//
// What a release has marked @deprecated may go with the next one: it is taken out of the released schema before the two are
// compared, and so are the types that were reached through it alone.
import { readFile } from 'node:fs/promises';
import { pathToFileURL } from 'node:url';
import {
  buildASTSchema,
  buildSchema,
  findBreakingChanges,
  getNamedType,
  isAbstractType,
  isInputObjectType,
  isInterfaceType,
  isObjectType,
  parse,
  visit,
} from 'graphql';

const isDeprecated = (node) => node.directives?.some((directive) => directive.name.value === 'deprecated');
const drop = (node) => (isDeprecated(node) ? null : undefined);

/** The schema without what it says will go. */
function promised(sdl) {
  const document = visit(parse(sdl), { FieldDefinition: drop, InputValueDefinition: drop, EnumValueDefinition: drop });
  return buildASTSchema(document, { assumeValid: true });
}

/** Names of the types that a client can come across. */
function reachable(schema) {
  const found = new Set();
  const see = (type) => {
    const named = getNamedType(type);
    if (!named || found.has(named.name)) return;
    found.add(named.name);
    if (isObjectType(named) || isInterfaceType(named)) {
      named.getInterfaces().forEach(see);
      for (const field of Object.values(named.getFields())) {
        see(field.type);
        for (const argument of field.args) see(argument.type);
      }
    }
    if (isAbstractType(named)) schema.getPossibleTypes(named).forEach(see);
    if (isInputObjectType(named)) for (const field of Object.values(named.getFields())) see(field.type);
  };
  [schema.getQueryType(), schema.getMutationType(), schema.getSubscriptionType()].forEach(see);
  return found;
}

/** One sentence for each change of `now` that breaks clients of `released`. */
export function breaking(released, now) {
  const old = promised(released);
  const used = reachable(old);
  // A type goes quietly with the last field that led to it.
  const quiet = (change) => change.type === 'TYPE_REMOVED' && ![...used].some((name) => change.description.startsWith(`${name} `));
  return findBreakingChanges(old, buildSchema(now, { assumeValid: true }))
    .filter((change) => !quiet(change))
    .map((change) => `${change.type}: ${change.description}`);
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  const [released, now] = await Promise.all(process.argv.slice(2, 4).map((path) => readFile(path, 'utf8')));
  const changes = breaking(released, now);
  for (const change of changes) console.error(change);
  process.exit(changes.length === 0 ? 0 : 1);
}
