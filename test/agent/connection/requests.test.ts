import { randomUUID } from 'node:crypto';
import { pino } from 'pino';
import { expect, test } from 'vitest';
import { createRequests } from '../../../agent/connection/requests.ts';
import type { Session } from '../../../agent/connection/session.ts';
import type { ToControlPlane } from '../../../protocol/messages.ts';
import { eventually } from '../../support/eventually.ts';
import { createFakeClock } from '../../support/fake-clock.ts';

function setup() {
  const replies: Extract<ToControlPlane, { type: 'reply' }>[] = [];
  const session = {
    send: (message: ToControlPlane) => replies.push(message as never) > 0,
  } as unknown as Session;
  const clock = createFakeClock();
  const open: { resolve(value: unknown): void; signal: AbortSignal }[] = [];
  const answer = (_: unknown, signal: AbortSignal) =>
    new Promise<unknown>((resolve) => open.push({ resolve, signal }));
  const requests = createRequests(answer, clock, pino({ level: 'silent' }));
  function ask() {
    const id = randomUUID();
    const request = { kind: 'databases.list' as const, serverId: randomUUID() };
    requests.receive({ type: 'request', id, deadlineMs: 1000, request }, session);
    return id;
  }
  const reply = (id: string) =>
    eventually('the reply is sent', () => replies.find((message) => message.id === id)?.result);
  return { clock, open, requests, ask, reply, replies };
}

test('each question gets its answer', async () => {
  const { open, ask, reply } = setup();
  const [first, second] = [ask(), ask()];
  open[1]?.resolve('two');
  open[0]?.resolve('one');
  expect(await reply(first)).toEqual({ ok: true, value: 'one' });
  expect(await reply(second)).toEqual({ ok: true, value: 'two' });
});

test('a deadline ends a question and its work', async () => {
  const { clock, open, ask, reply } = setup();
  const id = ask();
  clock.advance(1000);
  expect(await reply(id)).toMatchObject({ ok: false, failure: { code: 'request_timeout' } });
  expect(open[0]?.signal.aborted).toBe(true);
});

test('a question can be withdrawn', async () => {
  const { requests, open, ask, reply } = setup();
  const id = ask();
  requests.cancel(id);
  expect(await reply(id)).toMatchObject({ ok: false, failure: { code: 'cancelled' } });
  expect(open[0]?.signal.aborted).toBe(true);
});

test('too many questions at once are refused, and room is made again', async () => {
  const { open, ask, reply } = setup();
  const taken = Array.from({ length: 8 }, ask);
  expect(await reply(ask())).toMatchObject({ ok: false, failure: { code: 'agent_busy' } });
  for (const { resolve } of open) resolve(1);
  for (const id of taken) await reply(id);
  const next = ask();
  open[8]?.resolve('fits');
  expect(await reply(next)).toEqual({ ok: true, value: 'fits' });
});
