import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { MAX_FRAME_BYTES } from '../../protocol/frames.ts';
import { CLOSE } from '../../protocol/handshake.ts';
import { runAgentCli } from '../support/agent.ts';
import { refusal } from '../support/api.ts';
import type { ApiAgent } from '../support/api-shapes.ts';
import { connectRawAgent } from '../support/raw-agent.ts';
import { sharedHomeport } from './world.ts';

const homeport = sharedHomeport();

describe('the wire', () => {
  test('an unknown message is refused by name, and the connection goes on', async () => {
    await using raw = await connectRawAgent(homeport().api, 'rude');
    raw.send({ type: 'job.launch', command: 'rm -rf /' });
    expect(await raw.message('refused')).toMatchObject({ failure: { code: 'unknown_message' } });
    expect(raw.isOpen()).toBe(true);
  });

  test('a frame nobody sealed ends the connection', async () => {
    await using raw = await connectRawAgent(homeport().api, 'forger');
    raw.sendRaw('{"type":"heartbeat","jobs":[],"draining":false}');
    expect(await raw.closed()).toBe(CLOSE.badSignature);
  });

  test('an oversized frame ends the connection', async () => {
    await using raw = await connectRawAgent(homeport().api, 'bloated');
    raw.sendRaw('x'.repeat(MAX_FRAME_BYTES + 1));
    expect(await raw.closed()).toBe(CLOSE.tooBig);
  });

  test('an oversized body is refused, and a client that sends it all hears why', async () => {
    const { api } = homeport();
    const body = { name: 'x'.repeat(20e6) };
    // Each a race between the refusal and what is still on its way.
    for (let round = 0; round < 20; round += 1) {
      const error = await refusal(api.post('/enrolment-tokens', body));
      expect(error).toMatchObject({ status: 413, failure: { code: 'message_too_large' } });
    }
    expect(await api.get('/agents')).toEqual(expect.any(Array));
  });

  test('a handshake that is no handshake is refused', async () => {
    const socket = new WebSocket(`${homeport().api.url.replace('http', 'ws')}/agent/v1/connect`);
    socket.once('message', () => socket.send('hello?'));
    const code = await new Promise((resolve) => socket.once('close', resolve));
    expect(code).toBe(CLOSE.badHandshake);
  });

  test('one token used by two agents at once: exactly one wins', async () => {
    const { api, directory } = homeport();
    const { token } = await api.post<{ token: string }>('/enrolment-tokens', {});
    const enrol = (name: string) => {
      const options = { name, state: join(directory, 'agents', name), logDirectory: join(directory, 'logs') };
      return runAgentCli(options, ['enrol', '--url', api.url, '--name', name], token);
    };
    const results = await Promise.allSettled([enrol('one'), enrol('other')]);
    expect(results.map(({ status }) => status).toSorted()).toEqual(['fulfilled', 'rejected']);
    const lost = results.find((result) => result.status === 'rejected');
    expect(String(lost?.reason)).toContain('enrolment_token_invalid');
    const names = (await api.get<ApiAgent[]>('/agents')).map(({ name }) => name);
    expect(names.filter((name) => name === 'one' || name === 'other')).toHaveLength(1);
  });

  test('a revoked agent is out at once and stays out', async () => {
    const { api } = homeport();
    const raw = await connectRawAgent(api, 'revoked');
    await api.post(`/agents/${raw.id}/revoke`, { confirm: 'revoked' });
    expect(await raw.closed()).toBe(CLOSE.agentRevoked);
    expect(await api.get<ApiAgent>(`/agents/${raw.id}`)).toMatchObject({ state: 'revoked' });
  });

  test('no key, no answer', async () => {
    const response = await fetch(`${homeport().api.url}/api/v1/agents`);
    expect(response.status).toBe(401);
    expect(await response.json()).toMatchObject({ error: { code: 'unauthorized' } });
  });
});
