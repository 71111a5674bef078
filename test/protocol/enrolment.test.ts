import { describe, expect, test } from 'vitest';
import { bulkReplySignature, bulkSignature } from '../../protocol/bulk.ts';
import {
  createEnrolmentToken,
  enrolmentTokenHash,
  fingerprint,
  parseEnrolmentToken,
} from '../../protocol/enrolment.ts';
import { FailureError } from '../../protocol/failure.ts';
import { ed25519Raw, generateEd25519 } from '../../protocol/keys.ts';
import { transcript } from '../../protocol/transcript.ts';
import { negotiate } from '../../protocol/version.ts';

describe('enrolment token', () => {
  const key = ed25519Raw(generateEd25519().key);

  test('names the key of the control plane and is never the same twice', () => {
    const token = createEnrolmentToken(key);
    expect(parseEnrolmentToken(`${token}\n`).fingerprint).toBe(fingerprint(key));
    expect(createEnrolmentToken(key)).not.toBe(token);
    expect(enrolmentTokenHash(`${token}\n`)).toBe(enrolmentTokenHash(token));
  });

  test.each(['', 'hpe_', 'hpe_a_b', createEnrolmentToken(key).slice(0, -1), `x${createEnrolmentToken(key)}`])(
    '%j is refused with a remedy',
    (text) => {
      expect(() => parseEnrolmentToken(text)).toThrow(FailureError);
    },
  );
});

test('a transcript tells field borders apart', () => {
  expect(transcript('l', ['ab', 'c'])).not.toEqual(transcript('l', ['a', 'bc']));
  expect(transcript('l', ['a'])).not.toEqual(transcript('l', ['a', '']));
  expect(transcript('la', ['b'])).not.toEqual(transcript('l', ['ab']));
});

test.each([
  [{ min: 1, max: 1 }, { min: 1, max: 1 }, 1],
  [{ min: 1, max: 2 }, { min: 2, max: 3 }, 2],
  [{ min: 2, max: 3 }, { min: 1, max: 2 }, 2],
  [{ min: 1, max: 1 }, { min: 2, max: 2 }, undefined],
  [{ min: 3, max: 4 }, { min: 1, max: 2 }, undefined],
])('%o and %o speak %s', (ours, theirs, version) => {
  expect(negotiate(ours, theirs)).toBe(version);
});

describe('bulk signatures', () => {
  const key = Buffer.alloc(32, 1);
  const facts = { method: 'GET', path: '/agent/v1/x', range: 'bytes=0-1', attempt: '', bodyHash: 'e3' };

  test('cover every part of the request', () => {
    const signature = bulkSignature(key, facts);
    for (const name of Object.keys(facts) as (keyof typeof facts)[]) {
      expect(bulkSignature(key, { ...facts, [name]: `${facts[name]}x` }), name).not.toBe(signature);
    }
    expect(bulkSignature(Buffer.alloc(32, 2), facts)).not.toBe(signature);
  });

  test('a reply answers one request, with one status and one body', () => {
    const body = Buffer.from('{}');
    const signature = bulkReplySignature(key, facts, 200, body);
    expect(bulkReplySignature(key, { ...facts, path: '/other' }, 200, body)).not.toBe(signature);
    expect(bulkReplySignature(key, facts, 409, body)).not.toBe(signature);
    expect(bulkReplySignature(key, facts, 200, Buffer.from('{ }'))).not.toBe(signature);
  });
});
