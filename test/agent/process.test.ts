import { existsSync, readFileSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import { describe, expect, test } from 'vitest';
import { inLargeWrites, openSecretRoom, runTool, startTool } from '../../agent/process.ts';

const shell = (script: string) => ({ file: '/bin/sh', args: ['-c', script] });
function stateOf(pid: number): string {
  if (!existsSync(`/proc/${pid}/stat`)) return 'gone';
  return readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.charAt(0) ?? 'gone';
}

const never = () => new AbortController().signal;

describe('children', () => {
  test('see nothing of our environment but PATH', async () => {
    process.env.HOMEPORT_CANARY = 'visible';
    await using room = await openSecretRoom({});
    const { stdout } = await runTool(
      { ...shell('env | cut -d= -f1 | sort'), env: { NAMED: 'x' }, room },
      never(),
    );
    delete process.env.HOMEPORT_CANARY;
    const names = stdout.trim().split('\n');
    expect(names).toEqual(expect.arrayContaining(['HOME', 'LC_ALL', 'NAMED', 'PATH']));
    expect(names).not.toContain('HOMEPORT_CANARY');
  });

  test('get secrets as 0600 files in a 0700 directory, which is gone afterwards', async () => {
    let directory: string;
    {
      await using room = await openSecretRoom({ secret: 'hush' });
      directory = room.directory;
      expect((await stat(directory)).mode & 0o777).toBe(0o700);
      expect((await stat(room.path('secret'))).mode & 0o777).toBe(0o600);
    }
    expect(existsSync(directory)).toBe(false);
  });

  test('have their stderr kept to 16 KiB, without secrets', async () => {
    await using room = await openSecretRoom({});
    const script = 'head -c 100000 /dev/zero | tr "\\0" x >&2; echo "password hush!" >&2; exit 7';
    const exit = await runTool({ ...shell(script), room, redact: ['hush!'] }, never());
    expect(exit.exitCode).toBe(7);
    expect(exit.stderr.length).toBeLessThanOrEqual(16 * 1024 + 16);
    expect(exit.stderr).toMatch(/x password \[redacted\]\n$|xpassword \[redacted\]\n$/);
  });

  test('are ended with all they started when the signal aborts', async () => {
    await using room = await openSecretRoom({});
    const stop = new AbortController();
    const tool = startTool({ ...shell('sleep 1000 & echo $!; wait'), room }, stop.signal);
    const [first] = await tool.stdout.take(1).toArray();
    const grandchild = Number(String(first));
    expect(existsSync(`/proc/${grandchild}`)).toBe(true);
    stop.abort();
    expect((await tool.exit).signal).toBe('SIGTERM');
    // An orphan stays a zombie until some init takes it; either way it runs no more.
    await expect.poll(() => stateOf(grandchild)).toMatch(/^(Z|gone)$/);
  });

  test('that do not exist are an error, not an exit', async () => {
    await using room = await openSecretRoom({});
    await expect(runTool({ file: '/no/such/tool', args: [], room }, never())).rejects.toThrow(
      'could not be started',
    );
  });

  test('write in pieces of 64 KiB where they are made to', async () => {
    await using room = await openSecretRoom({});
    const command = await inLargeWrites({
      file: '/usr/bin/od',
      args: ['-v', '/dev/zero', '-N4000000'],
      room,
    });
    const pieces = async (tool = command) => {
      const { stdout, exit, stdin } = startTool(tool, never());
      stdin.end();
      const all: Buffer[] = await stdout.toArray();
      expect((await exit).exitCode).toBe(0);
      return { count: all.length, text: Buffer.concat(all).toString() };
    };
    const large = await pieces();
    const small = await pieces({ ...command, file: '/usr/bin/od', args: command.args.slice(2) });
    expect(large.text).toBe(small.text);
    expect(large.count).toBeLessThan(2 + large.text.length / 60_000);
  });
});
