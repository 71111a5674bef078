import { cut, oneLine, printable, printableJson, table } from './text.ts';

/** What every command that lists or shows has. */
export const JSON_OPTION = ['--json', 'the API’s objects, for scripts'] as const;
export interface Json {
  json?: true;
}

/** How wide lines may be: the terminal's width, or any length where nobody looks at them. */
function lineWidth(): number {
  return process.stdout.isTTY ? (process.stdout.columns ?? 80) : Number.POSITIVE_INFINITY;
}

export function say(...lines: string[]): void {
  for (const line of lines) process.stdout.write(`${printable(line)}\n`);
}

/** A remark beside the result: on standard error, so that the result can go into a pipe. */
export function remark(...lines: string[]): void {
  for (const line of lines) process.stderr.write(`${printable(line)}\n`);
}

/** One JSON document, readable; the stable output of `--json`. */
export function sayJson(value: unknown): void {
  process.stdout.write(`${printableJson(value, 2)}\n`);
}

/** One JSON document on one line. */
export function sayJsonLine(value: unknown): void {
  process.stdout.write(`${printableJson(value)}\n`);
}

/** A table with its heading, or one sentence where there are no rows. */
export function sayTable(heading: string[], rows: string[][], none: string): void {
  if (rows.length === 0) remark(none);
  else process.stdout.write(table([heading, ...rows], lineWidth()));
}

/** Facts about one thing, one below the other. */
export function sayFacts(facts: readonly (readonly [string, string])[]): void {
  const width = Math.max(...facts.map(([label]) => label.length)) + 1;
  for (const [label, value] of facts) {
    const line = `${`${label}:`.padEnd(width)} ${oneLine(value)}`;
    process.stdout.write(`${process.stdout.isTTY ? cut(line, lineWidth()) : line}\n`);
  }
}

/** Whoever reads our output may stop reading (`| head`): that is no failure, unless a command set one before. */
export function endQuietlyWithTheReader(): void {
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
    process.exit(process.exitCode ?? 0);
  });
}
