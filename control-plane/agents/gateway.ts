import { randomUUID } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { type WebSocket, WebSocketServer } from 'ws';
import { type Failure, toFailure } from '../../protocol/failure.ts';
import { MAX_FRAME_BYTES } from '../../protocol/frames.ts';
import { CLOSE } from '../../protocol/handshake.ts';
import type { ToControlPlane } from '../../protocol/messages.ts';
import type { Audit } from '../audit.ts';
import type { ClientAddress } from '../client-address.ts';
import type { Clock } from '../clock.ts';
import { type AgentRow, findAgent, successorOf } from '../db/agents.ts';
import { auditedLately } from '../db/audit.ts';
import type { Db } from '../db/open.ts';
import type { ControlPlaneIdentity } from '../keys/identity.ts';
import type { Listener } from '../listener.ts';
import type { Logger } from '../log.ts';
import { nextMessage } from './answer.ts';
import type { Bearers } from './bearers.ts';
import {
  agentRevoked,
  checkHello,
  closeCodeFor,
  createChallenge,
  createChecked,
  createWelcome,
  duplicateAgent,
  type ProvenAgent,
} from './handshake.ts';
import type { Registry } from './registry.ts';
import { type AgentSession, closeSocket, startSession } from './session.ts';

export const CONNECT_PATH = '/agent/v1/connect';
/** WebSocket's own code for “done”. */
const NORMAL = 1000;
const DUPLICATE = 'agent.duplicate-refused';
/** Sockets in their handshake, in all and from one address. */
const MAX_STRANGERS = 1_000;
const MAX_STRANGERS_PER_ADDRESS = 100;

/** What the rest of the control plane makes of agents coming, speaking and going. */
export interface GatewayListener {
  onConnected(session: AgentSession): void;
  onMessage(message: ToControlPlane, session: AgentSession): void;
  /** `superseded`: another connection of the same agent is up already. */
  onDisconnected(session: AgentSession, superseded: boolean): void;
}

export interface GatewayDeps {
  db: Db;
  identity: ControlPlaneIdentity;
  registry: Registry;
  bearers: Bearers;
  clock: Clock;
  log: Logger;
  audit: Audit;
  clientAddress: ClientAddress;
  listener: GatewayListener;
}

export interface Gateway {
  /** Serves `GET /agent/v1/connect` on this HTTP server. */
  attach(server: Listener['server']): void;
  /** Tells all agents to come back later and closes their sockets; resolves when they are closed. */
  stop(): Promise<void>;
}

export function createGateway(deps: GatewayDeps): Gateway {
  const sockets = new WebSocketServer({
    noServer: true,
    maxPayload: MAX_FRAME_BYTES,
    perMessageDeflate: false,
  });
  const strangers = createStrangers();
  let stopping = false;

  function refusalOf(request: IncomingMessage, from: string): string | undefined {
    if (request.url?.split('?')[0] !== CONNECT_PATH) return '404 Not Found';
    // Agents are no browsers: an Origin means that some web page is behind this.
    const { origin, 'sec-websocket-origin': formerly } = request.headers;
    if (origin !== undefined || formerly !== undefined) return '403 Forbidden';
    return stopping || !strangers.enter(from) ? '503 Service Unavailable' : undefined;
  }

  function onUpgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    const from = deps.clientAddress(request);
    const refusal = refusalOf(request, from);
    if (refusal) {
      refuseUpgrade(socket, refusal);
      return;
    }
    let left = false;
    const leave = () => {
      if (!left) strangers.leave(from);
      left = true;
    };
    socket.once('close', leave);
    sockets.handleUpgrade(request, socket, head, (ws) => {
      ws.on('error', (err) => deps.log.debug({ err, from }, 'agent socket failed'));
      welcome(ws, from, deps).finally(leave);
    });
  }

  return {
    attach: (server) => void server.on('upgrade', onUpgrade),
    async stop() {
      stopping = true;
      for (const session of deps.registry.sessions()) session.send({ type: 'drain' });
      const open = [...sockets.clients];
      const closed = open.map((ws) => new Promise((resolve) => ws.once('close', resolve)));
      for (const ws of open) closeSocket(ws, CLOSE.goingAway, 'the control plane is stopping');
      await Promise.all(closed);
    },
  };
}

async function welcome(ws: WebSocket, from: string, deps: GatewayDeps): Promise<void> {
  const { db, identity, log } = deps;
  try {
    const open = createChallenge(identity.id);
    const answer = nextMessage(ws, deps.clock);
    ws.send(JSON.stringify(open.challenge));
    const book = { agent: (id: string) => findAgent(db, id), successor: (id: string) => successorOf(db, id) };
    const proven = checkHello(await answer, open, book);
    if (proven.hello.type === 'check') {
      answerCheck(ws, proven, deps);
      return;
    }
    // Frames may follow only the welcome: what comes before it is out of turn.
    const outOfTurn = () => closeSocket(ws, CLOSE.badHandshake, 'out of turn');
    ws.on('message', outOfTurn);
    await supersede(proven.agent, from, deps);
    ws.off('message', outOfTurn);
    if (ws.readyState === ws.OPEN) admit(ws, { proven, from }, deps);
  } catch (error) {
    const failure = toFailure(error);
    const { code, hint, message } = failure;
    log.warn({ from, code, hint }, `an agent’s handshake was refused: ${message}`);
    refuse(ws, failure);
  }
}

/** Leaves everything as it is: the agent may be at work on another connection. */
function answerCheck(ws: WebSocket, proven: ProvenAgent, { identity, registry }: GatewayDeps): void {
  const live = registry.session(proven.agent.id);
  const connected = live ? { from: live.from, since: new Date(live.connectedAt).toISOString() } : null;
  ws.send(JSON.stringify(createChecked(proven, connected, identity)));
  closeSocket(ws, NORMAL, 'checked');
}

function admit(ws: WebSocket, visitor: { proven: ProvenAgent; from: string }, deps: GatewayDeps): void {
  const { bearers, db, identity, listener, log, registry } = deps;
  const { from, proven } = visitor;
  // Both may have changed while the first connection was probed.
  const agent = findAgent(db, proven.agent.id);
  if (agent?.revokedAt !== null) throw agentRevoked(successorOf(db, proven.agent.id));
  if (registry.isOnline(agent.id)) throw duplicateAgent();
  const connectionId = randomUUID();
  const issue = () => bearers.issue(connectionId, { agentId: agent.id, bulkKey: proven.keys.bulk });
  bearers.drop(agent.id);
  ws.send(JSON.stringify(createWelcome(proven, issue(), identity)));
  const session = startSession(ws, {
    connectionId,
    agentId: agent.id,
    agentName: agent.name,
    from,
    keys: proven.keys,
    clock: deps.clock,
    log,
    renewBearer: issue,
    onMessage: listener.onMessage,
    onClose(closed) {
      bearers.fade(connectionId);
      const superseded = !registry.remove(closed);
      log.info({ agentId: agent.id, name: agent.name }, 'agent disconnected');
      listener.onDisconnected(closed, superseded);
    },
  });
  registry.add(session);
  log.info({ agentId: agent.id, name: agent.name, version: proven.hello.version, from }, 'agent connected');
  listener.onConnected(session);
}

/** Makes room where the agent's earlier connection is dead; refuses the new one where it is alive. */
async function supersede(agent: AgentRow, from: string, deps: GatewayDeps): Promise<void> {
  const earlier = deps.registry.session(agent.id);
  if (!earlier) return;
  if (await earlier.probe()) {
    deps.log.error(
      { agentId: agent.id, name: agent.name, from, earlierFrom: earlier.from },
      'a second machine connects with the identity of a connected agent',
    );
    if (!auditedLately(deps.db, DUPLICATE, agent.id)) {
      deps.audit({
        actor: { kind: 'agent', id: agent.id, name: agent.name },
        action: DUPLICATE,
        target: { kind: 'agent', id: agent.id, name: agent.name },
        from,
        details: { connectedFrom: earlier.from },
      });
    }
    throw duplicateAgent();
  }
  earlier.close(CLOSE.superseded, 'superseded');
  deps.registry.remove(earlier);
}

function refuse(ws: WebSocket, failure: Failure): void {
  if (ws.readyState === ws.OPEN) ws.send(JSON.stringify({ type: 'refused', failure }));
  closeSocket(ws, closeCodeFor(failure), failure.code);
}

function refuseUpgrade(socket: Duplex, status: string): void {
  socket.on('error', () => socket.destroy());
  socket.end(`HTTP/1.1 ${status}\r\nconnection: close\r\ncontent-length: 0\r\n\r\n`);
}

/** Counts the sockets that have not proven anything yet. */
function createStrangers() {
  const perAddress = new Map<string, number>();
  let total = 0;
  return {
    enter(address: string): boolean {
      const here = perAddress.get(address) ?? 0;
      if (total >= MAX_STRANGERS || here >= MAX_STRANGERS_PER_ADDRESS) return false;
      total += 1;
      perAddress.set(address, here + 1);
      return true;
    },
    leave(address: string): void {
      total -= 1;
      const here = (perAddress.get(address) ?? 1) - 1;
      if (here > 0) perAddress.set(address, here);
      else perAddress.delete(address);
    },
  };
}
