import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { lineageOf, outOfTurn } from '../../../control-plane/vault/lineage.ts';

const chain = new Map([
  ['a', 'b'],
  ['b', 'c'],
]);

describe('agents in one place', () => {
  test('the last one has it; whoever nobody follows has their own', () => {
    const { heirOf } = lineageOf(chain);
    expect(['a', 'b', 'c', 'x'].map(heirOf)).toEqual(['c', 'c', 'c', 'x']);
  });

  test('follow each other in one direction', () => {
    const { follows } = lineageOf(chain);
    expect(follows('b', 'a')).toBe(true);
    expect(follows('c', 'a')).toBe(true);
    expect(follows('a', 'c')).toBe(false);
    expect(follows('a', 'a')).toBe(false);
    expect(follows('x', 'a')).toBe(false);
  });

  test('in a circle end somewhere', () => {
    const { heirOf } = lineageOf(new Map([...chain, ['c', 'a']]));
    expect(heirOf('a')).toBe('c');
    expect(lineageOf(new Map([['a', 'a']])).heirOf('a')).toBe('a');
  });
});

describe('snapshots', () => {
  const by = (agentId: string, sequence: number, databaseId = 'd') => ({ agentId, sequence, databaseId });

  test('of an agent from after its successor’s first are out of turn, equal numbers too', () => {
    const timeline = [by('a', 1), by('a', 2), by('b', 3), by('a', 3), by('a', 9), by('c', 5), by('b', 7)];
    expect(outOfTurn(timeline, lineageOf(chain))).toEqual([by('a', 3), by('a', 9), by('b', 7)]);
  });

  test('of other databases, and of agents that do not follow each other, do not matter', () => {
    const timeline = [by('b', 1, 'other'), by('a', 4), by('x', 2)];
    expect(outOfTurn(timeline, lineageOf(chain))).toEqual([]);
  });

  test('are never out of turn where each agent numbers on from the one before', () => {
    const agents = ['a', 'b', 'c'];
    const counts = fc.tuple(...agents.map(() => fc.nat({ max: 5 })));
    fc.assert(
      fc.property(counts, (lengths) => {
        let next = 0;
        const timeline = lengths.flatMap((length, at) =>
          Array.from({ length }, () => {
            next += 1;
            return by(agents[at] ?? '', next);
          }),
        );
        expect(outOfTurn(timeline.toReversed(), lineageOf(chain))).toEqual([]);
      }),
    );
  });
});
