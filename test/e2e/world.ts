import { afterAll, afterEach, beforeAll, test } from 'vitest';
import { type Homeport, type HomeportOptions, startHomeport } from '../support/harness.ts';
import { startPostgres, type TestPostgres, type TestPostgresOptions } from '../support/postgres.ts';

/** A Homeport shared by the tests of one file or block; its directory is kept if one of them fails. */
export function sharedHomeport(options: HomeportOptions = {}): () => Homeport {
  let homeport: Homeport | undefined;
  let failed = false;
  beforeAll(async () => {
    homeport = await startHomeport(options);
  });
  afterEach(({ task }) => {
    failed ||= task.result?.state === 'fail';
  });
  afterAll(() => homeport?.stop({ keep: failed }));
  return () => homeport as Homeport;
}

/** A PostgreSQL server shared by the tests of one file or block. */
export function sharedPostgres(options: TestPostgresOptions = {}): () => TestPostgres {
  let server: TestPostgres | undefined;
  beforeAll(async () => {
    server = await startPostgres(options);
  });
  afterAll(() => server?.stop());
  return () => server as TestPostgres;
}

/**
 * For proofs that need root: namespaces, mounts. Elsewhere they are named as not run; in CI they run, so
 * that a CI without root fails loudly.
 */
export const privilegedTest =
  process.getuid?.() === 0 || process.env.HOMEPORT_CI
    ? test
    : (test.skip.bind(test) as unknown as typeof test);
