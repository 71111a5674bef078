import { describe, expect, test } from 'vitest';
import { signBytes } from '../../protocol/handshake.ts';
import { ed25519Raw, generateEd25519 } from '../../protocol/keys.ts';
import { isNewer, isSigned, releaseTranscript } from '../../protocol/release.ts';

describe('isNewer', () => {
  // In this order, as semver.org gives it, and around it.
  const ORDERED = [
    '0.1.0-alpha',
    '0.1.0-alpha.1',
    '0.1.0-alpha.beta',
    '0.1.0-beta',
    '0.1.0-beta.2',
    '0.1.0-beta.11',
    '0.1.0-rc-1.x',
    '0.1.0',
    '0.1.1-1',
    '0.1.1',
    '0.2.0',
    '0.10.0',
    '1.0.0',
    '9.0.0',
    '10.0.0-rc.1',
    '10.0.0',
  ];

  test('holds for each version and all before it, and for no other pair', () => {
    for (const [at, version] of ORDERED.entries())
      for (const [before, other] of ORDERED.entries())
        expect(`${version} after ${other}: ${isNewer(version, other)}`).toBe(
          `${version} after ${other}: ${before < at}`,
        );
  });
});

describe('isSigned', () => {
  const { key: privateKey } = generateEd25519();
  const manifest = Buffer.from('{"v":1,"version":"0.2.0"}');
  const key = ed25519Raw(privateKey);
  const signature = signBytes(releaseTranscript(manifest), privateKey);

  test('the manifest as it was signed, by the key that is named', () => {
    expect(isSigned(manifest, { v: 1, key, signature })).toBe(true);
  });

  test('nothing else', () => {
    const other = ed25519Raw(generateEd25519().key);
    expect(isSigned(manifest, { v: 1, key: other, signature })).toBe(false);
    expect(isSigned(Buffer.from('{"v":1,"version":"0.3.0"}'), { v: 1, key, signature })).toBe(false);
    // The bytes alone, without their label: what the key signs elsewhere is no release.
    expect(isSigned(manifest, { v: 1, key, signature: signBytes(manifest, privateKey) })).toBe(false);
  });
});
