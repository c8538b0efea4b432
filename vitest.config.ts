import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: [
      'libs/**/*.spec.ts',
      'apps/peer/**/*.spec.ts',
      'apps/cli/**/*.spec.ts',
      'apps/dashboard/**/*.spec.ts',
      'tools/**/*.spec.ts',
      'e2e/**/*.spec.ts',
    ],
    exclude: ['**/node_modules/**', '**/dist/**', '**/.next/**', 'e2e/k8s/**'],
    setupFiles: ['tools/property-seed.ts'],
    // For a test that hangs. A busy machine is no reason to fail, so nothing is measured by it.
    testTimeout: 120_000,
    hookTimeout: 120_000,
    expect: { poll: { timeout: 60_000 } },
    maxWorkers: 2,
  },
});
