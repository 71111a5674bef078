import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { NODE_FLAGS } from '../../agent/build/flags.ts';
import { PROTOCOL, type ProtocolRange } from '../../protocol/version.ts';
import { checksums } from '../support/checksums.ts';
import { eventually } from '../support/eventually.ts';
import { addServer, backUp, protect, restore } from '../support/protect.ts';
import { builtRelease } from '../support/release.ts';
import { createShop } from '../support/shop.ts';
import { sharedHomeport, sharedPostgres } from './world.ts';

const homeport = sharedHomeport();
const postgres = sharedPostgres();
let directory: string;
let text: string;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'homeport-protocol-'));
  text = await readFile((await builtRelease()).file('node'), 'utf8');
  await createShop(postgres(), 'shop', 1_000);
}, 240_000);
afterAll(() => rm(directory, { recursive: true, force: true }));

/** A build of the agent that speaks these versions, and is one otherwise like any. */
async function build({ max, min }: ProtocolRange, name = `${min}-${max}`): Promise<string[]> {
  const own = /(PROTOCOL = \{\s*min: )\d+(,\s*max: )\d+/;
  if (!own.test(text)) throw new Error('The bundle does not name its protocol as this test expects.');
  const file = join(directory, `agent-${name}.mjs`);
  await writeFile(file, text.replace(own, `$1${min}$2${max}`));
  return [process.execPath, ...NODE_FLAGS, file];
}

// As long as there is one version only, the build of the next one stands for N, and this control plane for N−1.
test.for([
  ['the same', PROTOCOL],
  ['the next one too, as the build that comes after this will', { min: PROTOCOL.max, max: PROTOCOL.max + 1 }],
] as const)('a build that speaks %s connects, backs up and restores', async ([name, range]) => {
  const { api } = homeport();
  const program = await build(range);
  const agent = await homeport().agent(name, { program });
  const server = await addServer(api, agent, { name, server: postgres() });
  const database = await protect(api, server.id, 'shop');
  const { snapshot } = await backUp(api, database.id);
  const targetDatabase = `back ${range.max}`;
  await restore(api, snapshot.id, { serverId: server.id, plan: { targetDatabase } });
  expect(await checksums(postgres(), targetDatabase)).toEqual(await checksums(postgres(), 'shop'));
  await agent.stop();
});

test('one that has no version in common is refused by name, and told which side to update', async () => {
  const range = { min: PROTOCOL.max + 1, max: PROTOCOL.max + 2 };
  const program = await build(PROTOCOL, 'changing');
  const agent = await homeport().agent('too new', { program });
  await agent.stop();
  await build(range, 'changing');
  agent.start();
  const status = () => agent.cli(['status']).catch((error: Error) => error.message);
  const said = await eventually('it knows why', async () => {
    const text = await status();
    return text.includes('protocol_mismatch') && text;
  });
  const { max, min } = PROTOCOL;
  expect(said).toContain(`speaks protocol ${min}–${max}, this agent ${range.min}–${range.max}.`);
  expect(said).toContain('Update the control plane.');
  expect(await agent.offline()).toMatchObject({ name: 'too new' });
  // Of the same version again, it is back.
  await agent.kill();
  await build(PROTOCOL, 'changing');
  agent.start();
  await agent.online();
  await agent.stop();
});
