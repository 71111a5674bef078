import { rm } from 'node:fs/promises';
import { DeleteObjectCommand, HeadObjectCommand } from '@aws-sdk/client-s3';
import { afterAll, afterEach, beforeAll, beforeEach, expect } from 'vitest';
import { systemClock } from '../../control-plane/clock.ts';
import type { S3Options } from '../../control-plane/vault/stores/s3-options.ts';
import type { VaultRecord } from '../../control-plane/vault/vault-record.ts';
import type { Fleet } from '../control-plane/vault/fleet.ts';
import { World, world } from '../control-plane/vault/world.ts';
import { eventually } from '../support/eventually.ts';
import { type HttpFaults, startHttpFaults } from '../support/http-faults.ts';
import { anywhere, type S3Server, startS3Server } from '../support/s3.ts';

export const DAY = 24 * 60 * 60_000;
export const DAYS = 30;
export const LOCK = { mode: 'compliance', days: DAYS, liftable: false } as const;

/** A control plane's vaults, on a clock that the test can put forward. */
class Shifted extends World {
  shift = 0;

  override options() {
    const clock = { ...systemClock, now: () => Date.now() + this.shift };
    return { ...super.options(), outgoing: anywhere, clock };
  }
}

/** A bucket with Object Lock behind a relay that can fail, for each test of a file another one. */
export class LockBench {
  s3!: S3Server;
  faults!: HttpFaults;
  w!: Shifted;
  fleet!: Fleet;
  bucket!: S3Options;
  number = 0;

  async begin(): Promise<void> {
    this.s3 = await startS3Server();
    this.faults = await startHttpFaults(this.s3.port);
  }

  async renew(): Promise<void> {
    this.faults.verify = true;
    const plain = await world();
    plain.stop();
    this.w = new Shifted(plain.dataDir);
    await this.w.start();
    this.number += 1;
    const endpoint = `http://127.0.0.1:${this.faults.port}`;
    const options = { endpoint, prefix: 'homeport', lock: LOCK };
    this.bucket = await this.s3.lockable(`locked-${this.number}`, options);
  }

  async clear(): Promise<void> {
    this.faults.mend();
    await this.w[Symbol.asyncDispose]();
  }

  async end(): Promise<void> {
    await this.faults?.[Symbol.asyncDispose]();
    await this.s3?.stop();
  }

  readonly now = () => Date.now() + this.w.shift;
  readonly records = () => this.w.vaults.service.vaults() as VaultRecord[];
  readonly record = () => this.records().find(({ id }) => id === this.w.vaultId) as VaultRecord;
  readonly snapshot = (id: string) => this.w.vaults.service.snapshot(id);

  readonly downloaded = async (id: string) =>
    Buffer.concat(await Array.fromAsync((await this.w.vaults.service.download(id)).body));

  readonly keysOf = async (folder: string) =>
    (await this.s3.keys(this.bucket.bucket)).filter((key) => key.startsWith(`homeport/${folder}`));

  /** Requests so far that set a lock on what is there already. */
  readonly retentionCalls = () =>
    this.faults.seen.filter(({ method, path }) => method === 'PUT' && path.includes('?retention'));

  /** Makes a vault in the bucket the one for new backups, with an agent. */
  readonly inBucket = async (change: Partial<S3Options> = {}): Promise<VaultRecord> => {
    const store = { ...this.bucket, ...change };
    const made = await this.w.vaults.service.addVault({ name: 'offsite', store });
    await this.w.vaults.service.useVault(made.id);
    this.fleet = await this.w.enrol();
    this.faults.seen.splice(0);
    return made;
  };

  readonly retention = async (Key: string, VersionId?: string) => {
    const which = { Bucket: this.bucket.bucket, Key, ...(VersionId ? { VersionId } : {}) };
    const found = await this.s3.client.send(new HeadObjectCommand(which));
    return { mode: found.ObjectLockMode, until: found.ObjectLockRetainUntilDate?.getTime() ?? 0 };
  };

  /** Tries to delete every version that there is, as somebody who may do anything; says how many are gone. */
  readonly deleteVersions = async (): Promise<number> => {
    let gone = 0;
    for (const { isMarker, key, versionId } of await this.s3.versions(this.bucket.bucket)) {
      if (isMarker || key.includes('homeport-test-')) continue;
      const which = { Bucket: this.bucket.bucket, Key: key, VersionId: versionId };
      const deletion = new DeleteObjectCommand({ ...which, BypassGovernanceRetention: true });
      await this.s3.client.send(deletion).then(
        () => {
          gone += 1;
        },
        (error: Error) => expect(error.name).toBe('AccessDenied'),
      );
    }
    return gone;
  };

  readonly current = () =>
    eventually('the replica is current', () => {
      const { replica, snapshotCount } = this.record();
      const whole = replica?.snapshotCount === snapshotCount && replica.pending.packs === 0;
      return replica?.state === 'current' && whole;
    });

  /** The control plane starts again without its database. */
  readonly loseIndex = async (): Promise<void> => {
    await this.w.halt();
    for (const suffix of ['', '-wal', '-shm']) await rm(this.w.databaseFile + suffix, { force: true });
    await this.w.start();
  };
}

/** A bench whose parts begin and end with the tests of this file. */
export function lockBench(): LockBench {
  const bench = new LockBench();
  beforeAll(() => bench.begin(), 180_000);
  beforeEach(() => bench.renew());
  afterEach(() => bench.clear());
  afterAll(() => bench.end());
  return bench;
}
