import { readFile } from 'node:fs/promises';
import { type Command, InvalidArgumentError } from 'commander';
import { fail } from '../../../protocol/failure.ts';
import { vaultCalled } from '../remote/resolve.ts';
import { bucketVaultShape } from '../remote/shapes.ts';
import { say } from '../say.ts';
import { readSecret } from '../secrets.ts';
import { connect } from './session.ts';

interface SftpOptions {
  host: string;
  port: number;
  user: string;
  path: string;
  hostKeys: string;
  keyFile?: string;
  passphraseFile?: string;
  passwordFile?: string;
}

interface RcloneOptions {
  path: string;
  sectionFile: string;
}

/** `add-sftp`, `change-sftp`, `add-rclone`, `change-rclone`. */
export function addRemoteCommands(root: Command): void {
  sftpOptions(
    root.command('add-sftp').description('make a vault on an SFTP server, once the server has passed a test'),
    'what the vault will be called',
  ).action(async (name: string, options: SftpOptions) => add(name, await sftpStore(options)));
  sftpOptions(
    root
      .command('change-sftp')
      .description('give a vault on an SFTP server another password, key or address; the folder stays'),
    'id or name',
  ).action(async (vault: string, options: SftpOptions) => change(vault, await sftpStore(options)));
  rcloneOptions(
    root
      .command('add-rclone')
      .description('make a vault on anything rclone reaches, once it has passed a test'),
    'what the vault will be called',
  ).action(async (name: string, options: RcloneOptions) => add(name, await rcloneStore(options)));
  rcloneOptions(
    root
      .command('change-rclone')
      .description('give a vault that rclone reaches another section of its configuration; the folder stays'),
    'id or name',
  ).action(async (vault: string, options: RcloneOptions) => change(vault, await rcloneStore(options)));
}

function sftpOptions(command: Command, vault: string): Command {
  return command
    .argument('<vault>', vault)
    .requiredOption('--host <host>', 'name or address of the server')
    .option('--port <port>', 'its port', port, 22)
    .requiredOption('--user <user>', 'who to log in as')
    .requiredOption('--path <folder>', 'folder of the vault; without a first slash from the user’s own on')
    .requiredOption('--host-keys <file>', 'the server’s public host keys, as ssh-keyscan prints them')
    .option('--key-file <file>', 'private key, in a file of mode 0600')
    .option('--passphrase-file <file>', 'its passphrase, in a file of mode 0600')
    .option('--password-file <file>', 'password, in a file of mode 0600; - is standard input');
}

function rcloneOptions(command: Command, vault: string): Command {
  return command
    .argument('<vault>', vault)
    .requiredOption(
      '--path <folder>',
      'folder of the vault on the remote; with a bucket first where it has these',
    )
    .requiredOption(
      '--section-file <file>',
      'a section of rclone’s configuration file, in a file of mode 0600; - is standard input',
    );
}

async function sftpStore(options: SftpOptions) {
  const { host, keyFile, passphraseFile, passwordFile, path, port, user } = options;
  const hostKeys = await readFile(options.hostKeys, 'utf8').catch((cause) => {
    throw fail('invalid_input', `${options.hostKeys} cannot be read.`, 'Check the path.', { cause });
  });
  const secret = async (name: string, what: string, file: string | undefined) =>
    file === undefined ? {} : { [name]: await readSecret(what, file) };
  const secrets = {
    ...(await secret('privateKey', 'Private key', keyFile)),
    ...(await secret('passphrase', 'Passphrase', passphraseFile)),
    ...(await secret('password', 'Password', passwordFile)),
  };
  // Asked for where nothing else was given.
  if (keyFile === undefined && passwordFile === undefined)
    Object.assign(secrets, { password: await readSecret('Password', undefined) });
  return { kind: 'rclone', path, remote: { type: 'sftp', host, port, user, hostKeys, ...secrets } };
}

async function rcloneStore({ path, sectionFile }: RcloneOptions) {
  const section = await readSecret('Section of rclone’s configuration', sectionFile);
  return { kind: 'rclone', path, remote: { type: 'other', section } };
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

function port(text: string): number {
  const value = Number(text);
  if (Number.isInteger(value) && value >= 1 && value <= 65535) return value;
  throw new InvalidArgumentError('Give a port, from 1 to 65535.');
}
