import { createHash } from 'node:crypto';
import type { VaultSecrets } from '../keys.ts';

/** Where and when a kit was made, for whoever finds it years later. */
export interface KitOrigin {
  /** Address of the control plane. */
  url: string;
  /** Milliseconds since the epoch. */
  now: number;
  /** Where the vault’s files are, in words, if that is not the control plane’s own disk. */
  place?: string;
}

/** First hex digits of a SHA-256 that a kit shows: enough to notice a mistyped line. */
const CHECKSUM_DIGITS = 16;

/**
 * The recovery kit of a managed vault: text for people and for `recover.mjs`, grammar in docs/recovery.md.
 * It holds the age identity: whoever has it and the vault's files can read every backup.
 */
export function recoveryKit(
  secrets: Pick<VaultSecrets, 'name' | 'vaultId' | 'signingKey' | 'identity'>,
  { url, now, place }: KitOrigin,
): string {
  const fields = [
    ['recovery-kit', '1'],
    ['vault', oneLine(secrets.name)],
    ['vault-id', secrets.vaultId],
    ['control-plane', oneLine(url)],
    ['made', new Date(now).toISOString()],
    ['signing-key', secrets.signingKey],
    ['identity', secrets.identity],
  ].map(([name, value]) => `${name}: ${value}\n`);
  const where = place === undefined ? '' : `The vault's files: ${oneLine(place)}\n\n`;
  return `${ABOUT}\n${fields.join('')}checksum: ${checksum(fields.join(''))}\n\n${where}${INSTRUCTIONS}`;
}

/** Name of the file a kit is saved as; one vault's kits do not take another's place. */
export function recoveryKitFileName({ vaultId }: Pick<VaultSecrets, 'vaultId'>): string {
  return `homeport-recovery-kit-${vaultId.slice(0, 8)}.txt`;
}

function checksum(fields: string): string {
  const hash = createHash('sha256').update(fields).digest('hex').slice(0, CHECKSUM_DIGITS);
  return hash.replaceAll(/(.{4})(?=.)/g, '$1-');
}

/** A value ends where its line does; an empty one would be no value. */
function oneLine(text: string): string {
  return (
    text
      .replaceAll(/[\p{Cc}\p{Zl}\p{Zp}]/gu, ' ')
      .replaceAll(/\s+/g, ' ')
      .trim() || '-'
  );
}

const ABOUT = `HOMEPORT RECOVERY KIT

Whoever has this kit and the files of the vault can read every backup in it.
Keep it on paper or in a password manager, away from the vault and never in it.
`;

const INSTRUCTIONS = `To get a backup back without Homeport, on any machine with Node 22.15 or newer:

1. Fetch the vault's files (the folder with vault.json in it) and save this kit as kit.txt.
2. See what is there:   node recover.mjs --kit kit.txt list
3. Get one backup:      node recover.mjs --kit kit.txt get SNAPSHOT --out FILE
4. Put it back with the database's own tool; recover.mjs prints the command.
5. recover.mjs lies in the vault. If others can write there, use a copy you trust.
`;
