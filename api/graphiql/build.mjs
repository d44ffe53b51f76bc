// Bundles the page into dist/, which is committed and embedded by the server.
import { build } from 'esbuild';
import { createHash } from 'node:crypto';
import { copyFile, mkdir, readFile, rm, writeFile } from 'node:fs/promises';

await rm('dist', { recursive: true, force: true });
await mkdir('dist');
await build({
  entryPoints: { graphiql: 'src/index.jsx' },
  outdir: 'dist',
  bundle: true,
  minify: true,
  format: 'iife',
  target: 'es2022',
  jsx: 'automatic',
  legalComments: 'inline',
  define: { 'process.env.NODE_ENV': '"production"' },
  loader: { '.woff': 'dataurl', '.woff2': 'dataurl', '.ttf': 'dataurl', '.svg': 'dataurl' },
  logLevel: 'info',
});
await copyFile('src/index.html', 'dist/index.html');

// What it was made from: a test compares this with the files.
const sources = ['build.mjs', 'package-lock.json', 'src/index.html', 'src/index.jsx', 'src/page.css'];
const hash = createHash('sha256');
for (const source of sources) hash.update(await readFile(source));
await writeFile('dist/sources.sha256', `${hash.digest('hex')}\n`);
