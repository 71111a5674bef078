import { describe, expect, test } from 'vitest';
import { databaseAllowed, policyRefusal } from '../../../agent/jobs/policy.ts';
import type { LocalPolicy } from '../../../protocol/messages.ts';

const open: LocalPolicy = { restore: 'allow', update: 'allow' };
const shop = { server: 'main', database: 'shop' };

describe('restores', () => {
  test.for([
    ['allow', 'new', undefined],
    ['allow', 'swap', undefined],
    ['scratch-only', 'new', undefined],
    ['scratch-only', 'swap', 'policy_denied'],
    ['deny', 'new', 'policy_denied'],
    ['deny', 'swap', 'policy_denied'],
  ] as const)('%s, %s: %s', ([restore, mode, code]) => {
    expect(policyRefusal({ ...open, restore }, { kind: 'restore', ...shop, mode })?.code).toBe(code);
  });
  test('the policy for restores leaves backups alone', () => {
    expect(policyRefusal({ ...open, restore: 'deny' }, { kind: 'backup', ...shop })).toBeUndefined();
  });
});

describe('drills', () => {
  test.for([
    [undefined, undefined],
    ['allow', undefined],
    ['counts-only', undefined],
    ['deny', 'policy_denied'],
  ] as const)('%s: %s', ([drill, code]) => {
    const policy = drill === undefined ? open : { ...open, drill };
    expect(policyRefusal(policy, { kind: 'drill', ...shop })?.code).toBe(code);
  });
  test('a database that is not allowed is not drilled; one that may not be restored over is', () => {
    expect(policyRefusal({ ...open, databases: ['x/*'] }, { kind: 'drill', ...shop })?.code).toBe(
      'policy_denied',
    );
    expect(policyRefusal({ ...open, restore: 'deny' }, { kind: 'drill', ...shop })).toBeUndefined();
  });
});

describe('databases', () => {
  test.for([
    ['main/shop', true],
    ['main/*', true],
    ['*/shop', true],
    ['*', true],
    ['m*n/s*p', true],
    ['main/shop*', true],
    ['main/sho', false],
    ['ain/shop', false],
    ['main/shops', false],
    ['main/*shopp', false],
    ['main/shop*p', false],
    ['main.shop', false],
    ['', false],
  ] as const)('%s covers main/shop: %s', ([pattern, allowed]) => {
    expect(databaseAllowed({ ...open, databases: [pattern] }, shop)).toBe(allowed);
  });
  test('an empty list allows nothing, no list everything', () => {
    expect(databaseAllowed({ ...open, databases: [] }, shop)).toBe(false);
    expect(databaseAllowed(open, shop)).toBe(true);
  });
  test('a hostile pattern takes no exponential time', () => {
    const database = 'a'.repeat(5000);
    expect(databaseAllowed({ ...open, databases: [`${'*a'.repeat(200)}b`] }, { server: 'x', database })).toBe(
      false,
    );
  });
  test('a refusal names what to change', () => {
    const refusal = policyRefusal({ ...open, databases: ['other/*'] }, { kind: 'backup', ...shop });
    expect(refusal).toMatchObject({ code: 'policy_denied', hint: expect.stringContaining('“databases”') });
  });
});
