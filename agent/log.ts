import { pino } from 'pino';

/** The agent's logger; what it must never show is redacted here as well as kept out of calls. */
export type Log = pino.Logger;

const SECRETS = ['password', 'token', 'session', 'sealed', 'secret', 'bearer', 'pem', 'authorization'];

/** JSON lines, or short readable lines where `stdout` is a terminal. */
export function createLog(level: string): Log {
  const options: pino.LoggerOptions = {
    level,
    base: null,
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label) => ({ level: label }) },
    redact: { paths: SECRETS.flatMap((name) => [name, `*.${name}`]), censor: '[secret]' },
  };
  return process.stdout.isTTY ? pino(options, { write: writeReadable }) : pino(options);
}

function writeReadable(line: string): void {
  const { level, time, msg, ...rest } = JSON.parse(line) as Record<string, unknown>;
  const details = Object.entries(rest).map(([key, value]) => `${key}=${readable(value)}`);
  process.stdout.write(
    `${printable([String(time).slice(11, 19), String(level).padEnd(5), msg, ...details].join(' '))}\n`,
  );
}

/** Text from elsewhere without what could move a terminal's cursor or change its colours. */
export function printable(text: string): string {
  return text.replaceAll(/[^\P{Cc}\n\t]|\p{Bidi_Control}/gu, '�');
}

function readable(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}
