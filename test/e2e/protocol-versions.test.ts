import { cp, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { NODE_FLAGS } from '../../agent/build/flags.ts';
import { PROTOCOL, type ProtocolRange } from '../../protocol/version.ts';
import { checksums } from '../support/checksums.ts';
import { ROOT } from '../support/child.ts';
import { eventually } from '../support/eventually.ts';
import { type HomeportOptions, startHomeport } from '../support/harness.ts';
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

/** A program's text with these protocol versions in place of its own. */
function speaking({ max, min }: ProtocolRange, program: string): string {
  const own = /(PROTOCOL(?:: ProtocolRange)? = \{\s*min: )\d+(,\s*max: )\d+/;
  if (!own.test(program)) throw new Error('The program does not name its protocol as this test expects.');
  return program.replace(own, `$1${min}$2${max}`);
}

/** A build of the agent that speaks these versions, and is one otherwise like any. */
async function build(range: ProtocolRange, name = `${range.min}-${range.max}`): Promise<string[]> {
  const file = join(directory, `agent-${name}.mjs`);
  await writeFile(file, speaking(range, text));
  return [process.execPath, ...NODE_FLAGS, file];
}

/** Sources of a control plane that speaks these versions; it runs from its sources wherever it is. */
async function controlPlaneOf(range: ProtocolRange, name: string): Promise<string> {
  const root = join(directory, `control-plane-${name}`);
  for (const part of ['control-plane', 'protocol', 'package.json'])
    await cp(join(ROOT, part), join(root, part), { recursive: true });
  const version = join(root, 'protocol/version.ts');
  await writeFile(version, speaking(range, await readFile(version, 'utf8')));
  const links = ['node_modules', 'web'];
  for (const part of links) await symlink(join(ROOT, part), join(root, part)).catch(unlessThere);
  return root;
}

function unlessThere(error: NodeJS.ErrnoException): void {
  if (error.code !== 'EEXIST') throw error;
}

/** A Homeport of its own, ended with the test. */
async function homeportOf(options: HomeportOptions) {
  const started = await startHomeport(options);
  onTestFinished(() => started.stop());
  return started;
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

/** The next control plane, and what comes after it: this agent is N−1 then, and too old. */
const NEXT = { min: PROTOCOL.min, max: PROTOCOL.max + 1 };
const AFTER = { min: PROTOCOL.max + 1, max: PROTOCOL.max + 2 };

test('a newer control plane speaks the newest version of this agent, which connects, backs up and restores', async () => {
  const { agent: startAgent, api } = await homeportOf({
    controlPlane: { root: await controlPlaneOf(NEXT, 'next') },
  });
  const agent = await startAgent('older');
  const server = await addServer(api, agent, { name: 'main', server: postgres() });
  const { id } = await protect(api, server.id, 'shop');
  const { snapshot } = await backUp(api, id);
  const targetDatabase = 'back from the next one';
  await restore(api, snapshot.id, { serverId: server.id, plan: { targetDatabase } });
  expect(await checksums(postgres(), targetDatabase)).toEqual(await checksums(postgres(), 'shop'));
});

test('one that has left this agent’s versions behind refuses it; both logs say what to update', async () => {
  const { agent: startAgent, controlPlane } = await homeportOf({
    controlPlane: { root: await controlPlaneOf(NEXT, 'changing') },
  });
  const agent = await startAgent('too old');
  await controlPlane.stop();
  await controlPlaneOf(AFTER, 'changing');
  await controlPlane.start();
  const remedy = `speaks protocol ${AFTER.min}–${AFTER.max}, this agent ${PROTOCOL.min}–${PROTOCOL.max}.`;
  const said = await eventually('the agent knows why', async () => {
    const status = await agent.cli(['status']).catch((error: Error) => error.message);
    return status.includes('protocol_mismatch') && status;
  });
  expect(said).toContain(remedy);
  expect(said).toContain('Update this agent.');
  const log = controlPlane.process();
  await log.printed(
    /"code":"protocol_mismatch","hint":"Update the older of the two[^"]*homeport-agent status/,
  );
  expect(log.output()).toContain(`that this control plane (0.1.0) does: ${AFTER.min}–${AFTER.max}.`);
  expect(await agent.offline()).toMatchObject({ name: 'too old' });
  // The former control plane again: nothing was lost.
  await controlPlane.stop();
  await controlPlaneOf(NEXT, 'changing');
  await controlPlane.start();
  await agent.kill();
  agent.start();
  await agent.online();
});
