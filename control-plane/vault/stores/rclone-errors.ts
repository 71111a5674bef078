import { FailureError, fail } from '../../../protocol/failure.ts';
import { isBroken, RcloneError } from './rclone-daemon.ts';
import { describeRemote, type RcloneOptions, secretsOf } from './rclone-options.ts';

interface Meaning {
  /** What rclone says; it has no codes. */
  said: RegExp;
  /** What that is, after the name of the place. */
  means: string;
  hint: string;
  retryable?: boolean;
}

const FULL =
  /no space|disk (is )?full|not enough space|out of space|quota ?exceeded|storageQuota|insufficient.?storage|STATUS_DISK_FULL|\b507\b/i;

/** The first that fits counts. */
const MEANINGS: readonly Meaning[] = [
  {
    said: /knownhosts: key is unknown/,
    means: 'shows a host key that is not pinned',
    hint: 'Run “ssh-keyscan -p PORT HOST” from a place you trust, compare its fingerprints with the server’s own, and give all its lines as host keys.',
  },
  {
    said: /knownhosts: key mismatch|no common algorithm for host key/,
    means: 'shows another host key than the pinned ones',
    hint: 'Somebody may stand between: find out whether the server’s keys were changed. If they were, or not all of them had been given, give all lines of “ssh-keyscan -p PORT HOST”.',
  },
  {
    said: /unable to authenticate|LOGON_FAILURE|logon is invalid|login (incorrect|failed)|\b401\b|Unauthorized|AuthenticationFailed|InvalidAuthenticationInfo|invalid_grant|InvalidAccessKeyId|SignatureDoesNotMatch|InvalidClientTokenId|\b530\b/i,
    means: 'does not accept the login',
    hint: 'Check user, password and key. Of a token that has expired: authorise rclone again, and give the vault the new section.',
  },
  {
    said: /private key|passphrase|key decryption|no key found|x509: decryption|bcrypt_pbkdf/i,
    means: 'cannot be asked: the private key cannot be read',
    hint: 'Give the whole key file as OpenSSH writes it, and the passphrase if it has one.',
  },
  {
    said: /couldn't decrypt|base64 decode failed|input too short when revealing|reveal/i,
    means: 'cannot be asked: a password of the section is not as rclone keeps it',
    hint: 'Copy the section from rclone’s configuration file, or put the output of “rclone obscure” in the password’s place.',
  },
  {
    said: /permission denied|PERMISSION_DENIED|ACCESS_DENIED|\b403\b|Forbidden|AccessDenied|read.?only|AuthorizationPermissionMismatch/i,
    means: 'does not permit it',
    hint: 'Let the account list, read, write, rename and delete in the vault’s folder.',
  },
  {
    said: /no such host|server misbehaving|Temporary failure in name resolution/i,
    means: 'cannot be found: the name of its host is unknown',
    hint: 'Check the host name, and the DNS of the control plane’s host.',
    retryable: true,
  },
  {
    said: /connection refused|no route to host|network is unreachable|i\/o timeout|deadline exceeded|connection reset|broken pipe|EOF|connection lost|couldn't connect|host is down/i,
    means: 'is not reachable',
    hint: 'Check that the server is up, and that the control plane’s host reaches it at this address and port.',
    retryable: true,
  },
  {
    said: /didn't find backend|unknown type|couldn't find type/i,
    means: 'is of a type that this rclone does not know',
    hint: 'Correct the type, or install a newer rclone on the control plane’s host.',
  },
];

/** What rclone’s refusal means to whoever asked for it. Secrets are in none of it. */
export function rcloneFailure(error: unknown, options: RcloneOptions): unknown {
  if (error instanceof FailureError || !(error instanceof Error)) return error;
  const where = describeRemote(options);
  if (isBroken(error))
    return fail(
      'store_unavailable',
      `${where} could not be asked: rclone has died.`,
      'Nothing, if it goes on by itself: rclone is started again. Else look at the memory of the control plane’s host.',
      { retryable: true },
    );
  if (!(error instanceof RcloneError)) return error;
  const said = withoutSecrets(error.message, options);
  const detail = { detail: said };
  if (FULL.test(error.message)) return roomless(where, detail);
  const meaning = MEANINGS.find((one) => one.said.test(error.message));
  if (meaning) {
    const { hint, means, retryable = false } = meaning;
    return fail('store_unavailable', `${where} ${means}.`, hint, { retryable, ...detail });
  }
  return fail(
    'store_unavailable',
    `${where} answers “${said}”.`,
    'Check that the store is up and that the control plane reaches it.',
    { retryable: true },
  );
}

/** The failure of a store that has no room. */
export function roomless(where: string, detail: { detail?: string } = {}): FailureError {
  return fail('disk_full', `${where} has no room.`, 'Free space there, or raise its quota.', detail);
}

/** One line of what rclone says, to be shown: it may quote addresses with a signature in them, or a whole option. */
function withoutSecrets(message: string, options: RcloneOptions): string {
  let text = message;
  for (const secret of secretsOf(options))
    for (const form of [secret, JSON.stringify(secret).slice(1, -1), encodeURIComponent(secret)])
      text = text.replaceAll(form, '[redacted]');
  return text
    .replaceAll(/(https?:\/\/)[^\s"/@]*@/g, '$1')
    .replaceAll(/(https?:\/\/[^\s"?]*)\?[^\s"]*/g, '$1?…')
    .replaceAll(/\s+/g, ' ')
    .slice(0, 500);
}
