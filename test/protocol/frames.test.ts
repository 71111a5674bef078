import { describe, expect, test } from 'vitest';
import { FailureError } from '../../protocol/failure.ts';
import { createFrameOpener, createFrameSealer } from '../../protocol/frames.ts';

const key = Buffer.alloc(32, 7);
const body = JSON.stringify({ type: 'drain', text: 'a.b.c ☃' });

function refusal(open: () => unknown): string | undefined {
  try {
    open();
    return undefined;
  } catch (error) {
    return error instanceof FailureError ? error.failure.code : String(error);
  }
}

describe('frames', () => {
  test('arrive in order and unchanged', () => {
    const sealFrame = createFrameSealer(key);
    const open = createFrameOpener(key);
    for (let i = 0; i < 3; i++) expect(open(sealFrame(body))).toBe(body);
  });

  test('every single changed character is noticed', () => {
    const frame = createFrameSealer(key)(body);
    for (let i = 0; i < frame.length; i++) {
      const other = frame[i] === '1' ? '2' : '1';
      const changed = frame.slice(0, i) + other + frame.slice(i + 1);
      expect(
        refusal(() => createFrameOpener(key)(changed)),
        `character ${i}`,
      ).toBe('signature_invalid');
    }
  });

  test('replayed, skipped, reordered and foreign frames are refused', () => {
    const sealFrame = createFrameSealer(key);
    const [first, second] = [sealFrame(body), sealFrame(body)];
    const replay = createFrameOpener(key);
    replay(first);
    expect(refusal(() => replay(first))).toBe('signature_invalid');
    expect(refusal(() => createFrameOpener(key)(second))).toBe('signature_invalid');
    expect(refusal(() => createFrameOpener(Buffer.alloc(32, 8))(first))).toBe('signature_invalid');
    expect(refusal(() => createFrameOpener(key)(body))).toBe('signature_invalid');
  });
});
