import { type Logger, type LoggerOptions, pino } from 'pino';

export type { Logger };

/** Names under which a secret could reach a log line by mistake. */
const SECRET_KEYS = [
  'password',
  'token',
  'key',
  'secret',
  'session',
  'sealed',
  'authorization',
  'cookie',
  'setupToken',
];

/**
 * The control plane's one logger, secrets replaced: JSON lines on standard output, or short readable lines where
 * that is a terminal.
 */
export function createLogger(level: string): Logger {
  const paths = SECRET_KEYS.flatMap((name) => [name, `*.${name}`, `*.*.${name}`]);
  const options: LoggerOptions = {
    level,
    base: null,
    redact: { paths, censor: '[redacted]' },
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label) => ({ level: label }) },
  };
  return process.stdout.isTTY
    ? pino(options, { write: (line) => void process.stdout.write(`${readableLine(line)}\n`) })
    : pino(options);
}

/** One JSON line as a person at a terminal reads it; what came from elsewhere cannot steer that terminal. */
export function readableLine(line: string): string {
  const { level, time, msg, ...rest } = JSON.parse(line) as Record<string, unknown>;
  const details = Object.entries(rest).map(([key, value]) => `${key}=${readable(value)}`);
  const text = [String(time).slice(11, 19), String(level).padEnd(5), msg, ...details].join(' ');
  return text.replaceAll(/[^\P{Cc}\n\t]|\p{Bidi_Control}/gu, '�');
}

function readable(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}
