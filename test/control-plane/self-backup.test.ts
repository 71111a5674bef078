import { cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { generateX25519Identity } from 'age-encryption';
import { describe, expect, onTestFinished, test } from 'vitest';
import { SYSTEM } from '../../control-plane/audit.ts';
import { closeDb, DATABASE_FILE, openDb } from '../../control-plane/db/open.ts';
import { createMasterKey } from '../../control-plane/keys/master.ts';
import { createLogger } from '../../control-plane/log.ts';
import { createSelfBackups, KEPT, LATE_MS, nextHour } from '../../control-plane/self-backup/keeper.ts';
import { type ReadKit, readRecoveryKit } from '../../control-plane/self-backup/kit.ts';
import { selfBackupsIn } from '../../control-plane/self-backup/make.ts';
import { restoreSelf } from '../../control-plane/self-backup/restore.ts';
import { createVault, type OpenVault } from '../../control-plane/vault/create.ts';
import { recoveryKit } from '../../control-plane/vault/recovery/kit.ts';
import { LOCAL, type StoreChoice } from '../../control-plane/vault/stores/choice.ts';
import { createOutgoing } from '../../protocol/outgoing.ts';
import { createFakeClock } from '../support/fake-clock.ts';
import { startS3Server } from '../support/s3.ts';

const HOUR = 3600_000;

async function folder(): Promise<string> {
  const made = await mkdtemp(join(tmpdir(), 'homeport-self-'));
  onTestFinished(() => rm(made, { recursive: true, force: true }));
  return made;
}

/** A data directory with a database, a vault and its keys, and what backs it up. */
async function home({ apart = false, store = LOCAL }: { apart?: boolean; store?: StoreChoice } = {}) {
  const dataDir = await folder();
  const master = createMasterKey(Buffer.alloc(32, 7));
  const ground = { dataDir, master, outgoing: createOutgoing(true) };
  const vault = await createVault(ground, { name: 'Default', store });
  await writeFile(join(dataDir, 'keys/master.key'), `${Buffer.alloc(32, 7).toString('base64')}\n`);
  const db = openDb(join(dataDir, DATABASE_FILE));
  onTestFinished(() => closeDb(db));
  const clock = createFakeClock();
  const entries: string[] = [];
  const backups = createSelfBackups({
    ...{ db, dataDir, clock, masterKeyApart: apart, hour: 3, log: createLogger('silent') },
    vault: () => vault,
    audit: ({ action }) => void entries.push(action),
    events: { changed: () => {} } as never,
  });
  return { backups, clock, dataDir, db, entries, vault };
}

const kitFor = ({ secrets }: OpenVault) =>
  readRecoveryKit(recoveryKit(secrets, { url: 'https://backups.example.org', now: 0 }));
const by = { actor: SYSTEM };
const anything = async () => {};

/** A backup that was made, as a file outside. */
async function made(vault: OpenVault, file: string): Promise<string> {
  const name = (await selfBackupsIn(vault.store.primary)).at(-1) ?? '';
  await writeFile(file, await vault.store.primary.read(name));
  return file;
}

describe('coming back', () => {
  test('brings database and keys back, byte for byte where nothing changed', async () => {
    const { backups, dataDir, db, vault } = await home();
    db.$client.exec(`insert into settings values ('told', 'it was here')`);
    await backups.make(by);
    const [target, aside] = [await folder(), await folder()];
    const file = await made(vault, join(aside, 'one.age'));
    await mkdir(join(target, 'vaults'));
    await restoreSelf({ file, kit: kitFor(vault), dataDir: target }, anything);
    expect((await readdir(target)).toSorted()).toEqual([DATABASE_FILE, 'keys', 'vaults']);
    for (const name of await readdir(join(dataDir, 'keys')))
      expect(await readFile(join(target, 'keys', name))).toEqual(await readFile(join(dataDir, 'keys', name)));
    const back = openDb(join(target, DATABASE_FILE));
    expect(back.$client.prepare(`select value from settings where key = 'told'`).pluck().get()).toBe(
      'it was here',
    );
    closeDb(back);
    expect(await readdir(dataDir)).not.toContain('self-backup');
  });

  test('a master key that is kept elsewhere is in none, and said to be', async () => {
    const { backups, vault } = await home({ apart: true });
    await backups.make(by);
    const [target, aside] = [await folder(), await folder()];
    const file = await made(vault, join(aside, 'one.age'));
    const statement = await restoreSelf({ file, kit: kitFor(vault), dataDir: target }, anything);
    expect(statement.masterKeyApart).toBe(true);
    expect(await readdir(join(target, 'keys'))).not.toContain('master.key');
  });

  test('works from a bucket as well', async () => {
    const s3 = await startS3Server();
    onTestFinished(() => s3[Symbol.asyncDispose]());
    const { backups, vault } = await home({ store: await s3.bucket('self') });
    for (let n = 0; n < 2; n += 1) await backups.make(by);
    const [target, aside] = [await folder(), await folder()];
    const file = await made(vault, join(aside, 'one.age'));
    await restoreSelf({ file, kit: kitFor(vault), dataDir: target }, anything);
    expect(await readdir(target)).toContain(DATABASE_FILE);
  });
});

describe('what is refused, with nothing changed', () => {
  async function sample(): Promise<{ sealed: Buffer; kit: ReadKit }> {
    const { backups, vault } = await home();
    await backups.make(by);
    return { sealed: await readFile(await made(vault, join(await folder(), 'one.age'))), kit: kitFor(vault) };
  }

  async function refusal(bytes: Uint8Array, kit: ReadKit): Promise<string> {
    const [target, aside] = [await folder(), await folder()];
    const file = join(aside, 'one.age');
    await writeFile(file, bytes);
    const error = await restoreSelf({ file, kit, dataDir: target }, anything).then(
      () => undefined,
      (thrown: { failure: { code: string } }) => thrown,
    );
    expect(await readdir(target)).toEqual([]);
    return error?.failure.code ?? 'none';
  }

  test('another kit', async () => {
    const { kit, sealed } = await sample();
    const other = { ...kit, identity: await generateX25519Identity() };
    expect(await refusal(sealed, other)).toBe('key_missing');
  });

  test('one that this vault did not sign, though sealed to it', async () => {
    const { kit, sealed } = await sample();
    const { signingKey } = (await home()).vault.secrets;
    expect(await refusal(sealed, { ...kit, signingKey })).toBe('signature_invalid');
  });

  test.for([0.3, 0.6, 0.999])('a file that is damaged at %f of it, or ends there', async (share) => {
    const { kit, sealed } = await sample();
    const at = Math.floor(sealed.length * share);
    const flipped = Buffer.from(sealed);
    flipped[at] = (flipped[at] ?? 0) ^ 1;
    expect([await refusal(flipped, kit), await refusal(sealed.subarray(0, at), kit)]).toEqual([
      'pack_corrupt',
      'pack_corrupt',
    ]);
  });

  test('a directory with a control plane in it, which stays as it is', async () => {
    const { backups, dataDir, vault } = await home();
    await backups.make(by);
    const target = await folder();
    await cp(join(dataDir, 'keys'), join(target, 'keys'), { recursive: true });
    const file = await made(vault, join(await folder(), 'one.age'));
    await expect(restoreSelf({ file, kit: kitFor(vault), dataDir: target }, anything)).rejects.toThrow(
      /not empty/,
    );
    expect(await readdir(target)).toEqual(['keys']);
  });

  test('a kit with a line mistyped or missing', async () => {
    const { vault } = await home();
    const text = recoveryKit(vault.secrets, { url: 'https://backups.example.org', now: 0 });
    expect(() => readRecoveryKit(text.replace(vault.id, `${vault.id.slice(0, -1)}0x`))).toThrow(/checksum/);
    expect(() => readRecoveryKit(text.replace(/^identity:.*\n/m, ''))).toThrow(/identity/);
    expect(() => readRecoveryKit('hello')).toThrow(/recovery-kit/);
  });
});

describe('by itself', () => {
  test('once a day at its hour, the newest fourteen kept', async () => {
    const { backups, clock, entries, vault } = await home();
    backups.start();
    expect(backups.state()).toMatchObject({ last: null, late: false });
    for (let day = 0; day < KEPT + 3; day += 1) {
      const due = backups.state().nextAt ?? 0;
      expect(new Date(due).getUTCHours()).toBe(3);
      clock.advance(due - clock.now() + 60_000);
      await backups.stop();
      expect(backups.state().failure).toBeNull();
      backups.start();
    }
    expect(entries).toHaveLength(KEPT + 3);
    const left = await selfBackupsIn(vault.store.primary);
    expect(left).toHaveLength(KEPT);
    expect(left.at(-1)).toBe(backups.state().last?.name);
    await backups.stop();
  });

  test('a failure is told and tried again after an hour; two days without one are late', async () => {
    const { backups, clock, db, vault } = await home();
    backups.start();
    await rm(vault.place, { recursive: true });
    await expect(backups.make(by)).rejects.toMatchObject({ failure: { code: 'store_unavailable' } });
    expect(backups.state()).toMatchObject({ late: true, nextAt: clock.now() + HOUR });
    expect(backups.state().failure?.failure.code).toBe('store_unavailable');
    await backups.stop();
    db.$client.exec(`delete from settings`);
    backups.start();
    clock.advance(1);
    expect(backups.state().late).toBe(false);
    await backups.stop();
    clock.advance(LATE_MS + 1);
    expect(backups.state().late).toBe(true);
  });

  test('two at once: the second is refused', async () => {
    const { backups } = await home();
    const first = backups.make(by);
    await expect(backups.make(by)).rejects.toMatchObject({ failure: { code: 'conflict' } });
    await first;
  });

  test('the next hour is always ahead', () => {
    const noon = Date.UTC(2026, 10, 28, 12);
    expect([nextHour(noon, 3), nextHour(noon, 13), nextHour(noon, 12)]).toEqual([
      Date.UTC(2026, 10, 29, 3),
      Date.UTC(2026, 10, 28, 13),
      Date.UTC(2026, 10, 29, 12),
    ]);
  });
});
