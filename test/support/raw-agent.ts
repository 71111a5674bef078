import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { WebSocket } from 'ws';
import { enrol } from '../../agent/connection/enrol.ts';
import { createGreeting } from '../../agent/connection/greeting.ts';
import { type AgentIdentity, ensureIdentity } from '../../agent/identity.ts';
import type { PinnedControlPlane } from '../../agent/state/control-plane.ts';
import { createFrameOpener, createFrameSealer } from '../../protocol/frames.ts';
import type { Api } from './api.ts';
import { eventually } from './eventually.ts';

/** A peer with a good identity and bad manners: says on the agent socket whatever a test wants said. */
export interface RawAgent extends AsyncDisposable {
  readonly id: string;
  /** Messages received so far, parsed. */
  readonly received: { type: string; [key: string]: unknown }[];
  /** Sends a message in an authenticated frame. */
  send(message: unknown): void;
  /** Sends text as it is. */
  sendRaw(text: string): void;
  /** Waits for a message of this type. */
  message(type: string): Promise<{ type: string; [key: string]: unknown }>;
  /** Waits until the socket is closed and gives the close code. */
  closed(): Promise<number>;
  isOpen(): boolean;
}

export async function connectRawAgent(api: Api, name: string): Promise<RawAgent> {
  return connectMember(api, await enrolMember(api, name));
}

/** Who an agent is, and where it belongs. */
export interface Member {
  identity: AgentIdentity;
  pinned: PinnedControlPlane;
}

/** Enrols without connecting. */
export async function enrolMember(api: Api, name: string): Promise<Member> {
  const state = await mkdtemp(join(tmpdir(), 'homeport-raw-'));
  const identity = await ensureIdentity(state);
  await rm(state, { recursive: true, force: true });
  const { token } = await api.post<{ token: string }>('/enrolment-tokens', { name });
  return { identity, pinned: await enrol({ url: api.url, token, name, identity, allowedKey: undefined }) };
}

/** Connects as an enrolled agent. Rejects with the failure it is refused with. */
export async function connectMember(api: Api, { identity, pinned }: Member): Promise<RawAgent> {
  const socket = new WebSocket(`${api.url.replace('http', 'ws')}/agent/v1/connect`, {
    perMessageDeflate: false,
  });
  const closed = new Promise<number>((resolve) => socket.once('close', resolve));
  const received: RawAgent['received'] = [];
  const greet = createGreeting({ identity, pinned });
  const seal = await new Promise<(body: string) => string>((resolve, reject) => {
    let open: ((frame: string) => string) | undefined;
    socket.once('error', reject);
    socket.on('message', (data) => {
      const frame = data.toString();
      if (open) return void received.push(JSON.parse(open(frame)));
      const step = attempt(() => greet(frame), reject);
      if (!step) return;
      if ('answer' in step) return socket.send(step.answer);
      open = createFrameOpener(step.keys.controlPlaneFrames);
      resolve(createFrameSealer(step.keys.agentFrames));
    });
  });
  socket.on('error', () => {});
  return {
    id: pinned.agentId,
    received,
    send: (message) => socket.send(seal(JSON.stringify(message))),
    sendRaw: (text) => socket.send(text),
    message: (type) => eventually(`a “${type}” arrives`, () => received.find((one) => one.type === type)),
    closed: () => closed,
    isOpen: () => socket.readyState === WebSocket.OPEN,
    [Symbol.asyncDispose]: async () => {
      socket.terminate();
      await closed;
    },
  };
}

function attempt<T>(act: () => T, reject: (error: unknown) => void): T | undefined {
  try {
    return act();
  } catch (error) {
    reject(error);
    return undefined;
  }
}
