import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { checksums } from '../support/checksums.ts';
import { eventually } from '../support/eventually.ts';
import { addServer, protect } from '../support/protect.ts';
import { sharedShop } from './cli-world.ts';

const shop = sharedShop();

test('what replaces data wants the name typed on a terminal, and takes no other', async () => {
  await shop().postgres.query('CREATE DATABASE live TEMPLATE shop');
  await shop().postgres.query('DELETE FROM orders WHERE id < 500', 'live');
  const changed = await checksums(shop().postgres, 'live');
  const args = ['restore', 'latest', '--of', 'shop', '--to', 'main', '--swap', '--into', 'live', '--wait'];
  const typing = async (answer: string) => {
    const terminal = shop().user.onTerminal(args);
    await eventually('it asks', () => terminal.output().includes('Type the database’s name'));
    terminal.type(`${answer}\r`);
    return terminal.ended;
  };
  const { exitCode } = await typing('shop');
  expect(exitCode).toBe(2);
  expect(await checksums(shop().postgres, 'live')).toEqual(changed);
  const done = await typing('live');
  expect(done).toMatchObject({ exitCode: 0, stdout: expect.stringContaining('is kept as “live_before_') });
  expect(await checksums(shop().postgres, 'live')).toEqual(await checksums(shop().postgres, 'shop'));
});

test('a password typed on a terminal is not shown, and the question after it is answered there too', async () => {
  const { password, superuser } = shop().postgres;
  const target = ['restore', 'latest', '--of', 'shop', '--to', 'main', '--as', 'typed', '--wait'];
  const terminal = shop().user.onTerminal([...target, '--account', superuser]);
  await eventually('it asks for the password', () =>
    terminal.output().includes(`Password of ${superuser}: `),
  );
  terminal.type(`${password}\r`);
  await eventually('it asks whether', () => terminal.output().includes('Restore it? [y/N] '));
  terminal.type('y\r');
  const { exitCode, stdout } = await terminal.ended;
  expect(exitCode).toBe(0);
  expect(stdout).not.toContain(password);
  expect(await checksums(shop().postgres, 'typed')).toEqual(await checksums(shop().postgres, 'shop'));
});

test('a download replaces nothing, goes to no terminal, and keeps nothing that broke off', async () => {
  const file = join(shop().user.home, 'mine');
  await writeFile(file, 'precious');
  const download = (...args: string[]) => shop().user.run(['download', 'latest', '--of', 'shop', ...args]);
  expect(await download('--out', file)).toMatchObject({
    exitCode: 1,
    stderr: expect.stringContaining('exists'),
  });
  expect(await readFile(file, 'utf8')).toBe('precious');
  const terminal = await shop().user.onTerminal(['download', 'latest', '--of', 'shop', '--out', '-']).ended;
  expect(terminal).toMatchObject({ exitCode: 2, stdout: expect.stringContaining('not for a terminal') });

  const { stdout } = await shop().user.shell(
    'homeport download latest --of shop --out - | head -c 1000 >head || echo "ended with $?"',
  );
  expect(stdout).toBe('ended with 1');

  const packs = await vaultFiles('packs');
  const originals = await Promise.all(packs.map((pack) => readFile(pack)));
  try {
    for (const [at, pack] of packs.entries()) {
      const wrong = Buffer.from(originals[at] ?? []);
      wrong.fill(0xff, wrong.length >> 1, (wrong.length >> 1) + Math.min(4096, wrong.length >> 2));
      await writeFile(pack, wrong);
    }
    const broken = await download('--out', join(shop().user.home, 'broken'));
    expect(broken.exitCode).not.toBe(0);
    expect(broken.stderr).toContain('homeport: ');
    const piped = await shop().user.shell('homeport download latest --of shop --out - >piped');
    expect(piped.exitCode).not.toBe(0);
  } finally {
    for (const [at, pack] of packs.entries()) await writeFile(pack, originals[at] ?? '');
  }
  expect(await readdir(shop().user.home)).not.toContain('broken');
  expect(await readdir(shop().user.home)).not.toContain('broken.part');
  expect((await download('--out', join(shop().user.home, 'broken'))).exitCode).toBe(0);
});

test('a name that several have is not guessed', async () => {
  const { agent, homeport, postgres, user } = shop();
  const other = await addServer(homeport.api, agent, { name: 'other', server: postgres });
  await protect(homeport.api, other.id, 'shop');
  const { exitCode, stderr } = await user.run(['backup', 'shop']);
  expect(exitCode).toBe(2);
  for (const words of ['main/shop', 'other/shop', shop().database.id]) expect(stderr).toContain(words);
  const { stdout } = await user.run(['database', 'other/shop', '--json']);
  expect(JSON.parse(stdout)).toMatchObject({ serverId: other.id, snapshotCount: 0 });
  const none = await user.run(['restore', 'latest', '--of', 'other/shop', '--to', 'first/main']);
  expect(none).toMatchObject({ exitCode: 4, stderr: expect.stringContaining('no snapshot yet') });
});

async function vaultFiles(kind: string): Promise<string[]> {
  const root = join(shop().homeport.directory, 'data/vaults');
  const entries = await readdir(root, { recursive: true, withFileTypes: true });
  return entries
    .filter((one) => one.isFile() && one.parentPath.includes(`/${kind}`))
    .map((one) => join(one.parentPath, one.name));
}
