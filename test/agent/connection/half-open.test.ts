import { pino } from 'pino';
import { expect, test } from 'vitest';
import { createConnection } from '../../../agent/connection/connection.ts';
import { enrolAt, temporaryState } from '../../support/agent-at-peer.ts';
import { eventually } from '../../support/eventually.ts';
import { createFakeClock } from '../../support/fake-clock.ts';
import { startPeer } from '../../support/peer.ts';
import { startTcpProxy } from '../../support/tcp-proxy.ts';

/** Only the 40 seconds are not real here: sockets, proxy and handshake are. */
test('a link that swallows everything without closing is given up after 40 s, and a new one made', async () => {
  await using peer = await startPeer();
  await using state = await temporaryState();
  const { pinned, identity } = await enrolAt(peer, state.path);
  await using proxy = await startTcpProxy({ host: '127.0.0.1', port: Number(new URL(peer.url).port) });
  const clock = createFakeClock();
  const connection = createConnection({
    pinned: { ...pinned, url: `http://127.0.0.1:${proxy.port}` },
    identity,
    clock,
    log: pino({ level: 'silent' }),
    random: () => 0,
  });
  const events: string[] = [];
  connection.start({
    onMessage: () => undefined,
    onBeat: () => undefined,
    onConnected: () => events.push('connected'),
    onLost: () => events.push('lost'),
  });
  await connection.session(AbortSignal.timeout(20_000));
  proxy.halfOpen();
  clock.advance(39_999);
  await new Promise(setImmediate);
  expect(events).toEqual(['connected']);
  clock.advance(1);
  await eventually('the silence is noticed', () => events.includes('lost'));
  proxy.mend();
  await eventually('it is back', () => {
    clock.advance(1);
    return events.length === 3;
  });
  expect(events).toEqual(['connected', 'lost', 'connected']);
  await connection.stop();
});
