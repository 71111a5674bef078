import { readdirSync, readFileSync, readlinkSync } from 'node:fs';

/** A process of this host, as whoever may read /proc sees it. */
export interface SeenProcess {
  pid: number;
  /** Program and arguments, with NUL between them. */
  command: string;
  /** Empty where it may not be read. */
  environment: string;
}

/** Every process whose command line has `text` in it. */
export function processesWith(text: string): SeenProcess[] {
  return readdirSync('/proc').flatMap((name) => {
    if (!/^\d+$/.test(name) || Number(name) === process.pid) return [];
    const read = (file: string) => {
      try {
        return readFileSync(`/proc/${name}/${file}`, 'utf8');
      } catch {
        return ''; // ended meanwhile, or another user's
      }
    };
    const command = read('cmdline');
    if (!command.includes(text)) return [];
    return [{ pid: Number(name), command, environment: read('environ') }];
  });
}

/** The address and port that a process listens on, as `/proc/net/tcp` has them: `0100007F:1F90`. */
export function listening(pid: number): string | undefined {
  const sockets = new Set<string>();
  for (const fd of readdirSync(`/proc/${pid}/fd`)) {
    const [, inode] = /^socket:\[(\d+)\]$/.exec(readlinkSync(`/proc/${pid}/fd/${fd}`)) ?? [];
    if (inode !== undefined) sockets.add(inode);
  }
  const lines = readFileSync('/proc/net/tcp', 'utf8').split('\n');
  const fields = lines.map((line) => line.trim().split(/\s+/));
  return fields.find(([, , , state, , , , , , inode = '']) => state === '0A' && sockets.has(inode))?.[1];
}
