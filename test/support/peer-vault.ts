import { createHash } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { zstdDecompressSync } from 'node:zlib';
import { generateX25519Identity, identityToRecipient } from 'age-encryption';
import { BULK_HEADERS, type BulkFacts, bulkReplySignature, bulkSignature } from '../../protocol/bulk.ts';
import { ed25519Raw, generateEd25519 } from '../../protocol/keys.ts';
import { unwrapKey } from '../../protocol/vault/keys.ts';
import { manifestSchema } from '../../protocol/vault/manifest.ts';
import { signStatement } from '../../protocol/vault/statement.ts';
import { MemoryVault } from './memory-vault.ts';

/** What a test can do to the bulk endpoints. */
interface Mood {
  /** Answers every request so instead, while it gives something. */
  reply?: (path: string) => { status: number; body: string } | undefined;
  /** Signs replies with a wrong key. */
  forgeReplies: boolean;
}

/** A managed vault behind the bulk endpoints, kept in memory. */
export interface PeerVault {
  readonly id: string;
  readonly store: MemoryVault;
  readonly mood: Mood;
  /** The bearer and key that requests must carry from now on. */
  open(session: { session: string; bulkKey: Buffer }): void;
  serve(request: IncomingMessage, response: ServerResponse): Promise<void>;
  /** Signed `vault.json`, version 1 unless told. */
  statement(version?: number): string;
}

export async function createPeerVault(agent: {
  id: string;
  identityKey: string;
  sealingKey: string;
}): Promise<PeerVault> {
  const store = new MemoryVault();
  const signing = generateEd25519().key;
  const identity = await generateX25519Identity();
  const recipient = await identityToRecipient(identity);
  const mood: Mood = { forgeReplies: false };
  let live: { session: string; bulkKey: Buffer } | undefined;
  const never = new AbortController().signal;

  function certificate(): string {
    const { id: agentId, identityKey, sealingKey } = agent;
    const about = {
      format: 1 as const,
      vaultId: store.vaultId,
      agentId,
      name: 'agent',
      identityKey,
      sealingKey,
    };
    return signStatement('agent-certificate', { ...about, issuedAt: new Date().toISOString() }, signing);
  }

  async function source(): Promise<Buffer> {
    const manifestFile = store.manifests.at(-1);
    if (!manifestFile) throw new Error('nothing was committed');
    const envelope = JSON.parse(zstdDecompressSync(manifestFile).toString()) as { manifest: string };
    const manifest = manifestSchema.parse(JSON.parse(envelope.manifest));
    const wrapped = [manifest.idKey, ...manifest.dataKeys].map(({ id }) => store.keys.get(id) as Buffer);
    const keys = await Promise.all(wrapped.map((file) => unwrapKey(file, identity)));
    const who = { id: agent.id, certificate: certificate(), sealingKey: agent.sealingKey } as never;
    const document = await store.sourceFor(manifest.server.id, manifestFile, {
      agent: who,
      signer: who,
      keys,
    });
    return Buffer.from(JSON.stringify(document));
  }

  async function handle(facts: BulkFacts, body: Buffer): Promise<Buffer> {
    const [route = '', query = ''] = facts.path.split('?');
    const name = route.split('/').at(-1) ?? '';
    if (name === 'missing') return store.missing(query.slice('server='.length), body);
    if (name === 'source') return source();
    if (name === 'commit') await store.commit({ jobId: '', attempt: 1 }, body);
    else if (route.includes('/keys/')) await store.putKey(name, body);
    else if (facts.method === 'PUT') await store.putPack(name, [body], never);
    else {
      const [from = 0, to = 0] = facts.range.slice('bytes='.length).split('-').map(Number);
      return store.getPack(name, { offset: from, length: to - from + 1 }, never);
    }
    return Buffer.alloc(0);
  }

  return {
    id: store.vaultId,
    store,
    mood,
    open(session) {
      live = session;
    },
    async serve(request, response) {
      const parts: Buffer[] = [];
      try {
        for await (const part of request) parts.push(part as Buffer);
      } catch {
        return; // the connection was cut
      }
      const body = Buffer.concat(parts);
      const facts: BulkFacts = {
        method: request.method ?? '',
        path: request.url ?? '',
        range: request.headers.range ?? '',
        attempt: String(request.headers[BULK_HEADERS.attempt] ?? ''),
        bodyHash: createHash('sha256').update(body).digest('hex'),
      };
      const own = mood.reply?.(facts.path);
      if (own) {
        const key = mood.forgeReplies ? Buffer.alloc(32) : (live?.bulkKey ?? Buffer.alloc(32));
        const signature = bulkReplySignature(key, facts, own.status, Buffer.from(own.body));
        return void response.writeHead(own.status, { [BULK_HEADERS.signature]: signature }).end(own.body);
      }
      const good =
        live !== undefined &&
        request.headers.authorization === `Bearer ${live.session}` &&
        request.headers[BULK_HEADERS.signature] === bulkSignature(live.bulkKey, facts);
      if (!live || !good) return void response.writeHead(401).end();
      const reply = await handle(facts, body);
      const status = facts.range ? 206 : 200;
      const key = mood.forgeReplies ? Buffer.alloc(32) : live.bulkKey;
      response.writeHead(status, { [BULK_HEADERS.signature]: bulkReplySignature(key, facts, status, reply) });
      response.end(reply);
    },
    statement: (version = 1) =>
      signStatement(
        'vault',
        {
          format: 1,
          vaultId: store.vaultId,
          version,
          recipients: [recipient],
          signingKey: ed25519Raw(signing),
          createdAt: '2026-01-01T00:00:00.000Z',
        },
        signing,
      ),
  };
}
