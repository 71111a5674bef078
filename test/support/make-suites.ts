import { makeSuite, SUITE_NAMES } from './suites.ts';

/** Sets up the Debian suites of the matrix, all at a time; at once where they are there. */
const started = performance.now();
await Promise.all(
  SUITE_NAMES.map(async (suite) => {
    await makeSuite(suite);
    console.log(`Debian ${suite}: ready after ${((performance.now() - started) / 1000).toFixed(1)} s`);
  }),
);
