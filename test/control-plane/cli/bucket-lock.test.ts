import { expect, test } from 'vitest';
import { lockDays, lockGiven, lockLines } from '../../../control-plane/cli/commands/bucket-lock.ts';

const known = { mode: 'compliance', days: 30, liftable: false };

test('what is not said of a lock stays as it is', () => {
  expect(lockGiven({ lockDays: 7 })).toEqual({ days: 7, mode: 'governance' });
  expect(lockGiven({ lockDays: 60 }, known)).toEqual({ days: 60, mode: 'compliance' });
  expect(lockGiven({ lockMode: 'governance' }, known)).toEqual({ days: 30, mode: 'governance' });
  expect(lockGiven({ lock: true }, known)).toBeUndefined();
  expect(lockGiven({ lock: false, lockDays: 7 }, known)).toBeUndefined();
});

test('a mode without days, and days that are none, are refused with what to give', () => {
  expect(() => lockGiven({ lockMode: 'compliance' })).toThrow('For how long');
  for (const text of ['', '-1', '1.5', 'a week', '100000'])
    expect(() => lockDays(text), text).toThrow('whole number');
  expect(lockDays('36500')).toBe(36_500);
});

test('a lock that the vault’s own key can lift is said to be one', () => {
  expect(lockLines(null)).toEqual([]);
  expect(lockLines(known)).toEqual(['What a backup needs is locked for 30 days (compliance).']);
  const [, warning] = lockLines({ mode: 'governance', days: 1, liftable: true });
  expect(warning).toContain('s3:BypassGovernanceRetention');
});
