import { spawn } from 'node:child_process';
import { cp, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** What is left of a vault after a disaster: its files, the kit, and a Node. */
export interface Desk extends AsyncDisposable {
  /** An otherwise empty directory with the vault's files and `kit.txt`; `recover.mjs` runs in it. */
  readonly path: string;
  /** Runs the vault's own `recover.mjs` with plain Node, nothing in its environment. */
  recover(...args: string[]): Promise<Recovered>;
  /** The same by a line of the documents, through a shell. */
  shell(line: string, env?: Record<string, string>): Promise<Recovered>;
}

export interface Recovered {
  code: number | null;
  stdout: string;
  stderr: string;
}

/** Copies a store and a kit to where nothing else is. */
export async function recoveryDesk(store: string, kit: string): Promise<Desk> {
  const path = await mkdtemp(join(tmpdir(), 'homeport-recovery-'));
  await cp(store, path, { recursive: true });
  await writeFile(join(path, 'kit.txt'), kit);
  return {
    path,
    recover: (...args) => runIn(path, [process.execPath, 'recover.mjs', ...args]),
    shell: (line, env = {}) => runIn(path, ['/bin/sh', '-ec', line], env),
    [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }),
  };
}

/** Runs a program to its end, with nothing in its environment but what is given. */
export function runIn(
  cwd: string,
  [file, ...args]: string[],
  env: Record<string, string> = {},
): Promise<Recovered> {
  const child = spawn(file!, args, { cwd, env, stdio: ['ignore', 'pipe', 'pipe'] });
  const texts = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr'] as const)
    child[name].setEncoding('utf8').on('data', (text: string) => {
      texts[name] += text;
    });
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => resolve({ code, ...texts }));
  });
}
