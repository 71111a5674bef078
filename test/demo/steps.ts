/** Says on standard error what has happened, with a tick and its time; steps may overlap. */
export async function step<T>(what: string, work: () => Promise<T>): Promise<T> {
  const started = performance.now();
  try {
    const value = await work();
    const seconds = ((performance.now() - started) / 1000).toFixed(1);
    process.stderr.write(`  ✓ ${what} (${seconds} s)\n`);
    return value;
  } catch (error) {
    process.stderr.write(`  ✗ ${what}\n`);
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
