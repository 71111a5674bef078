import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';

/** Seconds a task takes, by the wall. */
export async function seconds(task: () => Promise<unknown>): Promise<number> {
  const start = process.hrtime.bigint();
  await task();
  return Number(process.hrtime.bigint() - start) / 1e9;
}

/** Runs a line of shell; rejects unless all of its pipe ends well. */
export async function shell(line: string, env: Record<string, string>): Promise<void> {
  const child = spawn('bash', ['-o', 'pipefail', '-c', line], { env, stdio: ['ignore', 'ignore', 'pipe'] });
  let errors = '';
  child.stderr.on('data', (text: Buffer) => {
    errors = (errors + text.toString()).slice(-4000);
  });
  const [code] = await once(child, 'close');
  if (code !== 0) throw new Error(`“${line}” ended with ${code}: ${errors}`);
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

/** Largest resident size a process ever had, in bytes: itself, without its children. */
export function peakMemory(pid: number): number {
  const kilobytes = readFileSync(`/proc/${pid}/status`, 'utf8').match(/^VmHWM:\s+(\d+) kB$/m)?.[1];
  if (kilobytes === undefined) throw new Error(`/proc/${pid}/status has no VmHWM`);
  return Number(kilobytes) * 1024;
}

/** Processor seconds of a process, and of the children it has waited for. */
export interface CpuTime {
  own: number;
  children: number;
}

/** Linux counts in hundredths of a second here (USER_HZ). */
const TICKS = 100;

export function cpuTime(pid: number): CpuTime {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
    .replace(/^.*\) /s, '')
    .split(' ')
    .map(Number);
  const at = (index: number) => (fields[index] ?? 0) / TICKS;
  return { own: at(11) + at(12), children: at(13) + at(14) };
}

export function cpuSince(pid: number, before: CpuTime): CpuTime {
  const now = cpuTime(pid);
  return { own: now.own - before.own, children: now.children - before.children };
}
