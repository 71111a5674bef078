import { type Logger, pino } from 'pino';

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

/** The control plane's one logger: JSON lines on standard output, secrets replaced. */
export function createLogger(level: string): Logger {
  const paths = SECRET_KEYS.flatMap((name) => [name, `*.${name}`, `*.*.${name}`]);
  return pino({ level, redact: { paths, censor: '[redacted]' }, base: null });
}
