import { randomBytes, randomUUID } from 'node:crypto';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { generateX25519Identity, identityToRecipient } from 'age-encryption';
import { type WebSocket, WebSocketServer } from 'ws';
import {
  createEnrolmentToken,
  type EnrolHello,
  enrolHelloTranscript,
  enrolReplyTranscript,
  enrolRequestSchema,
} from '../../protocol/enrolment.ts';
import { createFrameOpener, createFrameSealer } from '../../protocol/frames.ts';
import {
  type Challenge,
  connectionKeys,
  generateEphemeral,
  handshakeFacts,
  helloSchema,
  signBytes,
  welcomeTranscript,
} from '../../protocol/handshake.ts';
import { ed25519Raw, generateEd25519 } from '../../protocol/keys.ts';
import { type ToAgent, type ToControlPlane, toControlPlaneSchema } from '../../protocol/messages.ts';
import { decryptWith } from '../../protocol/vault/keys.ts';
import { eventually } from './eventually.ts';
import { createPeerVault, type PeerVault } from './peer-vault.ts';

/** Ways in which a peer may lie; each is one of the attacks the protocol is there to notice. */
export interface PeerLies {
  controlPlaneId?: string;
  protocol?: { min: number; max: number };
  welcomeProtocol?: number;
  badWelcomeSignature?: boolean;
  badHelloReply?: boolean;
  badEnrolReply?: boolean;
  /** Sent instead of the challenge. */
  refusal?: { code: string; message: string; hint: string; retryable: boolean };
}

/** The smallest control plane that speaks the real protocol over real sockets, and can be told to misbehave. */
export interface Peer extends AsyncDisposable {
  readonly url: string;
  readonly token: string;
  readonly lies: PeerLies;
  readonly vault: PeerVault;
  readonly received: ToControlPlane[];
  /** Paths of the HTTP requests seen. */
  readonly paths: string[];
  /** Sockets accepted so far, and the close codes of those that ended. */
  readonly seen: { sockets: number; closeCodes: number[] };
  readonly agent: { id: string; identityKey: string; sealingKey: string };
  online(): Promise<void>;
  send(message: ToAgent | Record<string, unknown>): void;
  /** Sends text as it is, without a MAC. */
  sendRaw(text: string): void;
  waitFor<T extends ToControlPlane['type']>(
    type: T,
    matches?: (message: Extract<ToControlPlane, { type: T }>) => boolean,
  ): Promise<Extract<ToControlPlane, { type: T }>>;
  /** Cuts every connection and listens no more. */
  down(): Promise<void>;
  up(): Promise<void>;
}

interface Line {
  socket: WebSocket;
  seal(body: string): string;
}

export async function startPeer(lies: PeerLies = {}): Promise<Peer> {
  const identity = generateEd25519();
  const publicRaw = ed25519Raw(identity.key);
  const controlPlaneId = randomUUID();
  const enrolment = await generateX25519Identity();
  const agent = { id: randomUUID(), identityKey: '', sealingKey: '' };
  const vault = await createPeerVault(agent);
  const received: ToControlPlane[] = [];
  const paths: string[] = [];
  const seen = { sockets: 0, closeCodes: [] as number[] };
  let line: Line | undefined;
  let server: Server;
  let port = 0;

  async function enrol(path: string, body: unknown): Promise<unknown> {
    if (path.endsWith('/hello')) {
      const hello = body as EnrolHello;
      const enrolmentKey = await identityToRecipient(enrolment);
      const facts = { controlPlaneId, controlPlaneKey: publicRaw, enrolmentKey };
      const said = lies.badHelloReply ? { ...facts, controlPlaneId: randomUUID() } : facts;
      return { ...facts, signature: signBytes(enrolHelloTranscript(hello, said), identity.key) };
    }
    const sealed = Buffer.from((body as { sealed: string }).sealed, 'base64');
    const request = enrolRequestSchema.parse(JSON.parse(await decryptWith(enrolment, sealed)));
    Object.assign(agent, { identityKey: request.identityKey, sealingKey: request.sealingKey });
    const signed = lies.badEnrolReply ? randomUUID() : agent.id;
    const proof = enrolReplyTranscript(request, controlPlaneId, { agentId: signed });
    return { agentId: agent.id, signature: signBytes(proof, identity.key) };
  }

  function greet(socket: WebSocket): void {
    seen.sockets += 1;
    socket.on('close', (code) => {
      seen.closeCodes.push(code);
      if (line?.socket === socket) line = undefined;
    });
    socket.on('error', () => undefined); // its close event tells
    if (lies.refusal) {
      socket.send(JSON.stringify({ type: 'refused', failure: lies.refusal }));
      socket.close(4403);
      return;
    }
    const ephemeral = generateEphemeral();
    const challenge: Challenge = {
      type: 'challenge',
      controlPlaneId: lies.controlPlaneId ?? controlPlaneId,
      nonce: randomBytes(32).toString('base64url'),
      ephemeral: ephemeral.publicRaw,
      protocol: lies.protocol ?? { min: 1, max: 1 },
    };
    socket.send(JSON.stringify(challenge));
    socket.once('message', (data) => {
      const hello = helloSchema.parse(JSON.parse(data.toString()));
      const facts = handshakeFacts(challenge, hello);
      const keys = connectionKeys(ephemeral, hello.ephemeral, facts);
      const session = randomBytes(32).toString('base64url');
      const welcome = { protocol: lies.welcomeProtocol ?? 1, session };
      const key = lies.badWelcomeSignature ? generateEd25519().key : identity.key;
      const signature = signBytes(welcomeTranscript(facts, welcome), key);
      socket.send(JSON.stringify({ type: 'welcome', ...welcome, signature }));
      vault.open({ session, bulkKey: keys.bulk });
      const open = createFrameOpener(keys.agentFrames);
      line = { socket, seal: createFrameSealer(keys.controlPlaneFrames) };
      socket.on('message', (frame) => {
        received.push(toControlPlaneSchema.parse(JSON.parse(open(frame.toString()))));
      });
    });
  }

  async function up(): Promise<void> {
    server = createServer((request, response) => {
      const path = request.url ?? '';
      paths.push(`${request.method} ${path}`);
      if (!path.startsWith('/agent/v1/enrol')) return void vault.serve(request, response);
      const parts: Buffer[] = [];
      request.on('data', (part: Buffer) => parts.push(part));
      request.on('end', async () => {
        const reply = await enrol(path, JSON.parse(Buffer.concat(parts).toString()));
        response.end(JSON.stringify(reply));
      });
    });
    new WebSocketServer({ server, path: '/agent/v1/connect' }).on('connection', greet);
    await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
    port = (server.address() as AddressInfo).port;
  }

  async function down(): Promise<void> {
    const closed = new Promise((resolve) => server.close(resolve));
    server.closeAllConnections();
    line?.socket.terminate();
    line = undefined;
    await closed;
  }

  const waitFor: Peer['waitFor'] = async (type, matches = () => true) => {
    const wanted = (message: ToControlPlane) => message.type === type && matches(message as never);
    return (await eventually(`a ${type} arrives`, () => received.find(wanted))) as never;
  };
  await up();
  return {
    url: `http://127.0.0.1:${port}`,
    token: createEnrolmentToken(publicRaw),
    lies,
    vault,
    received,
    paths,
    seen,
    agent,
    online: () => eventually('the agent is connected', () => line !== undefined).then(() => undefined),
    send: (message) => line?.socket.send(line.seal(JSON.stringify(message))),
    sendRaw: (text) => line?.socket.send(text),
    waitFor,
    down,
    up,
    [Symbol.asyncDispose]: down,
  };
}
