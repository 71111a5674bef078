import { type FailureCode, fail } from '../../protocol/failure.ts';
import { REQUESTS } from '../../protocol/messages.ts';
import type { UpdateStanding } from '../../protocol/update.ts';
import type { Api } from './api.ts';
import { eventually } from './eventually.ts';
import { connectRawAgent, type RawAgent } from './raw-agent.ts';

/** What it says of updates before there was one. */
export const STANDING: UpdateStanding = { possible: true, key: null, pending: null, last: null };

/** A peer that says about updates of itself what a test wants said. */
export interface UpdatableAgent {
  readonly raw: RawAgent;
  /** Waits until it is asked to update. */
  asked(): Promise<void>;
  wasAsked(): boolean;
  /** As an agent that has fetched the build, and whose host says that it has proved itself. */
  succeed(): Promise<void>;
  refuse(code: FailureCode): Promise<void>;
}

/** @param change of its inventory: version 0.1.0, and nothing in the way of an update */
export async function updatableAgent(api: Api, name: string, change: object = {}): Promise<UpdatableAgent> {
  const raw = await connectRawAgent(api, name);
  const tell = async (more: object) => {
    raw.send({ type: 'inventory', inventory: { ...INVENTORY, ...change, ...more } });
    const refusals = () => raw.received.filter(({ type }) => type === 'refused').length;
    const before = refusals();
    // Frames are read in order: once this is refused, the inventory is known.
    raw.send({ type: 'frobnicate' });
    await eventually('the inventory is known', () => refusals() > before);
  };
  await tell({});
  const request = () => raw.received.find(({ type }) => type === 'request');
  return {
    raw,
    asked: async () => void (await raw.message('request')),
    wasAsked: () => request() !== undefined,
    async succeed() {
      raw.send({ type: 'reply', id: request()?.id, result: { ok: true, value: {} } });
      const to = '0.2.0';
      const last = { from: '0.1.0', to, at: new Date().toISOString(), result: 'updated' };
      await tell({ version: to, update: { ...STANDING, last } });
    },
    async refuse(code) {
      const { failure } = fail(code, 'It does not want to.', 'Ask it why.');
      raw.send({ type: 'reply', id: request()?.id, result: { ok: false, failure } });
    },
  };
}

/** What an agent of version 0.1.0 says of itself that takes updates. */
export const INVENTORY = {
  hostname: 'db-host',
  os: 'Debian',
  arch: 'x64',
  nodeVersion: 'v26',
  version: '0.1.0',
  tools: [],
  servers: [],
  policy: { restore: 'allow', update: 'allow' },
  requests: Object.keys(REQUESTS),
  update: STANDING,
};
