import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Job } from '../../../control-plane/cli/remote/shapes.ts';
import { cut, oneLine, printable, printableJson, table, widthOf } from '../../../control-plane/cli/text.ts';
import { picture, summary } from '../../../control-plane/cli/wait/picture.ts';

/** What could steer a terminal. */
const DANGEROUS = /[^\P{Cc}\n\t]|\p{Bidi_Control}/u;
const anything = fc.string({ unit: 'binary' });

const job = (change: Partial<Job> = {}): Job => ({
  id: 'j',
  kind: 'backup',
  state: 'running',
  databaseName: 'shop',
  serverName: 'main',
  agentName: 'first',
  snapshotId: null,
  attempt: 1,
  maxAttempts: 3,
  createdAt: '2026-11-23T17:00:00.000Z',
  startedAt: '2026-11-23T17:00:00.000Z',
  finishedAt: null,
  cancelRequested: false,
  progress: { phase: 'dumping', rawBytes: 1, storedBytes: 0, reusedBytes: 0, totalBytes: 100 },
  ratePerSecond: null,
  etaSeconds: null,
  result: null,
  failure: null,
  plan: null,
  ...change,
});

describe('words of others', () => {
  test('cannot steer the terminal, whatever they are', () => {
    fc.assert(
      fc.property(anything, (text) => {
        expect(printable(text)).not.toMatch(DANGEROUS);
        expect(oneLine(text)).not.toMatch(/[\p{Cc}\p{Bidi_Control}]/u);
        expect(table([['NAME'], [text]]).split('\n')).toHaveLength(3);
        expect(picture(job({ databaseName: text }), { color: false, width: 60 })).not.toMatch(/\p{Cc}/u);
        expect(summary(job({ databaseName: text, state: 'lost' }))).not.toMatch(/\p{Cc}/u);
      }),
    );
  });

  test('go through JSON unchanged, and still cannot', () => {
    fc.assert(
      fc.property(anything, (text) => {
        const json = printableJson({ text });
        expect(json).not.toMatch(/[\p{Cc}\p{Bidi_Control}]/u);
        expect(JSON.parse(json)).toEqual({ text });
      }),
    );
  });
});

describe('columns', () => {
  test('are aligned by what they take on a terminal', () => {
    const lines = table([
      ['NAME', 'SIZE'],
      ['三毛', '1'],
      ['e\u0301te', '22'],
    ]).split('\n');
    expect(lines).toEqual(['NAME  SIZE', '三毛  1', 'e\u0301te   22', '']);
  });

  test('nothing is wider than it may be', () => {
    fc.assert(
      fc.property(anything, fc.integer({ min: 1, max: 200 }), (text, width) => {
        expect(widthOf(cut(oneLine(text), width))).toBeLessThanOrEqual(width);
        const running = job({ databaseName: text, ratePerSecond: 1e6, etaSeconds: 90 });
        expect(widthOf(picture(running, { color: false, width }))).toBeLessThanOrEqual(width);
      }),
    );
  });

  test('a bar fills with the bytes, and an estimate never says “all”', () => {
    const at = (rawBytes: number) =>
      picture(
        job({ progress: { phase: 'dumping', rawBytes, storedBytes: 0, reusedBytes: 0, totalBytes: 100 } }),
        {
          color: false,
          width: 100,
        },
      );
    expect(at(50)).toBe('main/shop  dumping   50 %  [###########-----------]  50 B of about 100 B');
    expect(at(300)).toContain(' 99 %');
  });
});
