import { expect, test } from 'vitest';
import { controlPlaneOrigin } from '../../../agent/connection/address.ts';
import { enrol } from '../../../agent/connection/enrol.ts';
import { ensureIdentity } from '../../../agent/identity.ts';
import { createEnrolmentToken } from '../../../protocol/enrolment.ts';
import { ed25519Raw, generateEd25519 } from '../../../protocol/keys.ts';
import { temporaryState } from '../../support/agent-at-peer.ts';
import { startPeer } from '../../support/peer.ts';
import { freePort } from '../../support/ports.ts';

const failingWith = (code: string) => expect.objectContaining({ failure: expect.objectContaining({ code }) });

async function options(url: string, token: string) {
  await using state = await temporaryState();
  const identity = await ensureIdentity(state.path);
  return { url, token, name: 'db-1', identity, allowedKey: undefined };
}

test('enrols and pins the key the token names', async () => {
  await using peer = await startPeer();
  const wish = await options(peer.url, peer.token);
  const pinned = await enrol(wish);
  expect(pinned).toMatchObject({ agentId: peer.agent.id, url: peer.url });
  expect(peer.agent.identityKey).toBe(wish.identity.identityKey);
});

test('does not show its token to a control plane with another key', async () => {
  await using peer = await startPeer();
  const token = createEnrolmentToken(ed25519Raw(generateEd25519().key));
  await expect(enrol(await options(peer.url, token))).rejects.toEqual(failingWith('control_plane_untrusted'));
  expect(peer.paths).toEqual(['POST /agent/v1/enrol/hello']);
});

test.for([{ badHelloReply: true }, { badEnrolReply: true }])('refuses a forged reply: %o', async (lies) => {
  await using peer = await startPeer(lies);
  await expect(enrol(await options(peer.url, peer.token))).rejects.toEqual(
    failingWith('control_plane_untrusted'),
  );
});

test('refuses a key that local policy does not name', async () => {
  await using peer = await startPeer();
  const wish = { ...(await options(peer.url, peer.token)), allowedKey: 'x'.repeat(43) };
  await expect(enrol(wish)).rejects.toEqual(failingWith('policy_denied'));
  expect(peer.paths).toEqual([]);
});

test('says that nobody answers', async () => {
  const { token } = await startPeer().then(async (peer) => {
    await peer.down();
    return peer;
  });
  const url = `http://127.0.0.1:${await freePort()}`;
  await expect(enrol(await options(url, token))).rejects.toEqual(failingWith('control_plane_unreachable'));
});

test.for(['hello', 'hpe_x_y', ''])('refuses “%s” as a token', async (token) => {
  await expect(enrol(await options('http://127.0.0.1:1', token))).rejects.toEqual(
    failingWith('enrolment_token_invalid'),
  );
});

test.for([
  'http://backups.example.org',
  'ftp://127.0.0.1',
  'https://example.org/path',
  'https://user:secret@example.org',
  'http://127.0.0.1.example.org',
  'nonsense',
])('refuses %s as an address', (url) => {
  expect(() => controlPlaneOrigin(url)).toThrow(failingWith('invalid_input'));
});

test.for(['https://backups.example.org', 'http://localhost:7433', 'http://[::1]:7433', 'http://127.0.0.1:1'])(
  'takes %s as an address',
  (url) => {
    expect(controlPlaneOrigin(url).origin).toBe(url);
  },
);
