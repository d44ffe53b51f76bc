// Writes src/generated/ from ../../schema.graphql and src/operations/*.graphql.
//   node generate.mjs           writes it
//   node generate.mjs --check   says whether it is what would be written; the exit code is 1 when not
import { readFile, readdir, writeFile, mkdir } from 'node:fs/promises';
import { codegen } from '@graphql-codegen/core';
import * as typescript from '@graphql-codegen/typescript';
import * as operations from '@graphql-codegen/typescript-operations';
import * as documents from '@graphql-codegen/typed-document-node';
import { buildSchema, Kind, parse, validate } from 'graphql';

const here = new URL('.', import.meta.url);
const target = new URL('src/generated/', here);

const sdl = await readFile(new URL('../../schema.graphql', here), 'utf8');
const folder = new URL('src/operations/', here);
const names = (await readdir(folder)).filter((name) => name.endsWith('.graphql')).sort();
const sources = await Promise.all(
  names.map(async (name) => ({ location: name, document: parse(await readFile(new URL(name, folder), 'utf8')) })),
);

const schema = buildSchema(sdl);
// Together, since fragments of one file serve the others.
const all = { kind: Kind.DOCUMENT, definitions: sources.flatMap(({ document }) => document.definitions) };
const faults = validate(schema, all).map((fault) => fault.toString());
if (faults.length > 0) {
  console.error(faults.join('\n'));
  process.exit(1);
}

const shared = {
  schema: parse(sdl),
  schemaAst: schema,
};
const config = {
  strictScalars: true,
  scalars: Object.fromEntries(['BigInt', 'DateTime', 'Decimal', 'JSON', 'URL'].map((name) => [name, `../scalars.js#${name}`])),
  enumsAsTypes: true,
  enumType: 'string-literal',
  immutableTypes: true,
  skipTypename: true,
  useTypeImports: true,
  dedupeFragments: true,
  importExtension: '.js',
};
const note = '// Written by generate.mjs from schema.graphql and src/operations: do not edit.\n';
const texts = {
  'schema.ts': await codegen({
    ...shared,
    config,
    documents: [],
    filename: 'schema.ts',
    plugins: [{ typescript: {} }],
    pluginMap: { typescript },
  }),
  'operations.ts': await codegen({
    ...shared,
    config: { ...config, importSchemaTypesFrom: './schema.js', namespacedImportName: 'Types' },
    documents: sources,
    filename: 'operations.ts',
    plugins: [{ operations: {} }, { documents: {} }],
    pluginMap: { operations, documents },
  }),
};

await mkdir(target, { recursive: true });
for (const [name, text] of Object.entries(texts)) {
  const path = new URL(name, target);
  const fresh = `${note}${text.trimEnd()}\n`;
  if (process.argv.includes('--check')) {
    if ((await readFile(path, 'utf8').catch(() => '')) !== fresh) {
      console.error(`src/generated/${name} is not what the schema says any more: run \`npm run generate\` in clients/typescript`);
      process.exitCode = 1;
    }
  } else {
    await writeFile(path, fresh);
  }
}
