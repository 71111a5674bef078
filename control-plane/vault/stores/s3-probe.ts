import { randomUUID } from 'node:crypto';
import { probeStore } from './probe.ts';
import type { S3Store } from './s3.ts';
import { describeBucket, type S3Options } from './s3-options.ts';

/**
 * Whether agents may use a bucket themselves: only where it proves the checksum they send, since nobody else then sees
 * the bytes. Leaves nothing behind.
 */
export async function probeDirect(store: S3Store): Promise<boolean> {
  if (!store.direct) return false;
  const name = `packs/homeport-test-${randomUUID()}`;
  try {
    return await store.provesChecksums(name);
  } finally {
    await store.remove(name);
  }
}

/** Proves that a bucket can be used as a store. @throws as {@link probeStore} */
export async function probeBucket(store: S3Store, options: S3Options): Promise<void> {
  await probeStore(store, describeBucket(options));
}
