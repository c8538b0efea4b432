/** Bundles mesh-check into one file: `node e2e/k8s/mesh-check/build.ts OUT`. */
import { build } from 'esbuild';

const [outfile = 'dist/mesh-check.cjs'] = process.argv.slice(2);
await build({
  entryPoints: [new URL('./main.ts', import.meta.url).pathname],
  outfile,
  bundle: true,
  platform: 'node',
  target: 'node24',
  // CommonJS: grpc-js is, and a bundle of it as a module would lack `require`.
  format: 'cjs',
  logLevel: 'warning',
});
