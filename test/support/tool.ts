import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { postgresBinaries, type TestPostgres } from './postgres.ts';

/** Runs a stock client tool against a server as its superuser, `input` on standard input. */
export function runTool(
  tool: string,
  args: string[],
  server: TestPostgres,
  input?: Uint8Array,
): Promise<{ code: number | null; stderr: string }> {
  const file = join(postgresBinaries(server.major).directory, tool);
  const child = spawn(file, args, { env: server.psqlEnv, stdio: ['pipe', 'ignore', 'pipe'] });
  let stderr = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  child.stdin.on('error', () => {}).end(input);
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => resolve({ code, stderr }));
  });
}
