import { CommanderError } from 'commander';
import { type Failure, type FailureCode, toFailure } from '../../protocol/failure.ts';
import { indented, printable } from './text.ts';

/** Exit codes; `docs/cli.md` lists them, scripts go by them. */
export const EXIT = {
  ok: 0,
  failed: 1,
  misused: 2,
  notAllowed: 3,
  notFound: 4,
  outOfReach: 5,
  jobFailed: 6,
  interrupted: 130,
} as const;

const BY_CODE: Partial<Record<FailureCode, number>> = {
  invalid_input: EXIT.misused,
  unauthorized: EXIT.notAllowed,
  forbidden: EXIT.notAllowed,
  policy_denied: EXIT.notAllowed,
  agent_revoked: EXIT.notAllowed,
  not_found: EXIT.notFound,
  agent_unknown: EXIT.notFound,
  agent_offline: EXIT.outOfReach,
  agent_busy: EXIT.outOfReach,
  request_timeout: EXIT.outOfReach,
  control_plane_unreachable: EXIT.outOfReach,
  store_unavailable: EXIT.outOfReach,
  provider_unavailable: EXIT.outOfReach,
};

/** Ends the command with a code; all there is to say has been said. */
export class Quit extends Error {
  override readonly name = 'Quit';
  readonly code: number;

  constructor(code: number) {
    super(`exit ${code}`);
    this.code = code;
  }
}

/** Whether a failure means that nobody answered: trying again later may do. */
export function isOutOfReach(failure: Failure): boolean {
  return BY_CODE[failure.code] === EXIT.outOfReach;
}

/** Says what went wrong, on standard error, and gives the exit code. */
export function report(error: unknown): number {
  if (error instanceof Quit) return error.code;
  if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.ok : EXIT.misused;
  const failure = toFailure(error);
  process.stderr.write(describeFailure(failure));
  return BY_CODE[failure.code] ?? EXIT.failed;
}

/** A failure for people: what happened, what to do, what to paste, what the tool said. */
export function describeFailure({ code, detail, hint, message, sql }: Failure): string {
  const lines = [`homeport: ${message} (${code})`, hint];
  if (sql !== undefined) lines.push('SQL to paste:', indented(sql));
  if (detail !== undefined) lines.push('What the tool said:', indented(detail));
  return `${printable(lines.join('\n'))}\n`;
}
