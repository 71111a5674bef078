import { readdir, readFile, readlink } from 'node:fs/promises';
import type { HostProcess } from '../engines/driver.ts';

/**
 * Which of these programs' processes holds which socket, by the socket's inode. Processes of other users can be
 * looked at by root only; what cannot be looked at, or not before the signal aborts, is left out.
 */
export async function socketOwners(
  programs: ReadonlySet<string>,
  signal: AbortSignal,
): Promise<Map<number, HostProcess>> {
  const owners = new Map<number, HostProcess>();
  for (const found of await serverProcesses(programs, signal)) {
    for (const inode of await socketsOf(found.pid, signal)) owners.set(inode, found);
  }
  return owners;
}

/** The processes of these programs; of one that works with many children, the first alone: it listens. */
async function serverProcesses(programs: ReadonlySet<string>, signal: AbortSignal): Promise<HostProcess[]> {
  const numbers = (await readdir('/proc').catch(() => [])).filter((name) => /^\d+$/.test(name));
  const seen = new Map<number, HostProcess & { parent: number }>();
  for (const number of numbers) {
    if (signal.aborted) break;
    const stat = await readFile(`/proc/${number}/stat`, 'utf8').catch(() => ''); // it ended meanwhile
    // The name stands in brackets and may hold some itself.
    const match = /^(\d+) \((.*)\) \S (\d+)/s.exec(stat);
    const name = match?.[2] ?? '';
    if (match && programs.has(name))
      seen.set(Number(match[1]), { pid: Number(match[1]), name, parent: Number(match[3]) });
  }
  return [...seen.values()]
    .filter(({ parent, name }) => seen.get(parent)?.name !== name)
    .map(({ pid, name }) => ({ pid, name }));
}

async function socketsOf(pid: number, signal: AbortSignal): Promise<number[]> {
  const directory = `/proc/${pid}/fd`;
  const inodes: number[] = [];
  for (const fd of await readdir(directory).catch(() => [])) {
    if (signal.aborted) break;
    const target = await readlink(`${directory}/${fd}`).catch(() => '');
    const inode = /^socket:\[(\d+)\]$/.exec(target)?.[1];
    if (inode) inodes.push(Number(inode));
  }
  return inodes;
}
