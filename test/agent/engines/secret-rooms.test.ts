import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { access, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { openSecretRoom, runTool } from '../../../agent/process.ts';

const children: ChildProcess[] = [];
afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
});

/** Another process with an open room; resolves with it and the room's path. */
async function elsewhere(): Promise<{ child: ChildProcess; room: string }> {
  const script = `const { openSecretRoom } = await import(${JSON.stringify(join(process.cwd(), 'agent/process.ts'))});
    const room = await openSecretRoom({ pgpass: 'secret' }); console.log(room.directory); setInterval(() => {}, 1000);`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  children.push(child);
  const [line] = await once(child.stdout, 'data');
  return { child, room: String(line).trim() };
}

test('passwords do not outlive an agent that was killed; those of a living one stay', async () => {
  const [dead, alive] = await Promise.all([elsewhere(), elsewhere()]);
  expect((await stat(join(dead.room, 'pgpass'))).mode & 0o777).toBe(0o600);
  expect((await stat(dead.room)).mode & 0o777).toBe(0o700);
  dead.child.kill('SIGKILL');
  await once(dead.child, 'exit');
  await using room = await openSecretRoom({ pgpass: 'mine' });
  await expect(access(dead.room)).rejects.toThrow('ENOENT');
  await access(join(alive.room, 'pgpass'));
  await access(room.path('pgpass'));
});

test('a secret where stderr is cut does not show its end', async () => {
  await using room = await openSecretRoom({});
  const args = ['-c', 'yes hush | head -c 100000 >&2'];
  const command = { file: '/bin/sh', args, room, redact: ['hush'] };
  const { stderr, stderrCut } = await runTool(command, new AbortController().signal);
  expect(stderrCut).toBe(true);
  expect(stderr).not.toMatch(/^u?sh\n/);
});
