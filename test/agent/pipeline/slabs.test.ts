import { expect, test } from 'vitest';
import { SlabPool } from '../../../agent/pipeline/slabs.ts';

test('a closed pool gives its memory back: at once, or as what is in use comes back', () => {
  const pool = new SlabPool(3, 1024, new AbortController().signal);
  const [back, used] = [pool.take()!, pool.take()!];
  pool.give(back);
  pool.close();
  expect(back.length).toBe(0);
  expect(used.length).toBe(1024);
  pool.give(used);
  expect(used.length).toBe(0);
  expect(pool.take()).toBeUndefined();
});
