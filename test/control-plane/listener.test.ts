import { randomBytes, randomUUID } from 'node:crypto';
import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { Hono } from 'hono';
import { expect, onTestFinished, test } from 'vitest';
import { createBearers } from '../../control-plane/agents/bearers.ts';
import { type BulkEnv, bulkAuth } from '../../control-plane/agents/bulk-auth.ts';
import { systemClock } from '../../control-plane/clock.ts';
import { type Listener, listen } from '../../control-plane/listener.ts';
import { BULK_HEADERS, bulkSignature } from '../../protocol/bulk.ts';

/** The listener with little patience, serving what anybody may send and what only agents may. */
async function impatient() {
  const listener = await listen('127.0.0.1', 0, {
    times: { headersMs: 200, bodyMs: 300, idleMs: 60_000 },
  });
  onTestFinished(() => listener.stop());
  const [bearers, bulkKey] = [createBearers(systemClock), randomBytes(32)];
  const bearer = bearers.issue(randomUUID(), { agentId: randomUUID(), bulkKey });
  const app = new Hono<BulkEnv>()
    .post('/anybody', async (c) => c.text(await c.req.text()))
    .put('/agents', bulkAuth(bearers), async (c) => c.text(await c.req.text()));
  app.onError((error, c) => c.text(error.message, 401));
  listener.serve(app.fetch as Parameters<Listener['serve']>[0]);
  const bodyHash = 'ab'.repeat(32);
  const facts = { method: 'PUT', path: '/agents', range: '', attempt: '', bodyHash };
  const signed = [
    `authorization: Bearer ${bearer}`,
    `${BULK_HEADERS.signature}: ${bulkSignature(bulkKey, facts)}`,
    `${BULK_HEADERS.bodyHash}: ${bodyHash}`,
  ];
  return { listener, signed };
}

/** A connection that sends these lines; `answer` is all that comes back until it is closed. */
function send({ port }: Listener, lines: string[]) {
  const socket = connect(port, '127.0.0.1');
  onTestFinished(() => void socket.destroy());
  socket.write(lines.join('\r\n'));
  return { socket, answer: text(socket) };
}

const body = ['host: x', 'connection: close', 'content-length: 2', '', 'a'];

test('a stranger’s headers and body have seconds, an agent’s upload has longer', async () => {
  const { listener, signed } = await impatient();
  const agent = send(listener, ['PUT /agents HTTP/1.1', ...signed, ...body]);
  const mute = send(listener, []);
  const headers = send(listener, ['POST /anybody HTTP/1.1', 'host: x', '']);
  const stranger = send(listener, ['POST /anybody HTTP/1.1', ...body]);
  const forger = send(listener, ['PUT /agents HTTP/1.1', 'connection: keep-alive', ...body]);
  expect(await stranger.answer).toContain('408 Request Timeout');
  expect(await headers.answer).toContain('408 Request Timeout');
  await mute.answer;
  expect(await forger.answer).not.toContain('200 OK');
  agent.socket.write('b');
  expect(await agent.answer).toMatch(/200 OK.*ab$/s);
});

test('a stranger who is quick is served', async () => {
  const { listener } = await impatient();
  const quick = send(listener, ['POST /anybody HTTP/1.1', ...body]);
  quick.socket.write('b');
  expect(await quick.answer).toMatch(/200 OK.*ab$/s);
});

test('connections are bounded, with room for every agent', async () => {
  const { listener } = await impatient();
  expect(listener.server.maxConnections).toBeGreaterThan(10_000);
  expect(listener.server.maxConnections).toBeLessThan(65_536);
});
