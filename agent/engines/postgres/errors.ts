import { isIP } from 'node:net';
import type { PostgresConnection } from '../../../protocol/engines/postgres.ts';
import { type Failure, FailureError, toFailure } from '../../../protocol/failure.ts';
import { complete, type Entry, firstCause, networkErrors, ToolError } from '../errors.ts';
import { LOCKED, OUT_OF_SPACE, REFUSED_PRIVILEGE } from './languages.ts';
import { withholdRows } from './withhold-rows.ts';

type Explain = (where: PostgresConnection, text: string) => Entry;

const address = ({ host, port }: PostgresConnection) => (host.startsWith('/') ? host : `${host}:${port}`);
const { gone, refused, timeout, unknownHost, tlsUntrusted, byCode } = networkErrors({
  server: 'PostgreSQL',
  address: (where) => address(where as PostgresConnection),
  listening: 'listen_addresses in postgresql.conf',
});

const denied: Explain = (where, text) => ({
  code: 'access_denied',
  message: `The server refused the login of “${where.user}”: ${text}`,
  hint: loginAdvice(where, text),
});
const tlsMissing: Explain = (where) => ({
  code: 'tls_required',
  message: `${address(where)} offers no TLS, which the settings of this server ask for.`,
  hint: 'The server has no TLS: switch it on there (ssl = on), or choose “Prefer” or “Off” if the network is trusted.',
});
const tlsWanted: Explain = (where, text) => ({
  code: 'tls_required',
  message: `${address(where)} lets “${where.user}” in by encrypted connections only: ${text}`,
  hint: 'Choose TLS “Require” or “Verify” in the settings of this server.',
});
const privilege: Explain = (where, text) => ({
  code: 'privilege_missing',
  message: `“${where.user}” lacks a privilege: ${text}`,
  hint: '“Check” on the database’s page prints the GRANT to paste.',
});
const disk: Explain = (where, text) => ({
  code: 'disk_full',
  message: `The database server at ${address(where)} ran out of space: ${text}`,
  hint: 'Free space on its disk (“df -h” there shows which one is full), or restore to a server with more room.',
});
const busy: Explain = (_, text) => ({
  code: 'database_in_use',
  message: text,
  hint: 'Something else holds the database or a lock on it. Try again, or end the sessions that use it.',
  retryable: true,
});
const tooManyLocks: Explain = (_, text) => ({
  code: 'restore_sql_error',
  message: `The database has more objects than the server can lock in one transaction: ${text}`,
  hint: 'Raise max_locks_per_transaction in postgresql.conf and restart the server, or restore into a new database.',
});

const readOnly: Explain = (_, text) => ({
  code: 'restore_not_possible',
  message: `The server takes no changes here: ${text}`,
  hint: 'A standby takes none: restore to its primary. Otherwise default_transaction_read_only is on; ALTER ROLE or ALTER DATABASE … SET default_transaction_read_only = off lets this account write.',
});

/** A login that was refused, where the same one would be asked for its password over TLS. */
export class TlsWanted extends Error {
  override readonly name = 'TlsWanted';
}

/** What to do about a refused login. Only names and addresses are read: the words may be of any language. */
function loginAdvice({ host, user }: PostgresConnection, text: string): string {
  if (host.startsWith('/') && !text.startsWith('SASL:'))
    return 'By a socket PostgreSQL often takes the name of the system user (“peer” in pg_hba.conf) and no password: connect to 127.0.0.1 instead, or set scram-sha-256 for this account.';
  if (!text.includes('pg_hba.conf'))
    return `Check user and password. PostgreSQL says the same of a wrong one and of a role that does not exist: “\\du ${user}” in psql shows whether it is there and may log in.`;
  const from = text.match(/[\da-fA-F.:]+/g)?.find((word) => isIP(word) > 0);
  const network = from ? `${from}/${isIP(from) === 6 ? 128 : 32}` : 'ADDRESS/32';
  return `No line of pg_hba.conf lets this user in from the agent’s address. Add “host all ${user} ${network} scram-sha-256” above the lines that reject it, then run SELECT pg_reload_conf().`;
}

const SQLSTATES: Record<string, Explain> = {
  '28P01': denied,
  '28000': denied,
  '25006': readOnly,
  '3D000': (where, text) => ({
    code: 'database_missing',
    message: `${address(where)} has no such database: ${text}`,
    hint: 'Check the name: the server’s page lists the databases there are. If it was dropped or renamed for good, stop protecting it; its snapshots stay. If it is the maintenance database, name another one in the server’s settings.',
  }),
  '42P04': (_, text) => ({
    code: 'database_exists',
    message: text,
    hint: 'Choose a name that is free, or the restore mode “Swap”.',
  }),
  '42501': privilege,
  '53100': disk,
  '53300': (_, text) => ({
    code: 'server_gone',
    message: `The server takes no more connections: ${text}`,
    hint: 'Raise max_connections, or end sessions that are idle.',
    retryable: true,
  }),
  '55006': busy,
  '55P03': busy,
  '57P01': gone,
  '57P02': gone,
  '57P03': (_, text) => ({
    code: 'server_gone',
    message: `The server does not take connections now: ${text}`,
    hint: 'It is starting up, shutting down or recovering. Wait, then try again.',
    retryable: true,
  }),
  '08000': gone,
  '08003': gone,
  '08006': gone,
};

/** What an error of `pg`, of a client tool or of the network means, with its remedy. */
export function explain(error: unknown, where: PostgresConnection): Failure {
  if (error instanceof FailureError) return error.failure;
  if (error instanceof ToolError) return explainTool(error, where);
  const { code, message } = firstCause(error);
  const wanted = error instanceof TlsWanted ? tlsWanted : undefined;
  const entry = wanted || (code && (SQLSTATES[code] ?? byCode(code))) || byWords(message);
  if (entry) return complete(entry(where, message));
  if (code && /^[0-9A-Z]{5}$/.test(code)) {
    return {
      code: 'internal',
      message: `PostgreSQL reported ${code}: ${message}`,
      hint: 'Look into the server’s log around this time.',
      retryable: false,
    };
  }
  return toFailure(error);
}

/** `pg` gives these without a code. */
function byWords(message: string): Explain | undefined {
  if (message.includes('does not support SSL')) return tlsMissing;
  if (message.startsWith('SASL:')) return denied;
  if (message.startsWith('Connection terminated') || message.includes('not queryable')) return gone;
  return undefined;
}

/** Words of libpq about a connection that did not come about, as the tools print them under LC_ALL=C. */
const CONNECTING_WORDS: [RegExp, Explain][] = [
  [/the database system is/, gone],
  [/Connection refused/, refused],
  [/could not translate host name/, unknownHost],
  [/timeout expired|Connection timed out/, timeout],
  [/password authentication failed|no pg_hba\.conf entry/, denied],
  [/certificate/, tlsUntrusted],
];

/** Words of the server and of libpq about what was asked of it. */
const WORKING_WORDS: [RegExp, Explain][] = [
  [OUT_OF_SPACE, disk],
  [
    /server closed the connection unexpectedly|terminating connection|connection to server was lost|SSL SYSCALL|connection not open/,
    gone,
  ],
  [REFUSED_PRIVILEGE, privilege],
  [LOCKED, busy],
  [/the database was changed while/, busy],
  [/in a read-only transaction|during recovery/, readOnly],
  [/out of shared memory/, tooManyLocks],
];

function explainTool(error: ToolError, where: PostgresConnection): Failure {
  const lines = withholdRows(error.exit.stderr.trim());
  const first = lines.split('\n').find((line) => line.includes('error:')) ?? lines.split('\n')[0] ?? '';
  const restoring = error.tool.startsWith('pg_restore');
  const found = wordsIn(lines);
  if (found) {
    const entry = found(where, first);
    if (restoring && entry.code === 'privilege_missing') entry.hint = RESTORE_PRIVILEGE_HINT;
    return complete(entry, lines);
  }
  const how = error.exit.signal ?? `exit status ${error.exit.exitCode}`;
  return {
    code: restoring ? 'restore_sql_error' : 'dump_incomplete',
    message: `${error.tool} failed (${how})${first ? `: ${first}` : '.'}`,
    hint: restoring
      ? 'What the restore had made is gone again. The lines below say which statement the server refused.'
      : 'Nothing was stored. The lines below say what the tool met.',
    retryable: false,
    detail: lines,
  };
}

const RESTORE_PRIVILEGE_HINT =
  'What the restore had made is gone again. Plan it again: “Check the target” prints the GRANT where one helps. Otherwise restore without owners, or with a superuser for this once.';

/** Looks at what server and tool say themselves: names and quoted statements could hold any of these words. */
function wordsIn(lines: string): Explain | undefined {
  const own = lines
    .split('\n')
    .filter((line) => /\b(error|detail|FATAL|ERROR|PANIC):|^\t|^server closed|^SSL/.test(line))
    .map((line) => line.replace(/Command was: .*/, '').replace(/"[^"]*"/g, '""'))
    .join('\n');
  const words = /error: connection to /.test(own) ? [...CONNECTING_WORDS, ...WORKING_WORDS] : WORKING_WORDS;
  return words.find(([pattern]) => pattern.test(own))?.[1];
}
