import { configDefaults, defineConfig } from 'vitest/config';

// `npm start` lays out what is built anew, from Nx's cache (without its daemon Nx cannot tell that it is there already): for
// a moment there is no program that other tests could start. So this spec runs when all the others are over.
const alone = ['e2e/local/npm-start.spec.ts'];

const exclude = [...configDefaults.exclude, '**/dist/**', '**/.next/**', 'e2e/k8s/**'];

export default defineConfig({
  test: {
    projects: [
      {
        extends: true,
        test: {
          name: 'side by side',
          include: [
            'libs/**/*.spec.ts',
            'apps/peer/**/*.spec.ts',
            'apps/cli/**/*.spec.ts',
            'apps/dashboard/**/*.spec.ts',
            'tools/**/*.spec.ts',
            'e2e/**/*.spec.ts',
          ],
          exclude: [...exclude, ...alone],
          sequence: { groupOrder: 0 },
        },
      },
      { extends: true, test: { name: 'alone', include: alone, exclude, sequence: { groupOrder: 1 } } },
    ],
    setupFiles: ['tools/property-seed.ts'],
    // For a test that hangs. A busy machine is no reason to fail, so nothing is measured by it.
    testTimeout: 120_000,
    hookTimeout: 120_000,
    expect: { poll: { timeout: 60_000 } },
    maxWorkers: 2,
  },
});
