// Bundles src/ and strings.json into dist/widget.js, which is committed. `node build.mjs [FILE]` writes elsewhere.
import { build, transform } from 'esbuild';
import { createHash } from 'node:crypto';
import { readFileSync, readdirSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const here = dirname(fileURLToPath(import.meta.url));

/** A fingerprint of all that goes in, so that a machine without node can tell whether the committed bundle is current. */
function fingerprint() {
  const hash = createHash('sha256');
  const names = [...readdirSync(join(here, 'src')).map((name) => `src/${name}`), 'strings.json', 'build.mjs', 'package.json'].sort();
  for (const name of names) hash.update(name).update('\0').update(readFileSync(join(here, name))).update('\0');
  return hash.digest('hex').slice(0, 16);
}

await build({
  entryPoints: [join(here, 'src/main.js')],
  outfile: process.argv[2] ?? join(here, 'dist/widget.js'),
  bundle: true,
  minify: true,
  format: 'iife',
  target: ['es2020', 'safari16.4', 'chrome80', 'firefox101'],
  charset: 'utf8',
  legalComments: 'none',
  banner: { js: `/* Orienta, Apache-2.0, ${fingerprint()} */` },
  plugins: [
    {
      name: 'css-as-text',
      setup({ onLoad }) {
        onLoad({ filter: /\.css$/ }, async ({ path }) => ({
          contents: (await transform(await readFile(path, 'utf8'), { loader: 'css', minify: true, target: ['safari16.4', 'chrome80', 'firefox101'] })).code.trim(),
          loader: 'text',
        }));
      },
    },
  ],
});
