import { type ChildProcess, spawn } from 'node:child_process';

/** Runs a command to its end; what it wrote on either stream, and its exit code. */
export function output(command: readonly string[], input = ''): Promise<{ output: string; code: number }> {
  return new Promise((resolve, reject) => {
    const [file, ...args] = command as [string, ...string[]];
    const child: ChildProcess = spawn(file, args, { stdio: ['pipe', 'pipe', 'pipe'] });
    let text = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream?.setEncoding('utf8').on('data', (chunk: string) => {
        text += chunk;
      });
    }
    child.once('error', reject);
    child.once('close', (code) => resolve({ output: text, code: code ?? -1 }));
    child.stdin?.on('error', () => {}).end(input);
  });
}
