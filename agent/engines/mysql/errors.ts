import type { ConnectionBase } from '../../../protocol/engines/engine.ts';
import type { MysqlConnection } from '../../../protocol/engines/mysql.ts';
import { type Failure, FailureError, toFailure } from '../../../protocol/failure.ts';
import { complete, type Entry, firstCause, networkErrors, ToolError } from '../errors.ts';

type Explain = (where: ConnectionBase, text: string) => Entry;

const address = ({ host, port }: ConnectionBase) => (host.startsWith('/') ? host : `${host}:${port}`);
const { byCode, gone, refused, timeout, tlsUntrusted, unknownHost } = networkErrors({
  server: 'the database server',
  address,
  listening: 'bind-address in its configuration, and no skip-networking',
});

const denied: Explain = (where, text) => ({
  code: 'access_denied',
  message: `The server refused the login of “${where.user}”: ${text}`,
  hint: `${accountAdvice(where, text)}${
    // MariaDB 10 answers the same where it wants an encrypted connection.
    where.tls === 'off'
      ? ' An account or server that requires TLS refuses a login without it like this, too.'
      : ''
  }`,
});
/** The server names the account it looked for: the address it saw is seldom what the agent’s host calls itself. */
function accountAdvice({ user }: ConnectionBase, text: string): string {
  const host = /'@'([^']+)'/.exec(text)?.[1] ?? 'the agent’s address';
  return `Check the password, and that there is an account for '${user}'@'${host}': “SELECT user, host FROM mysql.user” lists them. '${user}'@'%' covers every address but those that a more exact host has an account for.`;
}
const notFromHere: Explain = (where, text) => ({
  code: 'access_denied',
  message: `The server refused the agent’s host: ${text}`,
  hint: `No account at all may log in from there. Create '${where.user}'@'${/^Host '([^']+)'/.exec(text)?.[1] ?? '%'}', or '${where.user}'@'%' for every address, with the grants that “Add server” shows.`,
});
const blocked: Explain = (_, text) => ({
  code: 'access_denied',
  message: `The server blocks the agent’s host: ${text}`,
  hint: 'Too many connections from there failed. Run FLUSH HOSTS (TRUNCATE TABLE performance_schema.host_cache) on the server.',
});
const tlsRequired: Explain = (where, text) =>
  where.tls === 'off' || where.tls === 'prefer'
    ? {
        code: 'tls_required',
        message: `${address(where)} takes encrypted connections only: ${text}`,
        hint: 'Choose TLS “Require” or “Verify” in the settings of this server.',
      }
    : {
        code: 'tls_required',
        message: `${address(where)} offers no TLS, which the settings of this server ask for.`,
        hint: 'The server has no TLS: give it a certificate (ssl_cert, ssl_key), or choose “Prefer” or “Off” if the network is trusted.',
      };
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
const crowded: Explain = (_, text) => ({
  code: 'server_gone',
  message: `The server takes no more connections: ${text}`,
  hint: 'Raise max_connections (or the account’s limit), or end sessions that are idle.',
  retryable: true,
});
const changed: Explain = (_, text) => ({
  code: 'dump_incomplete',
  message: `A table was changed while it was dumped: ${text}`,
  hint: 'Nothing was stored. Back up when nobody alters, renames or drops tables.',
  retryable: true,
});
const badView: Explain = (_, text) => ({
  code: 'dump_incomplete',
  message: `The database holds a view that no longer works: ${text}`,
  hint: 'Nothing was stored. “Check” on the database’s page names such views with the statement that removes each.',
});

/** By the server's or the client library's error number. */
const NUMBERS: Record<number, Explain> = {
  1007: (_, text) => ({
    code: 'database_exists',
    message: text,
    hint: 'Choose a name that is free, or the restore mode “In place”.',
  }),
  1021: disk,
  1114: disk,
  1040: crowded,
  1203: crowded,
  1226: crowded,
  1045: denied,
  1251: denied,
  1524: denied,
  1698: denied,
  1820: denied,
  1862: denied,
  3118: denied,
  4151: denied,
  1129: blocked,
  1130: notFromHere,
  1049: (where, text) => ({
    code: 'database_missing',
    message: `${address(where)} has no such database: ${text}`,
    hint: 'Check the name: the server’s page lists the databases there are. If it was dropped or renamed for good, stop protecting it; its snapshots stay.',
  }),
  1044: privilege,
  1142: privilege,
  1143: privilege,
  1227: privilege,
  1370: privilege,
  1410: privilege,
  1419: privilege,
  1205: busy,
  1213: busy,
  1412: changed,
  1146: changed,
  1356: badView,
  1053: gone,
  1080: gone,
  1152: gone,
  1158: gone,
  1159: gone,
  1160: gone,
  1161: gone,
  1184: gone,
  1927: gone,
  4031: gone,
  2002: refused,
  2003: (where, text) => (/\((?:110|113|"?timed)/i.test(text) ? timeout(where, text) : refused(where, text)),
  2005: unknownHost,
  2006: gone,
  2013: gone,
  2055: gone,
  2026: (where, text) =>
    /SSL is required|does not support/.test(text) ? tlsRequired(where, text) : tlsUntrusted(where, text),
  2054: denied,
  2059: denied,
  2061: tlsRequired,
  3159: tlsRequired,
  4152: tlsRequired,
};

/** By the code that mysql2 gives its own errors. */
const LIBRARY: Record<string, Explain> = {
  PROTOCOL_CONNECTION_LOST: gone,
  HANDSHAKE_NO_SSL_SUPPORT: tlsRequired,
  HANDSHAKE_SSL_ERROR: (where, text) =>
    /disconnected|ECONNRESET|EPIPE/.test(text) ? gone(where, text) : tlsUntrusted(where, text),
  AUTH_SWITCH_PLUGIN_ERROR: denied,
  MYSQL_CLEAR_PASSWORD_NOT_ENABLED: denied,
};

/** What mysql2 says, without a code, of a connection that was lost while nobody asked anything. */
const CLOSED = /^Can't (?:add new command when connection is|write) in closed state$/;

/** Errors of the server's that wrap one of its system's: 28 is ENOSPC, 122 EDQUOT. */
const NO_SPACE = /\((?:Errcode|errno): (?:28|122)\b/;

/** What an error of mysql2, of a client tool or of the network means, with its remedy. */
export function explain(error: unknown, where: MysqlConnection): Failure {
  if (error instanceof FailureError) return error.failure;
  if (error instanceof ToolError) return explainTool(error, where);
  const { code, message } = firstCause(error);
  const number = (error as { errno?: unknown } | null)?.errno;
  const entry =
    (typeof number === 'number' && number > 0 && byNumber(number, message)) ||
    (code && (LIBRARY[code] ?? byCode(code))) ||
    (CLOSED.test(message) && gone);
  if (entry) return complete(entry(where, message));
  if (typeof number === 'number' && number > 0) {
    return {
      code: 'internal',
      message: `The server reported ${number}: ${message}`,
      hint: 'Look into the server’s log around this time.',
      retryable: false,
    };
  }
  return toFailure(error);
}

/** What an error number means; `message` is looked at only for the number of the server's system inside it. */
function byNumber(number: number, message: string): Explain | undefined {
  if (Object.hasOwn(NUMBERS, number)) return NUMBERS[number];
  return NO_SPACE.test(message.replace(/'[^']*'|`[^`]*`/g, '')) ? disk : undefined;
}

/** How a tool begins a complaint. */
const TOOL = /^(?:mysqldump|mariadb-dump|mysql|mariadb): /;
/**
 * The forms in which the tools give an error's number, each where no name and no statement can stand. A statement
 * that is quoted may run over several lines; it comes before the server's own words, which end with the number.
 */
const FORMS: readonly RegExp[] = [
  /^(?:Got error: |Error |Error: )(\d+)\b/,
  /^ERROR (\d+) \([0-9A-Z]{5}\)/,
  /^Couldn't execute '[\s\S]*? \((\d+)\)\s*$/,
];

/** Number and first line of what a tool complained about; warnings before it are passed over. */
export function toolComplaint(stderr: string): { number: number | undefined; line: string } {
  const lines = stderr.split('\n');
  const at = lines.findIndex(
    (line) => line.trim() !== '' && !/\bWarning\b|Deprecated/.test(line.slice(0, 60)),
  );
  const text = lines.slice(Math.max(at, 0)).join('\n').replace(TOOL, '');
  const number = FORMS.map((form) => form.exec(text)?.[1]).find((found) => found !== undefined);
  return { number: number === undefined ? undefined : Number(number), line: lines[Math.max(at, 0)] ?? '' };
}

const RESTORE_PRIVILEGE_HINT =
  'Plan it again: “Check the target” prints the GRANT where one helps. Otherwise restore with an account that may do more for this once.';

/** A value ends at the last quote that more of the server’s words, or else nothing, comes after. */
const QUOTED_VALUES = [
  /((?:Duplicate entry|[Ii]ncorrect [\w ]*value:) ')[\s\S]*('(?= for (?:key|column|function)\b| at row ))/g,
  /([Ii]ncorrect [\w ]*value: ')(?!…')[\s\S]*('(?=\s*$))/g,
];

/** The server’s words without the values it quotes: what is kept of them is read by people who may see no data. */
export const withholdValues = (words: string) =>
  QUOTED_VALUES.reduce((shown, quoted) => shown.replace(quoted, '$1…$2'), words);

function explainTool(error: ToolError, where: MysqlConnection): Failure {
  const lines = withholdValues(error.exit.stderr.trim());
  const { number, line } = toolComplaint(lines);
  const restoring = !/dump/.test(error.tool.split(' ')[0] ?? '');
  const found = number === undefined ? undefined : byNumber(number, line);
  if (found && !(restoring && (found === changed || found === badView))) {
    const entry = found(where, line);
    if (restoring && entry.code === 'privilege_missing') entry.hint = RESTORE_PRIVILEGE_HINT;
    return complete(entry, lines);
  }
  const how = error.exit.signal ?? `exit status ${error.exit.exitCode}`;
  return {
    code: restoring ? 'restore_sql_error' : 'dump_incomplete',
    message: `${error.tool} failed (${how})${line ? `: ${line}` : '.'}`,
    hint: restoring
      ? 'The lines below say which statement the server refused.'
      : 'Nothing was stored. The lines below say what the tool met.',
    retryable: false,
    ...(lines ? { detail: lines.slice(-16_000) } : {}),
  };
}
