// GraphiQL in a real browser: a query and a subscription show results, and no request leaves the host.
// node graphiql.mjs <page url> <screenshot> [chromium]
import assert from 'node:assert/strict';
import puppeteer from 'puppeteer-core';

const [url, screenshot, executablePath = '/usr/bin/chromium'] = process.argv.slice(2);
const browser = await puppeteer.launch({
  executablePath,
  headless: true,
  args: ['--no-sandbox', '--disable-gpu', '--no-first-run', '--disable-background-networking', '--disable-component-update'],
});
const problems = [];
const hosts = new Set();
try {
  const page = await browser.newPage();
  await page.setViewport({ width: 1280, height: 800 });
  page.on('console', (message) => message.type() === 'error' && problems.push(message.text()));
  page.on('pageerror', (error) => problems.push(String(error)));
  page.on('request', (request) => hosts.add(new URL(request.url()).host || 'inline'));
  await page.goto(url, { waitUntil: 'networkidle0', timeout: 60_000 });
  await page.waitForSelector('.graphiql-query-editor .CodeMirror', { timeout: 30_000 });

  const shows = async (query, expected) => {
    await page.evaluate((text) => document.querySelector('.graphiql-query-editor .CodeMirror').CodeMirror.setValue(text), query);
    await page.click('.graphiql-execute-button');
    await page.waitForFunction(
      (wanted) => document.querySelector('.result-window .CodeMirror')?.CodeMirror.getValue().includes(wanted),
      { timeout: 30_000 },
      expected,
    );
  };
  await shows('{ hello(name: "explorer") }', 'hello, explorer');
  await shows('subscription { clock(everyMilliseconds: 20, count: 5) { number cursor } }', '"number": 5');
  // The documentation comes from introspection.
  await page.click('button[aria-label="Show Documentation Explorer"]');
  await page.waitForFunction(() => document.querySelector('.graphiql-doc-explorer')?.textContent.includes('Clock'), { timeout: 30_000 });
  await page.screenshot({ path: screenshot });
  assert.deepEqual(problems, []);
  assert.deepEqual([...hosts].filter((host) => host !== 'inline' && host !== new URL(url).host), []);
  console.log('ok GraphiQL');
} catch (error) {
  console.error(error, { problems, hosts: [...hosts] });
  process.exitCode = 1;
} finally {
  await browser.close();
}
