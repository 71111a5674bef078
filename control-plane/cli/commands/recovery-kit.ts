import { resolve } from 'node:path';
import type { Command } from 'commander';
import { refuseExisting, writeNewFile } from '../new-file.ts';
import { vaultCalled } from '../remote/resolve.ts';
import { say } from '../say.ts';
import { connect } from './session.ts';

/** `recovery-kit`. */
export function addRecoveryKitCommand(root: Command): void {
  root
    .command('recovery-kit')
    .description('fetch what restores a vault without Homeport; it holds the vault’s private key')
    .argument('<vault>', 'id or name')
    .requiredOption('--out <file>', 'where to put it, mode 0600; it must not be there yet')
    .action(async (wanted: string, { out }: { out: string }) => {
      const path = resolve(out);
      await refuseExisting(path); // fetching it is in the audit log: not in vain
      const client = await connect();
      const { id, name } = await vaultCalled(client, wanted);
      const signal = AbortSignal.timeout(60_000);
      const { body } = await client.open(`/vaults/${id}/recovery-kit`, { signal, method: 'POST' });
      await writeNewFile(body, path);
      say(`${path}: the recovery kit of vault “${name}”.`);
      say(
        'Whoever has it and the vault’s files can read every backup. Keep it offline, away from the vault.',
      );
    });
}
