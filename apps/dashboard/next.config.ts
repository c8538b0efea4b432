import path from 'node:path';
import type { NextConfig } from 'next';

const monorepoRoot = path.join(import.meta.dirname, '..', '..');

const config: NextConfig = {
  output: 'standalone',
  outputFileTracingRoot: monorepoRoot,
  turbopack: { root: monorepoRoot },
  // No picture is resized, so the native library for it need not be carried along.
  images: { unoptimized: true },
  outputFileTracingExcludes: { '**/*': ['../../node_modules/sharp/**/*', '../../node_modules/@img/**/*'] },
  transpilePackages: [
    '@starling/client',
    '@starling/kernel',
    '@starling/query',
    '@starling/topology',
    '@starling/wire',
  ],
  // It finds its own .proto files and native parts by path, which a bundle would break.
  serverExternalPackages: ['@grpc/grpc-js'],
  // Compression holds events back until a block is full; what is served is small or already compressed.
  compress: false,
  poweredByHeader: false,
  devIndicators: false,
};

export default config;
