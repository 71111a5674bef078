/** Says on standard error what happens, each step with a tick and its time once it is done. */
export async function step<T>(what: string, work: () => Promise<T>): Promise<T> {
  const started = performance.now();
  const live = process.stderr.isTTY;
  if (live) process.stderr.write(`  · ${what}`);
  try {
    const value = await work();
    const seconds = ((performance.now() - started) / 1000).toFixed(1);
    process.stderr.write(`${live ? '\r' : ''}  ✓ ${what} (${seconds} s)\n`);
    return value;
  } catch (error) {
    process.stderr.write(`${live ? '\r' : ''}  ✗ ${what}\n`);
    throw error;
  }
}

export function say(text: string): void {
  process.stderr.write(`${text}\n`);
}

/** Bytes for people. */
export function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(1)} MB`;
}
