import type { Command } from 'commander';
import { vaultCalled } from '../remote/resolve.ts';
import { bucketVaultShape } from '../remote/shapes.ts';
import { say } from '../say.ts';
import {
  type RcloneOptions,
  rcloneOptions,
  rcloneStore,
  type SftpOptions,
  sftpOptions,
  sftpStore,
} from './remote-place.ts';
import { connect } from './session.ts';

/** `add-sftp`, `change-sftp`, `add-rclone`, `change-rclone`. */
export function addRemoteCommands(root: Command): void {
  const made = 'what the vault will be called';
  sftpCommand(root, 'add-sftp', made)
    .description('make a vault on an SFTP server, once the server has passed a test')
    .action(async (name: string, options: SftpOptions) => add(name, await sftpStore(options)));
  sftpCommand(root, 'change-sftp', 'id or name')
    .description('give a vault on an SFTP server another password, key or address; the folder stays')
    .action(async (vault: string, options: SftpOptions) => change(vault, await sftpStore(options)));
  rcloneCommand(root, 'add-rclone', made)
    .description('make a vault on anything rclone reaches, once it has passed a test')
    .action(async (name: string, options: RcloneOptions) => add(name, await rcloneStore(options)));
  rcloneCommand(root, 'change-rclone', 'id or name')
    .description('give a vault that rclone reaches another section of its configuration; the folder stays')
    .action(async (vault: string, options: RcloneOptions) => change(vault, await rcloneStore(options)));
}

function sftpCommand(root: Command, name: string, vault: string): Command {
  const command = root.command(name).argument('<vault>', vault);
  return sftpOptions(command, true).requiredOption(
    '--path <folder>',
    'folder of the vault; without a first slash from the user’s own on',
  );
}

function rcloneCommand(root: Command, name: string, vault: string): Command {
  const command = root.command(name).argument('<vault>', vault);
  return rcloneOptions(command, true).requiredOption(
    '--path <folder>',
    'folder of the vault on the remote; with a bucket first where it has these',
  );
}

async function add(name: string, store: unknown): Promise<void> {
  const client = await connect();
  const made = await client.post('/vaults', { name, store }, bucketVaultShape);
  say(`Vault “${made.name}” is in ${made.path}. Its id: ${made.id}`);
  say(`Fetch its recovery kit:       homeport recovery-kit ${made.id} --out kit.txt`);
  say(`Let new backups go there:     homeport use-vault ${made.id}`);
}

async function change(wanted: string, store: unknown): Promise<void> {
  const client = await connect();
  const { id } = await vaultCalled(client, wanted);
  const changed = await client.put(`/vaults/${id}/store`, { store }, bucketVaultShape);
  say(`Vault “${changed.name}” uses ${changed.path} with the new settings.`);
}
