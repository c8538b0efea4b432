// Bundles the peer into one file, dist/main.js: what the image holds, and quick to start.
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

// Nest tries these at run time, for features that a peer does not use; a bundle must not look for them.
const optional = [
  '@nestjs/websockets',
  '@nestjs/websockets/socket-module',
  '@nats-io/transport-node',
  'amqp-connection-manager',
  'amqplib',
  'cache-manager',
  'class-transformer',
  'class-validator',
  'ioredis',
  'kafkajs',
  'mqtt',
];

/**
 * Packages that others load at their start for what a peer never does, and which are a third of the program together: reading
 * HTTP bodies (every route is a GET, `bodyParser` is off), uploads, channelz, spans. Whoever used one after all would find a
 * plain Error that names it.
 */
const unused = {
  'body-parser': ['json', 'raw', 'text', 'urlencoded'],
  multer: ['default'],
  '@grpc/proto-loader': ['loadSync'],
};

/** Of the nine hundred types that a name of a file can stand for, those that express asks for when it answers. */
const mimeTypes = {
  'application/json': { charset: 'UTF-8', extensions: ['json'] },
  'application/octet-stream': { extensions: ['bin'] },
  'text/html': { charset: 'UTF-8', extensions: ['html'] },
  'text/plain': { charset: 'UTF-8', extensions: ['txt'] },
};

/** In place of each package: functions that throw. */
const withoutUnused = {
  name: 'without-unused',
  setup({ onResolve, onLoad }) {
    const filter = new RegExp(`^(${Object.keys(unused).join('|')})$`);
    onResolve({ filter }, ({ path }) => ({ path, namespace: 'unused' }));
    onLoad({ filter: /.*/, namespace: 'unused' }, ({ path }) => ({
      contents: [
        `const absent = () => { throw new Error('${path} is not part of the peer'); };`,
        ...unused[path].map((name) => `exports.${name} = absent;`),
      ].join('\n'),
    }));
    onResolve({ filter: /^mime-db$/ }, ({ path }) => ({ path, namespace: 'mime' }));
    onLoad({ filter: /.*/, namespace: 'mime' }, () => ({ contents: JSON.stringify(mimeTypes), loader: 'json' }));
  },
};

const rxjs = (path) => fileURLToPath(new URL(`../../node_modules/rxjs/dist/esm/${path}`, import.meta.url));

const path = (name) => new URL(name, import.meta.url).pathname;

/** The thread of the index: a program of its own, a few KiB, so that it starts without the peer's. */
await build({
  entryPoints: [path('src/search/index-worker.ts')],
  outfile: path('dist/index-worker.mjs'),
  bundle: true,
  platform: 'node',
  target: 'node24',
  format: 'esm',
  sourcemap: true,
  minifyWhitespace: true,
  minifySyntax: true,
  logLevel: 'warning',
});

const result = await build({
  entryPoints: [path('src/main.ts')],
  outfile: path('dist/main.js'),
  bundle: true,
  platform: 'node',
  target: 'node24',
  format: 'esm',
  sourcemap: true,
  // The text of a program stays in its memory. Identifiers are kept, so stack traces and Nest's messages are readable;
  // `keepNames` beside that would define the name of every function anew each time that one is made.
  minifyWhitespace: true,
  minifySyntax: true,
  external: optional,
  plugins: [withoutUnused],
  // Its modules, of which a bundle keeps what is used, rather than the CommonJS that its `node` condition names.
  alias: { 'rxjs/operators': rxjs('operators/index.js'), rxjs: rxjs('index.js') },
  tsconfigRaw: { compilerOptions: { experimentalDecorators: true } },
  // CommonJS packages inside an ES module need these.
  banner: {
    js: [
      "import { createRequire as __createRequire } from 'node:module';",
      "import { fileURLToPath as __fileURLToPath } from 'node:url';",
      'const require = __createRequire(import.meta.url);',
      'const __filename = __fileURLToPath(import.meta.url);',
      "const __dirname = __fileURLToPath(new URL('.', import.meta.url));",
    ].join('\n'),
  },
  logLevel: 'warning',
  metafile: true,
});
const [, { bytes }] = Object.entries(result.metafile.outputs).find(([path]) => path.endsWith('main.js')) ?? [];
process.stdout.write(`dist/main.js ${(bytes / 1024).toFixed(0)} KiB\n`);
