// Bundles the peer into one file, dist/main.js: what the image holds, and quick to start.
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

const result = await build({
  entryPoints: [new URL('src/main.ts', import.meta.url).pathname],
  outfile: new URL('dist/main.js', import.meta.url).pathname,
  bundle: true,
  platform: 'node',
  target: 'node24',
  format: 'esm',
  sourcemap: true,
  // The text of a program stays in its memory; names stay readable in stack traces and in Nest's messages.
  minifyWhitespace: true,
  minifySyntax: true,
  keepNames: true,
  external: optional,
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
