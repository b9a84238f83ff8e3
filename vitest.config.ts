import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['src/**/*.test.ts', 'test/**/*.test.ts', 'tools/**/*.test.ts'],
    exclude: ['test/fixtures/**', 'node_modules/**'],
    // Real processes and kernels are slower than functions; a test that hangs still ends.
    testTimeout: 60_000,
    hookTimeout: 60_000,
    pool: 'forks',
    coverage: { include: ['src/**/*.ts'], exclude: ['src/**/*.test.ts', 'src/uapi/generated/**'] },
  },
});
