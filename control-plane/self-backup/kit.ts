import { createHash } from 'node:crypto';
import { fail } from '../../protocol/failure.ts';

/** What a recovery kit says that opens a backup. */
export interface ReadKit {
  vaultId: string;
  /** Ed25519, base64url. */
  signingKey: string;
  /** AGE-SECRET-KEY-1… */
  identity: string;
}

const SIGNED = ['recovery-kit', 'vault', 'vault-id', 'control-plane', 'made', 'signing-key', 'identity'];

/** Reads a kit by its grammar in docs/recovery.md. @throws FailureError `invalid_input` naming the line that is wrong */
export function readRecoveryKit(text: string): ReadKit {
  const found = new Map<string, string>();
  for (const line of text.split(/\r\n?|\n/)) {
    const [, name = '', value = ''] = /^\s*([a-z-]+):\s*(.*?)\s*$/.exec(line) ?? [];
    if (![...SIGNED, 'checksum'].includes(name)) continue;
    if (found.has(name)) throw wrong(`it has two lines “${name}:”`, 'Use one kit, whole.');
    found.set(name, value);
  }
  const missing = [...SIGNED, 'checksum'].find((name) => !found.has(name));
  if (missing) throw wrong(`it has no line “${missing}:”`, 'Give the recovery kit of the vault, whole.');
  const lines = SIGNED.map((name) => `${name}: ${found.get(name)}\n`).join('');
  const sum = createHash('sha256').update(lines).digest('hex').slice(0, 16);
  if (sum !== found.get('checksum')?.replaceAll(/[- ]/g, '').toLowerCase())
    throw wrong('its checksum is another one', 'A line is mistyped or broken: compare it with the original.');
  return {
    vaultId: found.get('vault-id') ?? '',
    signingKey: found.get('signing-key') ?? '',
    identity: found.get('identity') ?? '',
  };
}

function wrong(what: string, remedy: string) {
  return fail('invalid_input', `This is no recovery kit that can be used: ${what}.`, remedy);
}
