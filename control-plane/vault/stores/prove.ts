import { randomUUID } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { requireRclone, type StoreElsewhere, type StoreGround } from './choice.ts';
import { probeStore } from './probe.ts';
import { requireAllowed } from './rclone-addresses.ts';
import { describeRemote, type RcloneOptions } from './rclone-options.ts';
import type { S3Options } from './s3-options.ts';

/**
 * Tests a place by doing all that a store does there, and leaves nothing behind.
 * @returns the choice, with what the place cannot do turned off
 * @throws FailureError `store_unavailable` | `forbidden` | `disk_full`, each with what to change
 */
export async function prove(ground: StoreGround, choice: StoreElsewhere): Promise<StoreElsewhere> {
  const spool = join(ground.dataDir, 'spool', `test-${randomUUID()}`);
  try {
    if (choice.kind === 's3') return await proveBucket(ground, choice, spool);
    return await proveRemote(ground, choice, spool);
  } finally {
    await rm(spool, { recursive: true, force: true });
  }
}

async function proveBucket({ outgoing }: StoreGround, options: S3Options, spool: string): Promise<S3Options> {
  const [{ S3Store }, { probeBucket, probeDirect }, { probeLock, requireLocking }] = await Promise.all([
    import('./s3.ts'),
    import('./s3-probe.ts'),
    import('./s3-lock-probe.ts'),
  ]);
  const store = new S3Store(options, { outgoing, spool, patience: 'short' });
  await requireLocking(store);
  await probeBucket(store, options);
  const proven = await probeLock(store, options);
  return { ...proven, direct: await probeDirect(store) };
}

async function proveRemote(
  ground: StoreGround,
  options: RcloneOptions,
  spool: string,
): Promise<RcloneOptions> {
  await requireAllowed(options, ground.outgoing);
  const { RcloneStore } = await import('./rclone.ts');
  const store = new RcloneStore(options, { rclone: requireRclone(ground), spool });
  try {
    await probeStore(store, describeRemote(options));
    return options;
  } finally {
    await store.close();
  }
}
