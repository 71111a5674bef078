import { writeFileSync } from 'node:fs';
import type { Reporter, SerializedError, TestModule } from 'vitest/node';

/** How one vitest run ended, in tests. What broke outside of a test counts as one that failed. */
export interface Tally {
  passed: number;
  failed: number;
  /** Full names of tests that did not run. */
  skipped: string[];
}

/** A vitest reporter beside the usual one: leaves a {@link Tally} as JSON in the file `HOMEPORT_TALLY` names. */
export default class TallyReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], unhandled: readonly SerializedError[]): void {
    const path = process.env.HOMEPORT_TALLY;
    if (path) writeFileSync(path, JSON.stringify(tallyOf(modules, unhandled.length)));
  }
}

function tallyOf(modules: readonly TestModule[], unhandled: number): Tally {
  const tally: Tally = { passed: 0, failed: unhandled, skipped: [] };
  for (const module of modules) {
    tally.failed += module.errors().length;
    for (const suite of module.children.allSuites()) tally.failed += suite.errors().length;
    for (const test of module.children.allTests()) {
      const { state } = test.result();
      if (state === 'passed') tally.passed += 1;
      else if (state === 'failed') tally.failed += 1;
      else tally.skipped.push(`${module.relativeModuleId}: ${test.fullName}`);
    }
  }
  return tally;
}
