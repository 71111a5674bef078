import type { CheckResult, DoctorReport, Verdict } from './doctor.ts';

/** Columns of the verdict, so that what follows stands in line. */
const INDENT = ' '.repeat(10);

/**
 * The report for a terminal, alike in both command lines: a line for what is well; below what is not, what to do about
 * it. Whoever prints it makes it printable: names in it come from elsewhere.
 */
export function reportText({ checks, hostname, version }: DoctorReport): string {
  const lines = [
    `Homeport agent ${version} on ${hostname}`,
    '',
    ...checks.flatMap(linesOf),
    '',
    summary(checks),
  ];
  return `${lines.join('\n')}\n`;
}

function linesOf({ fix, paste, seen, title, verdict }: CheckResult): string[] {
  const label = verdict === 'ok' || verdict === 'skipped' ? verdict : verdict.toUpperCase();
  const lines = [`${label.padEnd(INDENT.length)}${inLine(title)}: ${inLine(seen)}`];
  if (fix !== undefined) lines.push(`${INDENT}→ ${inLine(fix)}`);
  if (paste !== undefined) lines.push(...paste.split('\n').map((line) => `${INDENT}    ${line}`));
  return lines;
}

/** Names come from elsewhere too: one with a line break must not look like a check of its own. */
function inLine(text: string): string {
  return text.replaceAll(/\s*\n\s*/g, ' ');
}

function summary(checks: readonly CheckResult[]): string {
  const count = (verdict: Verdict) => checks.filter((check) => check.verdict === verdict).length;
  const parts = (['ok', 'warning', 'failed', 'skipped'] as const)
    .map((verdict) => [count(verdict), verdict] as const)
    .filter(([number]) => number > 0)
    .map(([number, verdict]) => `${number} ${verdict === 'warning' && number > 1 ? 'warnings' : verdict}`);
  return `${checks.length} checks: ${parts.join(', ')}.`;
}
