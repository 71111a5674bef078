import { createHash } from 'node:crypto';
import { fail } from '../../protocol/failure.ts';
import { free } from '../../protocol/free.ts';
import { chunkId, keyHash, serverSecrets, type VaultKey } from '../../protocol/vault/keys.ts';
import type { ManifestStream } from '../../protocol/vault/manifest.ts';
import type { StreamSink } from '../engines/driver.ts';
import { abortable } from './abortable.ts';
import { ChunkStore } from './chunk-store.ts';
import { ChunkCutter } from './chunker.ts';
import type { VaultClient } from './vault-client.ts';

/** Plaintext bytes read and reused, sealed bytes safe in the vault; all since the backup began. */
export interface BackupProgress {
  rawBytes: number;
  storedBytes: number;
  reusedBytes: number;
}

export interface BackupOptions {
  serverId: string;
  /** The server's key, from which chunk ids and cuts are derived. */
  idKey: VaultKey;
  /** This job's data key; its wrapped file must be in the vault before the manifest is. */
  dataKey: VaultKey;
  /** Hashes of the data keys this agent vouches for; other keys' chunks are uploaded again. */
  knownDataKeys: ReadonlyMap<string, string>;
  vault: Pick<VaultClient, 'missing' | 'putPack'>;
  signal: AbortSignal;
  onProgress(progress: BackupProgress): void;
}

/** What the manifest needs to know about the bytes. */
export interface BackupContent extends BackupProgress {
  streams: ManifestStream[];
  /** SHA-256 of each stream's plaintext, hex, by stream name. */
  streamHashes: Record<string, string>;
  /** Every data key some chunk is sealed with, this job's own always among them. */
  dataKeys: { id: string; hash: string }[];
}

export interface RunningBackup {
  /** Aborted by whatever ends the backup early, with the reason: who feeds the sink must then stop. */
  signal: AbortSignal;
  /** Resolves once the stream is taken in whole; its bytes are safe once `finish` resolves. */
  sink: StreamSink;
  /** Uploads the rest. Rejects with the first error of the backup, whichever part it came from. */
  finish(): Promise<BackupContent>;
  /** Stops everything; `sink` and `finish` then reject with `error`. */
  abort(error: unknown): void;
}

/** Starts a backup: streams go into `sink`, chunks the vault lacks come out as packs. */
export function startBackup(options: BackupOptions): RunningBackup {
  const stop = new AbortController();
  const signal = AbortSignal.any([options.signal, stop.signal]);
  const progress: BackupProgress = { rawBytes: 0, storedBytes: 0, reusedBytes: 0 };
  const store = new ChunkStore({ ...options, signal, progress, onError: (error) => stop.abort(error) });
  const secrets = serverSecrets(options.idKey);
  const streams = new Map<string, StreamRecord>();

  const sink: StreamSink = async ({ name, format }, body) => {
    if (streams.has(name))
      throw fail('internal', `Stream “${name}” came twice.`, 'This is a defect in Homeport.');
    const record = new StreamRecord(name, format);
    streams.set(name, record);
    const cutter = new ChunkCutter(secrets.gearSeed);
    const accept = (slab: Buffer, length: number) => {
      const plaintext = slab.subarray(0, length);
      const id = chunkId(secrets.chunkIdKey, plaintext);
      record.add(id, plaintext);
      progress.rawBytes += length;
      store.add({ id, slab, length });
      options.onProgress({ ...progress });
    };
    await cut(abortable(body, signal), { cutter, store, accept });
    record.end();
  };

  return {
    signal,
    sink,
    abort: (error) => stop.abort(error),
    finish: async () => {
      await store.finish();
      options.onProgress({ ...progress });
      const done = [...streams.values()].map((record) => record.result());
      return {
        ...progress,
        streams: done.map(({ stream }) => stream),
        streamHashes: Object.fromEntries(done.map(({ stream, hash }) => [stream.name, hash])),
        dataKeys: dataKeysOf(options, store.reusedKeys),
      };
    },
  };
}

/** Assembles chunks in slabs: every byte is copied once, from where it was read to its chunk, and then freed. */
async function cut(
  body: AsyncIterable<Uint8Array>,
  into: { cutter: ChunkCutter; store: ChunkStore; accept: (slab: Buffer, length: number) => void },
): Promise<void> {
  let slab: Buffer | undefined;
  let length = 0;
  for await (const bytes of body) {
    for (let at = 0; at < bytes.length; ) {
      slab ??= into.store.slab() ?? (await into.store.nextSlab());
      const end = into.cutter.next(bytes, at);
      const piece = bytes.subarray(at, end < 0 ? bytes.length : end);
      slab.set(piece, length);
      length += piece.length;
      at += piece.length;
      if (end < 0) continue;
      into.accept(slab, length);
      slab = undefined;
      length = 0;
    }
    free(bytes);
  }
  if (slab) into.accept(slab, length);
}

function dataKeysOf(options: BackupOptions, reused: ReadonlySet<string>): BackupContent['dataKeys'] {
  const own = { id: options.dataKey.id, hash: keyHash('data', options.dataKey.secret) };
  const others = [...reused].flatMap((id) => {
    const hash = options.knownDataKeys.get(id);
    return hash === undefined || id === own.id ? [] : [{ id, hash }];
  });
  return [own, ...others];
}

/** One stream as the manifest will describe it. */
class StreamRecord {
  readonly #stream: ManifestStream;
  readonly #hash = createHash('sha256');
  #ended = false;

  constructor(name: string, format: string) {
    this.#stream = { name, format, length: 0, chunks: [] };
  }

  add(id: Buffer, plaintext: Buffer): void {
    this.#stream.chunks.push([id.toString('hex'), plaintext.length]);
    this.#stream.length += plaintext.length;
    this.#hash.update(plaintext);
  }

  end(): void {
    this.#ended = true;
  }

  result(): { stream: ManifestStream; hash: string } {
    if (!this.#ended) {
      const message = `Stream “${this.#stream.name}” did not come to its end.`;
      throw fail('dump_incomplete', message, 'Run the backup again.', { retryable: true });
    }
    return { stream: this.#stream, hash: this.#hash.digest('hex') };
  }
}
