import { describe, expect, test } from 'vitest';
import {
  type Challenge,
  connectionKeys,
  generateEphemeral,
  type HandshakeFacts,
  handshakeFacts,
  helloTranscript,
  signBytes,
  verifyBytes,
  welcomeTranscript,
} from '../../protocol/handshake.ts';
import { ed25519Raw, generateEd25519 } from '../../protocol/keys.ts';

const nonce = (fill: number) => Buffer.alloc(32, fill).toString('base64url');

function handshake() {
  const controlPlane = generateEphemeral();
  const agent = generateEphemeral();
  const challenge: Challenge = {
    type: 'challenge',
    controlPlaneId: '11111111-1111-4111-8111-111111111111',
    nonce: nonce(1),
    ephemeral: controlPlane.publicRaw,
    protocol: { min: 1, max: 2 },
  };
  const facts = handshakeFacts(challenge, {
    agentId: '22222222-2222-4222-8222-222222222222',
    nonce: nonce(2),
    ephemeral: agent.publicRaw,
    protocol: { min: 1, max: 1 },
    version: '0.1.0',
  });
  return { controlPlane, agent, facts };
}

describe('handshake', () => {
  test('both sides derive the same keys, one for each purpose', () => {
    const { controlPlane, agent, facts } = handshake();
    const ours = connectionKeys(controlPlane, agent.publicRaw, facts);
    const theirs = connectionKeys(agent, controlPlane.publicRaw, facts);
    expect(theirs).toEqual(ours);
    expect(new Set(Object.values(ours).map((key) => key.toString('hex'))).size).toBe(3);
  });

  const changes: Partial<HandshakeFacts>[] = [
    { controlPlaneId: '33333333-3333-4333-8333-333333333333' },
    { agentId: '33333333-3333-4333-8333-333333333333' },
    { controlPlaneNonce: nonce(9) },
    { agentNonce: nonce(9) },
    { controlPlaneEphemeral: generateEphemeral().publicRaw },
    { agentEphemeral: generateEphemeral().publicRaw },
    { controlPlaneProtocol: { min: 1, max: 1 } },
    { agentProtocol: { min: 1, max: 2 } },
    { agentVersion: '0.0.9' },
  ];
  test.each(changes)('a changed %o breaks both signatures and the keys', (change) => {
    const { agent, controlPlane, facts } = handshake();
    const { key } = generateEd25519();
    const welcome = { protocol: 1, session: 'bearer' };
    const changed = { ...facts, ...change };
    const hello = signBytes(helloTranscript(facts), key);
    const answer = signBytes(welcomeTranscript(facts, welcome), key);
    expect(verifyBytes(helloTranscript(facts), hello, ed25519Raw(key))).toBe(true);
    expect(verifyBytes(helloTranscript(changed), hello, ed25519Raw(key))).toBe(false);
    expect(verifyBytes(welcomeTranscript(changed, welcome), answer, ed25519Raw(key))).toBe(false);
    expect(connectionKeys(agent, controlPlane.publicRaw, changed)).not.toEqual(
      connectionKeys(agent, controlPlane.publicRaw, facts),
    );
  });

  test('a welcome cannot be given for another version or session, nor stand for a hello', () => {
    const { facts } = handshake();
    const { key } = generateEd25519();
    const signature = signBytes(welcomeTranscript(facts, { protocol: 1, session: 'bearer' }), key);
    const check = (bytes: Buffer) => verifyBytes(bytes, signature, ed25519Raw(key));
    expect(check(welcomeTranscript(facts, { protocol: 2, session: 'bearer' }))).toBe(false);
    expect(check(welcomeTranscript(facts, { protocol: 1, session: 'other' }))).toBe(false);
    expect(check(helloTranscript(facts))).toBe(false);
  });

  test('a low-order ephemeral key is refused: the secret would be known to all', () => {
    const { agent, facts } = handshake();
    const zero = Buffer.alloc(32).toString('base64url');
    expect(() => connectionKeys(agent, zero, facts)).toThrow();
  });
});
