import { describe, expect, test } from 'vitest';
import { requirePossible, requireSense } from '../../../control-plane/jobs/restore-check.ts';
import type { EngineDescriptor } from '../../../protocol/engines/engine.ts';
import { mariadb } from '../../../protocol/engines/mysql.ts';
import { postgresql } from '../../../protocol/engines/postgres.ts';
import type { Finding, RestorePlan, RestorePreflight } from '../../../protocol/restore.ts';

function plan(change: Partial<RestorePlan> = {}): RestorePlan {
  return { mode: 'in-place', targetDatabase: 'shop', owners: 'keep', endSessions: false, ...change };
}

function preflight(findings: Finding[]): RestorePreflight {
  const yes = { possible: true, reason: '' };
  return {
    findings,
    modes: [
      { mode: 'new', possible: false, reason: 'It exists.', sql: 'DROP it;' },
      { mode: 'in-place', ...yes },
    ],
    ownerChoices: [{ choice: 'keep', ...yes }],
    missing: [],
    serverVersion: '1',
    tool: 't',
    target: { exists: true },
  };
}

const blocker = { severity: 'blocker', code: 'x', message: 'Too small.', hint: 'Grow.' } as const;

describe('what the target says', () => {
  test('counts for the mode it is about', () => {
    expect(() => requirePossible(plan(), preflight([{ ...blocker, modes: ['new'] }]))).not.toThrow();
    expect(() => requirePossible(plan(), preflight([{ ...blocker, modes: ['in-place'] }]))).toThrow(
      /Too small/,
    );
    expect(() => requirePossible(plan(), preflight([blocker]))).toThrow(/Too small/);
    expect(() => requirePossible(plan(), preflight([{ ...blocker, severity: 'warning' }]))).not.toThrow();
  });

  test('is handed on with its SQL', () => {
    expect(() => requirePossible(plan({ mode: 'new' }), preflight([]))).toThrow(
      expect.objectContaining({ failure: expect.objectContaining({ sql: 'DROP it;' }) }),
    );
  });

  test('may not know a mode or an owner choice at all', () => {
    expect(() => requirePossible(plan({ mode: 'swap' }), preflight([]))).toThrow(/no mode “swap”/);
    expect(() => requirePossible(plan({ owners: 'none' }), preflight([]))).toThrow(/no owner choice “none”/);
  });
});

describe('what makes no sense is said before anybody is asked', () => {
  const sense = (order: Parameters<typeof requireSense>[0], engine: EngineDescriptor) => () =>
    requireSense(order, engine);
  const events = plan({ switches: ['enable-events'] });

  test('a switch that the engine does not have', () => {
    expect(sense({ plan: events }, mariadb.descriptor)).not.toThrow();
    expect(sense({ plan: events }, postgresql.descriptor)).toThrow(/plan\.switches/);
  });

  test('mapping to nobody', () => {
    const mapped = plan({ owners: 'map' });
    expect(sense({ plan: mapped }, mariadb.descriptor)).toThrow(/plan\.mapTo.*user@host/);
    expect(sense({ plan: { ...mapped, mapTo: 'app@%' } }, mariadb.descriptor)).not.toThrow();
  });

  test('a safety snapshot of what stays anyway', () => {
    const safe = (mode: RestorePlan['mode']) => ({ plan: plan({ mode }), safetySnapshot: true });
    expect(sense(safe('in-place'), postgresql.descriptor)).not.toThrow();
    expect(sense(safe('swap'), postgresql.descriptor)).toThrow(/safetySnapshot/);
  });
});
