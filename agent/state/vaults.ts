import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { z } from 'zod';
import { fingerprint } from '../../protocol/enrolment.ts';
import { fail } from '../../protocol/failure.ts';
import { openStatement, type VaultStatement } from '../../protocol/vault/statement.ts';
import { readState, writeDurable } from './durable.ts';

const pinSchema = z.object({
  v: z.literal(1),
  /** The vault's Ed25519 key, pinned at first sight: raw, base64url. */
  signingKey: z.string(),
  /** Highest version of the recipient list seen, and what it said. */
  version: z.number().int().positive(),
  statementHash: z.string(),
  /** Newest committed sequence number by database id. */
  sequences: z.record(z.string(), z.number().int().positive()),
});
type Pin = z.infer<typeof pinSchema>;

/** What this agent remembers of vaults, so that nobody can show it an older or another one. */
export interface VaultPins {
  /**
   * Checks a vault's signed statement against what is pinned, pins what is new, and returns it.
   * @throws FailureError `signature_invalid` | `control_plane_untrusted` | `policy_denied`
   */
  admit(vault: { id: string; statement: string }): Promise<VaultStatement>;
  /** @throws FailureError `control_plane_untrusted` where `sequence` is not beyond the newest commit */
  checkSequence(vaultId: string, databaseId: string, sequence: number): Promise<void>;
  /** The newest committed sequence number of a database; 0: none is known here. */
  newest(vaultId: string, databaseId: string): Promise<number>;
  committed(vaultId: string, databaseId: string, sequence: number): Promise<void>;
}

/** @param allowedKey fingerprint of the only signing key that local policy allows, if it names one */
export function createVaultPins(stateDir: string, allowedKey?: string): VaultPins {
  const pathOf = (vaultId: string) => join(stateDir, 'vaults', `${z.uuid().parse(vaultId)}.json`);
  let last: Promise<unknown> = Promise.resolve();
  /** Read-change-write of a pin, one after the other: jobs run side by side. */
  function inTurn<T>(task: () => Promise<T>): Promise<T> {
    const turn = last.then(task);
    last = turn.catch(() => undefined); // the caller of `turn` has the error
    return turn;
  }
  const save = (vaultId: string, pin: Pin) => writeDurable(pathOf(vaultId), `${JSON.stringify(pin)}\n`);
  const load = (vaultId: string) => readState(pathOf(vaultId), pinSchema);
  const newestOf = async (vaultId: string, databaseId: string) =>
    (await load(vaultId))?.sequences[databaseId] ?? 0;
  return {
    admit: (vault) =>
      inTurn(async () => {
        const pin = await load(vault.id);
        const statement = openStatement('vault', vault.statement, pin?.signingKey ?? 'own');
        if (statement.vaultId !== vault.id) throw untrusted('The statement is another vault’s.');
        const found = fingerprint(statement.signingKey);
        if (allowedKey !== undefined && found !== allowedKey) throw vaultNotAllowed(found);
        const next = advance(pin, statement);
        if (next !== pin) await save(vault.id, next);
        return statement;
      }),
    newest: newestOf,
    async checkSequence(vaultId, databaseId, sequence) {
      const newest = await newestOf(vaultId, databaseId);
      if (sequence <= newest) {
        throw untrusted(`Snapshot ${newest} of this database exists, but ${sequence} is to be made next.`);
      }
    },
    committed: (vaultId, databaseId, sequence) =>
      inTurn(async () => {
        const pin = await load(vaultId);
        if (!pin) throw new Error(`Vault ${vaultId} was never admitted.`);
        await save(vaultId, { ...pin, sequences: { ...pin.sequences, [databaseId]: sequence } });
      }),
  };
}

function advance(pin: Pin | undefined, statement: VaultStatement): Pin {
  const { version, signingKey, recipients } = statement;
  const statementHash = createHash('sha256').update(JSON.stringify(recipients)).digest('hex');
  if (!pin) return { v: 1, signingKey, version, statementHash, sequences: {} };
  // Restores go by the key a statement names, so it may only ever name the one that is pinned.
  if (signingKey !== pin.signingKey) throw untrusted('It names another signing key than the pinned one.');
  if (version < pin.version)
    throw untrusted(`Its recipient list is version ${version}, older than ${pin.version}.`);
  if (version === pin.version) {
    if (statementHash !== pin.statementHash)
      throw untrusted('Its recipient list changed without a new version.');
    return pin;
  }
  return { ...pin, version, statementHash };
}

function vaultNotAllowed(found: string) {
  return fail(
    'policy_denied',
    `The local policy allows another vault, not the one with signing key ${found}.`,
    'Change vault_key in the agent’s configuration if this vault is the right one.',
  );
}

function untrusted(why: string) {
  return fail(
    'control_plane_untrusted',
    `The control plane shows an older or a forged state of the vault. ${why}`,
    'If the vault was put back from an old copy, remove its file under vaults/ in the agent’s state directory; otherwise find out who changed it.',
  );
}
