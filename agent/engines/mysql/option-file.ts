import { getCACertificates } from 'node:tls';
import { fail } from '../../../protocol/failure.ts';
import { openSecretRoom, type SecretRoom } from '../../process.ts';
import type { MysqlServer, Session } from './connect.ts';
import type { Flavour } from './flavour.ts';

/** What a client tool needs to log in: its secrets in a file of its own room, never in arguments. */
export interface ToolLogin extends AsyncDisposable {
  room: SecretRoom;
  env: Record<string, string>;
  /** Must come first among the tool's arguments: options of the user's and the host's own files are then unread. */
  args: readonly string[];
  /** What must not show up in what is kept of the tool's words. */
  redact: readonly string[];
}

/**
 * Opens a {@link ToolLogin} for tools of the session's product. They encrypt exactly if the session does, so that
 * nobody can talk a tool out of what “prefer” had found.
 * @param dumpOptions for dump tools: what may be too long for arguments
 */
export async function toolLogin(
  server: MysqlServer,
  session: Pick<Session, 'flavour' | 'tls'>,
  dumpOptions: readonly { name: string; value: string }[] = [],
): Promise<ToolLogin> {
  const { tls, ca } = server.connection;
  const verify = tls === 'verify-full' && session.tls;
  // The room's path is not known before it is made; tools run inside it, so a relative one does.
  const caFile = verify ? 'ca.pem' : undefined;
  const room = await openSecretRoom({
    'login.cnf': optionFile(server, { flavour: session.flavour, tls: session.tls, caFile, dumpOptions }),
    ...(verify ? { 'ca.pem': ca ?? getCACertificates('default').join('\n') } : {}),
  });
  return {
    room,
    // MySQL's tools read ~/.mylogin.cnf whatever --defaults-file says.
    env: { MYSQL_TEST_LOGIN_FILE: '/dev/null' },
    args: [`--defaults-file=${room.path('login.cnf')}`],
    redact: [server.password],
    [Symbol.asyncDispose]: () => room[Symbol.asyncDispose](),
  };
}

/** @param how.caFile PEM of what to trust; the certificate and its name are checked where it is given */
export function optionFile(
  server: MysqlServer,
  how: {
    flavour: Flavour;
    tls: boolean;
    caFile?: string | undefined;
    dumpOptions?: readonly { name: string; value: string }[];
  },
): string {
  const { host, port, user } = server.connection;
  const where = host.startsWith('/')
    ? ['protocol=SOCKET', `socket=${value(host)}`]
    : // Without a protocol “localhost” would mean a socket.
      ['protocol=TCP', `host=${value(host)}`, `port=${port}`];
  const lines = [
    '[client]',
    ...where,
    `user=${value(user)}`,
    `password=${value(server.password)}`,
    ...(how.flavour === 'mysql' ? mysqlTls(how) : mariadbTls(how)),
    // Read by the clients alone: a hostile server or dump could otherwise ask for any file of the agent's.
    '[mysql]',
    'local-infile=0',
    '[mysqldump]',
    ...(how.dumpOptions ?? []).map((option) => `${option.name}=${value(option.value)}`),
  ];
  return `${lines.join('\n')}\n`;
}

function mariadbTls({ tls, caFile }: { tls: boolean; caFile?: string | undefined }): string[] {
  if (!tls) return ['skip-ssl'];
  if (caFile === undefined) return ['ssl=1', 'ssl-verify-server-cert=0'];
  return ['ssl=1', `ssl-ca=${value(caFile)}`, 'ssl-verify-server-cert=1'];
}

function mysqlTls({ tls, caFile }: { tls: boolean; caFile?: string | undefined }): string[] {
  // Without TLS caching_sha2_password encrypts the password with a key that the server sends. It keeps it from who
  // listens, not from who stands between: like everything else in the modes that check no certificate.
  if (!tls) return ['ssl-mode=DISABLED', 'get-server-public-key=1'];
  if (caFile === undefined) return ['ssl-mode=REQUIRED'];
  return ['ssl-mode=VERIFY_IDENTITY', `ssl-ca=${value(caFile)}`];
}

const ESCAPES: Record<string, string> = {
  '\\': '\\\\',
  '"': '\\"',
  "'": "\\'",
  '\n': '\\n',
  '\r': '\\r',
  '\t': '\\t',
  '\b': '\\b',
};
/** Longest line the tools read whole, in bytes, with room for the option's name. */
const MAX_VALUE = 4000;

/** A value of an option file, quoted: `#` is then no comment, and blanks at the ends stay. */
function value(text: string): string {
  const quoted = `"${text.replace(/[\\"'\n\r\t\b]/g, (character) => ESCAPES[character] ?? character)}"`;
  if (Buffer.byteLength(quoted) <= MAX_VALUE && !text.includes('\0')) return quoted;
  throw fail(
    'invalid_input',
    'User, password or host is too long or contains a NUL.',
    'The client tools cannot take it from a file. Choose another one.',
  );
}
