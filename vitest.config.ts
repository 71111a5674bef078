import { defineConfig } from 'vitest/config';

/** The driver's own tests with other servers than this machine's: those that start one. */
const onServer = (server: string) => ({
  extends: true as const,
  test: {
    name: `matrix ${server}`,
    include: [
      'test/agent/engines/mysql/{connect,documented-accounts,dump,grants,hostile-names,in-place,preflight-backup,restore,tls,views}.test.ts',
    ],
    env: { HOMEPORT_TEST_SERVER: server },
    testTimeout: 120_000,
  },
});

/** Stages of `npm test`, in the order they run: the cheap ones first. */
export default defineConfig({
  test: {
    // Real servers and processes share few cores: waits are bounded by conditions, this is the last resort.
    testTimeout: 60_000,
    hookTimeout: 60_000,
    maxWorkers: 2,
    projects: [
      {
        extends: true,
        test: {
          name: 'unit',
          include: [
            'test/{house,protocol,agent,control-plane,security,web,contract,vault-format}/**/*.test.{ts,tsx}',
          ],
        },
      },
      { extends: true, test: { name: 'e2e', include: ['test/e2e/**/*.test.ts'], testTimeout: 120_000 } },
      // Needs servers of other Debian suites: `npm run test:matrix`.
      {
        extends: true,
        test: { name: 'matrix', include: ['test/matrix/**/*.test.ts'], testTimeout: 120_000 },
      },
      onServer('mysql:9'),
      onServer('mariadb:11.8'),
      {
        extends: true,
        test: { name: 'browser', include: ['test/browser/**/*.test.ts'], testTimeout: 120_000 },
      },
    ],
  },
});
