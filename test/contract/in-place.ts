import { expect, test } from 'vitest';
import type { StreamOpener } from '../../agent/engines/driver.ts';
import { FailureError } from '../../protocol/failure.ts';
import { type Captured, failureOf, opener, operation, restoreInput } from './captured.ts';
import type { EngineSubject, EngineUnderTest } from './subject.ts';

/** Restores into a database that exists: it is replaced, and only what was announced goes. */
export function inPlaceContract(
  { failedInPlace }: Pick<EngineSubject, 'failedInPlace'>,
  given: () => { it: EngineUnderTest; dump: Captured },
): void {
  const database = 'contract_place';
  let original: Record<string, string>;

  test('in place: replaces what is there, drops what it announced', async () => {
    const { it, dump } = given();
    const input = restoreInput(dump, { mode: 'in-place', targetDatabase: database });
    await it.driver.restore(it.server, restoreInput(dump, { targetDatabase: database }), operation());
    original = await it.contents(database);
    await it.change(database);
    await it.clutter(database);
    const preflight = await it.driver.preflightRestore(it.server, input, operation());
    expect(preflight.modes.find((verdict) => verdict.mode === 'in-place')).toMatchObject({ possible: true });
    const drops = preflight.findings.find((finding) => finding.code === 'in_place_drops');
    expect(drops).toMatchObject({ severity: 'warning', modes: ['in-place'] });
    for (const name of it.stray) expect(drops?.message).toContain(name);
    const report = await it.driver.restore(it.server, input, operation());
    expect(report).toMatchObject({ database, mode: 'in-place' });
    expect(await it.contents(database)).toEqual(original);
  });

  test(`in place: where the source fails half way, the target is ${failedInPlace === 'as before' ? 'as before' : 'not, and the failure says so'}`, async () => {
    const { it, dump } = given();
    await it.change(database);
    const before = await it.contents(database);
    const bytes = dump.streams.get('dump') ?? Buffer.alloc(0);
    const open: StreamOpener = async function* (name) {
      if (name !== 'dump') return yield* opener(dump)(name);
      yield bytes.subarray(0, bytes.length / 2);
      throw new FailureError({
        code: 'pack_corrupt',
        message: 'damaged',
        hint: 'restore another',
        retryable: false,
      });
    };
    const plan = { mode: 'in-place', targetDatabase: database } as const;
    const failure = await failureOf(
      it.driver.restore(it.server, restoreInput(dump, plan, open), operation()),
    );
    expect(failure.code).toBe('pack_corrupt');
    if (failedInPlace === 'as before') expect(await it.contents(database)).toEqual(before);
    else expect(failure.hint).toContain(database);
    await it.driver.restore(it.server, restoreInput(dump, plan), operation());
    expect(await it.contents(database)).toEqual(original);
  });

  test('in place: makes no database', async () => {
    const { it, dump } = given();
    const before = await it.databases();
    const input = restoreInput(dump, { mode: 'in-place', targetDatabase: 'contract_nowhere' });
    const preflight = await it.driver.preflightRestore(it.server, input, operation());
    expect(preflight.modes.find((verdict) => verdict.mode === 'in-place')).toMatchObject({ possible: false });
    await failureOf(it.driver.restore(it.server, input, operation()));
    expect(await it.databases()).toEqual(before);
  });
}
