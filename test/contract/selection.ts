import { expect, test } from 'vitest';
import { type Captured, capture, operation, restoreInput } from './captured.ts';
import type { EngineUnderTest } from './subject.ts';

/** Backups that leave rows out: definitions stay, everything else is whole, and it is said before and after. */
export function selectionContract(given: () => { it: EngineUnderTest; dump: Captured }): void {
  const database = 'contract_partial';

  test('selection: preflight says whose rows are left out, what matches nothing, what would not restore', async () => {
    const { it } = given();
    const found = async (exclude: string[], include: string[] = []) => {
      const wish = { database: it.sample, selection: { include, exclude } };
      const { findings } = await it.driver.preflightBackup(it.server, wish, operation());
      return findings;
    };
    const { pattern, referenced } = it.leaveOut;
    const left = (await found([pattern])).find((finding) => finding.code === 'rows_left_out');
    expect(left).toMatchObject({ severity: 'info', message: expect.stringContaining(pattern) });
    const nothing = (await found(['no_such*thing'])).find((finding) => finding.code === 'pattern_unmatched');
    expect(nothing).toMatchObject({
      severity: 'warning',
      message: expect.stringContaining('no_such*thing'),
    });
    const broken = (await found([referenced])).find((finding) => finding.code === 'reference_left_out');
    expect(broken).toMatchObject({ severity: 'blocker', message: expect.stringContaining(referenced) });
    expect((await found([])).map((finding) => finding.code)).not.toContain('rows_left_out');
  });

  test('selection: a restore has the definition without the rows, and all the rest', async () => {
    const { it } = given();
    const { pattern, key, empty } = it.leaveOut;
    const partial = await capture(it.driver, it.server, it.sample, { include: [], exclude: [pattern] });
    expect(partial.result.options.selection).toBe('partial');
    expect(partial.result.catalog.requirements).toMatchObject({ excludedTables: [pattern] });
    await it.driver.restore(it.server, restoreInput(partial, { targetDatabase: database }), operation());
    const whole = await it.contents(it.sample);
    expect(whole[key]).not.toBe(empty);
    expect(await it.contents(database)).toEqual({ ...whole, [key]: empty });

    // In place, rows that the snapshot lacks are left alone.
    const plan = { mode: 'in-place', targetDatabase: database } as const;
    await it.change(database);
    const changed = await it.contents(database);
    expect(changed[key]).not.toBe(empty);
    await it.driver.restore(it.server, restoreInput(partial, plan), operation());
    expect(await it.contents(database)).toEqual({ ...whole, [key]: changed[key] });
  });

  test('selection: a whole backup says so', () => {
    expect(given().dump.result.options.selection).toBe('all');
  });
}
